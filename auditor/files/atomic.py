"""Writing files whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from auditor.errors import WorkError
from auditor.text import printable


def write(contents: Mapping[Path, bytes], private: Collection[Path] = ()) -> None:
    """Write files whole: all to temporary names beside them, synced; only then all renamed.

    Args:
        contents: Each file's content.
        private: Those that nobody else may read, at no time.

    Raises:
        WorkError: One cannot be written; what was there before is untouched.
    """
    unfinished: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            if path.is_dir():  # or its name is too long: what is not whole is not begun
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=temporary_prefix(path))
            unfinished[path] = Path(name)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if path not in private:  # as mkstemp makes it
                unfinished[path].chmod(0o666 & ~_umask())
        for path, temporary in unfinished.items():
            temporary.replace(path)
    except OSError as error:
        shown = ", ".join(printable(str(path)) for path in contents)
        raise WorkError(f"{shown}: cannot be written: {error.strerror}") from error
    finally:
        for temporary in unfinished.values():
            temporary.unlink(missing_ok=True)


def temporary_prefix(path: Path) -> str:
    """Return a hidden name that is no longer than the file's own may be."""
    return f".{path.name[:40]}."


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
