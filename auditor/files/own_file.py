"""Files of our own, where others may have written before us: opened in one way.

A name in a run's folder may be a link, a second name of somebody's file, or a pipe, put there to
have it overwritten or waited for. Such a file is refused before a byte of it is touched.
"""

import os
import stat
from pathlib import Path


def open_own(path: Path, flags: int) -> int:
    """Open a file of our own, made where it is missing, and return its descriptor.

    Nothing is cut off: whoever wants it empty truncates the descriptor.

    Args:
        path: The file.
        flags: `os.O_RDWR`, or `os.O_WRONLY | os.O_APPEND`.

    Raises:
        OSError: It cannot be opened, is a link or no regular file, has a second name, or belongs to
            another user than we are and the folder's; its `strerror` says which.
    """
    safe = os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | safe, 0o666)
    except OSError as error:
        if path.is_symlink():
            raise _not_ours(path, "is a symbolic link") from error
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _not_ours(path, "is no regular file")
        if found.st_nlink > 1:
            raise _not_ours(path, "is another file's second name")
        if found.st_uid not in (os.geteuid(), path.parent.stat().st_uid):
            raise _not_ours(path, "belongs to another user")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def make_folder(path: Path) -> None:
    """Make a folder of our own, where it is missing.

    Raises:
        OSError: It cannot be made, or is a link or no folder; its `strerror` says which.
    """
    try:
        path.mkdir()
    except FileExistsError:
        if path.is_symlink():
            raise _not_ours(path, "is a symbolic link") from None
        if not path.is_dir():
            raise _not_ours(path, "is no folder") from None


def replace_own(path: Path, content: bytes) -> None:
    """Write a small file anew, synced and in one step, where modes cannot be set.

    Raises:
        OSError: It cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.tmp")
    unfinished.unlink(missing_ok=True)  # a process that was killed left it, or somebody else
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(unfinished, flags, 0o666), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _not_ours(path: Path, what: str) -> OSError:
    return OSError(0, f"{path.name} {what}, so none of bdaudit's own; remove it")
