"""Writing results: checked before the work starts, in place whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from auditor.errors import UsageError
from auditor.files.atomic import check_place, temporary_prefix, write
from auditor.records.canonical import Record
from auditor.report import formats
from auditor.text import printable

__all__ = ["check_outputs", "format_of", "ready", "rendered", "write"]


def format_of(path: Path, formats: Iterable[str]) -> str:
    """Return the format that a file's suffix asks for, the longest that fits; empty for none."""
    name = path.name.lower().lstrip(".")
    return max((f for f in formats if name.endswith(f".{f}")), key=len, default="")


def ready(paths: Iterable[Path], names: Iterable[str]) -> None:
    """Raise the error that rendering one of these files would end in, before any work is done.

    Args:
        paths: Files to be written.
        names: The formats that their record has.
    """
    for path in paths:
        formats.ready(format_of(path, names))


def rendered(record: Record, paths: Iterable[Path]) -> dict[Path, bytes]:
    """Return what is to be written: the record in each file's format."""
    names = formats.formats_of(record)
    return {path: formats.render(record, format_of(path, names)) for path in paths}


def check_outputs(
    outputs: Sequence[Path], suffixes: Sequence[str], inputs: Sequence[Path], *, force: bool
) -> None:
    """Refuse outputs that cannot be written, before any work is done.

    Args:
        outputs: Files to be written.
        suffixes: Allowed ones, without the dot; none where any name will do.
        inputs: Files that must never be written over, `force` or not.
        force: Whether existing files may be replaced.

    Raises:
        UsageError: An unknown suffix, a file given twice, one that exists, an input, or a folder
            that is missing or not writable.
    """
    taken = [os.path.realpath(path) for path in inputs]
    for path in outputs:
        shown = printable(str(path))
        if [os.path.realpath(other) for other in outputs].count(os.path.realpath(path)) > 1:
            raise UsageError(f"{shown}: given twice as an output")
        if os.path.realpath(path) in taken:
            raise UsageError(f"{shown}: is an input, and would be overwritten")
        try:
            _check(path, shown, suffixes, force=force)
        except OSError as error:  # a name too long, a folder that may not be written to
            raise UsageError(f"{shown}: cannot be written: {error.strerror}") from error


def _check(path: Path, shown: str, suffixes: Sequence[str], *, force: bool) -> None:
    if suffixes and not format_of(path, suffixes):
        allowed = ", ".join(f".{s}" for s in suffixes)
        raise UsageError(f"{shown}: unknown format {path.suffix!r}; known are {allowed}")
    if path.is_dir():
        raise UsageError(f"{shown}: is a folder, expected a file name")
    check_place(path)
    if os.path.lexists(path) and not force:
        raise UsageError(f"{shown}: exists; use --force to replace it")
    if len(os.fsencode(path.name)) > os.pathconf(path.parent, "PC_NAME_MAX"):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=temporary_prefix(path)):
        pass  # it can be made, so the result can be
