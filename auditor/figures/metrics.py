"""Rates, attention ratios and their intervals; numpy only.

The attention of a Grad-CAM heatmap on a region is a sum over pixels of the heatmap enlarged to the
image. Enlarging is linear, so such a sum equals the dot product of the small heatmap with fixed
weights (`region_weights`). Nothing is ever enlarged to measure.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditor.figures.results import Balanced, Measurement, Rate, TarSummary
from auditor.figures.skipped import Skipped

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

EPSILON = 1e-8
"""Share of a heatmap's total heat added to TAR's denominator."""
RESAMPLES = 2_000
Z95 = 1.959963984540054
"""Standard deviations of a normal distribution between which 95 % lie."""


def percent(share: float) -> str:
    """Return a share as people read it."""
    return f"{100 * share:.1f} %"


def z_of(count: int) -> float:
    """Return what stands for `Z95` where so many intervals hold together at 95 % (Bonferroni)."""
    return Z95 if count == 1 else NormalDist().inv_cdf(1 - 0.025 / count)


def wilson(hits: int, n: int, z: float = Z95) -> Rate | Skipped:
    """Return a proportion with its Wilson score interval (Wilson 1927).

    Args:
        hits: Number of successes, 0 to `n`.
        n: Number of trials; 0 gives `Skipped`.
        z: Standard deviations on either side; at 95 % unless given.
    """
    if n == 0:
        return Skipped("no image to count")
    p, z2 = hits / n, z**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * float(np.sqrt(p * (1 - p) / n + z2 / (4 * n * n)))
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return Rate(value=p, low=low, high=high, n=n)


def hits(rate: Rate) -> int:
    """Return of how many images a rate is."""
    return round(rate.value * rate.n)


def balanced(right: NDArray[np.bool_], labels: NDArray[np.int64]) -> Balanced | Skipped:
    """Return the mean of the classes' accuracies, with its interval at 95 %.

    The interval is a normal distribution's, each class's share p taken as (hits + 1) / (n + 2), so
    that few images of a class are not taken for certainty (Agresti and Caffo 2000).

    Args:
        right: (n,) whether each image was recognised.
        labels: (n,) their classes.
    """
    if not len(labels):
        return Skipped("no image to count")
    _, places, images = np.unique(labels, return_inverse=True, return_counts=True)
    hits = np.bincount(places, weights=right)
    return balanced_of(hits, images)


def balanced_of(hits: ArrayLike, images: ArrayLike) -> Balanced:
    """Return what `balanced` does, of (k,) hits and (k,) images of k classes, each above 0."""
    won, n = np.asarray(hits, np.float64), np.asarray(images, np.float64)
    value, p = float((won / n).mean()), (won + 1) / (n + 2)
    half = Z95 * float(np.sqrt((p * (1 - p) / (n + 2)).sum())) / len(n)
    return Balanced(value, max(0.0, value - half), min(1.0, value + half), len(n))


def der(before: Measurement, after: Measurement) -> float | None:
    """Return the Defense Effectiveness Rating (FT-SAM, Zhu et al. 2023, eq. 7), in [0, 1].

    DER = [max(0, ASR₀ − ASR₁) − max(0, ACC₀ − ACC₁) + 1] / 2; None where a rate is missing.
    """
    rates = _rates(before, after)
    if rates is None:
        return None
    asr_fall, accuracy_fall = rates[0] - rates[1], rates[2] - rates[3]
    return (max(0.0, asr_fall) - max(0.0, accuracy_fall) + 1) / 2


def accuracy_retention(before: Measurement, after: Measurement) -> float | None:
    """Return ACC₁ ÷ ACC₀; None where it is undefined."""
    rates = _rates(before, after)
    return rates[3] / rates[2] if rates and rates[2] else None


def asr_reduction(before: Measurement, after: Measurement) -> float | None:
    """Return (ASR₀ − ASR₁) ÷ ASR₀; None where it is undefined."""
    rates = _rates(before, after)
    return (rates[0] - rates[1]) / rates[0] if rates and rates[0] else None


def _rates(before: Measurement, after: Measurement) -> tuple[float, float, float, float] | None:
    """Return ASR before and after, accuracy before and after; None where one is missing."""
    rates = (before.asr, after.asr, before.clean_accuracy, after.clean_accuracy)
    values = [rate.value for rate in rates if isinstance(rate, Rate)]
    return (values[0], values[1], values[2], values[3]) if len(values) == 4 else None


def paired_drop(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Return the fall in accuracy from one model to another on the same images, with its interval.

    The 95 % interval is the adjusted Wald interval for paired proportions (Bonett and Price 2012).

    Args:
        before: (n,) 1 where the first model was right, n ≥ 1.
        after: (n,) the same for the second.

    Returns:
        The drop (negative where accuracy rose), and the interval's lower and upper end.
    """
    n = len(before)
    lost = int(((before == 1) & (after == 0)).sum())
    won = int(((before == 0) & (after == 1)).sum())
    return (lost - won) / n, *paired_interval(lost, won, n)


