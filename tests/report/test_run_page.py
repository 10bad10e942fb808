"""`run.html`: what a user sees while a repair runs."""

import dataclasses
import re

import pytest

from auditor.report.run_page import STATES, render
from tests.report import repairs
from tests.report.browser import needs_browser, open_page, requests


@pytest.fixture(scope="module")
def plan(result):
    return repairs.plan(result)


@pytest.fixture(scope="module")
def history(result, after):
    return repairs.history(result, after)


def text(page: bytes) -> str:
    body = page.decode("utf-8").split("<body")[1]
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


@pytest.mark.parametrize("state", STATES)
def test_it_renews_itself_while_it_runs(plan, history, state: str) -> None:
    page = render(plan, history[:4], state)
    assert (b'http-equiv="refresh" content="10"' in page) is (state == "running")
    assert b"<script" not in page
    assert STATES[state] in text(page)


def test_every_epoch_has_its_row(plan, history) -> None:
    page = render(plan, history[:8], "running").decode("utf-8")
    rows = re.findall(r'<tr><th scope="row">(\d+)</th>(.*?)</tr>', page)
    assert [int(number) for number, _ in rows] == list(range(8))
    cells = re.findall(r"<td>(.*?)</td>", rows[7][1])
    epoch = history[7]
    assert cells == [
        "unlearning", "0.114", f"{100 * epoch.clean_accuracy.value:.1f} %",
        f"{100 * epoch.asr.value:.1f} %", f"{100 * epoch.robust_accuracy.value:.1f} %", "2.73",
        "0.760", "10.9", "",
    ]  # fmt: skip
    assert "nothing has moved yet; raise --alpha" in rows[5][1]


def test_progress_is_counted_and_the_time_left_estimated(plan, history) -> None:
    said = text(render(plan, history[:8], "running"))
    assert "Epoch 7 of 18, unlearning" in said
    assert "140 of 360 steps" in said
    assert "about 2 min left" in said  # 11 epochs of 10.9 s
    assert "left" not in text(render(plan, history[:8], "interrupted")).split("Where the")[0]


def test_before_the_first_epoch_it_says_what_is_done(plan) -> None:
    said = text(render(plan, (), "running"))
    assert "being judged as it came" in said
    assert "poisoned.keras" in said


def test_epoch_0_has_nothing_before_it(plan, history) -> None:
    said = text(render(plan, history[:1], "running"))
    assert "the model as it came" in said
    assert "before the repair" not in said


@needs_browser
@pytest.mark.parametrize(
    ("epochs", "width", "dark"), [(1, 1100, False), (8, 1100, True), (19, 360, True)]
)
def test_it_is_whole_by_itself(
    browser, plan, history, tmp_path, epochs: int, width: int, dark: bool
) -> None:
    page = render(plan, history[:epochs], "finished").decode("utf-8")
    open_page(browser, page, tmp_path, width, dark)
    assert [u for u in requests(browser) if not u.startswith("data:")] == [browser.current_url]
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    frames = browser.execute_script(
        "return [...document.querySelectorAll('.film td img')]"
        ".map(i => i.naturalWidth > 0 && i.alt.length > 0)"
    )
    assert frames == [True] * 5 * (epochs + 1)


@needs_browser
def test_hostile_names_are_text(browser, plan, history, tmp_path) -> None:
    evil = "\x1b[31m<script>document.title='owned'</script>\u202e"
    attacked = dataclasses.replace(
        plan,
        model=evil, method=evil, trigger=evil, class_names=(evil,) * 3,
        target=dataclasses.replace(plan.target, name=evil),
        watched=dataclasses.replace(plan.watched, names=(evil,) * 5),
    )  # fmt: skip
    noted = [dataclasses.replace(epoch, note=evil) for epoch in history]
    page = render(attacked, noted, "finished").decode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", page)
    open_page(browser, page, tmp_path)
    assert browser.title.startswith("Finished, epoch 18 of 18: repair of")
    assert browser.execute_script("return document.scripts.length") == 0
    assert browser.get_log("browser") == []
