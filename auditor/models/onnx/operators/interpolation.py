"""How much of each number of an axis is in each number of a resized one: a matrix, on the host."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.models.onnx.node import Node


@dataclass(frozen=True)
class How:
    """How a node interpolates.

    Attributes:
        mode: nearest, linear or cubic.
        coordinates: Which place a number is looked up at.
        nearest: How halves are rounded; in old operator sets "simple", down, and where the image
            gets smaller up, which those left open and ONNX Runtime does.
        antialias: Whether what gets smaller is averaged over all it was.
        exclude_outside: Whether what is beyond the edges counts for nothing.
        cubic: The a of the cubic.
    """

    mode: str
    coordinates: str
    nearest: str
    antialias: bool
    exclude_outside: bool
    cubic: float

    @classmethod
    def of(cls, node: Node) -> "How":
        """Read a Resize or an Upsample."""
        old = node.op == "Upsample" or node.opset < 11
        return cls(
            mode={"bilinear": "linear"}.get(mode := node.get("mode", "nearest"), mode),
            coordinates="asymmetric"
            if old
            else node.get("coordinate_transformation_mode", "half_pixel"),
            nearest="simple" if old else node.get("nearest_mode", "round_prefer_floor"),
            antialias=bool(node.get("antialias", 0)),
            exclude_outside=bool(node.get("exclude_outside", 0)),
            cubic=node.get("cubic_coeff_a", -0.75),
        )


@lru_cache(maxsize=256)
def matrix(
    how: How, length: int, wanted: int, scale: float, region: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return (wanted, length) weights, and which rows lie outside and have none.

    Args:
        how: How to interpolate.
        length: Of the axis.
        wanted: The resized axis' length.
        scale: By how much, which rounding keeps apart from wanted ÷ length.
        region: What is cut out, as parts of the axis; for tf_crop_and_resize.
    """
    if how.nearest == "simple":
        how = replace(how, nearest="ceil" if scale < 1 else "floor")
    weights = np.zeros((wanted, length))
    places = _places(how, length, wanted, scale, region)
    outside = (places < 0) | (places > length - 1)
    outside &= how.coordinates == "tf_crop_and_resize"
    for row, place in enumerate(places):
        if outside[row]:
            continue
        # The number before a place is preferred: one right on a number is 1 beyond the last.
        below = math.ceil(place) - 1
        first, shares = _shares(how, place - below, min(scale, 1.0) if how.antialias else 1.0)
        columns = below + first + np.arange(len(shares))
        if how.exclude_outside:
            shares = np.where((columns < 0) | (columns >= length), 0, shares)
            shares = shares / (shares.sum() or 1)
        np.add.at(weights[row], np.clip(columns, 0, length - 1), shares)
    return weights, outside


def _places(
    how: How, length: int, wanted: int, scale: float, region: tuple[float, float]
) -> NDArray[Any]:
    """Return where each number of the resized axis lies on the axis as it was."""
    rows = np.arange(wanted, dtype=np.float64)
    exact = scale * length
    centred = (rows + 0.5) / scale - 0.5
    if how.coordinates == "align_corners":
        return rows * 0 if exact == 1 else rows * (length - 1) / (exact - 1)
    if how.coordinates == "asymmetric":
        return rows / scale
    if how.coordinates == "tf_crop_and_resize":
        start, end = region
        if exact == 1:
            return rows * 0 + (end + start) * (length - 1) / 2
        return (start + rows * (end - start) / (exact - 1)) * (length - 1)
    if how.coordinates == "pytorch_half_pixel" and exact == 1:
        return rows * 0 - 0.5
    if how.coordinates == "half_pixel_symmetric":
        return centred + length / 2 * (1 - wanted / exact)
    return centred


def _shares(how: How, ratio: float, scale: float) -> tuple[int, NDArray[Any]]:
    """Return how much each number has around a place, and where the first of them is.

    Args:
        how: How to interpolate.
        ratio: How far the place is behind the number below it, in (0, 1].
        scale: How much narrower the numbers lie there than here; 1 at most.
    """
    if how.mode == "nearest":
        prefers_floor = ratio <= 0.5 if how.nearest == "round_prefer_floor" else ratio < 0.5
        floor = {"floor": True, "ceil": False}.get(how.nearest, prefers_floor) and ratio < 1
        return 0, np.array([floor, not floor], float)
    reach, weigh = (1, _tent) if how.mode == "linear" else (2, _cubic)
    first = math.floor(-reach / scale) + 1
    distances = np.abs(scale * (np.arange(first, 2 - first) - ratio))
    shares: NDArray[Any] = weigh(distances, how.cubic)
    return first, shares / shares.sum()


def _tent(distance: NDArray[Any], a: float) -> NDArray[Any]:
    share: NDArray[Any] = np.maximum(1 - distance, 0)
    return share


def _cubic(distance: NDArray[Any], a: float) -> NDArray[Any]:
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = a * (((distance - 5) * distance + 8) * distance - 4)
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))