def paired_interval(lost: float, won: float, n: int, z: float = Z95) -> tuple[float, float]:
    """Return the interval of a fall in accuracy (Bonett and Price 2012), in [−1, 1].

    Args:
        lost: Images that only the first model was right on.
        won: Those that only the second was right on.
        n: All images, n ≥ 1.
        z: Standard deviations on either side; at 95 % unless given.
    """
    p_lost, p_won = (lost + 1) / (n + 2), (won + 1) / (n + 2)
    middle = p_lost - p_won
    half = z * float(np.sqrt((p_lost + p_won - middle**2) / (n + 2)))
    return max(-1.0, middle - half), min(1.0, middle + half)


def lower_end(value: float, high: float, n: int) -> float:
    """Return the lower end of a `paired_drop` of n images of which value and upper end are known.

    The interval lies around value · n / (n + 2). Where the upper end is cut off at 1, the lower is
    not known, and −1 is returned.
    """
    return 2 * value * n / (n + 2) - high if high < 1 else -1.0


def bilinear_matrix(size: int, grid: int) -> Floats:
    """Return the (size, grid) matrix that enlarges one axis bilinearly, half-pixel centres.

    Row i holds the weights with which the grid's cells make up pixel i; the border is clamped, as
    `cv2.INTER_LINEAR` and `tf.image.resize` do.
    """
    position = np.clip((np.arange(size) + 0.5) * grid / size - 0.5, 0, grid - 1)
    left = np.floor(position).astype(int)
    right = np.minimum(left + 1, grid - 1)
    matrix = np.zeros((size, grid))
    np.add.at(matrix, (np.arange(size), left), 1 - (position - left))
    np.add.at(matrix, (np.arange(size), right), position - left)
    return matrix


def region_weights(mask: Mask, grid: tuple[int, int]) -> Floats:
    """Return the (gh, gw) weights whose dot product with a heatmap is its heat inside `mask`.

    Args:
        mask: (h, w), the region in image pixels.
        grid: (gh, gw), the size of the layer's heatmap.
    """
    rows = bilinear_matrix(mask.shape[0], grid[0])
    columns = bilinear_matrix(mask.shape[1], grid[1])
    return rows.T @ mask.astype(np.float64) @ columns


@dataclass(frozen=True)
class Regions:
    """The trigger's region, the object's and the whole image, over a heatmap's grid.

    Attributes:
        trigger: (gh, gw) weights of R_trig, the pixels that the trigger changes.
        object: (gh, gw) weights of R_obj.
        whole: (gh, gw) weights of all pixels.
        trigger_area: Share of the image's pixels inside R_trig, in (0, 1].
    """

    trigger: Floats
    object: Floats
    whole: Floats
    trigger_area: float

    @classmethod
    def of(cls, trigger: Mask, object_: Mask, grid: tuple[int, int]) -> "Regions":
        """Build the weights from two (h, w) masks for a heatmap of size `grid`."""
        return cls(
            trigger=region_weights(trigger, grid),
            object=region_weights(object_, grid),
            whole=region_weights(np.ones_like(trigger), grid),
            trigger_area=float(trigger.mean()),
        )


