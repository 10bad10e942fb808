"""The digest of what was read of a file that has more: its bytes alone do not say which part."""

import hashlib
import json
from collections.abc import Callable, Sequence

from auditor.errors import InputError


def digest_of_choice(whole: str, chosen: Sequence[str]) -> str:
    """Return the digest of a file of which a part was chosen; its own where none was.

    Args:
        whole: SHA-256 of the file, in hex.
        chosen: Names of what was read, images first; none where it is what is read anyway.

    Returns:
        SHA-256 of `WHOLE  ["IMAGES", "LABELS"]` and a line's end, in hex.
    """
    if not chosen:
        return whole
    return hashlib.sha256(f"{whole}  {json.dumps(list(chosen))}\n".encode()).hexdigest()


def unless_usual(chosen: tuple[str, ...], usual: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """Return what was chosen; nothing where it is what is read without a word from the user.

    Args:
        chosen: Names of what was read.
        usual: Finds out what is read without a word; raises where that is for the user to say.
    """
    try:
        return () if usual() == chosen else chosen
    except InputError:
        return chosen
