"""Walk over a JPEG's markers, as libjpeg does: what size it has, and whether all of it is there."""

import re

_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
"""Those that stand alone and mean nothing here are left out."""

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_END, _SCAN = 0xD9, 0xDA
_OTHERS = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE})
"""Tables, and what applications and people add."""


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Find how large an image is, and walk on to its end.

    A decoder that has all of its pixels looks no further, and would take a scan that damage has
    cut short for a whole one.

    Args:
        data: The file, which begins as a JPEG does.

    Returns:
        Height and width; None where libjpeg, reading to the end, would fail over a marker.
    """
    size, components, scans, several = None, b"", 0, False
    at = 2
    while found := _MARKER.search(data, at):
        marker, body = found[0][1], found.end() + 2
        if marker == _END:
            return size if scans else None
        if marker in _FRAMES and size is None:
            size = _number(data, body + 1), _number(data, body + 3)
            components, several = data[body + 5 : body + 6], marker in _PROGRESSIVE
        elif marker == _SCAN and size is not None and (several or not scans):
            several = several or data[body : body + 1] < components
            scans += 1
        elif marker not in _OTHERS:
            return None
        at = found.end() + max(2, _number(data, found.end()))
    return None


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")
