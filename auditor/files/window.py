"""Part of an open file, read as if it were a file of its own."""

import io
import os
from typing import IO


class FileWindow(io.RawIOBase):
    """`size` bytes of a seekable file from `start` on; nothing is copied, nothing else is seen."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        """The file stays open; it is the caller's to close."""
        self._file, self._start, self._at = file, start, 0
        self.size = size

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place within the window."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: "memoryview[int] | bytearray") -> int:  # type: ignore[override]
        """Fill a buffer as far as the window goes."""
        self._file.seek(self._start + self._at)
        content = self._file.read(max(0, min(len(buffer), self.size - self._at)))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)
