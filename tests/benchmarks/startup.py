"""How soon `bdaudit --help` answers, and what the parent process never imports."""

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from tests.benchmarks.common import TRIGGER, Page, model_file, random_images, side_by_side

RUNS, GOAL = 20, 1.5
WATCHED = ("tensorflow", "keras", "h5py", "cv2", "numpy")

CHECK = f"""
import sys
from auditor.cli.main import main
code = main(sys.argv[1:])
found = [name for name in {WATCHED!r} if name in sys.modules]
print("exit", code, "imported", ", ".join(found) or "none of them", file=sys.stderr)
"""


def measure() -> Page:
    """Time the help against the import of click, and look at `sys.modules`."""
    commands = {
        "`python -c 'import click'`": [sys.executable, "-c", "import click"],
        "`bdaudit --help`": [str(Path(sys.executable).with_name("bdaudit")), "--help"],
        "`python -c pass`": [sys.executable, "-c", "pass"],
    }
    for command in commands.values():
        _run(command)
    contenders = {name: lambda _, c=command: _run(c) for name, command in commands.items()}
    times = side_by_side(contenders, RUNS)
    first = times["`python -c 'import click'`"]
    rows = []
    for name, own in times.items():
        clock, cpu = own.over(first)
        rows.append((name, f"{clock:.2f}", f"{cpu:.2f}", f"{median(own.clock) * 1e3:.0f}"))
    ratio = times["`bdaudit --help`"].over(first)
    return Page(
        title="Starting up",
        header=("", "time", "CPU time", "ms"),
        rows=rows,
        notes=[
            f"{RUNS} interleaved runs in new processes; medians of the ratio to the import of "
            "click in the same turn.",
            f"Goal: at most {GOAL} times the import. Measured: {ratio[0]:.2f} "
            f"(CPU time {ratio[1]:.2f}).",
            f"Of {', '.join(WATCHED)}, the parent has in `sys.modules` after `--help`: "
            f"{_imported('--help')}; after a whole scan with an HTML certificate: {_after_scan()}.",
        ],
    )


def _run(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def _imported(*arguments: object) -> str:
    """Run the command line in a process and return what it says of its modules."""
    said = _run([sys.executable, "-c", CHECK, *map(str, arguments)])
    return said.strip().splitlines()[-1].partition("imported ")[2]


def _after_scan() -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images, labels = random_images(256)
        np.savez(folder / "data.npz", x=images, y=labels)
        flags = ["--trigger", TRIGGER, "--data", folder / "data.npz", "--exit-zero", "--quiet"]
        return _imported("scan", model_file(folder), *flags, "-o", folder / "certificate.html")
