"""The page in a real browser: headless Chromium."""

import dataclasses
import re

import pytest

from auditor.records.certificate import Certificate
from auditor.report.certificate.html import page
from auditor.report.template import templates
from tests.report.browser import needs_browser, open_page, requests


@needs_browser
@pytest.mark.parametrize(
    ("width", "dark"), [(1100, False), (1100, True), (600, False), (360, True)]
)
def test_the_page_is_whole_by_itself(
    browser, certificate, tmp_path, width: int, dark: bool
) -> None:
    open_page(browser, page(certificate), tmp_path, width, dark)
    assert [u for u in requests(browser) if not u.startswith("data:")] == [browser.current_url]
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    pictures = browser.execute_script(
        "return [...document.images].map(i => [i.complete && i.naturalWidth > 0, i.alt.length > 0])"
    )
    assert len(pictures) == 6 * 4 + 3 + 1
    assert all(loaded and described for loaded, described in pictures)
    fonts = browser.execute_script(
        "return document.fonts.ready.then(f => [...f].filter(x => x.status == 'loaded').length)"
    )
    assert fonts == 3


@needs_browser
def test_the_first_screen_carries_the_verdict(browser, certificate, tmp_path) -> None:
    """Verdict, sentence and the three figures with limit and baseline, without scrolling."""
    open_page(browser, page(certificate), tmp_path)
    ends = browser.execute_script(
        "return ['h1', '.finding', '.cards'].map("
        "s => document.querySelector(s).getBoundingClientRect().bottom)"
    )
    assert max(ends) <= 900
    text = browser.execute_script("return document.querySelector('.verdict').innerText")
    measured = certificate.measurements.before
    for shown in (
        "Fail", "poisoned.keras", "95 % interval", "≤ 10.0 %", "without the trigger",
        f"{100 * measured.asr.value:.1f} %", f"{100 * measured.robust_accuracy.value:.1f} %",
        f"{100 * measured.clean_target_rate.value:.1f} %",
    ):  # fmt: skip
        assert shown in text


@needs_browser
def test_hostile_names_are_text(browser, hostile: Certificate, tmp_path) -> None:
    open_page(browser, page(hostile), tmp_path)
    assert browser.get_log("browser") == []
    assert browser.title.startswith("Fail: backdoor audit of x")
    assert browser.execute_script("return document.scripts.length") == 0
    handlers = browser.execute_script(
        "return [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        ".filter(n => n.startsWith('on')).length"
    )
    assert handlers == 0
    text = browser.execute_script("return document.body.innerText")
    assert "<script>document.title='owned'</script>" in text
    assert "\\x1b[31m\\u202ereversed{{ 7 * 7 }}" in text


def test_nothing_invisible_reaches_the_page(hostile: Certificate) -> None:
    html = page(hostile)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", html)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast(scheme: int) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for text, on the page and on tinted ground."""
    css = (templates() / "certificate.css").read_text("utf-8")
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", css.split(":root")[scheme + 1]))
    for ground in ("paper", "tint"):
        for ink in ("ink", "soft", "bad", "good", "open"):
            one, other = sorted((luminance(colours[ink]), luminance(colours[ground])))
            assert (other + 0.05) / (one + 0.05) >= 4.5, (ink, ground)


@needs_browser
def test_a_skipped_tar_says_why(browser, certificate, tmp_path) -> None:
    import dataclasses

    from auditor.figures.skipped import Skipped

    reason = Skipped("the model has no layer with rows and columns to read a heatmap at")
    measured = certificate.measurements.before
    names = ("tar", "tar_target", "tar_density", "trigger_mass", "heatmap_shift")
    without = dataclasses.replace(measured, **dict.fromkeys(names, reason))
    evidence = dataclasses.replace(certificate.evidence, histogram=reason)
    attention = dataclasses.replace(certificate.attention, layer=reason, grid=reason)
    changed = dataclasses.replace(
        certificate,
        evidence=evidence,
        attention=attention,
        measurements=dataclasses.replace(certificate.measurements, before=without),
    )
    open_page(browser, page(changed), tmp_path)
    text = browser.execute_script("return document.body.innerText")
    assert "not measured" in text
    assert "no layer with rows and columns" in text.lower().replace("the model has ", "")
    assert browser.get_log("browser") == []


def box(certificate: Certificate, title: str) -> dict[str, str]:
    """Return the rows of a box of the page: what it says of the model, of the data."""
    listed = page(certificate).partition(f"<h3>{title}</h3>")[2].partition("</dl>")[0]
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", listed))


def test_what_was_taken_stands_with_the_data(certificate: Certificate) -> None:
    settled = {"taken": "images by Path, of <Path>", "class_order": "by number", "turned": 2}
    told = dataclasses.replace(certificate, data=dataclasses.replace(certificate.data, **settled))
    data = box(told, "Data")
    assert data["taken"] == "images by Path, of &lt;Path&gt;"
    assert data["class order"] == "by number"
    assert data["EXIF"].startswith("2 of 300 images have an EXIF orientation, and were not turned")
    assert {"taken", "class order", "EXIF"}.isdisjoint(box(certificate, "Data"))
    assert "by number" not in page(told).partition('id="not-shown"')[2]


def test_the_model_box_names_the_output(certificate: Certificate) -> None:
    read = {"output": "sco<res", "flattened": True, "log_odds": True}
    told = dataclasses.replace(
        certificate, subject=dataclasses.replace(certificate.subject, **read)
    )
    model = box(told, "Model")
    assert model["output"].startswith("“sco&lt;res”, 3 classes")
    assert model["output"].endswith("one number: taken for the log-odds of class 1")
    assert model["input"] == "16×16×3 as one row of numbers, scaled to 0..1"
    assert box(certificate, "Model")["output"].startswith("3 classes")
