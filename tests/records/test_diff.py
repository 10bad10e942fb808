"""Two audits beside each other: what changed, and what did not."""

import dataclasses

import pytest

from auditor.errors import InputError
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.records.audits import joined
from auditor.records.certificate import Certificate
from auditor.records.diff import TriggerDiff, apart, diff
from tests import audited


def pair_of(old: Certificate, new: Certificate) -> TriggerDiff:
    (pair,) = diff(old, new).pairs
    return pair


def changed(old: Certificate, new: Certificate) -> list[tuple[str, str]]:
    return [(item.topic, item.name) for item in pair_of(old, new).changed]


def test_an_audit_beside_itself_is_the_same() -> None:
    found = diff(audited.certificate(), audited.certificate())
    assert found.kinship == "the same model file"
    assert found.pairs[0].changed == ()
    assert {item.topic for item in found.pairs[0].same} == {
        "verdict", "figures", "limits", "model", "data", "trigger", "attention", "run",
    }  # fmt: skip


def test_a_repair_changes_verdict_and_figures_first() -> None:
    found = changed(audited.certificate(), audited.repaired())
    assert found[:2] == [("verdict", "status"), ("figures", "asr")]
    assert ("figures", "clean_accuracy") not in found
    assert ("limits", "accuracy_drop") in found
    assert ("model", "SHA-256") in found


@pytest.mark.parametrize(
    ("old", "new", "differ"),
    [
        (Rate(0.5, 0.4, 0.6, 9), Rate(0.55, 0.45, 0.65, 9), False),
        (Rate(0.5, 0.4, 0.6, 9), Rate(0.7, 0.6, 0.8, 9), False),
        (Rate(0.5, 0.4, 0.6, 9), Rate(0.8, 0.7, 0.9, 9), True),
        (Rate(0.8, 0.7, 0.9, 9), Rate(0.5, 0.4, 0.6, 9), True),
        (Rate(0.5, 0.4, 0.6, 9), Skipped("no"), True),
        (Skipped("no"), Skipped("another reason"), False),
    ],
)
def test_figures_change_where_their_intervals_lie_apart(old, new, differ: bool) -> None:
    assert apart(old, new) is differ


def test_what_they_have_in_common_is_named() -> None:
    scanned, repaired = audited.certificate(), audited.repaired()
    successor = audited.certificate(path="out/repaired.keras", sha256="ef" * 32)
    renamed = audited.certificate(path="b.keras", sha256="12" * 32)
    assert diff(scanned, repaired).kinship == "the model and its repaired successor"
    assert diff(repaired, successor).kinship == "the same model file"
    assert diff(repaired, scanned).kinship == "the repaired model and the one that it came from"
    assert diff(scanned, audited.certificate(sha256="12" * 32)).kinship == (
        "two model files of the same name"
    )
    assert diff(scanned, renamed).kinship == "two models under the same trigger"


def test_two_audits_with_nothing_in_common_are_refused() -> None:
    other = audited.certificate(path="b.keras", sha256="12" * 32)
    other = dataclasses.replace(
        other,
        trigger=dataclasses.replace(other.trigger, sha256="34" * 32),
        data=dataclasses.replace(other.data, sha256="56" * 32),
    )
    with pytest.raises(InputError, match="nothing in common"):
        diff(audited.certificate(), other)


def test_triggers_are_paired_by_name_and_the_others_listed() -> None:
    new = joined([audited.certificate(0.0, 0.1, "grid3"), audited.certificate(trigger="sig")])
    found = diff(audited.several(), new)
    assert [pair.trigger for pair in found.pairs] == ["grid3"]
    assert (found.gone, found.added) == (("square4",), ("sig",))


def test_a_trigger_that_was_renamed_is_still_compared() -> None:
    assert ("trigger", "name") in changed(audited.certificate(), audited.certificate(trigger="new"))


def test_triggers_without_one_in_common_are_refused() -> None:
    others = joined([audited.certificate(trigger="a"), audited.certificate(trigger="b")])
    with pytest.raises(InputError, match="nothing in common"):
        diff(audited.several(), others)
