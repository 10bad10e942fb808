"""Keys: Ed25519 and ECDSA P-256, in PEM files as OpenSSL and cosign write them.

Private keys are PKCS #8 (RFC 5958), public ones SubjectPublicKeyInfo (RFC 5280). A key's id is
securesystemslib's: a digest of the public key, a name for people and never a reason to trust.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey

from auditor.errors import InputError
from auditor.files.regular_file import open_regular
from auditor.signing import ed25519
from auditor.text import printable

Private = Ed25519PrivateKey | EllipticCurvePrivateKey
Public = Ed25519PublicKey | EllipticCurvePublicKey

KINDS: Final[dict[str, Callable[[], Private]]] = {
    "ed25519": Ed25519PrivateKey.generate,
    "ecdsa": lambda: generate_private_key(SECP256R1()),
}
"""Kind → how one is made."""

_MOST: Final = 1 << 16
_PRIVATE: Final = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_ALLOWED: Final = "Ed25519 and ECDSA P-256 keys are allowed; 'bdaudit keygen' makes one"


@dataclass(frozen=True)
class Pinned:
    """A public key that the user trusts.

    Attributes:
        path: The file that it came from.
        key: The key.
    """

    path: Path
    key: SSlibKey


def private_pem(key: Private, password: bytes | None) -> bytes:
    """Return a private key as a file holds it, encrypted where there is a password."""
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def public_pem(key: Public) -> bytes:
    """Return a public key as a file holds it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_id(key: Private) -> str:
    """Return the id of a key."""
    return str(SSlibKey.from_crypto(key.public_key()).keyid)


def pinned(path: Path) -> Pinned:
    """Read a public key.

    Raises:
        InputError: It cannot be read, is no public key in PEM, is of another kind, or is one that
            anybody can sign with.
    """
    content, shown = _read(path, "public key"), printable(str(path))
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{shown}: no public key in PEM form; {_ALLOWED}") from error
    if not isinstance(key, Public) or not _on_p256(key):
        raise InputError(f"{shown}: a key of another kind; {_ALLOWED}")
    if public_pem(key) != content:  # so that no byte of it goes unread
        raise InputError(
            f"{shown}: more or less than one public key; write it again with "
            "'openssl pkey -pubin -in OLD -out NEW'"
        )
    if isinstance(key, Ed25519PublicKey) and not ed25519.sound(key.public_bytes_raw()):
        raise InputError(
            f"{shown}: an Ed25519 key of small order, or spelled in two ways, under which anybody "
            f"can sign; {_ALLOWED}"
        )
    return Pinned(path, SSlibKey.from_crypto(key))


def signer(path: Path, password: bytes | None) -> CryptoSigner:
    """Read a private key.

    Raises:
        InputError: It cannot be read, is no private key in PEM or several, is of another kind, or
            the password is missing, wrong or not wanted.
    """
    content, shown = _read(path, "private key"), printable(str(path))
    if len(_PRIVATE.findall(content)) > 1:
        raise InputError(f"{shown}: more than one private key; leave one in the file")
    try:
        key = load_pem_private_key(content, password)
    except TypeError as error:
        wanted = "is not encrypted; leave --password-file out"
        if password is None:
            wanted = "is encrypted; give its password with --password-file"
        raise InputError(f"{shown}: the private key {wanted}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        what = "the password is wrong, or it is no" if password else "no"
        raise InputError(f"{shown}: {what} private key in PEM form; {_ALLOWED}") from error
    if not isinstance(key, Private) or not _on_p256(key):
        raise InputError(f"{shown}: a key of another kind; {_ALLOWED}")
    return CryptoSigner(key)


def password_in(path: Path) -> bytes:
    """Read a password: a file's only line.

    Raises:
        InputError: It cannot be read, is empty or has several lines.
    """
    password = _read(path, "password").rstrip(b"\r\n")
    if not password or b"\n" in password:
        raise InputError(f"{printable(str(path))}: expected a password, on one line")
    return password


def _on_p256(key: Private | Public) -> bool:
    """Whether a key, if it is one of a curve that can be chosen, is on P-256."""
    return isinstance(getattr(key, "curve", SECP256R1()), SECP256R1)


def _read(path: Path, what: str) -> bytes:
    try:
        with open_regular(path, _MOST) as file:
            return file.read(_MOST)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{printable(str(path))}: {what} file: {reason}") from error
