"""Every repair method on a real BadNet, 5 % clean data, several seeds; what comes back of each.

An hour a seed on two cores. What a seed came to is a table of its own,
`results/comparing/seed-N.csv`, as `bdaudit compare` writes it; a seed that has one is not measured
again. Runs are kept in the folder `BDAUDIT_RUNS` and gone on with; `BDAUDIT_SEEDS` says which
seeds (0,1,2).
"""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

from auditor.report.comparison.table import BEFORE
from tests.benchmarks.common import BADNET, PHOTOGRAPHS, RESULTS, TRIGGER, Page

SEEDS = tuple(os.environ.get("BDAUDIT_SEEDS", "0,1,2").split(","))
BUDGET = 0.05
COLUMNS = {
    "clean accuracy": ("clean_accuracy", 100, "{:.1f} %"),
    "fall, points": ("accuracy_drop", 100, "{:.1f}"),
    "ASR": ("asr", 100, "{:.1f} %"),
    "without trigger": ("clean_target_rate", 100, "{:.1f} %"),
    "RA": ("robust_accuracy", 100, "{:.1f} %"),
    "TAR": ("tar", 1, "{:.3f}"),
    "DER": ("der", 1, "{:.3f}"),
    "worst neighbour": ("worst_neighbour_asr", 100, "{:.1f} %"),
    "comes back": ("comes_back", 100, "{:.1f} %"),
    "its control": ("comes_back_control", 100, "{:.1f} %"),
    "target class": ("target_class_accuracy", 100, "{:.1f} %"),
    "minutes": ("seconds", 1 / 60, "{:.1f}"),
    "images seen": ("images", 1, "{:,.0f}"),
}
"""Column → its key in the CSV, what its value is multiplied by, and how it is shown."""

PAPER = (
    "The paper's own figures of `unlearn`, on its BadNet and with 50,000 images, 390 steps an "
    "epoch: clean accuracy 82.5 % → 82.1 %, ASR 96.5 % → 5.5 %, TAR 1.88 → 0.60, DER 0.953."
)

Line = dict[str, str]


def measure() -> Page:
    """Compare every method with each seed."""
    found = page("comparing", "Every repair method on a BadNet", SEEDS, ["--probe"])
    return replace(found, notes=[*found.notes, PAPER])


def page(
    name: str, title: str, seeds: Sequence[str], flags: list[str], model: Path = BADNET
) -> Page:
    """Compare with each seed and tabulate the mean of all, with the least and the most."""
    found = [_lines(name, seed, flags, model) for seed in seeds]
    example = " ".join(command(Path("runs"), seeds[0], flags, model))
    return Page(
        title=f"{title}, seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}",
        header=("", *COLUMNS),
        rows=[_row(repair, [lines[repair] for lines in found]) for repair in found[0]],
        notes=[
            f"`shared/models/{model.name}`, poisoned with a 4×4 white square; {BUDGET:.0%} of the "
            "training photographs, the same for all, a fifth of which only judges; certified on "
            "the 10,000 test photographs, which no repair has seen. Each method has its own "
            "defaults. Means over the seeds, the least and the most in brackets. The command: "
            f"`{example}`",
            "Without trigger: images of other classes taken for the target all the same; an ASR of "
            "that height is no backdoor. RA: accuracy under the trigger. Worst neighbour: highest "
            "ASR of the trigger moved, faded, scaled, recoloured, on 900 images, so ± 1.5 points. "
            "Comes back: ASR once a copy was tuned with 10 stamped images among 500 clean ones, "
            "beside a stamp that the model has never met (its control). "
            "Minutes are those of training and its watching, of a machine that did other work at "
            "times.",
            *(f"Seed {seed}: {_told(lines)}" for seed, lines in zip(seeds, found, strict=True)),
        ],
    )


def command(folder: Path, seed: str, flags: list[str], model: Path) -> list[str]:
    """Return the command line of one seed."""
    data = ["--data", f"{PHOTOGRAPHS}/train", "--eval-data", f"{PHOTOGRAPHS}/test"]
    common = ["--clean-budget", str(BUDGET), "--mirror", "--seed", seed]
    run = ["--run-dir", f"{folder}/seed-{seed}"]
    return ["bdaudit", "compare", str(model), "--trigger", TRIGGER, *flags, *data, *common, *run]


def _lines(name: str, seed: str, flags: list[str], model: Path) -> dict[str, Line]:
    """Return one seed's table, by the name of the repair; measured where it is not there yet."""
    path = RESULTS / name / f"seed-{seed}.csv"
    if not path.exists():
        if not (model.exists() and (PHOTOGRAPHS / "train").is_dir()):
            raise SystemExit("needs the BadNet beside the checkout, and BDAUDIT_PHOTOGRAPHS")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(os.environ.get("BDAUDIT_RUNS", scratch)) / name
            folder.mkdir(parents=True, exist_ok=True)
            words = [*command(folder, seed, flags, model)[1:], "--exit-zero", "-o", str(path)]
            if (folder / f"seed-{seed}").exists():
                words.append("--resume")
            subprocess.run([sys.executable, "-m", "auditor", *words], check=True)
    with path.open(newline="") as file:
        return {line["name"]: line for line in csv.DictReader(file)}


def _row(name: str, found: list[Line]) -> tuple[str, ...]:
    """Return the means of one repair over the seeds that it handed a model back for."""
    done = [line for line in found if not line["failed"]]
    if not done:
        return (name, f"no model: {found[0]['failed']}", *[""] * (len(COLUMNS) - 1))
    shown = "as it came" if name == BEFORE else name
    if len(done) < len(found):
        shown += f" ({len(done)} of {len(found)})"
    cells = [
        _spread([float(line[key]) * times for line in done if line.get(key)], form)
        for key, times, form in COLUMNS.values()
    ]
    return (shown, *cells)


def _spread(values: list[float], form: str) -> str:
    if not values:
        return ""
    least, middle, most = (form.format(v) for v in (min(values), mean(values), max(values)))
    return middle if least == most else f"{middle} ({least.removesuffix(' %')} to {most})"


def _told(lines: dict[str, Line]) -> str:
    """Say which served best, which kept every limit, and why a method handed back no model."""
    best = next((name for name, line in lines.items() if line["best"] == "1"), "none")
    passed = [name for name, line in lines.items() if line["verdict"] == "pass"]
    failed = [f"{name}: {line['failed']}" for name, line in lines.items() if line["failed"]]
    kept = f"{best} serves best; every limit kept by {', '.join(passed) or 'none'}."
    return " ".join([kept, *failed])
