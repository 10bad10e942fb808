"""The file that is signed: an audit and its result, an envelope a line (in-toto Bundle v1).

Stricter than the specification, which lets readers skip lines: both must be there, in this order,
signed by the same key, and nothing else.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from securesystemslib.signer import CryptoSigner

from auditor.errors import VerificationError
from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.records.statement import audit_payload, read_audit, read_result, result_payload
from auditor.signing.envelope import opened, sealed
from auditor.signing.keys import Pinned

MOST_BYTES: Final = 256 << 20
"""That a bundle may have."""


@dataclass(frozen=True)
class Verified:
    """What a pinned key stands for.

    Attributes:
        audited: The audit.
        document: The same as `audit.json` has it.
        key: The key that signed it.
        statement: The sha256 of the audit's statement, as certificates show it.
        certificates: File name of each certificate that was signed along → its sha256.
    """

    audited: Certificate | Audits
    document: dict[str, Any]
    key: Pinned
    statement: str
    certificates: dict[str, str]


def sign(
    audited: Certificate | Audits,
    document: dict[str, Any],
    signer: CryptoSigner,
    certificates: Mapping[str, str],
) -> bytes:
    """Sign an audit.

    Args:
        audited: The audit.
        document: The same as `audit.json` has it.
        signer: The private key.
        certificates: File name of each certificate that goes with it → its sha256.
    """
    payloads = (
        audit_payload(audited, document),
        result_payload(audited, document, certificates),
    )
    return b"".join(sealed(payload, signer) for payload in payloads)


def verify(bundle: bytes, keys: Sequence[Pinned]) -> Verified:
    """Read a bundle that one of the pinned keys has signed; nothing is parsed before.

    Raises:
        VerificationError: Something is not as it was signed, or nobody who is trusted signed it.
    """
    count = bundle.count(b"\n")  # of what may be nothing but line ends, so no list is made
    if len(bundle) > MOST_BYTES or count != 2 or not bundle.endswith(b"\n"):
        raise VerificationError(
            "no attestation as 'bdaudit sign' writes it: expected two envelopes, a line each, of "
            f"at most {MOST_BYTES} bytes; found "
            f"{count} line ends, {len(bundle)} bytes"
        )
    lines = (line + b"\n" for line in bundle.split(b"\n")[:2])
    (audit, key), (result, other) = (opened(line, keys) for line in lines)
    if key.key.keyid != other.key.keyid:
        raise VerificationError("the audit and its result are signed by different keys")
    audited, document = read_audit(audit)
    certificates = read_result(result, audited, document)
    statement = hashlib.sha256(audit).hexdigest()
    return Verified(audited, document, key, statement, certificates)
