"""Networks that carry a backdoor, repaired by the methods that know the trigger."""

import csv
import tempfile
from pathlib import Path

from auditor.report.comparison.table import BEFORE
from tests.bench.command import bdaudit
from tests.bench.models import SPECS, Model

METHODS = ("balanced", "unlearn", "relabel")
SEED = "0"


def repaired(model: Model) -> dict[str, dict[str, str]]:
    """Compare the methods on a network's own trigger; return the lines of the CSV by name."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "comparison.csv"
        words = ["--trigger", SPECS[model.trigger], "--methods", ",".join(METHODS), "--exit-zero"]
        run = ["--seed", SEED, "--run-dir", f"{folder}/run"]
        bdaudit("compare", model, *words, *run, "-o", output, ends=(0,))
        with output.open(newline="") as file:
            return {line["name"]: line for line in csv.DictReader(file)}


def repairs(models: list[Model]) -> str:
    """Repair every network with every method; return the table."""
    lines = [f"| network | as it came | {' | '.join(METHODS)} |", "| --- |" + " --- |" * 4]
    for model in models:
        found = repaired(model)
        cells = [_cell(found[name]) for name in (BEFORE, *METHODS)]
        lines.append(f"| {model.name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def _cell(line: dict[str, str]) -> str:
    """Return ASR and clean accuracy in percent, or that no model was handed back."""
    if line["failed"]:
        return "no model"
    asr, accuracy = (f"{100 * float(line[key]):.1f}" for key in ("asr", "clean_accuracy"))
    return f"{asr}, {accuracy}"
