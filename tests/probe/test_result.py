"""What is judged and said of the probes."""

from dataclasses import replace
from statistics import fmean

import pytest

from auditor.figures.comeback import Comeback, Comebacks, Difference
from auditor.figures.metrics import paired_interval
from auditor.figures.policy import with_comebacks
from auditor.figures.skipped import Skipped
from auditor.figures.verdict import Check, Verdict
from auditor.probe.comebacks import comebacks
from auditor.probe.result import NO_MARGIN, NOT_MEASURED, AtRest, BeforeRepair
from tests.report import probes

NO_TIME = Skipped("the budget does not reach")
PASS = Verdict.of([Check("asr", 0.1, 0.0, 0.02, True)])


def judged(found, limit=None) -> Verdict:
    return with_comebacks(PASS, comebacks(found), limit)


def test_the_words_are_those_of_a_person() -> None:
    said = [one.said for one in comebacks(probes.back()).found]
    assert said[0] == "from 1 % to 41 % with 5 images (control 6 %)"
    assert said[2].startswith("from 1 % to 6 % with a perturbation of 8/255 over the image")


def test_without_a_limit_what_surely_came_back_is_a_warning_and_changes_no_verdict() -> None:
    verdict = judged(probes.back())
    assert (verdict.status, verdict.checks) == ("pass", PASS.checks)
    assert [(w.metric, w.text) for w in verdict.warnings] == [
        ("reactivation", "returned from 1 % to 41 % with 5 images (control 6 %)")
    ]
    assert judged(probes.gone()).warnings == ()
    assert with_comebacks(PASS, None, None) == PASS


def test_an_excess_that_may_be_chance_is_a_warning_that_says_so() -> None:
    """17 points more, of 200 images in one trial: from 11 to 23; 12, from 7 to 18; and 9."""
    for more, begins in ((34, "returned from"), (24, "may have returned from"), (18, None)):
        trial = probes.retuned((more, 0))
        found = probes.reactivation(trial, probes.retuned((7, 7)), seeds=1)
        said = [warning.text for warning in judged(found).warnings]
        assert len(said) == (begins is not None) and all(s.startswith(str(begins)) for s in said)
    none = probes.reactivation(
        probes.retuned((24, 0)), probes.retuned((7, 7)), image=NO_TIME, seeds=1
    )
    assert [w.text[:8] for w in judged(none).warnings] == ["may have", "may come"]


def test_what_the_repair_did_not_remove_is_not_brought_back() -> None:
    """97 % before, 60 % after; below 10 points more than the control it is told from there."""
    there = probes.back(start=AtRest(probes.rate(120), probes.rate(2)))
    (warning,) = judged(there).warnings
    said = "was not removed by the repair (ASR 60 %); there is nothing to bring back"
    assert warning.text == said
    assert judged(there, 0.3).status == "fail" and judged(there, 0.3).warnings == ()
    little = probes.back(start=AtRest(probes.rate(20), probes.rate(2)))
    assert comebacks(little).remains == ""
    assert comebacks(little).found[2].said.startswith("from 10 % to 6 % with a perturbation")


def test_a_limit_is_held_against_the_upper_end_of_the_largest_excess() -> None:
    found = probes.back()
    ten = found.retuning[1].outcome.excess
    assert ten.low < paired_interval(158, 0, 200)[0] < paired_interval(162, 0, 200)[1] < ten.high
    for limit, ok in ((ten.high, True), (ten.high - 1e-9, False)):
        verdict = judged(found, limit)
        check = verdict.checks[-1]
        assert (check.metric, check.value, check.bound) == ("reactivation", ten.value, ten.high)
        assert check.ok is ok and verdict.status == ("pass" if ok else "fail")
        assert verdict.warnings == ()


def test_what_was_not_tried_leaves_a_limit_open_unless_it_is_exceeded_already() -> None:
    some = probes.reactivation(NO_TIME, probes.retuned((4, 4), (6, 6)))
    check = judged(some, 0.2).checks[-1]
    assert (check.ok, check.reason) == (None, NO_TIME.skipped)
    assert judged(some, 0.2).status == "inconclusive"
    much = probes.reactivation(NO_TIME, probes.retuned((170, 12), (174, 12)))
    assert judged(much, 0.2).checks[-1].ok is False
    for nothing in (probes.reactivation(NO_TIME, NO_TIME, NO_TIME, NO_TIME), NO_TIME):
        check = judged(nothing, 0.2).checks[-1]
        assert (check.ok, check.value, check.reason) == (None, None, NO_TIME.skipped)


