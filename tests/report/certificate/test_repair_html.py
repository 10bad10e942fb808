"""The page of a repair in a real browser."""

import dataclasses
import re

import pytest

from auditor.report.certificate.html import page
from tests import audited
from tests.report.browser import needs_browser, open_page, requests


@needs_browser
@pytest.mark.parametrize(
    ("width", "dark"), [(1100, False), (1100, True), (600, False), (360, True)]
)
@pytest.mark.parametrize("which", ["repaired", "helpless"])
def test_the_page_is_whole_by_itself(
    browser, request, tmp_path, which: str, width: int, dark: bool
) -> None:
    open_page(browser, page(request.getfixturevalue(which)), tmp_path, width, dark)
    assert [u for u in requests(browser) if not u.startswith("data:")] == [browser.current_url]
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    pictures = browser.execute_script(
        "return [...document.images].map(i => [i.complete && i.naturalWidth > 0, i.alt.length > 0])"
    )
    assert len(pictures) == (6 * 3 if which == "repaired" else 6 * 4) + 5 * 20 + 3 + 1
    assert all(loaded and described for loaded, described in pictures)


@needs_browser
def test_the_first_screen_goes_from_before_to_after(browser, repaired, tmp_path) -> None:
    open_page(browser, page(repaired), tmp_path)
    ends = browser.execute_script(
        "return ['h1', '.finding', '.cards'].map("
        "s => document.querySelector(s).getBoundingClientRect().bottom)"
    )
    assert max(ends) <= 900
    text = browser.execute_script("return document.querySelector('.verdict').innerText")
    assert "repaired.keras" in text
    assert "repaired from poisoned.keras" in text
    for measured in (repaired.measurements.before, repaired.measurements.after):
        assert f"{100 * measured.asr.value:.1f} %" in text
        assert f"{100 * measured.robust_accuracy.value:.1f} %" in text


@needs_browser
def test_every_part_of_a_repair_is_there(browser, repaired, tmp_path) -> None:
    open_page(browser, page(repaired), tmp_path)
    text = browser.execute_script("return document.querySelector('main').innerText")
    repair = repaired.repair
    for shown in (
        "Where the network looks", "How the repair went", "Does the repair generalise?",
        "Effectiveness rating (DER)", f"{100 * repair.der:.1f} %", "Fall in clean accuracy",
        "moved by 1 pixel", "it does not fit into the image", "the furthest beyond noise: colours",
        "out/repaired.keras", "ef" * 32, "models/poisoned.keras", "ab" * 32, "photos/train",
        "2,500 of 50,000 images (5.0 %)", "learning rate", "3e-05", repair.reason,
        "with the trigger, before the repair", "Only the trigger square8 was unlearned",
        "2.1 s to watch the heatmaps (1.1 %)", "25 s to judge the epochs", "\nkept\n",
    ):  # fmt: skip
        assert shown in text, shown


@needs_browser
def test_labels_stand_at_the_ends_of_their_lines(browser, repaired, tmp_path) -> None:
    open_page(browser, page(repaired), tmp_path)
    gaps = browser.execute_script(
        "return [...document.querySelectorAll('.wide .end')].map(label => {"
        " const kind = label.classList[1];"
        " const dot = document.querySelector(`.wide circle.${kind}`).getBoundingClientRect();"
        " const box = label.getBoundingClientRect();"
        " return [box.left - dot.right, (box.top + box.bottom - dot.top - dot.bottom) / 2]; })"
    )
    assert len(gaps) == 3
    for right, down in gaps:
        assert 0 <= right <= 15
        assert abs(down) <= 45  # moved apart at most


@needs_browser
def test_shared_images_are_a_notice(browser, repaired, tmp_path) -> None:
    data = dataclasses.replace(repaired.repair.data, overlap=7)
    shared = dataclasses.replace(repaired, repair=dataclasses.replace(repaired.repair, data=data))
    open_page(browser, page(shared), tmp_path)
    notices = browser.execute_script(
        "return [...document.querySelectorAll('.verdict .notice')].map(n => n.innerText)"
    )
    assert any(notice.startswith("7 of the 300 evaluation images") for notice in notices)


@needs_browser
def test_hostile_names_are_text(browser, hostile_repair, tmp_path) -> None:
    html = page(hostile_repair)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", html)
    open_page(browser, html, tmp_path)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.scripts.length") == 0
    handlers = browser.execute_script(
        "return [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        ".filter(n => n.startsWith('on')).length"
    )
    assert handlers == 0
    text = browser.execute_script("return document.body.innerText")
    assert text.count("\\x1b[31m<script>document.title='owned'</script>\\u202e") >= 8


def test_without_a_repair_nothing_of_one_is_shown(certificate) -> None:
    body = page(certificate).split("<body")[1]
    assert "<svg" not in body
    assert "repair" not in body.lower()


@needs_browser
def test_on_a_telephone_the_neighbours_headings_break_between_words(browser, tmp_path) -> None:
    repaired = audited.repaired()
    plain = dataclasses.replace(audited.certificate(), evidence=repaired.repair.evidence)
    for found in (repaired, plain):
        open_page(browser, page(found), tmp_path, width=390)
        broken = browser.execute_script(
            "const lines = (node, from, to) => { const range = document.createRange();"
            " range.setStart(node, from); range.setEnd(node, to);"
            " return range.getClientRects().length; };"
            "return [...document.querySelectorAll('.held thead th')].flatMap(cell => {"
            " const node = cell.firstChild;"
            " return [...node.data.matchAll(/\\w+/g)].filter(word =>"
            " lines(node, word.index, word.index + word[0].length) > 1).map(word => word[0]); })"
        )
        assert browser.execute_script("return document.querySelectorAll('.held th').length") > 4
        assert broken == []
