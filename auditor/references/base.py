"""What every kind of reference offers, and what is held of the names that a server gives."""

import os
import resource
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, Final, Self

from auditor.errors import InputError, reason
from auditor.files.intake import MOST_BYTES, MOST_FILES
from auditor.references.address import hidden
from auditor.text import printable, visible

Progress = Callable[[str, int, int], None]

BROUGHT: Final = "brought"
"""The folder, in a download's scratch folder, that the model is put in."""

_MOST_CHARACTERS: Final = 1_000
_MOST_IN_A_PART: Final = 255


@dataclass(frozen=True)
class Reference:
    """A model by a name that is not a path.

    Attributes:
        text: As the user wrote it.
        scheme: What it begins with.
        FORM: How it is written, for a message.
        PACKAGE: The package that brings it, as Python imports it.
        EXTRA: What to ask pip for.
        VARIABLES: Beginnings of the variables that the download is given.
        ADDRESS: The variable that says which server to ask.
        SETTINGS: Variables that it is given in any case.
    """

    text: str
    scheme: ClassVar[str] = ""
    FORM: ClassVar[str] = ""
    PACKAGE: ClassVar[str] = ""
    EXTRA: ClassVar[str] = ""
    VARIABLES: ClassVar[tuple[str, ...]] = ()
    ADDRESS: ClassVar[str] = ""
    SETTINGS: ClassVar[dict[str, str]] = {}

    def __str__(self) -> str:
        """Return what the user wrote."""
        return self.text

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it.

        Raises:
            UsageError: It is written otherwise.
        """
        raise NotImplementedError

    @property
    def suffix(self) -> str:
        """Extension of the file that it names; empty where it names none."""
        return ""

    @property
    def moves(self) -> bool:
        """Whether it may stand for something else tomorrow."""
        return False

    def same_but_pinned(self, pinned: "Reference") -> bool:
        """Whether another reference is this one, pinned."""
        return False


def said(error: BaseException) -> str:
    """Return what an exception of a download says, safe to show: no user, no password."""
    text = str(error)
    without = hidden(text)  # before lines and sentences are chosen, which may cut a password
    return printable(reason(error if without == text else RuntimeError(without)), 300)


def is_safe(name: str) -> bool:
    """Whether a file's name, as a server gives it, stays in the folder that it is put in.

    Args:
        name: A path with slashes. Not to be trusted.
    """
    parts = name.split("/")
    return (
        0 < len(name) <= _MOST_CHARACTERS
        and visible(name) == name
        and not any(sign in name for sign in "\\:")
        and not any(part in ("", ".", "..") for part in parts)
        and all(len(os.fsencode(part)) <= _MOST_IN_A_PART for part in parts)
    )


def check_names(names: Collection[str], shown: str) -> None:
    """Refuse what is not safe, or too many files, before any is downloaded.

    Raises:
        InputError: A name is not safe, or there are more than a model may have.
    """
    if len(names) > MOST_FILES:
        raise InputError(f"{shown}: {len(names):,} files; a model may have at most {MOST_FILES:,}")
    for name in names:
        if not is_safe(name):
            raise InputError(
                f"{shown}: the server names a file {printable(name, 80)!r}, which leads out of its "
                "folder or cannot be shown; nothing was downloaded"
            )


def check_size(size: int, shown: str) -> None:
    """Refuse a model that is larger than a local one may be.

    Raises:
        InputError: It is.
    """
    if size > MOST_BYTES:
        raise InputError(f"{shown}: {size:,} bytes; at most {MOST_BYTES:,} are allowed")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """While open, this process can write no file of more bytes, however much a server sends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def put(source: Path, folder: Path, name: str) -> None:
    """Put a file of a cache, whatever links lead to it, into the folder of what was brought.

    Args:
        source: The file.
        folder: The process' scratch folder.
        name: Where to, a safe name.

    Raises:
        OSError: It cannot be put there.
    """
    target = folder / BROUGHT / PurePosixPath(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    real = source.resolve(strict=True)
    with suppress(OSError):  # another disk, or one without hard links
        os.link(real, target)
        return
    shutil.copyfile(real, target)