def test_without_a_limit_what_was_not_tried_is_a_warning() -> None:
    nothing = probes.reactivation(NO_TIME, NO_TIME, NO_TIME, NO_TIME)
    some = probes.reactivation(NO_TIME, probes.retuned((4, 4), (6, 6)))
    for found, part in ((NO_TIME, "it was not found out"), (nothing, "it was not found out"),
                        (some, "not all of it was tried")):  # fmt: skip
        (warning,) = judged(found).warnings
        assert warning.text == f"may come back; {part}: the budget does not reach"
        assert judged(found).status == "pass" and judged(found, 0.2).warnings == ()
    much = probes.reactivation(NO_TIME, probes.retuned((170, 12), (174, 12)))
    assert [w.text[:8] for w in judged(much).warnings] == ["returned"]


def test_seeds_that_are_missing_are_named() -> None:
    few = probes.retuned((8, 6), missing="the budget does not reach")
    found = probes.reactivation(few, probes.retuned((8, 6), (6, 8)))
    (warning,) = judged(found).warnings
    gap = "1 of 2 seeds with 5 images: the budget does not reach"
    assert warning.text == f"may come back; not all of it was tried: {gap}"
    assert (judged(found, 0.2).status, judged(found, 0.2).checks[-1].reason) == (
        *("inconclusive", gap),
    )


@pytest.mark.parametrize("trials", [3, 10, 30])
def test_one_trial_is_told_however_many_others_there_are(trials: int) -> None:
    once = probes.retuned((190 if trials > 3 else 58, 0), *[(0, 0)] * (trials - 1))
    found = probes.reactivation(probes.retuned((8, 6), (6, 8)), once, seeds=trials)
    (warning,) = judged(found).warnings
    assert warning.text.startswith("returned from") and f"of {trials} trials" in warning.text
    check = judged(found, 0.2).checks[-1]
    assert check.ok is False and check.bound > 0.2


def test_controls_that_scatter_make_no_more_of_the_trigger_than_it_does() -> None:
    """Student's interval of their differences alone would reach 16 points."""
    found = probes.retuned((6, 18), (5, 50), (9, 80))
    assert found.excess.value < -0.2
    assert found.excess.high == max(trial.asr.high for trial in found.trials) < 0.09


def test_a_network_that_a_retuning_ruins_tells_nothing() -> None:
    good = probes.retuned((8, 6), (6, 8))
    course = replace(good.course, clean_accuracy=(0.95, 0.5, 0.4))
    bad = replace(good, clean_accuracy=0.4, course=course)
    assert "lost 55 points of accuracy" in comebacks(probes.reactivation(good, bad)).unknown


def test_two_trials_of_three_leave_nothing_open() -> None:
    """They show their scatter, which the interval has."""
    done = probes.retuned((8, 6), (6, 8), missing="the budget does not reach")
    found = probes.reactivation(done, probes.retuned((8, 6), (6, 8), (7, 7)), seeds=3)
    assert comebacks(found).unknown == ""
    assert judged(found).warnings == () and judged(found, 0.3).status == "pass"


def test_a_retuning_whose_control_comes_as_far_tells_nothing() -> None:
    """Both at the top: whatever the trigger was, a new stamp is learnt as fast."""
    found = probes.reactivation(
        probes.retuned((8, 6), (6, 8)), probes.retuned((190, 188), (194, 190))
    )
    (warning,) = judged(found).warnings
    assert "with 10 images any stamp comes to 94 %" in warning.text
    check = judged(found, 0.2).checks[-1]
    assert check.ok is None and "any stamp comes to 94 %" in check.reason
    assert judged(found, 0.2).status == "inconclusive"


def test_what_is_surely_beyond_a_high_control_is_said_all_the_same() -> None:
    much = probes.retuned((196, 110), (196, 110))
    found = probes.reactivation(probes.retuned((8, 6), (6, 8)), much)
    assert judged(found).warnings[0].text.startswith("returned from 1 % to 98 % with 10 images")
    assert judged(found, 0.2).status == "fail"


