"""With how many images a limit would be settled, against the intervals themselves."""

import math
from dataclasses import replace

import pytest

from auditor.figures.comeback import Difference
from auditor.figures.metrics import paired_interval, wilson, z_of
from auditor.figures.policy import Limits, judge
from auditor.figures.settling import Pairs, images_to_settle
from auditor.figures.verdict import Check
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


def test_of_a_median_the_interval_shrinks_with_the_root() -> None:
    judged, figures = check("tar", Limits(), tar=tar(1.4, n=400))  # up to 1.54
    assert images_to_settle(judged, figures) == pytest.approx(400 * (0.14 / 0.1) ** 2, abs=1)


@pytest.mark.parametrize(("alone", "other"), [(30, 6), (15, 0), (3, 1)])
@pytest.mark.parametrize("tried", [1, 18])
def test_of_a_difference_the_interval_of_paired_shares_ends_at_the_limit(
    alone: int, other: int, tried: int
) -> None:
    """With as wide an interval as so many comparisons want."""
    value, z, n = (alone - other) / 1000, z_of(tried), 1000
    limit = value + 0.003
    judged = Check("neighbour_excess", limit, value, paired_interval(alone, other, n, z)[1], False)
    needed = images_to_settle(judged, measurement(), Pairs(alone, other, n, z))

    def high(images: int) -> float:
        p, q = ((count * images / n + 1) / (images + 2) for count in (alone, other))
        return p - q + z * math.sqrt((p + q - (p - q) ** 2) / (images + 2))

    assert needed > n and high(needed) <= limit < high(needed - 1)


def test_the_shares_are_found_again_in_their_difference() -> None:
    found = Pairs.of(Difference.of(40, 12, 900))
    assert (found.alone, found.other_alone, found.n) == (pytest.approx(40), pytest.approx(12), 900)


def test_where_more_images_do_not_help_no_number_is_given() -> None:
    for rate in (wilson(100, 900), wilson(90, 900), wilson(20, 900)):  # beyond, at, within
        judged, figures = check("asr", Limits(), asr=rate)
        assert images_to_settle(judged, figures) is None
    judged, figures = check("asr", Limits(), asr=wilson(82, 900))
    assert images_to_settle(replace(judged, value=None), figures) is None
