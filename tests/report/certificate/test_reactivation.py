"""The chapter "Will it come back?", on the page, in Markdown, on a terminal, and for machines."""

import dataclasses
import json
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from auditor.figures.policy import with_comebacks
from auditor.figures.skipped import Skipped
from auditor.probe.comebacks import comebacks
from auditor.probe.result import AtRest
from auditor.report.certificate.html import page
from auditor.report.certificate.reactivation import ASK, chapter
from auditor.report.certificate.text import summary
from auditor.report.curves import small
from auditor.report.formats import render
from tests import audited
from tests.report import probes
from tests.report.browser import needs_browser, open_page, requests

WARNING = "The backdoor returned from 1 % to 41 % with 5 images (control 6 %)."


def terminal(made) -> str:
    console = Console(width=2_000, file=StringIO())
    console.print(summary(made, 2_000))
    return console.file.getvalue()


def every_text(made) -> dict[str, str]:
    texts = {"terminal": terminal(made), "html": page(made)}
    return texts | {"md": render(made, "md").decode().replace("\\", "")}


def test_what_comes_back_stands_first_everywhere() -> None:
    made = audited.probed()
    for name, text in every_text(made).items():
        assert WARNING in text, name
        assert ", with a warning" in text, name
        assert "do not release it as repaired" in text, name
    html = page(made)
    cards = html.index('class="cards"')
    assert html.index(WARNING) < html.index("Where others will train it further") < cards


def test_how_it_went_is_drawn() -> None:
    shown = chapter(audited.probed())
    five, ten, image, margin, path = shown.probes
    assert (five.asr, five.control) == ("41.0 %", "6.0 %")
    assert five.excess.startswith("35.0 points (")
    asr, control, clean = sorted(ten.chart.charts[0].lines, key=lambda line: line.kind)
    assert (asr.kind, control.kind, clean.kind) == ("asr", "clean", "control")
    assert (image.bars[0].n, margin.asr) == (200, "4.5 %")
    assert list(path.chart.epochs) == [(0, "as it came"), (100, "repaired")]
    points = next(line for line in path.chart.charts[0].lines if line.kind == "asr").pieces
    assert points == ("0.0,7.5 150.0,105.0 300.0,148.5",)  # 95, 30 and 1 % of 150 units


def test_a_small_chart_goes_from_nothing_to_all() -> None:
    found = small("Shares", [("asr", "ASR", [0.0, 1.0, 0.5])], ["a", "", "c"])
    (chart,) = found.charts
    assert chart.lines[0].pieces == ("0.0,150.0 150.0,0.0 300.0,75.0",)
    assert chart.ticks == ((100.0, "0 %"), (50.0, "50 %"), (0.0, "100 %"))
    assert found.epochs == ((0, "a"), (100, "c"))
    assert chart.words == "Shares. At the end: ASR 50.0 %."


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (probes.back(), "It comes back: it returned from 1 % to 41 % with 5 images (control 6 %)."),
        (probes.gone(), "It does not come back: at most, it went from 1 % to"),
        (
            probes.reactivation(probes.retuned((28, 9), (28, 9)), probes.retuned((7, 7), (7, 7))),
            "beyond the control. More images that judge would make the interval narrower.",
        ),
        (
            probes.reactivation(probes.retuned((40, 10), (16, 8)), probes.retuned((7, 7), (7, 7))),
            "beyond the control. Its trials differ: more seeds would make the interval narrower.",
        ),
        (Skipped("the probes were interrupted"), "not found out: the probes were interrupted."),
    ],
)
def test_the_sentence_is_for_somebody_who_decides(found, sentence: str) -> None:
    made = audited.probed(found)
    for name, text in every_text(made).items():
        assert sentence in text, name
        assert ASK not in text, name


