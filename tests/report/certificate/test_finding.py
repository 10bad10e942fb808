"""What a certificate says of a repair, in sentences and lines."""

import dataclasses

import pytest

from auditor.figures.metrics import wilson
from auditor.figures.policy import Limits, judge
from auditor.figures.results import Neighbour
from auditor.figures.skipped import Skipped
from auditor.figures.verdict import Check
from auditor.report.certificate.finding import (
    finding,
    headline,
    limits_of_audit,
    warnings,
)
from auditor.report.lines import lines


def percent(rate) -> str:
    return f"{100 * rate.value:.1f} %"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("pass", "PASS  repaired.keras keeps every limit under the trigger square8 after the"),
        ("fail", "FAIL  repaired.keras exceeds a limit under the trigger square8 after the"),
        ("inconclusive", "INCONCLUSIVE  repaired.keras could not be judged"),
    ],
)
def test_the_headline_names_the_repaired_file(repaired, status: str, words: str) -> None:
    verdict = dataclasses.replace(repaired.verdict, status=status)
    said = headline(dataclasses.replace(repaired, verdict=verdict))
    assert said.startswith(words)
    assert said.endswith("after the repair")


def test_the_finding_goes_from_before_to_after(repaired) -> None:
    before, after = repaired.measurements.before, repaired.measurements.after
    said = finding(repaired)
    for old, new in ((before.asr, after.asr), (before.clean_accuracy, after.clean_accuracy)):
        assert f"from {percent(old)} to {percent(new)}" in said
    assert f"from {before.tar.median:.2f} to " in said


def test_a_repair_that_did_not_help_says_why(helpless) -> None:
    assert headline(helpless) == (
        "FAIL  poisoned.keras exceeds a limit under the trigger square8; the repair did not help"
    )
    said = finding(helpless)
    assert said.startswith("The repair did not help, so nothing was handed back: No epoch lowered")
    assert percent(helpless.measurements.before.asr) in said


def test_shared_images_are_told_first(repaired, helpless) -> None:
    assert warnings(repaired) == []
    data = dataclasses.replace(repaired.repair.data, overlap=7)
    shared = dataclasses.replace(repaired, repair=dataclasses.replace(repaired.repair, data=data))
    (said,) = warnings(shared)
    assert said.startswith("7 of the 300 evaluation images were also used by the repair, so")
    assert warnings(helpless) == list(helpless.repair.notes)


def test_a_trigger_that_was_searched_for_is_told_first(repaired, helpless) -> None:
    assert not any("attacker" in said for said in warnings(repaired))
    for certificate, told in ((repaired, True), (helpless, False)):
        trigger = dataclasses.replace(certificate.trigger, inferred=True)
        said = warnings(dataclasses.replace(certificate, trigger=trigger))
        assert any("search the repaired model again" in one for one in said[:1]) is told


def test_lines_stand_beside_those_before(repaired, certificate) -> None:
    found = {line.metric: line for line in lines(repaired)}
    plain = {line.metric: line for line in lines(certificate)}
    for metric, line in plain.items():
        assert (found[metric].before, found[metric].before_interval) == (line.value, line.interval)
        assert line.before == ""
    check = repaired.verdict.checks[-1]
    assert found["accuracy_drop"].value == f"{100 * check.value:.1f} points".replace("-", "−")
    assert found["accuracy_drop"].interval == f"at most {100 * check.bound:.1f} points"
    assert found["accuracy_drop"].limit == "≤ 10.0 points"
    assert found["der"].value == f"{100 * repaired.repair.der:.1f} %"
    assert list(found)[:4] == ["asr", "tar", "robust_accuracy", "clean_accuracy"]


def test_what_cannot_be_compared_is_not_measured(repaired) -> None:
    drop = Check("accuracy_drop", 0.02, None, None, None, reason="no image to count")
    verdict = dataclasses.replace(repaired.verdict, checks=(*repaired.verdict.checks[:-1], drop))
    repair = dataclasses.replace(repaired.repair, der=None)
    found = {
        line.metric: line
        for line in lines(dataclasses.replace(repaired, verdict=verdict, repair=repair))
    }
    assert found["accuracy_drop"].note == "no image to count"
    assert found["der"].value == "not measured"


def test_a_repair_adds_what_it_cannot_promise(repaired, certificate) -> None:
    said = " ".join(limits_of_audit(repaired))
    assert "Only the trigger square8 was unlearned" in said
    assert "500 validation images" in said
    assert "even the same one moved" in " ".join(limits_of_audit(certificate))
    assert "even the same one moved" not in said  # its neighbours were tried


def test_a_class_that_is_avoided_is_told(repaired) -> None:
    """Fewer images than without the trigger: suppression of a class, not repair."""
    after = dataclasses.replace(
        repaired.measurements.after, asr=wilson(0, 900), clean_target_rate=wilson(45, 900)
    )
    measured = dataclasses.replace(repaired.measurements, after=after)
    avoided = dataclasses.replace(repaired, measurements=measured)
    assert any("avoids that class" in said for said in limits_of_audit(avoided))
    even = dataclasses.replace(after, asr=wilson(40, 900))
    measured = dataclasses.replace(measured, after=even)
    same = dataclasses.replace(repaired, measurements=measured)
    assert not any("avoids that class" in said for said in limits_of_audit(same))


def test_what_was_not_measured_is_left_out(repaired) -> None:
    gone = Skipped("the scores are NaN")
    after = dataclasses.replace(repaired.measurements.after, asr=gone, tar=gone)
    measured = dataclasses.replace(repaired.measurements, after=after)
    said = finding(dataclasses.replace(repaired, measurements=measured))
    assert said.startswith("The repair changed clean accuracy from ")
    assert "TAR" not in said


def test_scattering_is_told_from_forgetting(repaired) -> None:
    """The trigger may stop leading to the target and still spoil every answer."""

    def said(robust: int) -> str:
        after = dataclasses.replace(
            repaired.measurements.after,
            clean_accuracy=wilson(950, 1_000),
            robust_accuracy=wilson(robust, 1_000),
        )
        measured = dataclasses.replace(repaired.measurements, after=after)
        return " ".join(warnings(dataclasses.replace(repaired, measurements=measured)))

    assert "still disturbs: 58.8 % of the stamped images" in said(588)
    assert "95.0 % of clean ones" in said(588)
    assert "still disturbs" not in said(940)


def test_a_trigger_that_still_leads_to_the_target_is_not_said_to_have_stopped(repaired) -> None:
    def said(hits: int) -> str:
        after = dataclasses.replace(
            repaired.measurements.after,
            asr=wilson(hits, 1_000),
            robust_accuracy=wilson(30, 1_000),
            clean_accuracy=wilson(950, 1_000),
        )
        measured = dataclasses.replace(repaired.measurements, after=after)
        near = Neighbour("faded to 75 %", wilson(765, 1_000), wilson(20, 1_000), 750, 5)
        evidence = dataclasses.replace(repaired.repair.evidence, neighbours=(near,))
        repair = dataclasses.replace(repaired.repair, evidence=evidence)
        verdict = judge(after, Limits(), 10, neighbours=(near,))
        made = dataclasses.replace(repaired, measurements=measured, repair=repair, verdict=verdict)
        return " ".join([finding(made), *warnings(made)])

    assert "no longer decides" not in said(960) and "still turns" not in said(960)
    assert "no longer decides" in said(20) and "faded to 75 % still turns 76.5 %" in said(20)
