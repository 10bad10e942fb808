"""The JSON that a certificate's PDF carries, found without a PDF library.

Only what `report/pdf.py` writes is read: an embedded file is a stream of its own (ISO 32000-2,
7.11.4), so its dictionary stands in the clear. A PDF that another program has saved again is
refused, and so is one with two attachments: readers might show the other one.
"""

import re
import zlib
from typing import Final

from auditor.errors import InputError

MAGIC: Final = b"%PDF-"

_MOST: Final = 256 << 20
"""Bytes that the attachment may unfold to."""

_KIND: Final = re.compile(rb"/Type */EmbeddedFile(?![A-Za-z])")
_STREAM: Final = re.compile(rb"[^\r\n]{0,1000}/Length (\d{1,10})>>\nstream\n")


def attached(pdf: bytes) -> bytes:
    """Return the file that is attached to a PDF.

    Raises:
        InputError: There is none, there are several, or it cannot be read.
    """
    found = list(_KIND.finditer(pdf))
    if len(found) != 1:
        raise InputError(f"{len(found) or 'no'} files are attached, expected one")
    header = _STREAM.match(pdf, found[0].end())
    if header is None:
        raise InputError("the attached file is not as bdaudit writes it: was the PDF saved again?")
    start, length = header.end(), int(header[1])
    content = pdf[start : start + length]
    if not pdf.startswith(b"\nendstream", start + length):
        raise InputError("the attached file does not end where it says")
    return _unfolded(content) if b"/FlateDecode" in header[0] else content


def _unfolded(content: bytes) -> bytes:
    unfolding = zlib.decompressobj()
    try:
        unfolded = unfolding.decompress(content, _MOST)
    except zlib.error as error:
        raise InputError("the attached file is damaged") from error
    if not unfolding.eof or unfolding.unused_data:
        raise InputError(f"the attached file is cut off, or larger than {_MOST} bytes")
    return unfolded
