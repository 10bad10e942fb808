"""Audits as earlier versions wrote them, which must stay readable: `frozen/`.

`audit-v1` has every key of version 1; `audit-v1-first` lacks those that were added to it later.
"""

import json
from pathlib import Path

from auditor.certificate import Certificate
from auditor.document import from_document

FROZEN = Path(__file__).with_name("frozen")
NAMES = ("audit-v1", "audit-v1-first")


def file(name: str) -> Path:
    """Return where one lies."""
    return FROZEN / f"{name}.json"


def past(name: str) -> Certificate:
    """Read one."""
    found = from_document(json.loads(file(name).read_bytes()))
    assert isinstance(found, Certificate)
    return found
