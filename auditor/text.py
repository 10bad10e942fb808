"""Text that came from outside, made safe to show on one line of a terminal or a page."""

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that can move a cursor, reorder a line or vanish."""


def printable(text: str, limit: int = 300) -> str:
    r"""Return `text` with every control, format and bidirectional character shown escaped.

    Args:
        text: Anything; file, layer and class names in particular.
        limit: Longest result in characters; a longer one ends in an ellipsis.

    Returns:
        One line in which `\x1b`, newlines and U+202E appear as their escapes.
    """
    shown = "".join(_escape(c) if unicodedata.category(c) in _HIDDEN else c for c in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
