"""What a round changes: the cost, the smallest stamp, who takes part."""

import numpy as np
import pytest

from auditor.search import schedule
from auditor.search.options import SearchOptions
from auditor.search.state import SearchState

OPTIONS = SearchOptions(patience=5, cost=1e-3)


def field(classes: int = 1) -> SearchState:
    return SearchState.begin(list(range(classes)), (4, 4), OPTIONS.cost, 0)


def rounds(here: SearchState, success: list[float], norm: float = 8.0) -> list[float]:
    """Go through rounds of one class; return its cost after each."""
    costs = []
    for value in success:
        here.round += 1
        schedule.keep(here, np.array([value]), np.array([norm]), OPTIONS)
        costs.append(float(here.cost[0]))
    return costs


def test_five_successes_in_a_row_double_the_cost() -> None:
    assert rounds(field(), [1.0] * 11) == pytest.approx([1e-3] * 4 + [2e-3] * 5 + [4e-3] * 2)


def test_a_failure_between_begins_the_count_anew() -> None:
    assert rounds(field(), [1.0] * 4 + [0.5] + [1.0] * 4) == pytest.approx([1e-3] * 9)


def test_five_failures_in_a_row_lower_it_once_a_first_stamp_had_its_time() -> None:
    here = field()
    assert rounds(here, [0.5] * 7) == pytest.approx([1e-3] * 7)
    assert rounds(here, [0.5] * 6) == pytest.approx([1e-3] * 4 + [1e-3 / 2**1.5] * 2)


def test_the_smallest_stamp_that_succeeds_is_kept() -> None:
    here = field()
    for value, norm in ((1.0, 9.0), (0.98, 3.0), (1.0, 6.0), (1.0, 7.0)):
        here.slots[0][:] = norm  # tells the masks apart
        rounds(here, [value], norm)
    assert here.norm[0] == 6.0
    assert here.mask[0] == pytest.approx(1 / (1 + np.exp(-6.0)))
    assert here.trail[:, 0].tolist() == [9, 9, 6, 6]


def falling(here: SearchState, trails: list[list[float]]) -> SearchState:
    here.trail, here.norm = np.array(trails).T, np.array([trail[-1] for trail in trails])
    here.round = len(here.trail)
    return here


def test_classes_whose_norm_falls_no_further_leave_together() -> None:
    still, moving = [10.0] * 9, [20 - i / 2 for i in range(9)]
    here = falling(field(4), [still, moving, moving, still])
    schedule.release(here)
    assert here.active.tolist() == [False, True, True, False]
    lonely = falling(field(5), [still, *[moving] * 4])
    schedule.release(lonely)
    assert lonely.active.all()


@pytest.mark.parametrize(
    ("last", "settled"),
    [
        ([10.0] * 20, True),
        ([60.0] * 20, True),
        ([60.0] * 15 + [10.0] * 5, False),
        ([24.5] * 20, False),
    ],
)
def test_the_verdict_is_settled_when_it_stays_and_is_clear(last: list, settled: bool) -> None:
    here = falling(field(5), [[60.0] * 20] * 4 + [last])
    assert schedule.settled(here, 1024) is settled


def test_nothing_is_settled_before_half_of_the_classes_have_a_stamp() -> None:
    here = falling(field(5), [[np.inf] * 20] * 4 + [[10.0] * 20])
    assert not schedule.settled(here, 1024)


def test_the_first_pass_prefers_small_stamps_then_those_that_come_nearest() -> None:
    here = field(4)
    here.norm, here.success = np.array([np.inf, 9, np.inf, 5]), np.array([0.9, 1, 0.2, 1])
    assert schedule.promising(here, 3, 16).tolist() == [0, 1, 3]
