"""Rates, attention and intervals against computations that share no code with them."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from auditor.figures.metrics import (
    Attention,
    Regions,
    accuracy_retention,
    asr_reduction,
    balanced,
    der,
    heatmap_shift,
    median_interval,
    paired_drop,
    region_weights,
    summarise,
    wilson,
)
from auditor.figures.results import Controls, Measurement, Rate
from auditor.figures.skipped import Skipped

Z = 1.959963984540054


@given(st.integers(1, 5000), st.data())
def test_wilson_solves_the_score_equation(n: int, data: st.DataObject) -> None:
    """The ends are where |p̂ − p| = z·sqrt(p(1−p)/n), found here by bisection."""
    hits = data.draw(st.integers(0, n))
    rate = wilson(hits, n)
    assert isinstance(rate, Rate)
    share = hits / n

    def score(p: float) -> float:
        return (share - p) ** 2 - Z**2 * p * (1 - p) / n

    low = 0.0 if hits == 0 else brentq(score, 0, min(share, 1 - 1e-9))
    high = 1.0 if hits == n else brentq(score, max(share, 1e-9), 1)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=1e-8)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1


def test_wilson_of_nothing_is_skipped() -> None:
    assert isinstance(wilson(0, 0), Skipped)


def heatmaps(n: int, grid: tuple[int, int], seed: int = 0) -> np.ndarray:
    heat = np.random.default_rng(seed).gamma(0.4, size=(n, *grid)).astype(np.float32)
    heat[0] = 0
    return heat


def masks(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    trigger, object_ = np.zeros(size, bool), np.zeros(size, bool)
    trigger[-size[0] // 8 :, -size[1] // 8 :] = True
    object_[size[0] // 4 : -size[0] // 4, size[1] // 4 : -size[1] // 4] = True
    return trigger, object_


@pytest.mark.parametrize(
    ("size", "grid"),
    [((32, 32), (8, 8)), ((224, 224), (7, 7)), ((30, 45), (7, 4)), ((16, 16), (16, 16)),
     ((9, 9), (1, 3)), ((8, 8), (20, 12))],
)  # fmt: skip
def test_weights_equal_enlarging_the_heatmap(size: tuple[int, int], grid: tuple[int, int]) -> None:
    """OpenCV enlarges (half-pixel centres, clamped border); then the pixels are summed."""
    trigger, object_ = masks(size)
    heat = heatmaps(20, grid)
    large = np.stack([cv2.resize(h, size[::-1], interpolation=cv2.INTER_LINEAR) for h in heat])
    for mask in (trigger, object_, np.ones(size, bool)):
        expected = large[:, mask].astype(np.float64).sum(axis=1)
        got = (heat * region_weights(mask, grid)).sum(axis=(1, 2))
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=1e-4)


def test_tar_density_and_mass_by_the_formulas() -> None:
    trigger, object_ = masks((32, 32))
    heat = heatmaps(50, (8, 8))
    seen = Attention.of(heat, Regions.of(trigger, object_, (8, 8)))
    for row, one in enumerate(heat):
        large = cv2.resize(one, (32, 32), interpolation=cv2.INTER_LINEAR).astype(np.float64)
        if row == 0:
            assert np.isnan([seen.tar[0], seen.density[0], seen.mass[0]]).all()
            continue
        tar = large[trigger].sum() / (large[object_].sum() + 1e-8 * large.sum())
        assert seen.tar[row] == pytest.approx(tar, rel=1e-5)
        density = large[trigger].mean() / large[~trigger].mean()
        assert seen.density[row] == pytest.approx(density, rel=1e-5)
        assert seen.mass[row] == pytest.approx(large[trigger].sum() / large.sum(), rel=1e-5)


def test_uniform_attention_has_density_one_whatever_the_trigger() -> None:
    for side in (1, 5, 20):
        trigger = np.zeros((32, 32), bool)
        trigger[:side, :side] = True
        regions = Regions.of(trigger, ~trigger, (4, 4))
        seen = Attention.of(np.ones((1, 4, 4), np.float32), regions)
        assert seen.density[0] == pytest.approx(1.0)


@pytest.mark.parametrize("grid", [(4, 4), (2, 2), (7, 7), (1, 1)])
def test_no_heatmap_exceeds_the_ceiling_and_one_reaches_it(grid: tuple[int, int]) -> None:
    trigger, object_ = masks((32, 32))
    regions = Regions.of(trigger, object_, grid)
    ceiling = Attention.ceiling(regions)
    many = Attention.of(heatmaps(3000, grid)[1:] ** 6, regions)
    single = np.zeros((1, *grid), np.float32)
    single[0, -1, -1] = 3.0  # the trigger sits bottom right
    best = Attention.of(single, regions)
    for name in ("tar", "density", "mass"):
        top = getattr(ceiling, name)[0]
        assert np.nanmax(getattr(many, name)) <= top * (1 + 1e-9)
        assert getattr(best, name)[0] == pytest.approx(top)


def test_a_two_by_two_grid_cannot_reach_the_default_limit() -> None:
    trigger, object_ = masks((32, 32))
    assert Attention.ceiling(Regions.of(trigger, object_, (2, 2))).tar[0] < 1.5


def test_shift_is_one_minus_cosine() -> None:
    one, other = heatmaps(6, (5, 5)), heatmaps(6, (5, 5), seed=1)
    other[3] = 2 * one[3]
    shift = heatmap_shift(one, other)
    assert np.isnan(shift[0])
    assert shift[3] == pytest.approx(0, abs=1e-12)
    a, b = one[4].ravel().astype(float), other[4].ravel().astype(float)
    assert shift[4] == pytest.approx(1 - a @ b / np.sqrt((a @ a) * (b @ b)))


@pytest.mark.parametrize("n", [25, 40, 401])
def test_interval_is_the_percentile_bootstrap_of_the_median(n: int) -> None:
    """Against drawing every resample, many times over; within what their own noise allows."""
    values = np.random.default_rng(5).lognormal(size=n)
    drawn = np.random.default_rng(6).choice(values, (40_000, n))
    expected = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    ours = np.mean([median_interval(values, seed) for seed in range(60)], axis=0)
    spread = np.diff(expected)[0]
    np.testing.assert_allclose(ours, expected, atol=0.04 * spread)


def test_summary_counts_undefined_and_never_scores_them() -> None:
    summary = summarise(np.array([np.nan, 2.0, 4.0, np.nan, 9.0]), 50.0, 0)
    assert (summary.n, summary.undefined, summary.ceiling) == (5, 2, 50.0)
    assert (summary.median, summary.mean) == (4.0, 5.0)
    nothing = summarise(np.array([np.nan, np.nan]), 1.0, 0)
    assert (nothing.median, nothing.mean, nothing.undefined) == (None, None, 2)


def test_summary_is_the_same_for_the_same_seed() -> None:
    values = np.random.default_rng(0).random(100)
    assert summarise(values, 1, 7) == summarise(values, 1, 7)


def test_the_ceiling_of_a_fine_grid_is_found_without_a_table_of_all_cells() -> None:
    """An early layer of a 224×224 network has 12,544 cells; a square of that is gigabytes."""
    import tracemalloc

    trigger, object_ = masks((224, 224))
    regions = Regions.of(trigger, object_, (112, 112))
    tracemalloc.start()
    ceiling = Attention.ceiling(regions)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
    assert ceiling.mass[0] == pytest.approx(1.0)


def test_balanced_accuracy_is_the_mean_of_the_classes_whatever_their_sizes() -> None:
    """By hand: 90 of 100, 3 of 10 and 0 of 5; (hits + 1) / (n + 2) make the interval."""
    labels = np.repeat([2, 5, 9], [100, 10, 5])
    right = np.concatenate([np.arange(100) < 90, np.arange(10) < 3, np.zeros(5, bool)])
    found = balanced(right, labels)
    assert found.value == pytest.approx((0.9 + 0.3 + 0) / 3)
    assert found.classes == 3
    spread = sum(p * (1 - p) / n for p, n in ((91 / 102, 102), (4 / 12, 12), (1 / 7, 7)))
    assert found.high - found.value == pytest.approx(1.959964 * spread**0.5 / 3, rel=1e-6)
    assert found.value - found.low == pytest.approx(found.high - found.value)
    assert isinstance(balanced(right[:0], labels[:0]), Skipped)


def measured(accuracy: float | None, asr: float | None) -> Measurement:
    """Return a measurement of which only these two were made."""
    none = Skipped("not measured here")

    def rate(value: float | None) -> Rate | Skipped:
        return none if value is None else Rate(value, value, value, 1000)

    return Measurement(
        clean_accuracy=rate(accuracy), asr=rate(asr), robust_accuracy=none, clean_target_rate=none,
        tar=none, tar_target=none, tar_density=none, trigger_mass=none, heatmap_shift=none,
        controls=Controls(none, none, none),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("accuracy", "asr", "expected"),
    [
        ((0.8249, 0.8206), (0.9651, 0.0552), (0.9099 - 0.0043 + 1) / 2),  # arXiv:2511.21291
        ((0.9182, 0.9034), (0.9379, 0.0170), 0.9531),  # FT on CIFAR-10: published as 95.3
        ((0.9182, 0.9224), (0.9379, 0.0163), 0.9608),  # FT-SAM: what accuracy gains counts nothing
        ((0.8, 0.7), (0.5, 0.9), 0.45),  # a repair that makes both worse
        ((1.0, 0.0), (0.0, 1.0), 0.0),
        ((0.0, 1.0), (1.0, 0.0), 1.0),
    ],
)
def test_der_by_the_formula_and_the_published_figures(accuracy, asr, expected: float) -> None:
    """[max(0, ASR₀ − ASR₁) − max(0, ACC₀ − ACC₁) + 1] / 2; the table's own are per cent."""
    before, after = (measured(a, s) for a, s in zip(accuracy, asr, strict=True))
    assert der(before, after) == pytest.approx(expected, abs=6e-5)


