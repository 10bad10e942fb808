"""Two audits beside each other, as page, Markdown and JSON."""

import json

import pytest
from markdown_it import MarkdownIt

from auditor.records.audits import joined
from auditor.records.diff import diff
from auditor.report.diff.html import page
from auditor.report.diff.words import finding
from auditor.report.formats import DIFF, ready, render
from tests import audited
from tests.report import hostile
from tests.report.browser import needs_browser, open_page, requests

REPAIRED = diff(audited.certificate(), audited.repaired())
HOSTILE = diff(hostile.audits(), hostile.audits())


def test_the_finding_says_what_moved() -> None:
    said = finding(REPAIRED)
    assert said.startswith(
        "The verdict was “fail” and is now “pass”. Beyond chance: attack success"
    )
    assert "attack success rate fell from 95.0 % to 0.0 %; trigger attention (TAR) fell" in said
    same = finding(diff(audited.certificate(), audited.certificate()))
    assert same == "The verdict is still “fail”. No figure has moved by more than chance."


@pytest.mark.parametrize("format_", ["html", "md"])
def test_what_changed_comes_first(format_: str) -> None:
    text = render(REPAIRED, format_).decode()
    assert text.index("What changed") < text.index("fell by 95.0 points")
    assert text.index("fell by 95.0 points") < text.index("What is the same")
    assert text.index("What is the same") < text.rindex("Clean accuracy")


def test_json_has_both_values_of_every_item() -> None:
    document = json.loads(render(REPAIRED, "json"))
    assert document["schema"] == "bdaudit.history/v1"
    (pair,) = document["pairs"]
    assert pair["changed"][0] == {
        "topic": "verdict", "name": "status", "old": "fail", "new": "pass", "changed": True,
    }  # fmt: skip
    assert pair["changed"][1]["old"]["value"] == 0.95


@pytest.mark.parametrize("format_", DIFF)
def test_every_format_of_hostile_names(format_: str) -> None:
    ready(format_)
    text = render(HOSTILE, format_).decode()
    assert all(c == "\n" or c.isprintable() for c in text)
    assert "<script" not in text or format_ == "json"


def test_markdown_is_made_of_our_own_marks_alone() -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parsed = parser.parse(render(HOSTILE, "md").decode())
    found = [t for block in parsed for t in (block, *(block.children or ()))]
    assert not {t.type for t in found} & {"image", "link_open", "fence", "code_block", "s_open"}
    inline = {t.content for t in found if t.type == "html_inline"}
    assert inline <= {"<code>", "</code>", "<!-- -->"}


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1100, False), (360, True)])
def test_the_page_is_whole_by_itself(browser, tmp_path, width: int, dark: bool) -> None:
    for found in (REPAIRED, HOSTILE):
        open_page(browser, page(found), tmp_path, width, dark)
        assert [u for u in requests(browser) if not u.startswith("data:")] == [browser.current_url]
        assert browser.get_log("browser") == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert browser.execute_script("return document.scripts.length") == 0


def test_of_several_triggers_all_changes_come_before_all_that_is_the_same() -> None:
    new = joined([audited.certificate(0.0, 0.1, "grid3"), audited.certificate(0.02, 0.1)])
    found = diff(audited.several(), new)
    assert "Beyond chance, under square4: attack success rate fell" in finding(found)
    for format_ in ("html", "md"):
        text = render(found, format_).decode()
        assert text.rindex("What changed under") < text.index("What is the same under")
        assert text.index("What changed under") < text.rindex("What changed under")
        assert text.count("SHA-256") == 4  # of model and images once, and each trigger's own
