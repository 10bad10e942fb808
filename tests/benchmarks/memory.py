"""Peak memory of a scan: ten times the images must not take ten times the memory."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.common import PHOTOGRAPHS, TRIGGER, Page, model_file, random_images

FEW, MANY, GOAL = 5_000, 50_000, 1.2
FLAGS = ("--trigger", TRIGGER, "--exit-zero", "--quiet")

DRIVER = """
import json, re, resource, sys
from pathlib import Path
from auditor.cli.main import main
code = main(sys.argv[1:])
parent = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([code, parent / 1024, worker / 1024]))
"""
"""Runs a scan; says how much the parent held at most, and its worker.

The parent's own `ru_maxrss` would count what this process held when it started the parent.
"""


def measure() -> Page:
    """Scan few and many images, from a file and from a folder."""
    rows, verdicts = [], []
    with tempfile.TemporaryDirectory() as name:
        model = model_file(Path(name))
        for kind, make in ((".npz file", _npz), ("folder of JPEG files", _jpegs)):
            peaks = {n: _peak(model, make(Path(name) / str(n), n), Path(name)) for n in (FEW, MANY)}
            for count, (parent, worker) in peaks.items():
                cells = (f"{v:,.0f}" for v in (worker, parent, worker + parent))
                rows.append((f"{kind}, {count:,}", *cells))
            ratio = sum(peaks[MANY]) / sum(peaks[FEW])
            verdicts.append(f"{kind} {ratio:.3f}")
    return Page(
        title="Memory of a scan",
        header=("images of 32×32", "worker, MiB", "parent, MiB", "both, MiB"),
        rows=rows,
        notes=[
            "Peak resident memory of `bdaudit scan` with the CNN of 623,690 parameters, batch 256, "
            "with a JSON certificate. `both` adds the two peaks, which need not fall together.",
            f"Goal: {MANY:,} images take at most {GOAL} times the memory of {FEW:,}. "
            f"Measured: {'; '.join(verdicts)}.",
        ],
    )


def _peak(model: Path, data: Path, folder: Path) -> tuple[float, float]:
    """Return the MiB that the parent and the worker of a scan held at most."""
    out = ("-o", folder / "certificate.json", "--force")
    command = ["scan", model, "--data", data, *FLAGS, *out]
    ran = subprocess.run(
        [sys.executable, "-c", DRIVER, *map(str, command)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    code, parent, worker = json.loads(ran.stdout.splitlines()[-1])
    if code != 0:
        raise SystemExit(f"the scan of {data} ended with {code}")
    return parent, worker


def _npz(stem: Path, count: int) -> Path:
    path = stem.with_suffix(".npz")
    images, labels = random_images(count)
    np.savez(path, x=images, y=labels)
    return path


def _jpegs(folder: Path, count: int) -> Path:
    """Return a folder of ten classes: the first photographs of each, or else noise."""
    if not (PHOTOGRAPHS / "train").is_dir():
        return _noise(folder, count)
    for class_ in sorted((PHOTOGRAPHS / "train").iterdir()):
        (folder / class_.name).mkdir(parents=True)
        for photograph in sorted(class_.iterdir())[: count // 10]:
            shutil.copy(photograph, folder / class_.name)
    return folder


def _noise(folder: Path, count: int) -> Path:
    import cv2

    for number, (image, label) in enumerate(zip(*random_images(count), strict=True)):
        path = folder / str(label) / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)
    return folder