def test_what_was_left_out_says_why() -> None:
    why = Skipped("the budget of 9 s does not reach")
    made = audited.probed(
        probes.reactivation(why, probes.retuned((170, 12), missing="no time"), path=why)
    )
    text = page(made)
    assert text.count("Not tried: the budget of 9 s does not reach.") == 2
    assert "No more trials: no time." in text
    assert "Not all of it was tried: the budget of 9 s does not reach." in text


def test_where_nobody_asked_one_line_says_how_to() -> None:
    for name, text in every_text(audited.repaired()).items():
        assert "Will it come back?" not in text, name
        assert text.count(ASK) == (name != "terminal"), name
    assert ASK not in page(audited.certificate())


def test_a_scan_that_was_probed_has_the_chapter_too() -> None:
    made = dataclasses.replace(audited.certificate(), reactivation=probes.gone())
    assert "Will it come back?" in page(made)


def test_the_probe_that_was_judged_is_named() -> None:
    made = audited.probed(limit=0.3)
    value = 100 * made.verdict.checks[-1].value
    assert f"from 1 % to 86 % with 10 images (control 6 %), {value:.1f} points" in page(made)


def test_what_was_never_removed_is_not_said_to_come_back() -> None:
    made = audited.probed(probes.back(start=AtRest(probes.rate(120), probes.rate(2))))
    for name, text in every_text(made).items():
        assert "The backdoor was not removed by the repair (ASR 60 %); there is nothing" in text, (
            name
        )
        assert "It comes back" not in text and "returned from" not in text, name


def test_the_limit_that_decides_is_among_the_figures() -> None:
    scanned = audited.certificate()
    for found, decides in ((probes.back(), True), (probes.gone(), False)):
        verdict = with_comebacks(scanned.verdict, comebacks(found), 0.3)
        made = dataclasses.replace(scanned, reactivation=found, verdict=verdict)
        said = "A probe brought the backdoor back: 80.0 points beyond its control, at most"
        for name, text in every_text(made).items():
            assert (said in text) is decides, name
            assert "Brought back" in text, name
        assert "≤ 30.0 points" in terminal(made)
        assert ("<h2>Brought back</h2>" in page(made)) is decides


def test_the_budget_is_told_as_it_was_given() -> None:
    assert "of 200 s that were given" in page(audited.probed(probes.back(budget=200.0)))


def test_the_model_before_is_named_with_what_it_answers() -> None:
    made = dataclasses.replace(audited.certificate(), reactivation=probes.gone())
    for name, text in every_text(made).items():
        assert "poisoned.keras, ASR 95.0 %" in text, name
    html = page(made)
    assert html.index("before: <b>poisoned.keras, ASR 95.0 %</b>") < html.index('class="cards"')


def test_machines_are_told() -> None:
    made = audited.probed()
    run = json.loads(render(made, "sarif"))["runs"][0]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("bdaudit/reactivation", "warning")
    assert "returned from 1 % to 41 % with 5 images" in result["message"]["text"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "bdaudit/reactivation"
    suite = ET.fromstring(render(made, "xml"))[0]
    assert suite.findtext("system-err") == f"Warning: t{WARNING[1:]}"
    assert suite.get("failures") == "0"
    failed = json.loads(render(audited.probed(limit=0.1), "sarif"))["runs"][0]["results"]
    assert [(r["ruleId"], r["level"]) for r in failed] == [("bdaudit/reactivation", "error")]
    quiet = ET.fromstring(render(audited.probed(probes.gone()), "xml"))[0]
    assert quiet.find("system-err") is None


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1100, False), (360, True)])
def test_the_chapter_fits_the_screen(browser, tmp_path, width: int, dark: bool) -> None:
    open_page(browser, page(audited.probed()), tmp_path, width, dark)
    assert [u for u in requests(browser) if not u.startswith("data:")] == [browser.current_url]
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('.tries polyline')].map("
        "l => l.getBoundingClientRect().width)"
    )
    assert len(drawn) == 3 + 3 + 2 and min(drawn) > 150
    seen = browser.execute_script("return document.querySelector('.verdict').innerText")
    assert WARNING in seen
