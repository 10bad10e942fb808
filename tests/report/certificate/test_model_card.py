"""A Hugging Face model card: the audit goes in, and nothing else changes."""

import re

import pytest
import yaml

from auditor.errors import InputError
from auditor.report.certificate.model_card import BEGIN, END, into_card
from tests import audited
from tests.report import hostile

SECTION = re.compile(rf"(?ms)^{BEGIN}$.*?^{END}\r?\n?$|^{BEGIN}\r?$.*?^{END}\r?$\n?")
MATTER = re.compile(r"(?ms)^ *# bdaudit:begin.*?# bdaudit:end[^\n]*\n")

INDEX = """model-index:
- name: mine   # as on the Hub
  results:
  - task: {type: image-classification}
    dataset: {name: 'CIFAR-10', type: cifar10}
    metrics:
    - type: accuracy
      value: 0.91 # measured by hand
"""
INDENTED = """model-index:
  - name: mine
    results:
      - task:
          type: image-classification
        dataset: {name: x, type: x}
        metrics:
          - {type: accuracy, value: 0.91}
      - task:
          type: image-classification
        note: |
          a block of text
          that ends here

# a comment
license: mit
"""
PLAIN = "license: 'mit'   # quoted\ntags: [ b,   a ]\n\n# a comment\nlanguage:\n    - en\n"
CARDS = {
    "plain": f"---\n{PLAIN}---\n# A model\n\n  text  \n",
    "windows": f"---\n{PLAIN}---\n# A model\n\ntext\n".replace("\n", "\r\n"),
    "mark": f"\ufeff---\n{PLAIN}---\ntext\n",
    "no end of line": f"---\n{PLAIN}---\ntext",
    "empty matter": "---\n---\ntext\n",
    "index": f"---\n{INDEX}{PLAIN}---\ntext\n",
    "index last": f"---\n{PLAIN}{INDEX}---\ntext\n",
    "index, windows": f"---\n{INDEX}{PLAIN}---\ntext\n".replace("\n", "\r\n"),
    "indented index": f"---\n{INDENTED}---\ntext\n",
    "a rule in the text": f"---\n{PLAIN}---\ntext\n\n---\n\nmore\n\n",
    "other comments": f"---\n{PLAIN}---\n<!-- begin -->\n`{BEGIN}`\ntext\n",
}
FAILED, REPAIRED = audited.certificate(), audited.repaired()


def matter_of(card: bytes) -> dict:
    return yaml.safe_load(re.split(r"(?m)^---\r?$", card.decode("utf-8-sig"))[1])


def without(card: bytes) -> str:
    return SECTION.sub("", MATTER.sub("", card.decode("utf-8")))


@pytest.mark.parametrize("name", CARDS)
def test_the_rest_stays_as_it_is_byte_for_byte(name: str) -> None:
    before = CARDS[name]
    after = into_card(before.encode(), FAILED)
    ending = "\r\n" if "\r\n" in before else "\n"
    rest = without(after)
    assert rest.startswith(before)
    assert rest.removeprefix(before) in ("", ending, ending * 2)
    if ending == "\r\n":
        assert b"\n" not in after.replace(b"\r\n", b"")


@pytest.mark.parametrize("name", CARDS)
def test_once_more_changes_nothing_and_another_audit_only_its_own_part(name: str) -> None:
    once = into_card(CARDS[name].encode(), FAILED)
    assert into_card(once, FAILED) == once
    renewed = into_card(once, REPAIRED)
    assert without(renewed) == without(once)
    assert b"repaired.keras" in renewed and b"repaired.keras" not in once
    assert into_card(renewed, FAILED) == once


@pytest.mark.parametrize("name", CARDS)
def test_the_results_stand_in_the_front_matter(name: str) -> None:
    old = matter_of(CARDS[name].encode()) or {}
    new = matter_of(into_card(CARDS[name].encode(), FAILED))
    index = new.pop("model-index")
    known = old.pop("model-index", [{"name": "poisoned.keras", "results": []}])
    assert new == old
    assert index[0]["name"] == known[0]["name"]
    *others, ours = index[0]["results"]
    assert others == known[0]["results"]
    assert ours["task"] == {"type": "image-classification", "name": "Image Classification"}
    assert ours["dataset"] == {"name": "photos/", "type": "photos"}
    metrics = {m["type"]: m["value"] for m in ours["metrics"]}
    assert metrics["attack_success_rate"] == 0.95
    assert metrics["accuracy"] == round(FAILED.measurements.before.clean_accuracy.value, 4)
    assert "trigger_attention_ratio" in metrics


@pytest.mark.parametrize("text", ["", "# A model\n", "text without an end of line"])
def test_a_card_without_front_matter_is_given_one(text: str) -> None:
    once = into_card(text.encode(), audited.several())
    assert len(matter_of(once)["model-index"][0]["results"]) == 2
    assert text in once.decode()
    assert into_card(once, audited.several()) == once


def test_no_name_breaks_out() -> None:
    once = into_card(CARDS["plain"].encode(), hostile.certificate())
    assert into_card(once, hostile.certificate()) == once
    assert without(once).rstrip("\n") == CARDS["plain"].rstrip("\n")
    metrics = matter_of(once)["model-index"][0]["results"][0]["metrics"]
    assert all(re.fullmatch(r"[a-z_]+", metric["type"]) for metric in metrics)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("---\nlicense: mit\n# never closed\n", "never closed"),
        ("---\nlicense: [mit\n---\n", "line 3"),
        ("---\na: b: c\n---\n", "line 2"),
        ("---\n\tlicense: mit\n---\n", "line 2"),
        ("---\n- a\n- b\n---\n", "no mapping"),
        ("---\na: 1\na: 2\n---\n", "twice"),
        ("---\n{license: mit}\n---\n", "no YAML|one a line"),
        ("---\nmodel-index: [{name: a, results: []}]\n---\n", "cannot be added to"),
        ("---\nmodel-index:\n- name: a\n  results: [{a: 1}]\n---\n", "cannot be added to"),
        ("---\nmodel-index:\n- name: a\n---\n", "cannot be added to"),
        ("---\nmodel-index:\n---\n", "cannot be added to"),
        ("---\na: &x [1]\nmodel-index:\n- name: a\n  results:\n  - *x\n---\n", "aliases"),
        ("---\n# bdaudit:begin\nlicense: mit\n---\n", "bdaudit:end"),
        ("---\n# bdaudit:end\n# bdaudit:begin\n---\n", "not bdaudit's"),
        ("---\n# bdaudit:begin\nlicense: mit\n# bdaudit:end\n---\n", "not bdaudit's"),
        (f"{BEGIN}\ntext\n", "must have one"),
        (f"{END}\n{BEGIN}\n", "must have one"),
        (f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n", "must have one"),
        ("---\n" + "[" * 5000 + "\n---\n", "no YAML"),
    ],
)
def test_a_broken_card_is_refused(card: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        into_card(card.encode(), FAILED)


def test_a_card_that_is_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="no UTF-8 at byte 1"):
        into_card(b"a\xff", FAILED)


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    rows = "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    card = f"---\na: &a [x]\n{rows}---\n"
    assert b"model-index" in into_card(card.encode(), FAILED)
