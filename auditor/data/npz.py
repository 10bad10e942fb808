"""An `.npz` file with images `x`, labels `y` and, where wanted, `class_names`.

`array_names` has the other names that are known, `pixels` how images become RGB. `class_names` is
an array of text. Nothing is ever unpickled.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from auditor.data.array_file import ArrayFile
from auditor.data.npy_member import NpyMember
from auditor.errors import InputError
from auditor.text import printable

_MAX_NAMES_BYTES = 64 * 2**20


class NpzFile(ArrayFile):
    """Images in an `.npz` file, stored or deflated."""

    @contextmanager
    def _opened(self) -> Iterator["_Archive"]:
        try:
            archive = zipfile.ZipFile(self._path)
        except OSError as error:
            raise self._cannot_read(error) from None
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise InputError(
                f"{self._where}: is not a whole .npz file: {printable(str(error), 120)}"
            ) from None
        with archive:
            yield _Archive(archive, self._where)


class _Archive:
    def __init__(self, archive: zipfile.ZipFile, where: str) -> None:
        self._archive, self._where = archive, where

    def names(self) -> list[str]:
        members = self._archive.namelist()
        keys = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
        if len({name.removesuffix(".npy") for name in members}) != len(members):
            shown = printable(", ".join(keys) or "none", 120)
            raise InputError(f"{self._where}: has two arrays of one name (found: {shown})")
        return keys

    def array(self, name: str) -> NpyMember:
        return NpyMember(self._archive, name, f"{self._where}: {name}")

    def class_names(self) -> tuple[str, ...] | None:
        where = f"{self._where}: class_names"
        if "class_names.npy" not in self._archive.namelist():
            return None
        with self.array("class_names") as member:
            count = member.shape[0]
            if len(member.shape) != 1 or member.dtype.kind not in "US":
                raise InputError(
                    f"{where}: has shape {member.shape} and dtype {member.dtype}; "
                    "a one-dimensional array of text is needed"
                )
            if count * member.dtype.itemsize > _MAX_NAMES_BYTES:
                raise InputError(f"{where}: is larger than {_MAX_NAMES_BYTES // 2**20} MiB")
            names = member.rows(0, count)
        try:
            return tuple(n.decode() if isinstance(n, bytes) else n for n in names.tolist())
        except (ValueError, SystemError):  # the latter of a code point that Unicode does not have
            raise InputError(f"{where}: is not valid text; save it as a str array") from None
