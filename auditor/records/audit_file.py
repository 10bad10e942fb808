"""An audit as users have it: `audit.json`, or a certificate's PDF that carries one."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from auditor.errors import InputError
from auditor.files.regular_file import open_regular
from auditor.files.strict_json import strict
from auditor.records.attached import MAGIC, attached
from auditor.records.audit_json import from_document
from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.text import printable

MOST_BYTES: Final = 256 << 20


@dataclass(frozen=True)
class AuditFile:
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


def read(path: Path, *, follow: bool = True) -> AuditFile:
    """Read an audit.

    Args:
        path: Its file.
        follow: Whether that may be a symbolic link: never in a folder that others write.

    Raises:
        InputError: The file cannot be read, or holds none.
    """
    content = read_bytes(path, MOST_BYTES, follow=follow)
    with named(path):
        document = unwrapped(content)
        values = strict(document)
        audited = from_document(values)
    pdf = hashlib.sha256(content).hexdigest() if document is not content else ""
    return AuditFile(audited, values, document, pdf)


def unwrapped(content: bytes) -> bytes:
    """Return the JSON that is attached to a PDF; of any other file its own bytes.

    Raises:
        InputError: The PDF holds none.
    """
    return attached(content) if content.startswith(MAGIC) else content


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Put a file's name before what is wrong with it."""
    try:
        yield
    except (ValueError, InputError) as error:
        raise InputError(f"{printable(str(path))}: {error}") from error


def read_bytes(path: Path, most: int, *, follow: bool = True) -> bytes:
    """Return what is in a file.

    Raises:
        InputError: It is missing, no regular file, larger than `most`, or cannot be read.
    """
    try:
        with open_regular(path, most, follow=follow) as file:
            return file.read(most)
    except OSError as error:
        raise InputError(f"{printable(str(path))}: {error.strerror or error}") from error
