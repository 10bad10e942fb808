"""No page, file or terminal shows a hidden character raw, whichever text of a record it is in."""

import csv
import html
import io
import re
import shutil
import subprocess

import pytest
from rich.console import Console

from auditor.figures.skipped import Skipped
from auditor.records.audits import joined
from auditor.records.canonical import Record
from auditor.records.diff import diff
from auditor.report import run_page
from auditor.report.comparison.table import BEFORE
from auditor.report.formats import formats_of, render
from auditor.report.summary import summary
from auditor.text import printable
from tests import audited
from tests.report import comparisons, probes, repairs, searches
from tests.report.poison import MARKUP, SHOWN, hidden, poisoned

HELPLESS = repairs.helpless(
    audited.certificate(), audited.result(0.95, 4.0), audited.result(0.0, 0.1)
)

HALF = probes.reactivation(
    Skipped("no time"),
    probes.retuned((4, 4), missing="no time"),
    Skipped("no time"),
    tuning=Skipped("none"),
    path=Skipped("no time"),
)

RECORDS: dict[str, Record] = {
    "scan": poisoned(audited.certificate()),
    "repair": poisoned(audited.repaired()),
    "probed repair": poisoned(audited.probed()),
    "half-probed repair": poisoned(audited.probed(HALF)),
    "unprobed repair": poisoned(audited.probed(Skipped("the probes were interrupted"))),
    "helpless repair": poisoned(HELPLESS),
    "joint": joined([poisoned(a) for a in audited.several().audits]),
    "comparison": poisoned(
        comparisons.comparison(audited.certificate(), audited.repaired(), HELPLESS)
    ),
    "search": poisoned(searches.report("red", "green", "blue", flagged=(1,))),
    "inconclusive search": poisoned(searches.report("red", "green", inconclusive="too few")),
    "diff": diff(poisoned(audited.certificate()), poisoned(audited.repaired())),
}

CASES = [
    (name, format_)
    for name, record in RECORDS.items()
    for format_ in formats_of(record)
    if format_ != "pdf" or name in ("repair", "search")  # which is made of the page
]


@pytest.mark.parametrize(("name", "format_"), CASES)
def test_no_format_shows_it_raw(name: str, format_: str) -> None:
    content = render(RECORDS[name], format_)
    if format_ == "pdf":
        content = pdf_text(content)
    text = content.decode("utf-8").replace("\f", "\n")  # the ends of a PDF's pages
    assert hidden(text) == set()
    shown = re.sub(r"\s", "", text.replace("\\\\", "\\")).lower()
    escaped = html.unescape(shown)
    assert SHOWN in escaped or r"\u001b[31m" in escaped  # it is there; JSON has its own escapes


def pdf_text(content: bytes) -> bytes:
    if not shutil.which("pdftotext"):
        pytest.skip("no poppler-utils")
    ran = subprocess.run(["pdftotext", "-raw", "-", "-"], input=content, capture_output=True)
    return ran.stdout


@pytest.mark.parametrize("name", RECORDS)
def test_no_terminal_shows_it_raw(name: str) -> None:
    """Nor is what looks like rich's markup taken for it."""
    file = io.StringIO()
    Console(file=file, width=10_000, highlight=False).print(summary(RECORDS[name], 200))
    assert hidden(file.getvalue()) == set()
    assert MARKUP in file.getvalue() or name == "diff"  # which shows figures alone


def test_a_running_repairs_page(tmp_path) -> None:
    before, after = audited.result(0.95, 4.0), audited.result(0.0, 0.1)
    plan, history = poisoned(repairs.plan(before)), poisoned(repairs.history(before, after))
    for state in ("running", "failed"):
        assert hidden(run_page.render(plan, history, state).decode()) == set()


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
def test_no_cell_is_a_formula(start: str) -> None:
    """Texts are defused; a number below zero stays one."""
    plain = comparisons.comparison(audited.certificate(), audited.repaired(), HELPLESS)
    found = poisoned(plain, text="")
    entries = tuple(
        type(e)(start, start, e.certificate, e.failed and start, e.seconds, e.images)
        for e in found.entries
    )
    record = type(found)(**{**vars(found), "entries": entries})
    head, before, *rows = csv.reader(io.StringIO(render(record, "csv").decode()))
    assert before[0] == BEFORE
    for row in rows:
        for cell in (row[0], row[1], row[-1]):
            assert cell in ("", "'" + printable(start), printable(start).replace("'", ""))
            assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝"))
    numbers = [cell for row in rows for cell in row[3:-2] if cell]
    assert numbers and all(float(cell) is not None for cell in numbers)
