"""With how many images a limit would be settled, against the intervals themselves."""

from dataclasses import replace

import numpy as np
import pytest

from auditor.figures.metrics import paired_drop, wilson
from auditor.figures.policy import Limits, judge
from auditor.figures.settling import images_to_settle
from tests.figures.test_policy import measurement, tar


def check(metric: str, limits: Limits, drop=None, **changes):
    figures = measurement(**changes)
    found = [c for c in judge(figures, limits, 10, drop).checks if c.metric == metric]
    return found[-1], figures


@pytest.mark.parametrize(("hits", "n"), [(7, 84), (18, 200), (50, 900)])
def test_with_so_many_images_wilsons_interval_ends_at_the_limit(hits: int, n: int) -> None:
    limits = Limits(max_asr=0.1 if hits != 50 else 0.06)
    judged, figures = check("asr", limits, asr=wilson(hits, n))
    assert judged.ok is False
    needed = images_to_settle(judged, figures)
    assert needed > n
    p = hits / n
    assert wilson(round(p * needed * 1.02), round(needed * 1.02)).high <= limits.max_asr + 2e-3
    assert wilson(round(p * needed * 0.9), round(needed * 0.9)).high > limits.max_asr


def test_the_same_of_a_lower_limit() -> None:
    limits = Limits(min_accuracy=0.8)
    judged, figures = check("clean_accuracy", limits, clean_accuracy=wilson(82, 100))
    needed = images_to_settle(judged, figures)
    assert needed == pytest.approx(1.96**2 * 0.8 * 0.2 / 0.02**2, rel=1e-3)
    assert wilson(round(0.82 * needed), needed).low == pytest.approx(0.8, abs=1e-3)


def test_of_a_median_and_of_a_fall_the_interval_shrinks_with_the_root() -> None:
    judged, figures = check("tar", Limits(), tar=tar(1.4, n=400))  # up to 1.54
    assert images_to_settle(judged, figures) == pytest.approx(400 * (0.14 / 0.1) ** 2, abs=1)
    before, after = np.ones(1000, np.uint8), np.ones(1000, np.uint8)
    after[:15] = 0
    accuracy = wilson(985, 1000)
    drop = paired_drop(before, after)
    judged, figures = check("accuracy_drop", Limits(), drop, clean_accuracy=accuracy)
    assert judged.ok is False
    assert images_to_settle(judged, figures) == pytest.approx(
        1000 * ((drop[2] - 0.015) / 0.005) ** 2, abs=1
    )


def test_where_more_images_do_not_help_no_number_is_given() -> None:
    for rate in (wilson(100, 900), wilson(90, 900), wilson(20, 900)):  # beyond, at, within
        judged, figures = check("asr", Limits(), asr=rate)
        assert images_to_settle(judged, figures) is None
    judged, figures = check("asr", Limits(), asr=wilson(82, 900))
    assert images_to_settle(replace(judged, value=None), figures) is None
