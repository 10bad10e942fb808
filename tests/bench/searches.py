"""Every network searched for a trigger that nobody gave, by the command line."""

import json
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.command import bdaudit
from tests.bench.matrix import EXIT
from tests.bench.models import Model


def searched(model: Model) -> dict[str, Any]:
    """Search a network; return the report's JSON."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "search.json"
        output = Path(folder) / "found.yaml"
        bdaudit("search", model, "--output", output, "-o", report, ends=EXIT.values())
        found: dict[str, Any] = json.loads(report.read_text())
    return found


def searches(models: list[Model]) -> str:
    """Search every network; return the table."""
    lines = ["| network | flagged | its norm | smallest norm of the others | median | index |"]
    lines.append("| --- |" + " --- |" * 5)
    for model in models:
        found = searched(model)["found"]
        classes = [c for c in found["classes"] if isinstance(c["norm"], float)]
        first, *others = sorted(classes, key=lambda c: (not c["flagged"], c["norm"]))
        flagged = [c["name"] for c in classes if c["flagged"]]
        index = first["index"] if isinstance(first["index"], float) else float("nan")
        norms = f"{first['norm']:.1f} | {min(c['norm'] for c in others):.1f}"
        row = f"{norms} | {found['median']:.1f} | {index:.2f}"
        lines.append(f"| {model.name} | {', '.join(flagged) or 'none'} | {row} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)
