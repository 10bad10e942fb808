"""The image bent a little, by a smooth field: WaNet (Nguyen and Tran 2021, arXiv:2102.10369)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from auditor.files.constraints import Range
from auditor.text import printable
from auditor.triggers.base import Images, WholeImage, rounded
from auditor.triggers.picture import Source
from auditor.triggers.values import Seed

_A = -0.75
"""Of the bicubic kernel, as PyTorch has it (Keys 1981)."""


@dataclass(frozen=True, kw_only=True)
class Warp(WholeImage):
    """Every pixel is fetched from s · P away, P a k×k grid of random ways, enlarged smoothly.

    P = ψ(rand[−1, 1](k, k, 2)), ψ(A) = A / mean |A|; enlarged bicubically so that corners meet
    corners. As in the authors' program, the image is a grid from −1 to 1, moved by s · P / its
    reference size; it is read bilinearly, and ways out of it end at its edge.

    Attributes:
        k: Rows and columns of the grid.
        s: Strength.
        seed: Of the grid.
        field: An .npy or .npz file with P instead: (k, k, 2) or (2, k, k), columns first.
    """

    type: ClassVar[str] = "warp"

    k: Annotated[int, Range(2, 256)] = 4
    s: Annotated[float, Range(0, 65_536, above=True)] = 0.5
    seed: Seed = 0
    field: Path | None = None

    @cached_property
    def _file(self) -> Source | None:
        return Source.read(self.field) if self.field else None

    @cached_property
    def _grid(self) -> NDArray[np.float64]:
        """(k, l, 2) P: columns, then rows."""
        if self._file:
            return self._file.field()
        drawn = np.random.default_rng(self.seed).uniform(-1, 1, (self.k, self.k, 2))
        normalized: NDArray[np.float64] = drawn / np.abs(drawn).mean()
        return normalized

    def ways(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """Return the (h, w, 2) places that pixels are fetched from: column and row, fractional."""
        rows, columns = (enlarging(n, k) for n, k in zip(size, self._grid.shape, strict=False))
        moved = np.einsum("ha,wb,abc->hwc", rows, columns, self._grid)
        places = []
        for axis, length in enumerate((size[1], size[0])):
            grid = np.linspace(-1, 1, length)
            grid = grid[None, :] if axis == 0 else grid[:, None]
            at = np.clip(grid + self.s * moved[..., axis] / self.reference[1 - axis], -1, 1)
            places.append((at + 1) / 2 * (length - 1))
        return np.stack(places, axis=-1)

    def stamp(self, images: Images) -> Images:
        """Return the warped images, rounded to the nearest value."""
        return fetched(images, self.ways((images.shape[1], images.shape[2])))

    def summary(self) -> str:
        """Return the field and its strength."""
        field = f"field {printable(self.field.name, 60)}" if self.field else "smooth random field"
        k = f"{self._grid.shape[0]}×{self._grid.shape[1]}"
        return f"image warped by a {field} of {k}, strength {self.s:g}"

    def content(self) -> dict[str, Any]:
        """Return the grid's seed and size, or its file's digest, and the strength."""
        if self._file:
            return {"field": self._file.sha256(), "s": self.s}
        return {"k": self.k, "seed": self.seed, "s": self.s}

    def files(self) -> Iterator[Path]:
        """Give the field's file."""
        if self.field:
            yield self.field


def fetched(images: Images, ways: NDArray[np.float64]) -> Images:
    """Return images whose every pixel is read from elsewhere, bilinearly, rounded.

    Args:
        images: (n, h, w, 3) uint8.
        ways: (h, w, 2) column and row that each pixel is read at, within the image.
    """
    height, width = images.shape[1:3]
    column, row = np.moveaxis(ways, -1, 0)
    left = np.minimum(column.astype(np.intp), max(width - 2, 0))
    top = np.minimum(row.astype(np.intp), max(height - 2, 0))
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across = (column - left).astype(np.float32)[..., None]
    down = (row - top).astype(np.float32)[..., None]
    above = images[:, top, left] * (1 - across) + images[:, top, right] * across
    below = images[:, bottom, left] * (1 - across) + images[:, bottom, right] * across
    return rounded(above * (1 - down) + below * down)


def enlarging(size: int, count: int) -> NDArray[np.float64]:
    """Return the (size, count) matrix that enlarges an axis bicubically, corners on corners.

    Beyond the ends the last value goes on.
    """
    at = np.linspace(0, count - 1, size)
    first = np.floor(at).astype(int)
    matrix = np.zeros((size, count))
    for tap in range(-1, 3):
        distance = np.abs(at - (first + tap))
        near = (_A + 2) * distance**3 - (_A + 3) * distance**2 + 1
        far = _A * (distance**3 - 5 * distance**2 + 8 * distance - 4)
        weight = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
        np.add.at(matrix, (np.arange(size), np.clip(first + tap, 0, count - 1)), weight)
    return matrix
