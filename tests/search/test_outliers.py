"""The anomaly index against figures worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.search.outliers import outliers

AREA = 1024


def test_the_index_by_hand() -> None:
    """Logarithms of the norms to base e: 1, 4, 4.5, 5, 6; median 4.5, distances 3.5 .5 0 .5 1.5."""
    seen = outliers(np.exp([1, 4, 4.5, 5, 6]), AREA)
    deviation = 1.4826 * 0.5
    assert seen.median == pytest.approx(math.exp(4.5))
    assert seen.deviation == pytest.approx(deviation)
    assert seen.index == pytest.approx(np.array([3.5, 0.5, 0, 0.5, 1.5]) / deviation)
    assert seen.small.tolist() == [True, False, False, False, False]
    assert not seen.near.any()


def test_the_papers_index_by_hand() -> None:
    """Norms 10, 50, 60, 70, 80: median 60, distances 50 10 0 10 20, MAD 10."""
    seen = outliers([10, 50, 60, 70, 80], AREA)
    assert seen.plain == pytest.approx(np.array([50, 10, 0, 10, 20]) / (1.4826 * 10))


def test_norms_all_but_alike_make_no_outlier() -> None:
    """MAD is 0: without a guard 59 would be infinitely far from 60."""
    seen = outliers([60, 60, 60, 60, 59], AREA)
    assert seen.deviation == pytest.approx(math.log(2.5) / 2)
    assert not seen.small.any()
    assert np.isnan(seen.plain).all()


def test_with_mad_zero_an_outlier_is_less_than_two_fifths_of_the_median() -> None:
    assert outliers([60, 60, 60, 60, 23.9], AREA).small.tolist() == [False] * 4 + [True]
    assert not outliers([60, 60, 60, 60, 24.1], AREA).small.any()


def test_what_is_far_above_the_median_is_none() -> None:
    seen = outliers([60, 61, 62, 63, 900], AREA)
    assert seen.index[4] > 2
    assert not seen.small.any()


def test_what_was_never_reached_counts_as_the_whole_image() -> None:
    reached = outliers([10, 60, 70, 80, AREA], AREA)
    assert outliers([10, 60, 70, 80, np.inf], AREA).index == pytest.approx(reached.index)


@pytest.mark.parametrize(
    ("norms", "small"),
    [
        ([30, 9, 40], [False, True, False]),
        ([30, 30, 30, 30], [False] * 4),
        ([10], [False]),
    ],
)
def test_few_classes_are_compared_with_the_next_smallest(norms: list, small: list) -> None:
    seen = outliers(norms, AREA)
    assert seen.small.tolist() == small
    assert np.isnan(seen.index).all()


@pytest.mark.parametrize(
    ("norms", "small"),
    [
        ([25.6, 107.8], [False, False]),  # a clean network of CIFAR-10's deer and horses
        ([10.2, 11], [True, False]),
        ([5, 7], [True, True]),
        ([10.3, np.inf], [False, False]),
        ([np.inf, np.inf], [False, False]),
    ],
)
def test_of_two_classes_a_stamp_must_be_small_in_itself(norms: list, small: list) -> None:
    """Below 1 % of 1,024 pixels: neither class says what is usual of the other."""
    seen = outliers(norms, AREA)
    assert seen.small.tolist() == small
    assert np.isnan(seen.index).all()


def test_near_the_threshold_nothing_is_settled() -> None:
    assert outliers([60, 60, 60, 60, 24.1], AREA).near.tolist() == [False] * 4 + [True]
    assert outliers([60, 31, 60], AREA).near.tolist() == [False, True, False]


@given(st.lists(st.floats(1, AREA), min_size=5, max_size=30), st.floats(0.5, 1))
def test_the_index_does_not_depend_on_the_unit(norms: list[float], unit: float) -> None:
    small = outliers(norms, AREA)
    assert outliers(np.multiply(norms, unit), AREA).index == pytest.approx(small.index, abs=1e-6)
    assert (np.asarray(norms)[small.small] < 0.4 * small.median + 1e-6).all()
