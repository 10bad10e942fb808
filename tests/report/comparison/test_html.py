"""The page of a comparison, in a real browser and as PDF."""

import dataclasses
import io
import json
import re

import pikepdf
import pytest

from auditor.records.canonical import canonical
from auditor.records.comparison import Comparison, compared
from auditor.report.comparison.html import page, parameters
from auditor.report.formats import render
from auditor.report.words import percent
from tests.report.browser import needs_browser, open_page, requests
from tests.report.certificate.test_hostile_names import HIDDEN, Tags


@pytest.fixture(scope="module")
def many(comparison: Comparison) -> Comparison:
    """Eight repairs, as many as there are methods."""
    entries = [
        dataclasses.replace(comparison.entries[number % 2], name=f"constant-alpha{number}")
        for number in range(8)
    ]
    return compared(comparison.before, entries)


def test_ids_are_unique_and_headings_go_down(comparison: Comparison) -> None:
    tags = Tags(page(comparison)).found
    ids = [own["id"] for _, own in tags if "id" in own]
    assert len(set(ids)) == len(ids)
    assert {own["aria-labelledby"] for _, own in tags if "aria-labelledby" in own} <= set(ids)
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(level <= before + 1 for before, level in zip(levels, levels[1:], strict=False))


def test_it_says_everything(comparison: Comparison) -> None:
    html = page(comparison)
    for entry in comparison.entries[:2]:
        assert f'<th scope="row">{entry.name}' in html
        assert percent(entry.after.asr.value) in html
        assert entry.certificate.repair.output.sha256 in html
    before = comparison.before
    for shown in (before.subject.sha256, before.data.sha256, before.trigger.sha256):
        assert shown in html
    assert before.environment.command.split()[0] in html
    assert "has&lt;/b&gt; no output" in html
    assert "serves best" in html


def test_parameters_that_all_share_stand_once() -> None:
    each = {"a": {"epochs": 1, "rate": 0.1}, "b": {"epochs": 1, "rate": 0.2, "rho": 2}}
    shared, own = parameters(each)
    assert shared == {"epochs": 1}
    assert own == {"a": {"rate": 0.1}, "b": {"rate": 0.2, "rho": 2}}


@needs_browser
@pytest.mark.parametrize(
    ("width", "dark"), [(1100, False), (1030, False), (800, True), (360, False)]
)
def test_nothing_overflows(browser, many: Comparison, tmp_path, width: int, dark: bool) -> None:
    open_page(browser, page(many), tmp_path, width, dark)
    assert [u for u in requests(browser) if not u.startswith("data:")] == [browser.current_url]
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    over = browser.execute_script(
        "return [...document.querySelectorAll('.compared tr > *, .stamp')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth || e.scrollWidth > "
        "e.clientWidth + 1 && getComputedStyle(e).display != 'inline').map(e => e.outerHTML)"
    )
    assert over == []
    sides = browser.execute_script(
        "return [...document.querySelectorAll('.gallery td img')].map(i => i.clientWidth)"
    )
    assert min(sides) >= 60  # a heatmap still says where


@needs_browser
def test_every_column_shows_the_same_images(browser, comparison: Comparison, tmp_path) -> None:
    open_page(browser, page(comparison), tmp_path)
    heads = browser.execute_script(
        "return [...document.querySelectorAll('.gallery thead th')].map(e => e.innerText)"
    )
    assert heads == ["image", "stamped", "before", "no-anchor", "unlearn"]
    rows = browser.execute_script(
        "return [...document.querySelectorAll('.gallery tbody tr')].map(r => "
        "[...r.querySelectorAll('img')].map(i => [i.naturalWidth > 0, i.alt]))"
    )
    examples = comparison.before.evidence.examples
    assert len(rows) == len(examples)
    for row, example in zip(rows, examples, strict=True):
        assert all(loaded and alt for loaded, alt in row)
        assert len(row) == 4
        assert row[0][1] == f"{example.name} with the trigger"
        assert [alt.partition(":")[0] for _, alt in row[1:]] == heads[2:]


def test_the_pdf_is_pdf_a_with_the_comparison_attached(many: Comparison) -> None:
    pdf = render(many, "pdf")
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        with opened.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
        attached = opened.attachments["comparison.json"].get_file().read_bytes()
        left, bottom, right, top = map(float, opened.pages[0].MediaBox)
        assert right - left > top - bottom  # across
    assert attached == canonical(many)
    assert pdf == render(many, "pdf")


def test_hostile_names_are_text(comparison: Comparison) -> None:
    evil = "\x1b[31m<script>document.title='owned'</script>\" onload='1' \u202e{{ 7 * 7 }}"
    before = dataclasses.replace(
        comparison.before, trigger=dataclasses.replace(comparison.before.trigger, id=evil)
    )
    entries = [dataclasses.replace(e, name=f"{evil}{n}") for n, e in enumerate(comparison.entries)]
    entries[3] = dataclasses.replace(entries[3], failed=evil)
    html = page(compared(before, entries))
    tags = Tags(html).found
    assert not {tag for tag, _ in tags} & {"script", "iframe", "object", "embed", "base"}
    assert not [key for _, own in tags for key in own if key.startswith("on")]
    assert not HIDDEN.search(html)
    assert json.loads(canonical(comparison))
