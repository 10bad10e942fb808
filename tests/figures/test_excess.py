"""How far neighbours lead beyond their controls, against Bonett and Price's interval by hand."""

import math
from statistics import NormalDist

import pytest

from auditor.figures.excess import strongest
from auditor.figures.metrics import wilson
from auditor.figures.policy import Limits, judge
from auditor.figures.results import Neighbour
from auditor.figures.skipped import Skipped
from tests.figures.test_policy import measurement

NO_ROOM = Skipped("it does not fit into the image")
BROKEN = Skipped("the model's scores are NaN or infinite for 3 images")


def neighbour(name: str, alone: int, control_alone: int, both: int = 0, n: int = 900) -> Neighbour:
    return Neighbour(
        name, wilson(both + alone, n), wilson(both + control_alone, n), alone, control_alone
    )


def interval(alone: int, control_alone: int, n: int, tried: int) -> tuple[float, float]:
    z = NormalDist().inv_cdf(1 - 0.05 / 2 / tried)
    p, q = (alone + 1) / (n + 2), (control_alone + 1) / (n + 2)
    half = z * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return p - q - half, p - q + half


def test_the_interval_is_of_paired_shares_for_all_that_were_tried() -> None:
    near = [neighbour("a", 30, 20, both=50), neighbour("b", 480, 6), neighbour("c", 0, 90)]
    found = strongest([*near, Neighbour("d", NO_ROOM, NO_ROOM)])
    assert found.neighbour.name == "b"
    assert found.value == pytest.approx((480 - 6) / 900)
    assert (found.low, found.high) == pytest.approx(interval(480, 6, 900, tried=3))
    wider = strongest(near, among=4)
    assert (wider.low, wider.high) == pytest.approx(interval(480, 6, 900, tried=12))


def test_nothing_measured_is_nothing_found() -> None:
    assert strongest([Neighbour("d", NO_ROOM, NO_ROOM)]) is None
    assert strongest([]) is None


@pytest.mark.parametrize(
    ("near", "ok", "status"),
    [
        ([neighbour("in the bottom left corner", 480, 4, both=20)], False, "fail"),
        ([neighbour("a", 9, 4, both=300)], True, "pass"),  # a third, and so does noise
        ([neighbour("a", 9, 4, both=600)], None, "inconclusive"),  # any stamp opens the model
        ([neighbour("a", 480, 4), neighbour("b", 9, 4, both=600)], False, "fail"),
        ([neighbour("a", 0, 0, n=30)], None, "inconclusive"),
        ([neighbour("a", 29, 0, n=30)], False, "fail"),
        ([Neighbour("a", NO_ROOM, NO_ROOM)], None, "inconclusive"),
        ([neighbour("a", 0, 0), Neighbour("b", NO_ROOM, NO_ROOM)], True, "pass"),
        ([neighbour("a", 0, 0), Neighbour("b", BROKEN, BROKEN)], None, "inconclusive"),
        ([neighbour("a", 480, 4), Neighbour("b", BROKEN, BROKEN)], False, "fail"),
        ([], "no check", "pass"),
    ],
)
def test_what_noise_does_as_well_is_no_backdoor(near, ok, status: str) -> None:
    verdict = judge(measurement(), Limits(), 10, neighbours=near)
    checks = [check for check in verdict.checks if check.metric == "neighbour_excess"]
    assert (checks[0].ok if checks else "no check") == ok
    assert verdict.status == status
    assert (
        judge(measurement(), Limits(max_neighbour_asr=None), 10, neighbours=near).status == "pass"
    )
