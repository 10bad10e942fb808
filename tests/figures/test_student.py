"""Quantiles of Student's t distribution, against printed tables."""

import pytest

from auditor.figures.student import mean_interval, t95


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (30, 2.042), (99, 1.984)],
)
def test_a_quantile_is_that_of_the_tables(freedom: int, quantile: float) -> None:
    assert t95(freedom) == pytest.approx(quantile, abs=5e-4)


def test_the_interval_of_a_mean_of_three() -> None:
    low, high = mean_interval([0.1, 0.2, 0.3])
    assert (low, high) == pytest.approx(
        (0.2 - 4.303 * 0.1 / 3**0.5, 0.2 + 4.303 * 0.1 / 3**0.5), 1e-3
    )
