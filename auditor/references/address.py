"""Addresses that the user has set: refused where they cannot be read, kept out of every message.

Users and passwords stand in them. What a library says of an address that it cannot read may quote
any piece of it.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from auditor.errors import UsageError

_ADDRESSES: Final = ("mlflow_tracking_uri", "mlflow_registry_uri", "hf_endpoint")
_SECRETS: Final = (
    "mlflow_tracking_username", "mlflow_tracking_password", "mlflow_tracking_token",
    "hf_token", "hugging_face_hub_token",
)  # fmt: skip
_SERVERS: Final = ("http", "https")
_IN_PLACE: Final = "***"
_SHORT: Final = 4
"""Characters of a name that stand in words, too: it is replaced where it is a word."""

_CREDENTIALS: Final = re.compile(r"//[^/\s@]*@")
"""What stands before a host in an address, of whatever server."""


def check_address(variable: str) -> None:
    """Refuse an address that can be read in more than one way, without showing it.

    Args:
        variable: Of the environment, that has it; nothing is refused where it is not set.

    Raises:
        UsageError: Its host or port cannot be read, or a user or password has a sign that ends it.
    """
    address = os.environ.get(variable, "").strip()
    try:
        parts = urlsplit(address)
        if parts.scheme.lower() in _SERVERS:
            _ = parts.port
        elsewhere = parts.path + parts.query + parts.fragment
    except ValueError:  # whose words quote the address
        raise UsageError(f"{variable}: host or port cannot be read; {_DO}") from None
    if parts.scheme.lower() in _SERVERS and (not parts.hostname or "@" in elsewhere):
        raise UsageError(f"{variable}: where its host begins cannot be told; {_DO}")


_DO: Final = (
    "give http://HOST:PORT or https://HOST, with /, ?, #, @ and blanks of a user or password "
    "percent-encoded (%2F, %3F, %23, %40, %20)"
)


def hidden(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return a text without the users, passwords and tokens that the environment has.

    Args:
        text: Of a library.
        environment: The variables.
    """
    found = {piece for piece in _pieces(environment) if piece}
    for piece in sorted(found, key=len, reverse=True):
        pattern = re.escape(piece)
        text = re.sub(pattern if len(piece) >= _SHORT else rf"\b{pattern}\b", _IN_PLACE, text)
    return _CREDENTIALS.sub("//", text)


def _pieces(environment: Mapping[str, str]) -> Iterator[str]:
    """Give all that must not be shown, in each way that it is written."""
    for name, value in environment.items():
        name = name.lower()
        if name in _SECRETS:
            yield from _written(value)
        if name not in _ADDRESSES and not name.endswith("_proxy"):
            continue
        before, at, _ = value.strip().partition("://")[2].rpartition("@")
        if at:
            user, _, password = before.partition(":")
            for piece in (value, value.strip(), before, user, password):
                yield from _written(piece)


def _written(piece: str) -> tuple[str, ...]:
    return piece, unquote(piece), quote(piece), quote(piece, safe=""), repr(piece)[1:-1]