def test_one_trial_beyond_every_control_is_enough() -> None:
    """Who brings a backdoor back tries more than once, and a mean of two trials spans anything."""
    found = probes.reactivation(probes.retuned((8, 6), (6, 8)), probes.retuned((186, 8), (14, 10)))
    (warning,) = judged(found).warnings
    assert warning.text == (
        "returned from 1 % to 50 % with 10 images (control 4 %) on average, and to 93 % in "
        "the strongest of 2 trials"
    )
    lucky = probes.reactivation(probes.retuned((8, 6), (6, 8)), probes.retuned((120, 8), (60, 110)))
    (warning,) = judged(lucky).warnings
    assert warning.text.startswith("may have returned"), "a new stamp was learnt as well, once"


def test_no_margin_around_a_whole_image_leaves_nothing_open() -> None:
    found = probes.reactivation(
        probes.retuned((4, 4), (4, 4)), probes.retuned((6, 6), (6, 6)), margin=Skipped(NO_MARGIN)
    )
    assert comebacks(found).unknown == ""
    assert judged(found, 0.2).status == "pass"


def test_of_few_images_a_small_limit_stays_open() -> None:
    one = Comeback("returned", Difference.of(0, 0, 12), "retuning")
    check = with_comebacks(PASS, Comebacks((one,)), 0.05).checks[-1]
    assert check.ok is None and "too few images" in check.reason


def test_a_difference_is_that_of_paired_shares() -> None:
    found = Difference.of(30, 10, 100)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == paired_interval(30, 10, 100)
    mean = Difference.mean([found, Difference.of(28, 9, 100), Difference.of(29, 8, 100)])
    assert (mean.value, mean.n) == (pytest.approx(0.2), 100)
    ends = [paired_interval(*each, 100)[1] for each in ((30, 10), (28, 9), (29, 8))]
    assert mean.high == pytest.approx(sum(ends) / 3)


def test_trials_that_differ_widen_the_interval_of_their_mean() -> None:
    """20, 0 and 40 points: Student's t of two degrees of freedom is 4.303."""
    each = [Difference.of(more, 10, 100) for more in (30, 10, 50)]
    mean = Difference.mean(each)
    half = 4.303 * 0.2 / 3**0.5
    assert (mean.low, mean.high) == pytest.approx((0.2 - half, 0.2 + half), abs=1e-3)
    assert mean.low < fmean(one.low for one in each)
    assert Difference.mean([Difference.of(100, 0, 100), Difference.of(0, 0, 100)]).high == 1


REPAIRED = AtRest(probes.rate(4), probes.rate(2))


@pytest.mark.parametrize(
    ("asr", "bare", "said"),
    [
        (2, 2, "BEFORE answers to the trigger no more than AFTER: 1 % against 2 %; were the two "
               "given in the wrong order?"),
        (20, 18, "BEFORE takes no more images for the target with the trigger than without it: "
                 "10 % against 9 %; is it another trigger, or target?"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("found", [probes.back, probes.gone])
def test_what_before_does_not_answer_to_cannot_come_back(found, asr, bare, said) -> None:
    """Two files in the wrong order, and a model that never had a backdoor."""
    before = BeforeRepair("b.keras", "ab" * 32, probes.rate(asr), probes.rate(bare))
    wrong = found(before=before, start=REPAIRED)
    (check,) = judged(wrong, 0.9).checks[1:]
    assert (check.ok, check.value, check.reason) == (None, None, said)
    assert judged(wrong, 0.9).status == "inconclusive"
    (warning,) = judged(wrong).warnings
    assert warning.text == f"may come back; it was not found out: {said}"


def test_of_an_older_audit_it_is_not_asked_whether_before_answers() -> None:
    older = probes.back(before=BeforeRepair("b.keras", "ab" * 32), start=NOT_MEASURED)
    assert comebacks(older).unknown == "" and judged(older, 0.1).status == "fail"
    broken = BeforeRepair("b.keras", "ab" * 32, Skipped("NaN"), Skipped("NaN"))
    assert "not known: NaN" in comebacks(probes.back(before=broken)).unknown
