"""Files read without surprises: regular ones only, of bounded size, through one open descriptor."""

import errno
import io
import os
import stat
from pathlib import Path


def exists(path: str | Path) -> bool:
    """Whether there is something of a name, which may be one that nothing can have."""
    try:
        return Path(path).exists()
    except OSError:  # too long, or of a folder that may not be looked into
        return False


def open_regular(path: Path, most: int, *, follow: bool = True) -> io.BufferedReader:
    """Open a file for reading, without waiting for a pipe's writer.

    Args:
        path: The file.
        most: Bytes that it may have.
        follow: Whether its last part may be a symbolic link: never in a folder that others write.

    Raises:
        OSError: It cannot be opened, is larger, or is no regular file; its `strerror` says which.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if not follow and error.errno == errno.ELOOP:
            raise OSError(0, "is a symbolic link, expected a file") from error
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            what = "a folder" if stat.S_ISDIR(found.st_mode) else "a special file"
            raise OSError(0, f"is {what}, expected a file")
        if found.st_size > most:
            raise OSError(0, f"has {found.st_size} bytes; at most {most} are allowed")
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def read_regular(path: Path, most: int) -> bytes:
    """Return the content of a file in a folder that somebody else may have written.

    Raises:
        OSError: As `open_regular`, which follows no link here; or it grew meanwhile.
    """
    with open_regular(path, most, follow=False) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(0, f"has more than {most} bytes")
    return content
