"""What holds of an attestation: who signed which audit, and which files at hand it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from auditor.records.audits import Audits
from auditor.records.certificate import Certificate

SCHEMA: Final = "bdaudit.verification/v1"


@dataclass(frozen=True)
class Verification:
    """A signature that holds.

    Attributes:
        audited: The signed audit.
        document: The same as `audit.json` has it.
        key: File of the public key that it holds under.
        key_id: That key's id.
        statement: The sha256 of the audit's statement, as certificates show it.
        models: Each model file at hand, and its sha256.
        papers: Each certificate at hand, and whether all of it was signed.
    """

    audited: Certificate | Audits
    document: dict[str, Any]
    key: Path
    key_id: str
    statement: str
    models: Mapping[Path, str]
    papers: Mapping[Path, bool]
