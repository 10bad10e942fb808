"""Take a suspected model in: copied while it is hashed, so that what is audited is what was hashed.

This is all that the process which judges and renders ever does with the file.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from auditor.errors import InputError
from auditor.files import listing
from auditor.files.origin import Origin
from auditor.files.regular_file import open_regular
from auditor.files.stand_in import pointer
from auditor.text import printable

MOST_BYTES = 8 << 30
MOST_FILES = 1_000
_CHUNK = 1 << 20
_SAVED_MODEL = ("saved_model.pb", "saved_model.pbtxt")


@dataclass(frozen=True)
class ModelCopy:
    """A model that was copied while it was hashed.

    Attributes:
        path: The user's path, as given; of one that was downloaded, where it was put.
        copy: The copy, whose bytes are the hashed ones.
        sha256: Hex digest of the file; of several, of their `listing`.
        bytes: Size, of all of them.
        beside: Whether there are files beside it that belong to it.
        formerly: What version 0.1 had for `sha256`, where that differs and is of nothing else.
        origin: Where it was downloaded from; None for a path of the user's.
    """

    path: Path
    copy: Path
    sha256: str
    bytes: int
    beside: bool = False
    formerly: str = ""
    origin: Origin | None = None

    @property
    def given(self) -> str:
        """What the user named it by: the path, or the reference."""
        return self.origin.reference if self.origin else str(self.path)

    def identity(self) -> dict[str, str]:
        """Return what must be the same for a run on it to be gone on with."""
        pinned = {"pinned": self.origin.pinned} if self.origin else {}
        return {"model": self.sha256, **pinned}

    def job(self) -> dict[str, str]:
        """Return what a worker is told of it: `model`, `name`, and `model_folder` if need be."""
        whole = {"model_folder": str(self.copy.parent)} if self.beside else {}
        return {"model": str(self.copy), "name": self.path.name, **whole}


def copy_model(path: Path, folder: Path, *, follow: bool = True) -> ModelCopy:
    """Copy a model file, or a SavedModel folder, into `folder`.

    Args:
        path: The user's path.
        folder: Where to; the copy is called `model`, with the file's extension.
        follow: Whether the path itself may be a symbolic link.

    Raises:
        InputError: There is no such file, it is neither regular nor a folder of regular files, it
            is too large, or it cannot be read.
    """
    shown = printable(str(path))
    copy = folder / ("model" + path.suffix.lower())
    try:
        if path.is_dir() and (follow or not path.is_symlink()):
            return _copy_folder(path, copy)
        digest, size = _copy_file(path, copy, MOST_BYTES, follow=follow)
    except FileNotFoundError as error:
        raise InputError(f"{shown}: no such model file") from error
    except OSError as error:
        raise InputError(f"{shown}: model file: {error.strerror or error}") from error
    with copy.open("rb") as file:
        if listing.is_one(file.read(100)):  # whose digest is that of the files it lists
            raise InputError(f"{shown}: is a list of a model's files, no model; give the model")
    return ModelCopy(path, copy, digest, size)


def copy_beside(model_copy: ModelCopy, names: Iterable[str]) -> ModelCopy:
    """Copy the files that a model's numbers are in, from beside it.

    Args:
        model_copy: The model file.
        names: Where the model says that they are: paths relative to its folder. Not to be trusted.

    Returns:
        The model with the digest of all of them; as it is where there are none.

    Raises:
        InputError: A path leads out of the folder, through a link, or to no regular file; or there
            are more than `MOST_FILES`.
    """
    folder, total = model_copy.path.parent, model_copy.bytes
    files: dict[str, str] = {}
    wanted = sorted({PurePosixPath(name) for name in names})
    if len(wanted) > MOST_FILES:
        raise InputError(
            f"{printable(str(model_copy.path))}: external data: in {len(wanted)} files; at most "
            f"{MOST_FILES} are allowed; save the model with its numbers in one file"
        )
    for inside in wanted:
        shown = printable(str(inside), 100)
        try:
            taken = (*files, ".", model_copy.path.name)
            if inside.is_absolute() or ".." in inside.parts or str(inside) in taken:
                raise OSError(0, "leads out of the model's folder, or to the model")
            source = folder / inside
            if source.parent.resolve() != folder.resolve() / inside.parent:
                raise OSError(0, "leads through a symbolic link")
            copy = model_copy.copy.parent / inside
            copy.parent.mkdir(parents=True, exist_ok=True)
            digest, size = _copy_file(source, copy, MOST_BYTES - total, follow=False)
            with copy.open("rb") as file:
                if what := pointer(file.read(100)):
                    raise OSError(0, f"is {what}")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"{printable(str(model_copy.path))}: external data {shown}: {reason}"
            ) from error
        files[str(inside)], total = digest, total + size
    if not files:
        return model_copy
    return replace(
        model_copy,
        sha256=listing.of_file(model_copy.sha256, files),
        bytes=total,
        beside=True,
        formerly=listing.of_version_0_1({**files, model_copy.path.name: model_copy.sha256}),
    )


def _copy_file(path: Path, copy: Path, most: int, *, follow: bool) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with open_regular(path, most, follow=follow) as source, copy.open("xb") as sink:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise OSError(0, f"grows; at most {most} bytes are allowed")
            digest.update(chunk)
            sink.write(chunk)
    return digest.hexdigest(), size


def _copy_folder(path: Path, copy: Path) -> ModelCopy:
    if not any((path / name).is_file() for name in _SAVED_MODEL):
        raise OSError(0, f"is a folder without {_SAVED_MODEL[0]}, so no SavedModel")
    files, total = {}, 0
    for file in _files(path):
        name = str(file.relative_to(path))
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            files[name], size = _copy_file(file, copy / name, MOST_BYTES - total, follow=False)
        except OSError as error:
            raise OSError(0, f"{printable(name)}: {error.strerror or error}") from error
        total += size
    return ModelCopy(
        path,
        copy,
        sha256=listing.of_folder(files),
        bytes=total,
        formerly=listing.of_version_0_1(files),
    )


def _files(folder: Path) -> Iterator[Path]:
    """Give what is in a folder and the folders in it; a link counts as what it is."""
    pending, count = [folder], 0
    while pending:
        for entry in os.scandir(pending.pop()):
            count += 1
            if count > MOST_FILES:
                raise OSError(0, f"is a folder of more than {MOST_FILES} files, no SavedModel")
            if entry.is_dir(follow_symlinks=False):
                pending.append(Path(entry.path))
            else:
                yield Path(entry.path)
