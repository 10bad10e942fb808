"""The pace and the time left, against the clock of a repair that was worked out by hand."""

from dataclasses import replace

import pytest

from auditor.monitor import history as module
from auditor.monitor.history import History
from auditor.repair.result import Epoch, Plan
from tests.monitor.conftest import steps


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock)
    return clock


def train(history: History, epoch: Epoch, clock: Clock, every: int = 1) -> None:
    """Twenty steps of 2.5 s, told `every` so many, then 6.4 s of judging."""
    for index, step in enumerate(steps(epoch), 1):
        clock.now += 2.5
        if index % every == 0:
            history.step(step)
    clock.now += 6.4
    history.epoch(epoch)


@pytest.mark.parametrize("every", [1, 5, 20])
def test_pace(plan: Plan, epochs: tuple[Epoch, ...], clock: Clock, every: int) -> None:
    history = History(plan)
    history.epoch(epochs[0])
    for epoch in epochs[1:4]:
        train(history, epoch, clock, every)
    assert history.images_per_second == pytest.approx(256 / 2.5)
    assert history.seconds_left == pytest.approx(15 * (20 * 2.5 + 6.4))
    clock.now += 30
    assert history.seconds_left == pytest.approx(15 * 56.4 - 30)
    assert (history.done, history.images) == (60, 15360)


def test_a_resumed_repair_counts_only_its_own_steps(
    plan: Plan, epochs: tuple[Epoch, ...], clock: Clock
) -> None:
    """Ten old epochs told again in no time would make the rest look quick."""
    history = History(plan)
    for epoch in epochs[:11]:
        history.epoch(epoch)
    assert (history.done, history.images) == (200, 51200)
    assert history.seconds_left is None
    history.step(steps(epochs[11])[0])
    assert history.seconds_left is None
    clock.now += 2.5
    history.step(steps(epochs[11])[1])
    assert history.images_per_second == pytest.approx(256 / 2.5)
    assert history.seconds_left == pytest.approx((360 - 202) * 2.5 + 8 * 6.4)


def test_nothing_is_left_at_the_end(plan: Plan, epochs: tuple[Epoch, ...], clock: Clock) -> None:
    history = History(plan)
    history.epoch(epochs[0])
    for epoch in epochs[1:]:
        train(history, epoch, clock)
    assert history.seconds_left == 0
    assert history.done == plan.steps


def test_judging_that_was_slower_than_it_says(
    plan: Plan, epochs: tuple[Epoch, ...], clock: Clock
) -> None:
    """Clocks of two processes never agree; no division by nothing, no time below none."""
    history = History(plan)
    history.step(steps(epochs[1])[0])
    history.epoch(replace(epochs[1], evaluation_seconds=100.0))
    history.step(steps(epochs[2])[0])
    assert history.images_per_second is None
    assert history.seconds_left is not None and history.seconds_left >= 0
