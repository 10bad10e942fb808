"""An audit as users have it: `audit.json`, or a certificate's PDF that carries one."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from auditor.audits import Audits
from auditor.certificate import Certificate
from auditor.document import from_document
from auditor.errors import InputError
from auditor.regular_file import open_regular
from auditor.signing.attached import MAGIC, attached
from auditor.signing.strict import strict
from auditor.text import printable

MOST_BYTES: Final = 256 << 20


@dataclass(frozen=True)
class Found:
    """An audit read from a file.

    Attributes:
        audited: The audit.
        document: Its values.
        content: The bytes of its `audit.json`.
        pdf: The sha256 of the PDF that carries it; empty where it is a file of its own.
    """

    audited: Certificate | Audits
    document: dict[str, Any]
    content: bytes
    pdf: str


def read(path: Path) -> Found:
    """Read an audit.

    Raises:
        InputError: The file cannot be read, or holds none.
    """
    content = read_bytes(path, MOST_BYTES)
    is_pdf = content.startswith(MAGIC)
    try:
        document = attached(content) if is_pdf else content
        values = strict(document)
        audited = from_document(values)
    except (ValueError, InputError) as error:
        raise InputError(f"{printable(str(path))}: {error}") from error
    pdf = hashlib.sha256(content).hexdigest() if is_pdf else ""
    return Found(audited, values, document, pdf)


def read_bytes(path: Path, most: int) -> bytes:
    """Return what is in a file.

    Raises:
        InputError: It is missing, no regular file, larger than `most`, or cannot be read.
    """
    try:
        with open_regular(path, most) as file:
            return file.read(most)
    except OSError as error:
        raise InputError(f"{printable(str(path))}: {error.strerror or error}") from error
