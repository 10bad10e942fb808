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
            check_place(path)  # what is not whole is not begun
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=temporary_prefix(path))
            unfinished[path] = Path(name)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                if path not in private:  # as mkstemp makes it
                    os.fchmod(file.fileno(), 0o666 & ~_umask())
                os.fsync(file.fileno())
        for path, temporary in unfinished.items():
            temporary.replace(path)
    except OSError as error:
        shown = ", ".join(printable(str(path)) for path in contents)
        raise WorkError(f"{shown}: cannot be written: {error.strerror}") from error
    finally:
        for temporary in unfinished.values():
            temporary.unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Refuse to put a file in the place of a folder or a device.

    A link, a pipe or a file in its place is replaced; nothing is written through a link.

    Raises:
        OSError: One is there; its `strerror` says which.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    system = os.path.realpath(path.parent) == "/dev"  # of links to devices, too
    if system or path.is_char_device() or path.is_block_device() or path.is_socket():
        raise OSError(errno.ENODEV, "is a device, expected a file name")


def temporary_prefix(path: Path) -> str:
    """Return a hidden name that is no longer than the file's own may be."""
    return f".{path.name[:40]}."


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
