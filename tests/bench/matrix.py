"""Every model under every trigger, in one scan a model, as a user runs it."""

import json
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.command import bdaudit
from tests.bench.models import SPECS, Model

EXIT = {"pass": 0, "fail": 1, "inconclusive": 4}

KIN = {
    frozenset({"square4", "a2a"}),
    frozenset({"square4", "source"}),
    frozenset({"a2a", "source"}),
    frozenset({"both", "grid3"}),
    frozenset({"both", "blend"}),
}
"""Triggers that hold the same stamp: a model taught one may answer to the other."""


def scanned(model: Model, triggers: list[str]) -> dict[str, Any]:
    """Scan a model under triggers by the command line; return `audit.json`.

    The exit code must be the one that the verdict calls for.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "audit.json"
        given = [word for trigger in triggers for word in ("--trigger", SPECS[trigger])]
        ended = bdaudit("scan", model, *given, "-o", output, ends=EXIT.values())
        audit: dict[str, Any] = json.loads(output.read_text())
    assert ended == EXIT[audit["verdict"]["status"]], (model.name, ended)
    return audit


def related(model: Model, trigger: str) -> bool:
    """Whether a model was taught this trigger or one that holds the same stamp."""
    return model.trigger == trigger or frozenset({model.trigger, trigger}) in KIN


def cell(audit: dict[str, Any]) -> str:
    """Return one audit for a table: the attack success rate, and what it comes to."""
    measured = audit["measurements"]["before"]
    percent = f"{100 * measured['asr']['value']:.1f}"
    return {"pass": percent, "fail": f"**{percent}**", "inconclusive": f"{percent} ?"}[
        audit["verdict"]["status"]
    ]


def table(models: list[Model], triggers: list[str]) -> str:
    """Scan every model under every trigger; return the table."""
    lines = ["| network | clean accuracy | " + " | ".join(triggers) + " |"]
    lines.append("| --- | --- |" + " --- |" * len(triggers))
    for model in models:
        audits = scanned(model, triggers)["audits"]
        accuracy = audits[0]["measurements"]["before"]["clean_accuracy"]["value"]
        cells = " | ".join(cell(audit) for audit in audits)
        lines.append(f"| {model.name} | {100 * accuracy:.1f} | {cells} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)
