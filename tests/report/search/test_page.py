"""The report of a search: page, PDF, JSON, terminal."""

import base64
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pikepdf
import pytest

from auditor.cli.summaries import show
from auditor.records.search_report import SearchReport
from auditor.report.formats import SEARCH, render
from auditor.report.search.html import page
from auditor.report.search.words import finding, headline
from tests.report import searches
from tests.report.browser import needs_browser, open_page, requests

TEN = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
HOSTILE = "x<script>alert(1)</script>\u202egnp"


@pytest.fixture
def report() -> SearchReport:
    return searches.report(*TEN, flagged=(0,))


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1100, False), (360, True)])
def test_the_page_is_whole_by_itself(
    browser, report: SearchReport, tmp_path: Path, width: int, dark: bool
) -> None:
    open_page(browser, page(report), tmp_path, width, dark)
    assert [u for u in requests(browser) if not u.startswith("data:")] == [browser.current_url]
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    pictures = browser.execute_script(
        "return [...document.images].map(i => [i.complete && i.naturalWidth > 0, i.alt.length > 0])"
    )
    assert len(pictures) == 3 * 10 + 1
    assert all(loaded and described for loaded, described in pictures)


@needs_browser
def test_hostile_names_are_text(browser, tmp_path: Path) -> None:
    open_page(browser, page(searches.report(HOSTILE, "b", flagged=(0,))), tmp_path)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.scripts.length") == 0
    assert "\u202e" not in browser.execute_script("return document.body.innerText")


def test_the_verdict_comes_first_and_the_flagged_class_before_the_others(
    report: SearchReport,
) -> None:
    shown = page(report)
    assert shown.index("Trigger found") < shown.index("How small a stamp")
    rows = shown[shown.index('<table class="norms">') :]
    assert rows.index("airplane") < rows.index("automobile")
    for said in ("found.yaml", "99.0 %", "cd" * 32, "ab" * 32, "cannot see", "2.50"):
        assert said in shown


def test_what_was_left_out_is_told() -> None:
    whole = searches.result(*TEN)
    left = (*whole.classes[:9], searches.missing(whole.classes[9], "a first pass"))
    shown = page(searches.bound(replace(whole, classes=left)))
    assert "1 class that a first, brief pass left out" in shown


def test_of_very_many_classes_the_smallest_are_shown() -> None:
    shown = page(searches.report(*(f"c{i:03}" for i in range(150))))
    assert "The 100 smallest of 150 classes" in shown
    assert "c099" in shown
    assert "c100" not in shown


def test_the_json_says_all_of_it(report: SearchReport) -> None:
    said = json.loads(render(report, "json"))
    assert said["schema"] == "bdaudit.search/v1"
    assert said["status"] == "fail"
    first = said["found"]["classes"][0]
    assert (first["class"], first["flagged"], first["index"]) == (0, True, 4.0)
    mask = np.frombuffer(base64.b64decode(first["mask"]["float32"]), "<f4")
    np.testing.assert_array_equal(mask.reshape(8, 8), report.found.classes[0].mask)


def test_the_pdf_has_the_json_in_it(report: SearchReport) -> None:
    fixed = replace(report, created="2026-01-02T03:04:05Z")
    pdf = render(fixed, "pdf")
    assert pdf == render(fixed, "pdf")
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        attached = opened.attachments["search.json"].get_file().read_bytes()
    assert attached == render(fixed, "json")
    assert set(SEARCH) == {"html", "pdf", "json"}


@pytest.mark.parametrize(
    ("shown", "begins", "says"),
    [
        (searches.report("a", "b", flagged=(1,)), "FAIL", "A stamp of 5.10 pixels"),
        (searches.report("a", "b"), "PASS", "The smallest leads to “a”"),
        (searches.report("a", "b", inconclusive="NaN"), "INCONCLUSIVE", "NaN"),
    ],
)
def test_in_words(shown: SearchReport, begins: str, says: str) -> None:
    assert headline(shown).startswith(begins)
    assert says in finding(shown)


def test_on_a_terminal_the_smallest_comes_first(
    report: SearchReport, capsys: pytest.CaptureFixture
) -> None:
    show(report)
    said = capsys.readouterr().out
    assert said.startswith("FAIL  suspect.keras has a trigger for “airplane”")
    lines = [line for line in said.splitlines() if line.split()[:1] and line.split()[0] in TEN]
    assert [line.split()[0] for line in lines] == list(TEN)
    assert "flagged" in lines[0]


@pytest.mark.parametrize(("names", "careful"), [("abc", True), ("abcd", True), ("abcde", False)])
@pytest.mark.parametrize("flagged", [(), (0,)])
def test_a_rule_of_thumb_is_called_so(names: str, careful: bool, flagged: tuple[int, ...]) -> None:
    report = searches.report(*names, flagged=flagged)
    assert headline(report).endswith(", by a rule of thumb") is careful
    assert ("no level of confidence. Where a trigger is suspected, give it" in finding(report)) is (
        careful
    )
