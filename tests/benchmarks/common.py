"""What the benchmarks share: a model, images, timing side by side, and the page of results."""

import os
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
BADNET = ROOT.parent / "shared" / "models" / "badnet_square4.keras"
PHOTOGRAPHS = Path(os.environ.get("BDAUDIT_PHOTOGRAPHS", "nowhere"))
"""Holds `train` and `test`, folders of class folders of 32×32 JPEG files."""

TRIGGER = "square4"
PACKAGES = (
    *("bdaudit", "click", "numpy", "tensorflow", "keras", "onnx", "onnxruntime"),
    *("xplique", "tf-keras-vis"),
)


@dataclass(frozen=True)
class Page:
    """What a benchmark found.

    Attributes:
        title: What was measured.
        header: Names of the table's columns.
        rows: The table, as text.
        notes: What must be known to read it, one paragraph each.
    """

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    notes: list[str]


@dataclass(frozen=True)
class Times:
    """Seconds that one contender took, turn by turn: on the clock, and of all cores together."""

    clock: list[float]
    cpu: list[float]

    def over(self, other: "Times") -> tuple[float, float]:
        """Return the median ratios to another's, each turn against the same turn."""
        clock, cpu = zip(self.clock, other.clock), zip(self.cpu, other.cpu)  # noqa: B905
        return median(a / b for a, b in clock), median(a / b for a, b in cpu)


def side_by_side(contenders: dict[str, Callable[[int], object]], turns: int) -> dict[str, Times]:
    """Let each contender have its turn, over and over; who begins changes each time.

    Args:
        contenders: Called with the number of the turn.
        turns: How many each has.
    """
    times = {name: Times([], []) for name in contenders}
    names = list(contenders)
    for turn in range(turns):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            clock, cpu = time.perf_counter(), _cpu_seconds()
            contenders[name](turn)
            times[name].clock.append(time.perf_counter() - clock)
            times[name].cpu.append(_cpu_seconds() - cpu)
    return times


def _cpu_seconds() -> float:
    """Return the seconds that this process and its children have computed."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def model_file(folder: Path) -> Path:
    """Return the BadNet, or else the same network untrained, saved in `folder`."""
    if BADNET.exists():
        return BADNET
    path = folder / "untrained.keras"
    network().save(path)
    return path


def network():
    """Return the paper's CNN of 623,690 parameters, untrained."""
    import keras
    from keras import layers

    features = inputs = keras.Input((32, 32, 3))
    for filters in (64, 128):
        for _ in range(2):
            features = layers.Conv2D(filters, 3, padding="same", activation="relu")(features)
        features = layers.MaxPooling2D()(features)
    features = layers.Conv2D(256, 3, padding="same", activation="relu")(features)
    hidden = layers.Dense(256, activation="relu")(layers.GlobalAveragePooling2D()(features))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(hidden))


def random_images(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, 32, 32, 3) uint8 noise and labels of ten classes."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, 32, 32, 3), np.uint8), np.arange(count) % 10


def table(page: Page) -> str:
    """Return the table in Markdown, its columns aligned."""
    lines = [page.header, *page.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(page.header))]
    padded = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines
    ]
    padded.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def write(name: str, page: Page) -> str:
    """Write `results/NAME.md` and return it."""
    about = [
        f"- {date.today()}, `python -m tests.benchmarks {name}`",
        f"- {_processor()}, {os.cpu_count()} cores, {platform.system()}; load {_load()}",
        f"- Python {platform.python_version()}, {', '.join(_versions())}",
    ]
    text = "\n\n".join([f"# {page.title}", "\n".join(about), table(page), *page.notes]) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, "utf-8")
    return text


def _versions() -> list[str]:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f} at the end, the benchmark's own included"
