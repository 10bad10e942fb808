"""Markdown, read back with another implementation: markdown-it with GitHub's extensions."""

import dataclasses
import re

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from auditor.records.audits import Audits, joined
from auditor.records.certificate import Certificate
from auditor.report.certificate.markdown import MOST_CHAPTERS, MOST_ROWS
from auditor.report.formats import render
from auditor.report.markdown_text import code, escape
from auditor.text import printable
from tests import audited
from tests.report import hostile
from tests.report.past import past

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = {"<code>", "</code>", "<!-- -->"}


def tokens(text: str) -> list[Token]:
    return [t for block in PARSER.parse(text) for t in (block, *(block.children or ()))]


def shown(text: str) -> str:
    """Return what a reader sees of one line."""
    return "".join(t.content for t in tokens(text) if t.type == "text")


def text_of(found: Certificate | Audits) -> str:
    return render(found, "md").decode("utf-8")


@pytest.mark.parametrize(
    "name",
    [hostile.NAME, "1. a", "- a", "+ a", "# a", "= a", "a_b_c", "__init__", "a | b", "\\|", "2. ",
     "a@b.org", "https://a.org", "*a*", "`", "<b>", "&lt;", "[a][b]", "~~a~~", "5.7 %", "$a$"],
)  # fmt: skip
def test_a_name_shows_as_itself(name: str) -> None:
    for line in (escape(name, 2000), f"x {escape(name, 2000)}", code(name, 2000)):
        found = tokens(line)
        assert {t.type for t in found} <= {
            "paragraph_open", "paragraph_close", "inline", "text", "html_inline",
        }  # fmt: skip
        assert {t.content for t in found if t.type == "html_inline"} <= OURS
        assert shown(line).removeprefix("x ").strip() == printable(name, 2000).strip()


def test_plain_text_stays_readable() -> None:
    assert escape("clean_accuracy of 5.7 % (4.3 to 7.4), −2 points") == (
        "clean_accuracy of 5.7 % (4.3 to 7.4), −2 points"
    )


@pytest.mark.parametrize(
    "found",
    [audited.certificate(), audited.repaired(), audited.several(), hostile.certificate(),
     hostile.audits(), past("audit-v1")],
)  # fmt: skip
def test_it_is_made_of_our_own_marks_alone(found: Certificate | Audits) -> None:
    text = text_of(found)
    parsed = tokens(text)
    assert not {t.type for t in parsed} & {"image", "link_open", "fence", "code_block", "s_open"}
    assert {t.content for t in parsed if t.type == "html_inline"} <= OURS
    blocks = [t.content.strip() for t in parsed if t.type == "html_block"]
    assert blocks == [
        "<details>\n<summary>What this audit does not show</summary>", "</details>",
    ]  # fmt: skip
    assert all(c == "\n" or c.isprintable() for c in text)
    assert "://" not in text


@pytest.mark.parametrize("found", [audited.repaired(), hostile.audits()])
def test_every_row_has_the_cells_of_its_head(found: Certificate | Audits) -> None:
    width = cells = 0
    for token in PARSER.parse(text_of(found)):
        if token.type == "thead_open":
            width = 0
        elif token.type == "th_open":
            width += 1
        elif token.type == "tr_open":
            cells = 0
        elif token.type == "td_open":
            cells += 1
        elif token.type == "tr_close" and cells:
            assert cells == width
    for line in text_of(found).splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"\|", line)) in (3, 5, 6, 7)


def test_verdict_figures_limits_and_digests_are_told() -> None:
    found = audited.repaired()
    text = text_of(found)
    for said in (
        "Pass: <code>repaired.keras</code>", "| Attack success rate | 95.0 % | 0.0 % |",
        "at most 10.0 % | kept |", found.subject.sha256, found.repair.output.sha256,
        found.data.sha256, found.trigger.sha256, "2026-01-02 03:04:05 UTC",
    ):  # fmt: skip
        assert said in text
    assert text_of(audited.certificate()).startswith("## ❌ Fail: <code>poisoned.keras</code>\n")


def test_of_several_triggers_those_that_fail_come_first() -> None:
    held, failed = audited.certificate(0.0, 0.1, "grid3"), audited.certificate()
    text = text_of(joined([held, failed]))
    assert text.index("| <code>square4</code> |") < text.index("| <code>grid3</code> |")
    assert "Trigger <code>grid3</code>" in text


def test_very_many_triggers_of_very_long_names_stay_far_below_the_limit_of_a_step_summary() -> None:
    one = hostile.certificate()
    trigger = dataclasses.replace(one.trigger, id=hostile.NAME * 99, summary="|" * 9999)
    content = render(joined([dataclasses.replace(one, trigger=trigger)] * 600), "md")
    assert len(content) < 700_000
    assert f"And {600 - MOST_ROWS} triggers more." in content.decode()
    assert f"The other {600 - MOST_CHAPTERS} triggers" in content.decode()


def test_neighbours_stand_in_a_table_whether_or_not_there_was_a_repair() -> None:
    repaired = audited.repaired()
    plain = dataclasses.replace(audited.certificate(), evidence=repaired.repair.evidence)
    for found, asked, head, row in (
        (repaired, "Does the repair generalise?", "ASR after it", "93.0 % | 2.5 % | 2.0 %"),
        (plain, "Where else is it open?", "| ASR | held against", "2.5 % | 2.0 %"),
    ):
        text = text_of(found)
        assert asked in text and head in text and row in text
        assert "of the trigger, the furthest beyond noise: colours inverted" in text
        assert "it does not fit into the image" in text
    assert "Where else" not in text_of(audited.certificate())
