"""A policy held against finished audits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from auditor.figures.comeback import Difference
from auditor.figures.excess import strongest
from auditor.figures.metrics import paired_drop, wilson
from auditor.figures.policy import Limits, judge
from auditor.figures.results import Neighbour, Rate
from auditor.figures.skipped import Skipped
from auditor.figures.verdict import Check
from auditor.records.certificate import Certificate
from auditor.records.gate import Judgement, Policy, gated
from auditor.records.provenance import Safety
from auditor.report.judgement import summary
from auditor.worker.sandbox import Confinement
from tests import audited
from tests.report import probes
from tests.report.comparisons import worse

MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def check(certificate: Certificate, metric: str, now: datetime = MADE, **policy) -> Check:
    verdict = gated(certificate, Policy(**policy), now)
    return next(found for found in verdict.checks if found.metric == metric)


def test_the_default_policy_says_what_the_audit_said() -> None:
    for certificate in (audited.certificate(), audited.certificate(0.0, 0.1), audited.repaired()):
        verdict = gated(certificate, Policy(), MADE)
        assert verdict.status == certificate.verdict.status
        assert [c.metric for c in verdict.checks] == [c.metric for c in certificate.verdict.checks]
        assert [c.ok for c in verdict.checks] == [c.ok for c in certificate.verdict.checks]


def test_a_repaired_model_is_judged_by_what_was_handed_back() -> None:
    repaired = audited.repaired()
    assert check(repaired, "asr").value == repaired.measurements.after.asr.value == 0
    bound = repaired.measurements.after.asr.high
    assert check(repaired, "asr", max_asr=bound).ok is True
    assert check(repaired, "asr", max_asr=bound - 1e-9).ok is None  # too few images to show less


def test_the_fall_in_accuracy_is_held_against_the_policys_limit() -> None:
    repaired = worse(audited.repaired())
    then = next(c for c in repaired.verdict.checks if c.metric == "accuracy_drop")
    assert check(repaired, "accuracy_drop", max_accuracy_drop=then.bound).ok is True
    assert check(repaired, "accuracy_drop", max_accuracy_drop=then.bound - 1e-9).ok is False


def test_what_too_few_images_left_open_stays_open() -> None:
    """Nine of ten images right before and after: no fall, and no limit that ten could show."""
    repaired = audited.repaired()
    accuracy = wilson(9, 10)
    measured = replace(repaired.measurements.after, clean_accuracy=accuracy)
    before = after = np.array([1] * 9 + [0], np.uint8)
    drop = paired_drop(before, after)
    verdict = judge(measured, Limits(), repaired.subject.classes, drop)
    then = next(c for c in verdict.checks if c.metric == "accuracy_drop")
    assert (then.ok, verdict.status) == (None, "inconclusive")
    certificate = replace(
        repaired,
        measurements=replace(repaired.measurements, after=measured),
        verdict=verdict,
    )
    assert gated(certificate, Policy(), MADE).status == "inconclusive"
    assert check(certificate, "accuracy_drop") == then
    assert check(certificate, "accuracy_drop", max_accuracy_drop=drop[2] + 0.01).ok is True


def test_the_strongest_neighbour_is_held_against_its_control() -> None:
    repaired = audited.repaired()
    bound = strongest(repaired.repair.evidence.neighbours).high
    assert check(repaired, "neighbour_excess").limit == Limits.max_neighbour_asr
    assert check(repaired, "neighbour_excess", max_neighbour_asr=bound).bound == bound
    assert check(repaired, "neighbour_excess", max_neighbour_asr=bound).ok is True
    assert check(repaired, "neighbour_excess", max_neighbour_asr=bound - 1e-9).ok is not True
    never = gated(audited.certificate(0.0, 0.1), Policy(max_neighbour_asr=0.5), MADE)
    assert never.status == "inconclusive"
    assert "no neighbours were tried" in never.checks[-1].reason


@pytest.mark.parametrize(
    ("near", "ok", "status"),
    [
        (Neighbour("mirrored", wilson(106, 200), wilson(8, 200), 100, 2), False, "fail"),
        (Neighbour("mirrored", wilson(8, 200), wilson(8, 200), 0, 0), True, "pass"),
        (Neighbour("mirrored", wilson(4, 20), wilson(1, 20), 3, 0), None, "inconclusive"),
    ],
)
def test_neighbours_of_a_model_that_was_not_repaired_are_judged_like_those_of_one_that_was(
    near: Neighbour, ok: bool | None, status: str
) -> None:
    """A value beyond the limit that too few images leave open is no pass."""
    plain = audited.certificate(0.0, 0.1)
    tried = replace(plain, evidence=replace(plain.evidence, neighbours=(near,)))
    for policy in ({}, {"max_neighbour_asr": 0.06}):
        assert check(tried, "neighbour_excess", **policy).ok is ok
        assert gated(tried, Policy(**policy), MADE).status == status


def test_points_are_points_where_nothing_was_tried() -> None:
    never = gated(audited.certificate(0.0, 0.1), Policy(max_neighbour_asr=0.05), MADE)
    shown = Console(width=200, record=True, file=StringIO())
    shown.print(summary(Judgement(Policy(), (("square4", never),)), "audit.json"))
    assert "≤ 5.0 points" in shown.export_text()


def test_the_strongest_neighbours_own_rate_is_judged_where_no_control_is_known() -> None:
    """As in audits of version 0.1, which a policy without the limit says nothing about."""
    repaired = audited.repaired()
    evidence = replace(repaired.repair.evidence, neighbours=())
    old = replace(repaired, repair=replace(repaired.repair, evidence=evidence))
    highest = max(r.after.high for r in old.repair.neighbours if isinstance(r.after, Rate))
    assert check(old, "neighbour_asr", max_neighbour_asr=highest).bound == highest
    assert check(old, "neighbour_asr", max_neighbour_asr=highest).ok is True
    assert check(old, "neighbour_asr", max_neighbour_asr=highest - 1e-9).ok is False
    assert not [c for c in gated(old, Policy(), MADE).checks if "neighbour" in c.metric]


def test_what_is_about_the_audit_itself() -> None:
    plain = audited.certificate(0.0, 0.1)
    assert check(plain, "images", min_images=audited.IMAGES).ok is True
    assert check(plain, "images", min_images=audited.IMAGES + 1).ok is False
    later = MADE + timedelta(days=2)
    assert check(plain, "age", now=later, max_age=2).ok is True
    assert check(plain, "age", now=later + timedelta(seconds=1), max_age=2).ok is False
    early = MADE - timedelta(days=1)
    assert check(plain, "age", now=early, max_age=2).ok is False, "made tomorrow"
    assert check(plain, "age", now=MADE - timedelta(minutes=5), max_age=2).ok is True
    assert check(plain, "repaired", repaired=True).ok is False
    assert check(audited.repaired(), "repaired", repaired=True).ok is True


@pytest.mark.parametrize(
    ("confinement", "whole"),
    [
        (Confinement(6, True), True),
        (Confinement(0, True), False),
        (Confinement(6, False), False),
        (Confinement(0, False), False),
        (Confinement(0, False, off=True), False),
    ],
)
def test_a_sandbox_counts_only_whole(confinement: Confinement, whole: bool) -> None:
    certificate = replace(audited.certificate(), safety=Safety(str(confinement), ()))
    assert check(certificate, "sandboxed", sandboxed=True).ok is whole


def test_what_comes_back_is_held_against_the_policys_limit() -> None:
    back = audited.probed()
    ten = back.reactivation.retuning[1].outcome.excess
    assert check(back, "reactivation", max_reactivation=ten.high).ok is True
    assert check(back, "reactivation", max_reactivation=ten.high - 1e-9).ok is False
    lenient = gated(back, Policy(), MADE)
    assert lenient.status == "pass" and lenient.warnings == back.verdict.warnings != ()
    assert gated(back, Policy(max_reactivation=1), MADE).warnings == ()
    assert gated(audited.probed(probes.gone()), Policy(max_reactivation=0.1), MADE).status == "pass"


def test_a_limit_on_what_nobody_tried_is_open() -> None:
    for made in (audited.repaired(), audited.probed(Skipped("the probes were interrupted"))):
        open_ = check(made, "reactivation", max_reactivation=0.5)
        assert open_.ok is None and open_.reason
        assert gated(made, Policy(max_reactivation=0.5), MADE).status == "inconclusive"
        assert gated(made, Policy(), MADE).status == "pass"
    assert "bdaudit probe" in check(audited.repaired(), "reactivation", max_reactivation=0).reason


def test_a_comeback_beyond_the_limit_that_is_not_judged_is_no_pass() -> None:
    """Of 20 images: 3 come back and none in the control, which shows neither this nor that."""
    few = Difference.of(3, 0, 20)
    assert few.low <= 0.05 < few.value
    one = replace(probes.strengthened(12, 10), excess=few)
    back = probes.gone()
    found = replace(back, strengthened=(replace(back.strengthened[0], outcome=one),))
    made = audited.probed(found)
    open_ = check(made, "reactivation", max_reactivation=0.05)
    assert open_.ok is None and "too few images" in open_.reason
    assert gated(made, Policy(max_reactivation=0.05), MADE).status == "inconclusive"
