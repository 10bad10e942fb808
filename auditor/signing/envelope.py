"""The envelope: bytes and who signed them, on one line (DSSE 1.0.2).

A line is read only if it is, byte for byte, what would be written of what it holds: no other
spelling, no second key, no space. What it says of itself chooses nothing: every signature is
tried with the keys that the caller pins.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import CryptoSigner, Signature

from auditor import errors
from auditor.files.codec import from_json, no_array, to_json
from auditor.files.constraints import Length
from auditor.files.strict_json import strict
from auditor.signing.keys import Pinned

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


@dataclass(frozen=True)
class _Signature:
    """As DSSE has it; `keyid` is a hint that nobody has signed."""

    keyid: str
    sig: str


@dataclass(frozen=True)
class _Envelope:
    """As DSSE has it."""

    payload: Annotated[str, Length(512 << 20, of="characters")]
    payloadType: str
    signatures: tuple[_Signature, ...]


def sealed(payload: bytes, signer: CryptoSigner) -> bytes:
    """Sign a payload and return the envelope."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return _line(envelope.to_dict())


def opened(line: bytes, keys: Sequence[Pinned]) -> tuple[bytes, Pinned]:
    """Return the payload of an envelope and the key that signed it; the payload is not parsed.

    Raises:
        VerificationError: It is no envelope as `sealed` makes it, or none of the keys signed it.
    """
    try:
        read: _Envelope = from_json(_Envelope, strict(line), no_array)
        payload = b64decode(read.payload, validate=True)
        signatures = [(s.keyid, b64decode(s.sig, validate=True)) for s in read.signatures]
    except (ValueError, errors.InputError) as error:
        raise errors.VerificationError(f"no DSSE envelope: {error}") from error
    if read.payloadType != PAYLOAD_TYPE:
        raise errors.VerificationError(
            f"the payload is of type {read.payloadType!r:.60}, expected {PAYLOAD_TYPE}"
        )
    spelled = [b64encode(data).decode() for data in (payload, *(data for _, data in signatures))]
    said = [read.payload, *(signature.sig for signature in read.signatures)]
    if spelled != said or _line(to_json(read, no_array)) != line:
        raise errors.VerificationError("the envelope is not spelled as bdaudit spells it")
    if not signatures:
        raise errors.VerificationError("it is not signed")
    return payload, _signed_by(payload, signatures, keys)


def _signed_by(
    payload: bytes, signatures: list[tuple[str, bytes]], keys: Sequence[Pinned]
) -> Pinned:
    encoded = Envelope(payload, PAYLOAD_TYPE, {}).pae()
    for said, signature in signatures:
        for pinned in keys:
            try:
                pinned.key.verify_signature(Signature(pinned.key.keyid, signature.hex()), encoded)
            except (UnverifiedSignatureError, VerificationError):
                continue
            if said == pinned.key.keyid:  # else somebody has written on the envelope
                return pinned
    names = ", ".join(str(pinned.path) for pinned in keys)
    raise errors.VerificationError(f"no signature of a pinned key ({names}): changed, or by others")


def _line(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope, separators=(",", ":")).encode("ascii") + b"\n"
