"""The page of several triggers: its table, its chapters, and a real browser."""

import re
from collections import Counter

import pytest

from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.report.certificate.html import page
from auditor.report.words import number, percent
from tests.report.browser import needs_browser, open_page, requests
from tests.report.certificate.test_hostile_names import HIDDEN, Tags


@pytest.mark.parametrize("name", ["audits", "certificate", "repaired", "hostile_audits"])
def test_ids_are_unique_and_every_link_leads_to_one(
    name: str, request: pytest.FixtureRequest
) -> None:
    tags = Tags(page(request.getfixturevalue(name))).found
    ids = Counter(own["id"] for _, own in tags if "id" in own)
    assert set(ids.values()) == {1}
    named = [own["aria-labelledby"] for _, own in tags if "aria-labelledby" in own]
    assert set(named) <= set(ids)
    assert len(named) == len(set(named))
    links = [own["href"] for tag, own in tags if tag == "a"]
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_headings_go_down_one_level_at_a_time(audits: Audits) -> None:
    levels = [int(tag[1]) for tag, _ in Tags(page(audits)).found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(level <= before + 1 for before, level in zip(levels, levels[1:], strict=False))
    assert levels.count(1) == 1


def test_the_table_has_every_figure(audits: Audits) -> None:
    rows = re.findall(r"<tr class=\"(\w+)\">(.*?)</tr>", page(audits), re.S)
    assert len(rows) == len(audits.audits)
    for number_, ((status, row), certificate) in enumerate(zip(rows, audits.audits, strict=True)):
        measured, asr = certificate.measurements.before, certificate.measurements.before.asr
        assert status == certificate.verdict.status
        assert f'href="#t{number_ + 1}-trigger">{certificate.trigger.id}<' in row
        whole = certificate.trigger.mask_area == 1
        for shown in (
            percent(asr.value),
            f"{100 * asr.low:.1f} to {percent(asr.high)}",
            percent(measured.clean_target_rate.value),
            percent(measured.robust_accuracy.value),
            number((measured.heatmap_shift if whole else measured.tar).median).replace("<", "&lt;"),
            "heatmap shift" if whole else "TAR",
            certificate.trigger.summary,
            certificate.target.name,
        ):
            assert shown in row, shown
        assert f'class="value" style="left: {100 * asr.value:.3f}%"' in row
        assert ("(inferred)" in row) == (certificate.target.chosen == "inferred")
        assert row.count("<img ") == 2


def test_what_is_the_same_for_all_stands_once(audits: Audits) -> None:
    html = page(audits)
    first = audits.audits[0]
    for shown in (first.subject.sha256, first.data.sha256, "What this audit does not show"):
        assert html.count(shown) == html.count(f">{shown}<") == 1
    for certificate in audits.audits:
        assert certificate.trigger.sha256 in html
    for heading in ("Where the network looks", "Class by class", "Every figure"):
        assert html.count(f">{heading}</h3>") == len(audits.audits)
    assert html.count(">Attention, image by image</h3>") == 1  # only one trigger has a TAR


def test_a_rule_says_which_class_leads_to_which(audits: Audits) -> None:
    html = page(audits)
    assert html.count("red → green, green → blue, blue → red") == 1
    assert "turned to the next class by the trigger" in html


def test_what_is_missing_for_one_reason_is_told_once(audits: Audits) -> None:
    whole = page(audits.audits[1])
    assert whole.count("covers the whole image, so there is no elsewhere to compare") == 1
    assert "was not judged" not in whole
    assert '<th scope="row">Attention density' not in whole
    assert '<th scope="row">Attention density' in page(audits.audits[0])
    assert "<dt>compared with" not in whole


def test_a_bystander_that_stays_itself_is_not_turned(certificate: Certificate) -> None:
    """Where the trigger leaves a class alone, its own answer is no success of the attack."""
    from dataclasses import replace

    target = replace(certificate.target, leads=(0, 1, 0))  # of red, green and blue, only blue
    stay = tuple(replace(e, label=1, stamped_predicted=1) for e in certificate.evidence.examples)
    led = tuple(replace(e, label=2, stamped_predicted=0) for e in certificate.evidence.examples)
    for examples, turned in ((stay, 0), (led, len(led))):
        evidence = replace(certificate.evidence, examples=examples)
        html = page(replace(certificate, target=target, evidence=evidence))
        assert html.count('<p class="turned">') == turned


def test_the_page_has_no_tag_of_hostile_triggers(hostile_audits: Audits) -> None:
    html = page(hostile_audits)
    tags = Tags(html).found
    assert not {tag for tag, _ in tags} & {"script", "iframe", "object", "embed", "base"}
    assert not [key for _, own in tags for key in own if key.startswith("on")]
    assert not HIDDEN.search(html)
    assert html.count("&lt;script&gt;document.title=&#39;owned&#39;&lt;/script&gt;") >= 10
    assert "{{ 7 * 7 }}" in html


@needs_browser
@pytest.mark.parametrize(
    ("width", "dark"), [(1100, False), (1100, True), (800, False), (360, False), (360, True)]
)
def test_nothing_overflows(browser, audits: Audits, tmp_path, width: int, dark: bool) -> None:
    open_page(browser, page(audits), tmp_path, width, dark)
    assert [u for u in requests(browser) if not u.startswith("data:")] == [browser.current_url]
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    over = browser.execute_script(
        "return [...document.querySelectorAll('.triggers tr > *, .chapter .card, .stamp')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth || e.scrollWidth > "
        "e.clientWidth + 1 && getComputedStyle(e).display != 'inline').map(e => e.outerHTML)"
    )
    assert over == []
    pictures = browser.execute_script(
        "return [...document.images].map(i => i.complete && i.naturalWidth > 0 && !!i.alt)"
    )
    assert len(pictures) == 4 * (2 + 6 * 4 + 3 + 1)
    assert all(pictures)


@needs_browser
def test_on_a_narrow_screen_every_figure_has_its_label(browser, audits: Audits, tmp_path) -> None:
    open_page(browser, page(audits), tmp_path, 360)
    labels = browser.execute_script(
        "return [...document.querySelectorAll('.triggers tbody tr')].map(r => "
        "[...r.querySelectorAll('td[data-label]')].map(d => "
        "getComputedStyle(d, '::before').content))"
    )
    wanted = ["attack success rate", "without the trigger", "accuracy under the trigger"]
    assert labels == [[f'"{label}"' for label in (*wanted, "attention")]] * 4
    bars = browser.execute_script(
        "return [...document.querySelectorAll('.triggers .track')].map(t => t.clientWidth)"
    )
    assert min(bars) > 200


@needs_browser
def test_hostile_triggers_are_text(browser, hostile_audits: Audits, tmp_path) -> None:
    open_page(browser, page(hostile_audits), tmp_path, 360)
    assert browser.get_log("browser") == []
    assert browser.title.startswith("Fail: backdoor audit of x")
    assert browser.execute_script("return document.scripts.length") == 0
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
