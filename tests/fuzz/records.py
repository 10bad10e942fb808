"""Judges of what workers leave and of records: read, bound, rendered in every format, read back.

Run in the confined worker, like `tests/fuzz/worker.py`, which has the table.
"""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from auditor.errors import WorkError

EVERY = ("html", "json", "sarif", "xml", "md", "cdx.json", "csv")
"""Formats but for PDF, which is the HTML once more and takes seconds."""


def scanned(path: Path, room: Path) -> str:
    """Take a scan's result, as `runs/scan.py` does."""
    from auditor.figures.policy import Limits, judge
    from auditor.figures.results import AuditResults
    from auditor.records.audits import joined
    from auditor.records.certificate import certify
    from auditor.worker import exchange

    results = exchange.load(AuditResults, path).audits
    audits = [
        certify(r, judge(r.measurement, Limits(), r.model.classes), _origin()) for r in results
    ]
    show(audits[0] if len(audits) == 1 else joined(audits))
    return "passed"


def repaired(path: Path, room: Path) -> str:
    """Hear what a repair tells, and take its result, as `runs/repair.py` does."""
    from auditor.figures import metrics
    from auditor.figures.policy import Limits, judge
    from auditor.figures.results import AuditResults
    from auditor.monitor.terminal import Terminal
    from auditor.records import consistency
    from auditor.records.certificate import Output, certify, with_repair
    from auditor.repair.result import RepairResult
    from auditor.worker import exchange
    from auditor.worker.relay import Listener

    (before,) = exchange.load(AuditResults, path, "before").audits
    with Listener([Terminal()], path, before.model.classes) as listener:
        for event in _told(path / "told.json"):
            listener(event)
    if listener.plan is None:
        raise WorkError("the worker did not say what it would do")
    result = exchange.load(RepairResult, path, plan=listener.plan)
    verdict = judge(before.measurement, Limits(), before.model.classes)
    certificate = certify(before, verdict, _origin())
    after = output = None
    if result.kept is not None:
        after, output = before, Output("out/repaired.keras", "ef" * 32, 7)
        drop = metrics.paired_drop(before.correct, after.correct)
        near = after.evidence.neighbours
        verdict = judge(after.measurement, Limits(), after.model.classes, drop, neighbours=near)
    whole = with_repair(certificate, before, result, after, output, verdict, "photos/")
    consistency.check(whole)
    show(whole)
    return "passed"


def searched(path: Path, room: Path) -> str:
    """Take a search's result, as `runs/search.py` does."""
    from auditor.records.search_report import report_of
    from auditor.runs.trigger_files import trigger_files
    from auditor.search.result import SearchResult
    from auditor.triggers.file import read
    from auditor.worker import exchange

    result = exchange.load(SearchResult, path)
    report = report_of(result, "found.yaml", _origin())
    show(report)
    written = trigger_files(report, room / "found.yaml")
    for file, content in written.items():
        file.write_bytes(content)
    if written:
        read(room / "found.yaml")
    return "passed"


def compared(path: Path, room: Path) -> str:
    """Read any record that a user may be given, and render it."""
    from auditor.records import reader

    show(reader.read(path))
    return "passed"


def checkpoint(path: Path, room: Path) -> str:
    """Go on from a checkpoint as far as no model is needed."""
    import numpy as np

    from auditor.errors import InputError
    from auditor.files import checkpoints
    from auditor.repair import selection
    from auditor.repair import state as repair
    from auditor.search import schedule
    from auditor.search import state as search
    from auditor.search.options import SearchOptions

    found = checkpoints.load(path)
    identity = {"seed": 0}
    if found is not None and "ledger" in found.facts:
        state = repair.load(identity, path)
        assert state is not None
        if not state.ledger.history:
            return "passed"
        kept = selection.best(state.ledger.history, 0.02)
        selection.why(state.ledger.history, kept, 0.02)
        repair.save(state, identity, room / "again")
        return "passed"
    here = search.load(identity, path, SearchOptions(), 3, (8, 8))
    if here is None:
        raise InputError("no checkpoint")
    schedule.release(here)
    schedule.settled(here, 64)
    search.save(here.rows(np.flatnonzero(here.active)), identity, room / "again")
    return "passed"


def show(record: Any) -> None:
    """Render a record in all its formats; what is read back must be the same."""
    import jsonschema

    from auditor.records.audits import Audits, certificates_of
    from auditor.records.canonical import canonical, schema, to_document
    from auditor.records.certificate import Certificate
    from auditor.records.reader import from_values
    from auditor.records.search_report import SearchReport
    from auditor.report.formats import formats_of, render

    for name in EVERY:
        if name in formats_of(record):
            content = render(record, name)
            assert b"\x1b" not in content, f"an escape sequence in {name}"
            if name == "csv":
                _cells(content)
    if isinstance(record, Certificate | Audits):
        for audit in certificates_of(record):
            jsonschema.Draft202012Validator(schema()).validate(to_document(audit))
    if not isinstance(record, SearchReport):
        assert canonical(from_values(json.loads(canonical(record)))) == canonical(record)


def _told(path: Path) -> list[dict[str, Any]]:
    """Return a worker's messages, as the supervisor reads them."""
    from auditor.files.strict_json import strict

    try:
        events = strict(path.read_bytes())
    except ValueError as error:
        raise WorkError("the worker sent a message that cannot be understood") from error
    known = isinstance(events, list) and all(isinstance(event, dict) for event in events)
    return events if known else []


def _cells(content: bytes) -> None:
    for row in csv.reader(io.StringIO(content.decode("utf-8"))):
        for cell in row:
            number = cell.startswith("-") and cell[1:2].isdigit()
            assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), f"{cell!r}"


def _origin() -> Any:
    from auditor.records.provenance import Provenance

    provenance = Provenance(
        path="m.keras", sha256="ab" * 32, bytes=1, source="photos/", seed=0, command="", sandbox=""
    )
    return replace(provenance, command="bdaudit scan m.keras")
