"""What only a GPU can show, on one: `python -m tests.gpu --help`.

    python -m tests.gpu --data CIFAR10.tar.xz --models FOLDER
    python -m tests.gpu --tiny

Run where bdaudit is installed, in the Python that it is installed in; a checkout on `PYTHONPATH`
will not do, since workers do not look there. Each step has a time limit, and goes into the table
as soon as it ends: OUTPUT/table.md, with all that was printed in OUTPUT/log.txt.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from tests.gpu import material
from tests.gpu.bench import Bench, Failed
from tests.gpu.steps import Step, long, prepare, short
from tests.gpu.table import Row, Table

BACKENDS = ("jax", "torch", "tensorflow")
PACKAGES = ("bdaudit", "keras", "numpy", "opencv-python", "opencv-python-headless", *BACKENDS)
SHARED = material.ROOT.parent / "shared"


def main() -> None:
    """Do what the command line says."""
    given = arguments()
    began = time.monotonic()
    given.output.mkdir(parents=True, exist_ok=True)
    log = given.output / "log.txt"
    log.write_text("", "utf-8")
    table = Table(given.output / "table.md", facts(tiny=given.tiny))
    print("\n".join(table.facts), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.tiny:
            work_on = material.tiny(folder)
        else:
            work_on = material.photographs(given.data.absolute(), given.models.absolute(), folder)
        ends = began + 60 * given.minutes
        benches = [Bench(b, work_on, folder, log, ends, given.tiny) for b in given.backends]
        listed = [
            (bench, *step)
            for bench in benches
            for step in short(work_on, first=bench is benches[0], tiny=given.tiny)
        ]
        listed += [(bench, *step) for bench in benches for step in long(tiny=given.tiny)]
        for bench, title, step in listed:
            if not given.only or step is prepare or any(word in title for word in given.only):
                take(title, step, bench, table)
    print(f"{table.path}: after {time.monotonic() - began:.0f} s", flush=True)


def take(title: str, step: Step, bench: Bench, table: Table) -> None:
    """Take one step, and go on whatever comes of it."""
    began = time.perf_counter()
    try:
        for row in step(bench):
            table.add(row)
    except Exception as error:  # whatever went wrong, the others are to be seen
        reason = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
        reached = None if bench.tiny else False
        seconds = round(time.perf_counter() - began, 1)
        table.add(Row(title, bench.backend, f"FAILED: {reason}", seconds, reached=reached))


def facts(*, tiny: bool) -> list[str]:
    """Return what all of this is found with."""
    installed = []
    for package in PACKAGES:
        try:
            installed.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return [
        *(["a small network on a few small images: nothing is judged"] if tiny else []),
        gpu(),
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        ", ".join(installed),
    ]


def gpu() -> str:
    """Return the GPU's name, driver and memory, as the driver's own program says them."""
    asked = "--query-gpu=name,driver_version,memory.total"
    try:
        line = ["nvidia-smi", asked, "--format=csv,noheader"]
        ran = subprocess.run(line, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return "no NVIDIA GPU that nvidia-smi tells of"
    return "; ".join(ran.stdout.split("\n")).strip("; ")


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    there = [name for name in BACKENDS if find_spec(name)]
    parser = argparse.ArgumentParser(
        prog="python -m tests.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--tiny", action="store_true", help="all of it on a CPU, on next to nothing")
    photographs = "archive or folder: train/ and test/ with class folders of photographs"
    add("--data", type=Path, default=SHARED / "data" / "cifar10-jpg.tar.xz", help=photographs)
    networks = "folder with badnet_square4.keras, resnet18.py and its weights"
    add("--models", type=Path, default=SHARED / "models", help=networks)
    add("--output", type=Path, default=Path("gpu"), help="folder to write in (default: gpu)")
    add("--minutes", type=float, help="that all of it may take (default: 6)")
    add("--backends", nargs="+", choices=BACKENDS, default=there, help="default: those installed")
    add("--only", nargs="+", metavar="WORD", help="only steps with such a word in their names")
    given = parser.parse_args()
    given.minutes = given.minutes or (60 if given.tiny else 6)
    if not given.backends:
        parser.error("no backend is installed: pip install jax, torch or tensorflow")
    for path in () if given.tiny else (given.data, given.models):
        if not path.exists():
            parser.error(f"{path}: does not exist")
    return given


if __name__ == "__main__":
    sys.exit(main())
