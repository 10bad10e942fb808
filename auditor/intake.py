"""Take a suspected model in: copied while it is hashed, so that what is audited is what was hashed.

This is all that the process which judges and renders ever does with the file.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import InputError
from auditor.regular_file import open_regular
from auditor.text import printable

MOST_BYTES = 8 << 30
MOST_FILES = 1_000
_CHUNK = 1 << 20
_SAVED_MODEL = ("saved_model.pb", "saved_model.pbtxt")


@dataclass(frozen=True)
class Taken:
    """A model that was copied while it was hashed.

    Attributes:
        path: The user's path, as given.
        copy: The copy, whose bytes are the hashed ones.
        sha256: Hex digest of the file; of a folder, of what `sha256sum` prints of its files in
            the order of their names.
        bytes: Size.
    """

    path: Path
    copy: Path
    sha256: str
    bytes: int


def take(path: Path, folder: Path, *, follow: bool = True) -> Taken:
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
            digest, size = _take_folder(path, copy)
        else:
            digest, size = _take_file(path, copy, MOST_BYTES, follow=follow)
    except FileNotFoundError as error:
        raise InputError(f"{shown}: no such model file") from error
    except OSError as error:
        raise InputError(f"{shown}: model file: {error.strerror or error}") from error
    return Taken(path, copy, digest, size)


def _take_file(path: Path, copy: Path, most: int, *, follow: bool) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with open_regular(path, most, follow=follow) as source, copy.open("xb") as sink:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise OSError(0, f"grows; at most {most} bytes are allowed")
            digest.update(chunk)
            sink.write(chunk)
    return digest.hexdigest(), size


def _take_folder(path: Path, copy: Path) -> tuple[str, int]:
    if not any((path / name).is_file() for name in _SAVED_MODEL):
        raise OSError(0, f"is a folder without {_SAVED_MODEL[0]}, so no SavedModel")
    listing, total = hashlib.sha256(), 0
    for file in sorted(_files(path), key=lambda file: os.fsencode(file.relative_to(path))):
        name = file.relative_to(path)
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            digest, size = _take_file(file, copy / name, MOST_BYTES - total, follow=False)
        except OSError as error:
            raise OSError(0, f"{printable(str(name))}: {error.strerror or error}") from error
        total += size
        listing.update(f"{digest}  ".encode() + os.fsencode(name) + b"\n")
    copy.mkdir(exist_ok=True)
    return listing.hexdigest(), total


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
