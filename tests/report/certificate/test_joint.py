"""Several triggers in sentences and lines."""

import dataclasses

import pytest

from auditor.records.audits import Audits, joined
from auditor.records.certificate import Certificate
from auditor.report.certificate.check_notes import check_notes
from auditor.report.certificate.finding import limits_of_audit
from auditor.report.certificate.joint import (
    joint_finding,
    joint_headline,
    joint_limits,
    joint_lines,
    joint_notes,
    listed,
)
from auditor.report.words import number, percent


def judged(certificate: Certificate, *statuses: str) -> Audits:
    """Return the certificate once a status, as if of triggers one, two, three."""
    return joined(
        [
            dataclasses.replace(
                certificate,
                trigger=dataclasses.replace(certificate.trigger, id=name),
                verdict=dataclasses.replace(certificate.verdict, status=status),
            )
            for name, status in zip(("one", "two", "three", "four"), statuses, strict=False)
        ]
    )


def test_a_line_has_the_figures_of_its_certificate(audits: Audits) -> None:
    for line, certificate in zip(joint_lines(audits), audits.audits, strict=True):
        measured = certificate.measurements.before
        asr = measured.asr
        assert line.trigger == certificate.trigger.id
        assert line.asr == percent(asr.value)
        assert line.interval == f"{100 * asr.low:.1f} to {percent(asr.high)}"
        assert line.without == percent(measured.clean_target_rate.value)
        assert line.robust == percent(measured.robust_accuracy.value)
        whole = certificate.trigger.mask_area == 1
        assert line.attention_kind == ("heatmap shift" if whole else "TAR")
        shown = measured.heatmap_shift if whole else measured.tar
        assert line.attention == number(shown.median)
        assert (line.tar, line.shift) == (("–", line.attention) if whole else (line.attention, ""))
        assert line.inferred == (certificate.target.chosen == "inferred")
        assert line.status == certificate.verdict.status
    assert joint_lines(audits)[-1].target == "the next class"


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (("pass", "pass"), "The model keeps every limit under each of the 2 triggers."),
        (
            ("fail", "pass", "inconclusive", "fail"),
            "It exceeds a limit under one and four; it could not be judged under three; it keeps "
            "every limit under two. The strongest is one: ",
        ),
        (("inconclusive", "pass"), "It could not be judged under one; it keeps every limit under"),
        (("fail", "fail"), "It exceeds a limit under each of the 2 triggers. The strongest"),
    ],
)
def test_the_finding_says_under_which_triggers(
    certificate: Certificate, statuses: tuple[str, ...], words: str
) -> None:
    assert joint_finding(judged(certificate, *statuses)).startswith(words)


def test_the_strongest_is_the_one_that_turns_most_images(audits: Audits) -> None:
    first = audits.audits[0].measurements.before
    assert joint_finding(audits).endswith(
        f"The strongest is square8: {percent(first.asr.value)} of the stamped images are taken "
        f"for “red”, {percent(first.clean_target_rate.value)} without it."
    )
    assert joint_headline(audits).startswith("FAIL  poisoned.keras exceeds a limit under square8")


def test_what_covers_the_whole_image_is_told_in_one_sentence(audits: Audits) -> None:
    said = "lsb, sig and a2a cover the whole image, where TAR has no meaning: ASR decides."
    assert joint_notes(audits) == [said]
    assert not any([*check_notes(c)] for c in audits.audits)
    assert joint_notes(joined(audits.audits[:1])) == []


def test_limits_of_all_are_told_once(audits: Audits) -> None:
    said = joint_limits(audits)
    assert said[0].startswith("Only these 4 triggers were tried.")
    assert said[1].startswith("The target class was inferred for square8, lsb and sig, as the one")
    alone = [limits_of_audit(c) for c in audits.audits]
    assert said[2:] == [sentence for sentence in alone[0] if all(sentence in a for a in alone[1:])]
    given = joined([c for c in audits.audits if c.target.chosen == "given"])
    assert not any("inferred" in sentence for sentence in joint_limits(given))


def test_very_many_names_are_counted() -> None:
    assert listed(("a",)) == "a"
    assert listed(("a", "b")) == "a and b"
    assert listed([f"t{n}" for n in range(30)]) == "t0, t1, t2, t3, t4, t5, t6, t7 and 22 more"
