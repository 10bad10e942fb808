"""What a repair is tried on: a model that answers to the trigger, or may be fragile under it."""

import dataclasses

import pytest

from auditor.figures.metrics import wilson
from auditor.figures.policy import Limits, judge
from auditor.figures.skipped import Skipped
from auditor.runs.repair_start import answers
from tests.report.conftest import result

__all__ = ["result"]


@pytest.mark.parametrize(
    ("asr", "placebo", "status", "tried"),
    [
        (950, Skipped("none"), "fail", True),
        (400, wilson(190, 500), "inconclusive", True),
        (110, wilson(60, 500), "inconclusive", False),
        (20, Skipped("none"), "pass", False),
    ],
)
def test_what_is_tried(result, asr: int, placebo, status: str, tried: bool) -> None:
    measured = dataclasses.replace(
        result.measurement, asr=wilson(asr, 1000), clean_target_rate=wilson(10, 1000),
        tar=Skipped("it covers the whole image"), placebo_rate=placebo,
    )  # fmt: skip
    before = dataclasses.replace(result, measurement=measured)
    verdict = judge(measured, Limits(), 3)
    assert verdict.status == status
    assert answers(before, verdict) is tried
