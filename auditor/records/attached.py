"""The JSON that a certificate's PDF carries, found without a PDF library.

ISO 32000-2 lets a file be updated behind its end, hold several catalogs, or spell a name in many
ways, so that two readers see two files. Only what `report/pdf.py` writes is read (`pdf_objects`),
with one attachment, named alike wherever a reader may look for it, and nothing that acts or hides.
What its pages show is not read here.
"""

import re
from collections import Counter
from typing import Final

from auditor.errors import InputError
from auditor.records.pdf_objects import Object, number_in, objects, spelled_out, unfolded

MAGIC: Final = b"%PDF-"

_MOST: Final = 256 << 20
"""Bytes that the attachment may unfold to."""

_FORBIDDEN: Final = frozenset(
    b"AA AcroForm Collection Encrypt Extends GoToE GoToR ImportData JavaScript JS Launch Movie "
    b"OCProperties OpenAction Perms Rendition RichMedia Screen Sound SubmitForm XFA".split()
)
"""Names of what acts when a file is opened, hides some of it, or leads to another."""

_ONCE: Final = (b"EmbeddedFile", b"EmbeddedFiles", b"EF", b"Filespec", b"Catalog", b"AF")
"""Names that stand once in a file with one attachment."""

_NAME: Final = re.compile(rb"/([^\x00-\x20()<>\[\]{}/%]*)")
_JSON: Final = b"/Subtype /application#2fjson"
"""The one name that is written with an escape."""


def attached(pdf: bytes) -> bytes:
    """Return the file that is attached to a PDF.

    Raises:
        InputError: There is none, there are several, it cannot be read, or the PDF is not as
            bdaudit writes it: updated, encrypted, saved again, with scripts.
    """
    found, catalog = objects(pdf)
    named = Counter(
        name
        for one in found.values()
        for name in _NAME.findall(spelled_out(one.text).replace(_JSON, b""))
    )
    for name in sorted(named):
        if b"#" in name or name in _FORBIDDEN:
            shown = name.decode("ascii", "backslashreplace")
            raise InputError(f"the PDF has a /{shown:.40}, which bdaudit does not write")
    for name in _ONCE:
        if named[name] != 1:
            many = f"{named[name] or 'no'} /{name.decode()}"
            raise InputError(f"the PDF has {many}, expected one: not one file is attached")
    if b"/Type /Catalog" not in spelled_out(catalog.text):
        raise InputError("the PDF is read from another object than its catalog")
    return unfolded(_embedded(found, catalog.text), _MOST)


def _embedded(found: dict[int, Object], catalog: bytes) -> Object:
    """Return the attached file, to which both of the catalog's ways must lead."""
    bare = spelled_out(catalog)
    listed = number_in(rb"/EmbeddedFiles (\d+) 0 R", bare)
    tree = found.get(listed, Object(b""))
    named = number_in(rb"^<</Names \[\([\w.]+\) (\d+) 0 R\]>>\s*$", tree.text)
    sources = re.findall(rb"/AF \[((?:\d+ 0 R ?)+)\]", bare)
    if set(re.findall(rb"(\d+) 0 R", b"".join(sources))) != {b"%d" % named}:
        raise InputError("the PDF's source is not the file that is attached to it")
    file = found.get(named, Object(b""))
    embedded = found.get(number_in(rb"/EF <</F (\d+) 0 R>>", spelled_out(file.text)), Object(b""))
    if b"/Type /EmbeddedFile" not in spelled_out(embedded.text):
        raise InputError("the PDF's attached file is not where it says")
    return embedded
