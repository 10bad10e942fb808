"""Writing results: checked before the work starts, in place whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from auditor.errors import UsageError, WorkError
from auditor.text import printable


def check_outputs(
    outputs: Sequence[Path], suffixes: Sequence[str], inputs: Sequence[Path], *, force: bool
) -> None:
    """Refuse outputs that cannot be written, before any work is done.

    Args:
        outputs: Files to be written.
        suffixes: Allowed ones, without the dot.
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
    if path.suffix.lower().removeprefix(".") not in suffixes:
        allowed = ", ".join(f".{s}" for s in suffixes)
        raise UsageError(f"{shown}: unknown format {path.suffix!r}; known are {allowed}")
    if path.is_dir():
        raise UsageError(f"{shown}: is a folder, expected a file name")
    if os.path.lexists(path) and not force:
        raise UsageError(f"{shown}: exists; use --force to replace it")
    if len(os.fsencode(path.name)) > os.pathconf(path.parent, "PC_NAME_MAX"):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_prefix(path)):
        pass  # it can be made, so the result can be


def write(contents: Mapping[Path, bytes]) -> None:
    """Write files whole: all to temporary names beside them, synced; only then all renamed.

    Raises:
        WorkError: One cannot be written; what was there before is untouched.
    """
    unfinished: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path))
            unfinished[path] = Path(name)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished[path].chmod(0o666 & ~_umask())
        for path, temporary in unfinished.items():
            temporary.replace(path)
    except OSError as error:
        shown = ", ".join(printable(str(path)) for path in contents)
        raise WorkError(f"{shown}: cannot be written: {error.strerror}") from error
    finally:
        for temporary in unfinished.values():
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _prefix(path: Path) -> str:
    """Return a hidden name that is no longer than the file's own may be."""
    return f".{path.name[:40]}."