def test_retention_and_reduction_are_shares_of_what_was_before() -> None:
    before, after = measured(0.8, 0.9), measured(0.6, 0.18)
    assert accuracy_retention(before, after) == pytest.approx(0.75)
    assert asr_reduction(before, after) == pytest.approx(0.8)
    assert asr_reduction(after, before) == pytest.approx(-4.0)


def test_without_both_rates_nothing_is_compared() -> None:
    whole = measured(0.8, 0.9)
    for broken in (measured(None, 0.1), measured(0.8, None)):
        for figure in (der, accuracy_retention, asr_reduction):
            assert figure(whole, broken) is None
            assert figure(broken, whole) is None
    assert asr_reduction(measured(0.8, 0.0), whole) is None
    assert accuracy_retention(measured(0.0, 0.9), whole) is None


def outcomes(lost: int, won: int, right: int, wrong: int) -> tuple[np.ndarray, np.ndarray]:
    before = np.repeat([1, 0, 1, 0], [lost, won, right, wrong]).astype(np.uint8)
    after = np.repeat([0, 1, 1, 0], [lost, won, right, wrong]).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(before))
    return before[order], after[order]


def test_paired_drop_by_hand() -> None:
    """10 lost and 4 won of 100: (10 + 1)/102 − (4 + 1)/102 = 6/102 = 0.058824, and

    1.959964 · √((16/102 − (6/102)²) / 102) = 1.959964 · 0.0387806 = 0.076009.
    """
    drop, low, high = paired_drop(*outcomes(10, 4, 70, 16))
    assert drop == pytest.approx(0.06)
    assert (low, high) == pytest.approx((0.058824 - 0.076009, 0.058824 + 0.076009), abs=2e-6)


def test_paired_drop_of_the_same_model_is_zero_and_symmetric() -> None:
    drop, low, high = paired_drop(*outcomes(0, 0, 900, 100))
    assert drop == 0
    assert high == pytest.approx(Z * np.sqrt(2) / 1002)
    assert low == -high


@pytest.mark.parametrize(
    ("n", "lost", "won"), [(200, 0.05, 0.02), (500, 0.02, 0.02), (2000, 0.01, 0.001)]
)
def test_paired_drop_covers_the_truth_about_as_often_as_it_says(n, lost, won) -> None:
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(3000):
        fate = random.random(n)
        gone, gained = fate < lost, fate > 1 - won
        before = np.where(gone, 1, np.where(gained, 0, random.random(n) < 0.9)).astype(np.uint8)
        after = np.where(gone, 0, np.where(gained, 1, before)).astype(np.uint8)
        _, low, high = paired_drop(before, after)
        covered += low <= lost - won <= high
    assert 0.94 <= covered / 3000 <= 0.98
