"""Pictures and arrays that triggers are read from: PNG, JPEG, BMP, `.npy` and `.npz` files.

Arrays as other projects publish them: (h, w), (h, w, c) or (c, h, w) with c of 1, 3 or 4, axes of
length 1 before; 0 to 255, or floating point in 0 to 1. Nothing is ever unpickled.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.files.image_file import UnreadableImage, read_image_file
from auditor.files.regular_file import open_regular
from auditor.files.stand_in import HEAD_BYTES, stand_in
from auditor.text import printable

MAX_SIDE = 4096
"""Rows or columns that a picture may have."""

_MAX_BYTES = 256 << 20
_PICTURES = ("pattern", "trigger", "picture", "image", "mark")
_FIELDS = ("field", "noise_grid")


@dataclass(frozen=True, eq=False)
class Source:
    """A file that was read once: what is stamped is what its digest says.

    Attributes:
        path: Where it is.
        data: Its bytes.
    """

    path: Path
    data: bytes

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            InputError: Missing, unreadable, too large or of no kind that is read here.
        """
        try:
            if path.suffix.lower() in (".npy", ".npz"):
                with open_regular(path, _MAX_BYTES) as file:
                    data = file.read()
                if what := stand_in(data[:HEAD_BYTES]):
                    raise UnreadableImage(what)
                return cls(path, data)
            return cls(path, read_image_file(path)[1])
        except (UnreadableImage, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InputError(f"{printable(str(path))}: trigger picture: {reason}") from error

    def sha256(self) -> str:
        """Return its digest, as hex."""
        return hashlib.sha256(self.data).hexdigest()

    def rgba(self) -> NDArray[np.uint8]:
        """Return the picture as (h, w, 4) uint8 RGB and opacity.

        Raises:
            InputError: It is no picture, or too large.
        """
        import cv2

        found = self._picture(_PICTURES)
        if found.dtype != np.uint8:
            found = self._as_bytes(found)
        channels = 1 if found.ndim == 2 else found.shape[2]
        if channels == 4:
            return found
        code = cv2.COLOR_GRAY2RGBA if channels == 1 else cv2.COLOR_RGB2RGBA
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(found), code), np.uint8)

    def opacity(self) -> NDArray[np.float32]:
        """Return a mask as (h, w) float32 in [0, 1]: an `.npz`'s `mask`, else how bright it is.

        Raises:
            InputError: It is no mask, or its channels differ.
        """
        found = self._picture(("mask",))
        if found.ndim == 3:
            colours = found[..., :3]
            if (colours != colours[..., :1]).any():
                raise self._refused("a mask must be the same in every channel")
            found = colours[..., 0]
        whole = 255 if found.dtype == np.uint8 and found.max() > 1 else 1
        if not (np.isfinite(found).all() and found.min() >= 0 and found.max() <= whole):
            raise self._refused("a mask must lie in 0..1, or in 0..255 as uint8")
        return found.astype(np.float32) / np.float32(whole)

    def has_mask(self) -> bool:
        """Whether it is an `.npz` that holds a `mask` beside its picture."""
        if self.path.suffix.lower() != ".npz":
            return False
        with self._archive() as archive:
            return "mask.npy" in archive.namelist()

    def field(self) -> NDArray[np.float64]:
        """Return a warping field as (k, l, 2) float64, columns first, as PyTorch's grids have it.

        Raises:
            InputError: It is none.
        """
        found = _without_leading(self._array(_FIELDS), 3)
        if found.ndim == 3 and found.shape[0] == 2 and found.shape[2] != 2:
            found = np.moveaxis(found, 0, 2)
        if found.ndim != 3 or found.shape[2] != 2 or not 2 <= min(found.shape[:2]) <= MAX_SIDE:
            raise self._refused(f"a field must be (k, k, 2) or (2, k, k), found {found.shape}")
        if found.dtype.kind not in "fiu" or not np.isfinite(found).all():
            raise self._refused("a field must hold finite numbers")
        return found.astype(np.float64)

    def _picture(self, names: tuple[str, ...]) -> NDArray[Any]:
        """Return (h, w) or (h, w, 1, 3 or 4), RGB order, of any number type."""
        if self.path.suffix.lower() not in (".npy", ".npz"):
            return self._decoded()
        found = _without_leading(self._array(names), 2)
        if found.ndim == 3 and found.shape[0] in (3, 4) and found.shape[2] not in (1, 3, 4):
            found = np.moveaxis(found, 0, 2)
        shaped = found.ndim == 2 or (found.ndim == 3 and found.shape[2] in (1, 3, 4))
        if not shaped or not found.size or max(found.shape[:2]) > MAX_SIDE:
            raise self._refused(f"expected (h, w) or (h, w, 3), found an array of {found.shape}")
        if found.dtype.kind not in "bfiu":
            raise self._refused(f"expected numbers, found {found.dtype}")
        return found

    def _decoded(self) -> NDArray[np.uint8]:
        import cv2

        found = cv2.imdecode(np.frombuffer(self.data, np.uint8), cv2.IMREAD_UNCHANGED)
        if found is None or max(found.shape[:2]) > MAX_SIDE:
            raise self._refused(
                f"not a readable PNG, JPEG or BMP of at most {MAX_SIDE} × {MAX_SIDE} pixels"
            )
        if found.dtype == np.uint16:
            found = (found >> 8).astype(np.uint8)
        if found.ndim == 3:
            transparent = found.shape[2] == 4
            found = cv2.cvtColor(found, cv2.COLOR_BGRA2RGBA if transparent else cv2.COLOR_BGR2RGB)
        return np.asarray(found, np.uint8)

    def _as_bytes(self, found: NDArray[Any]) -> NDArray[np.uint8]:
        values = found.astype(np.float64)
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 255:
            raise self._refused("values must lie in 0..1 (floating point) or in 0..255")
        if found.dtype.kind in "bf" and values.max() <= 1:
            values *= 255
        return np.floor(values + 0.5).astype(np.uint8)

    def _array(self, names: tuple[str, ...]) -> NDArray[Any]:
        """Return the array of an `.npy`, or of an `.npz` the first so named, or its only one."""
        try:
            if self.path.suffix.lower() == ".npy":
                return np.asarray(np.load(io.BytesIO(self.data), allow_pickle=False))
            with self._archive() as archive:
                there = [name.removesuffix(".npy") for name in archive.namelist()]
                chosen = next((name for name in names if name in there), None)
                if chosen is None and len(there) != 1:
                    raise self._refused(f"holds none of {', '.join(names)}")
                member = archive.read(f"{chosen or there[0]}.npy")
                return np.asarray(np.load(io.BytesIO(member), allow_pickle=False))
        except InputError:
            raise
        except Exception as error:  # nonsense makes zipfile, zlib and numpy raise all kinds
            raise self._refused("not a readable .npy or .npz file of plain numbers") from error

    def _archive(self) -> zipfile.ZipFile:
        try:
            archive = zipfile.ZipFile(io.BytesIO(self.data))
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise self._refused("not a readable .npz file") from error
        if sum(member.file_size for member in archive.infolist()) > _MAX_BYTES:
            raise self._refused("more than 256 MiB when unpacked")
        return archive

    def _refused(self, reason: str) -> InputError:
        return InputError(f"{printable(str(self.path))}: trigger picture: {reason}")


def resized(picture: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Bring (h, w) or (h, w, c) to a size by area, every pixel weighing what it covers."""
    import cv2

    if picture.shape[:2] == size:
        return picture
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA))


def _without_leading(array: NDArray[Any], axes: int) -> NDArray[Any]:
    while array.ndim > axes and array.shape[0] == 1:
        array = array[0]
    return array
