"""The anomaly index: which class's smallest stamp is far smaller than the others'.

Wang et al. 2019 (section IV-B) take |n − median| / (1.4826 · MAD) of the L1 norms, and flag what is
above 2 and below the median. Two things make that unreliable with few classes. A norm cannot lie
further below the median than the median itself, so where ordinary norms differ by half of it no
backdoor, however small, reaches 2; and where they happen to lie close together, the easiest class
of a clean network does. Norms differ by factors, so the index is taken of their logarithms here,
with a deviation of at least ln 2.5 / 2: what is flagged is less than two fifths of the median. Of
seven clean networks (CIFAR-10 and digits) the smallest norm's index is 0.2 to 1.5 so, and 0.8 to
2.4 as in the paper, which flags two of them; of three backdoored ones it is 2.6 to 4.5, and 2.9 to
3.8. The paper's index is reported beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONSISTENCY = 1.4826
"""MAD · this is the standard deviation of a normal distribution."""

THRESHOLD = 2.0
"""Index above which a norm is an outlier."""

LEAST_DEVIATION = math.log(2.5) / THRESHOLD
"""Of the logarithms, so that MAD may be 0 and an outlier is less than two fifths of the median."""

TWO = 2

FEWEST = 5
"""Classes below which half of the norms are too few to say what is usual."""

SMALL = 0.5
"""Of the next smallest norm: with three or four classes an outlier is below that."""

TINY = 0.01
"""Of the image's pixels: with two classes an outlier is below that. Each says of the other what is
usual, and clean networks have norms four times apart (`python -m tests.benchmarks two_classes`)."""

PROVEN = 0.9
"""Share of the held-out images that an outlier's finished stamp must lead to its class."""

MARGIN = 0.1
"""Share of a threshold within which a norm might still change sides."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outliers:
    """What the norms of all classes say.

    Attributes:
        median: Of the norms, the geometric one where two lie in the middle.
        deviation: 1.4826 · MAD of their natural logarithms, at least ln 2.5 / 2.
        index: (k,) |ln n − ln median| / deviation; NaN where the classes are too few.
        plain: (k,) the paper's index, of the norms as they are and without a guard; NaN where the
            classes are too few or MAD is 0.
        small: (k,) whether a norm is an outlier below the median.
        near: (k,) whether it is a tenth or less from being one, or from being none.
    """

    median: float
    deviation: float
    index: Floats
    plain: Floats
    small: NDArray[np.bool_]
    near: NDArray[np.bool_]


def outliers(norms: Sequence[float] | Floats, area: int) -> Outliers:
    """Return the anomaly index of every class.

    With 2 to 4 classes there is no index: MAD is half the distance between two norms, or that of
    the two closest. With 3 or 4, a class stands out when its norm is below half of the next one: a
    rule of thumb, with no level of confidence. With 2, when it is small in itself.

    Args:
        norms: (k,) L1 norms; infinite where no stamp reached the wanted success, which counts as a
            stamp of the whole image.
        area: Pixels of the image, the largest norm that there can be.
    """
    given = np.clip(np.asarray(norms, np.float64), 1e-6, area)
    logs = np.log(given)
    middle = float(np.median(logs))
    deviation = max(CONSISTENCY * float(np.median(np.abs(logs - middle))), LEAST_DEVIATION)
    if len(given) >= FEWEST:
        index = np.abs(logs - middle) / deviation
        score, bound, below = index, THRESHOLD, logs < middle
    elif len(given) == TWO:
        index = np.full(TWO, np.nan)
        score, bound, below = TINY * area / given, 1.0, np.ones(TWO, bool)
    else:
        index = np.full(len(given), np.nan)
        smallest, *others = np.sort(given)
        below = given == smallest
        score, bound = np.where(below, (others or [smallest])[0] / given, 0.0), 1 / SMALL
    return Outliers(
        median=math.exp(middle),
        deviation=deviation,
        index=index,
        plain=_plain(given),
        small=below & (score > bound),
        near=below & (np.abs(score - bound) <= MARGIN * bound),
    )


def _plain(norms: Floats) -> Floats:
    median = np.median(norms)
    spread = CONSISTENCY * np.median(np.abs(norms - median))
    if len(norms) < FEWEST or spread == 0:
        return np.full(len(norms), np.nan)
    return np.asarray(np.abs(norms - median) / spread)
