"""The budget of the probes is kept, and what did not fit says so."""

import dataclasses
import time
from functools import partial

import numpy as np
import pytest

from auditor.figures.skipped import Skipped
from auditor.measure.progress import silent
from auditor.probe.base import probe
from auditor.probe.budget import PHASE, Budget, NoTime
from auditor.probe.comebacks import comebacks
from auditor.probe.controls import unmet
from auditor.probe.images import TuningImages, read
from auditor.probe.judge import Judge
from auditor.probe.options import ProbeOptions
from auditor.probe.result import Recipe, Retuned
from auditor.probe.retuning import Retuner
from auditor.repair.objective import values
from tests.probe.conftest import QUICK, TARGET, Bench


class Clock:
    """Goes on when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def budget(seconds: float) -> tuple[Budget, Clock]:
    clock = Clock()
    return Budget(seconds, 100, silent, clock), clock


def test_a_piece_that_takes_longer_than_is_left_is_given_up_at_its_second_step() -> None:
    some, clock = budget(50)
    with pytest.raises(NoTime, match=r"budget of 50 s .* about 80 s more"):
        with some.work("retuning", 10) as step:
            clock.now += 5  # the first step compiles, and says nothing of the others
            step()
            clock.now += 10
            step()
    assert some.spent == 15


def test_a_kind_that_is_known_is_not_begun_where_it_cannot_be_finished() -> None:
    some, clock = budget(50)
    for _ in range(2):
        with some.work("retuning", 1) as step:
            clock.now += 20
            step()
    with pytest.raises(NoTime, match="about 20 s more"), some.work("retuning", 1):
        pytest.fail("it was begun")
    with some.work("path", 1) as step:  # of which nothing is known yet
        clock.now += 5
        step()


def test_in_the_middle_of_a_step_it_stops_when_the_time_is_over() -> None:
    some, clock = budget(50)
    some.check()
    clock.now += 50.1
    with pytest.raises(NoTime, match="50 s was used up"):
        some.check()
    with pytest.raises(NoTime), some.work("path", 3):
        pytest.fail("it was begun")


def test_what_is_left_out_counts_as_done() -> None:
    told = []
    some = Budget(10, 8, lambda *said: told.append(said), Clock())
    with pytest.raises(NoTime), some.work("retuning", 6):
        raise NoTime("for a reason")
    with some.work("path", 2) as step:
        step()
        step()
    assert told[0] == (PHASE, 6, 8) and told[-1] == (PHASE, 8, 8)


def test_with_no_time_nothing_is_tried_and_all_is_said(bench: Bench) -> None:
    found = probe(bench.task(bench.hidden), dataclasses.replace(QUICK, budget=0.01))
    outcomes = [one.outcome for one in (*found.retuning, *found.strengthened)] + [found.path]
    assert all(isinstance(one, Skipped) and "budget of 0.01 s" in one.skipped for one in outcomes)
    assert comebacks(found).found == () and "budget" in comebacks(found).unknown
    assert isinstance(found.tuning, Skipped)


def test_a_real_budget_is_kept_but_for_a_step(bench: Bench) -> None:
    """A hundred seeds would take longer."""
    options = dataclasses.replace(QUICK, clean=60, epochs=2, seeds=100, budget=30)
    began = time.monotonic()
    found = probe(bench.task(bench.hidden), options)
    whole = time.monotonic() - began
    assert found.seconds < 33 and whole < 40
    for one in found.retuning:
        assert isinstance(one.outcome, Retuned)
        assert 1 <= len(one.outcome.trials) < 100 and "budget of 30 s" in one.outcome.missing


@pytest.mark.parametrize("checks", [1, 3, 8])
def test_wherever_the_time_is_over_the_network_has_its_own_weights(
    bench: Bench, checks: int
) -> None:
    """In the middle of an epoch, or while the images that judge go through."""
    task = bench.task(bench.hidden)
    judging = read(task.judging, np.arange(len(task.judging)), task.after.size)
    options = dataclasses.replace(QUICK, judged_at_once=100)
    left = [10_000]

    def check() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise NoTime("the time is over")

    judge = Judge(task.after, judging, TARGET, 100, check)
    other = partial(unmet, task.trigger, 0)
    retuner = Retuner(task.after, task.trigger, other, judge, judge, options, False, check)
    stamped, clean = TuningImages(task.tuning, judging, TARGET, options, (16, 16)).trial(0)
    before = values(task.after.model.variables)
    left[0] = 5 + checks  # the control at rest takes two
    with pytest.raises(NoTime):
        retuner.trial(Recipe(3e-4, False), stamped, clean, np.zeros(10, np.int64), 0, lambda: None)
    for one, other in zip(before, values(task.after.model.variables), strict=True):
        np.testing.assert_array_equal(one, other)


def test_defaults_are_those_of_the_command_line() -> None:
    assert (ProbeOptions().budget, ProbeOptions().seeds) == (600, 3)
    assert ProbeOptions().stamped == (5, 10)