@dataclass(frozen=True)
class Attention:
    """Where each of n heatmaps lies; NaN where a heatmap is zero everywhere.

    Attributes:
        tar: (n,) Trigger Attention Ratio (arXiv:2511.21291, eq. 1 and 8), 0 or more.
        density: (n,) mean heat inside the trigger ÷ mean heat outside it; 1 is uniform.
        mass: (n,) share of the heat on the trigger, in [0, 1] (energy-based pointing game).
    """

    tar: Floats
    density: Floats
    mass: Floats

    @classmethod
    def of(cls, heat: NDArray[np.float32], regions: Regions) -> "Attention":
        """Measure (n, gh, gw) heatmaps, which must not be negative."""
        flat = heat.reshape(len(heat), -1).astype(np.float64)
        on_trigger, on_object, total = (
            flat @ weights.ravel() for weights in (regions.trigger, regions.object, regions.whole)
        )
        return cls._of_sums(on_trigger, on_object, total, regions.trigger_area)

    @classmethod
    def _of_sums(
        cls, on_trigger: Floats, on_object: Floats, total: Floats, area: float
    ) -> "Attention":
        mass = _ratio(on_trigger, total, total)
        tar = _ratio(on_trigger, on_object + EPSILON * total, total)
        return cls(tar=tar, density=density(mass, area), mass=mass)

    @classmethod
    def ceiling(cls, regions: Regions) -> "Attention":
        """Return the largest value of each that any heatmap on this grid can reach, (1,) each.

        All three are ratios of non-negative linear functions of the heatmap, or grow with one, so
        the largest value is reached with all the heat in a single cell, whose sums are its weights.
        """
        trigger, object_, whole = (
            weights.ravel() for weights in (regions.trigger, regions.object, regions.whole)
        )
        each = cls._of_sums(trigger, object_, whole, regions.trigger_area)
        return cls(*(np.array([np.nanmax(v)]) for v in (each.tar, each.density, each.mass)))

    @classmethod
    def join(cls, parts: list["Attention"]) -> "Attention":
        """Concatenate batches, of which there may be none."""
        none = np.zeros(0)
        return cls(
            tar=np.concatenate([none, *(p.tar for p in parts)]),
            density=np.concatenate([none, *(p.density for p in parts)]),
            mass=np.concatenate([none, *(p.mass for p in parts)]),
        )


def density(mass: Floats, area: float) -> Floats:
    """Turn the share of heat on a region into mean heat inside ÷ mean heat outside it.

    Args:
        mass: (n,) shares in [0, 1].
        area: The region's share of the image, in (0, 1); at 1 there is no outside: all NaN.
    """
    if area >= 1:
        return np.full_like(mass, np.nan)
    outside = np.maximum(1 - mass, EPSILON)
    return (mass / area) / (outside / (1 - area))


def heatmap_shift(one: NDArray[np.float32], other: NDArray[np.float32]) -> Floats:
    """Return 1 − cosine similarity of paired (n, gh, gw) heatmaps; NaN if one is all zero."""
    a, b = (h.reshape(len(h), -1).astype(np.float64) for h in (one, other))
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return 1 - np.minimum(_ratio((a * b).sum(axis=1), norms, norms), 1.0)


def summarise(values: Floats, ceiling: float, seed: int) -> TarSummary:
    """Summarise per-image values: NaN counts as undefined and is never scored 0.

    Args:
        values: (n,) with NaN where undefined.
        ceiling: The largest value the layer's grid can reach.
        seed: Seed of the bootstrap.

    Returns:
        Mean, median and a 95 % percentile-bootstrap interval of the median over 2,000 resamples;
        all four None when no value is defined. `n` counts all images, undefined ones included.
    """
    defined = values[~np.isnan(values)]
    undefined = len(values) - len(defined)
    if len(defined) == 0:
        return TarSummary(None, None, None, None, len(values), undefined, ceiling)
    low, high = median_interval(defined, seed)
    return TarSummary(
        mean=float(defined.mean()),
        median=float(np.median(defined)),
        low=low,
        high=high,
        n=len(values),
        undefined=undefined,
        ceiling=ceiling,
    )


def median_interval(values: Floats, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile-bootstrap interval of the median of (n,) values.

    The resamples are not drawn one by one. The k-th smallest of n uniform draws follows
    Beta(k, n−k+1), and resampling picks the sorted value that such a draw falls on: the medians
    of 2,000 resamples cost 2,000 Beta variates whatever n is, and have the same distribution.
    """
    n, ordered = len(values), np.sort(values)
    random = np.random.default_rng(seed)
    k = (n + 1) // 2
    lower = random.beta(k, n - k + 1, RESAMPLES)
    medians = ordered[np.minimum((lower * n).astype(int), n - 1)]
    if n % 2 == 0:  # the median is the mean of the two middle draws; the next follows the k-th
        upper = lower + (1 - lower) * random.beta(1, n - k, RESAMPLES)
        medians = (medians + ordered[np.minimum((upper * n).astype(int), n - 1)]) / 2
    low, high = np.percentile(medians, [2.5, 97.5])
    return float(low), float(high)


def _ratio(numerator: Floats, denominator: Floats, total: Floats) -> Floats:
    """Divide, giving NaN where `total` is not positive (an all-zero heatmap) or not finite."""
    usable = (total > 0) & np.isfinite(total) & (denominator > 0)
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=usable)
