"""Audits as earlier versions wrote them, which must stay readable: `frozen/`.

`audit-v1-first` is what the first version wrote, `audit-v1` what a later one did: each lacks
the keys that were added to version 1 after it.
"""

import json
from pathlib import Path

from auditor.records.audit_json import from_document
from auditor.records.certificate import Certificate

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
