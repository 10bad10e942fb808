"""Text that came from outside, made safe to show on one line of a terminal or a page."""

import re
import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that can move a cursor, reorder a line or vanish."""

_EMPTY = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters of other categories that show nothing: fillers, and selectors of variants."""

_BEYOND_ASCII = re.compile("[^ -~]")


def printable(text: str, limit: int = 300) -> str:
    r"""Return `text` with every control, format and bidirectional character shown escaped.

    Args:
        text: Anything; file, layer and class names in particular.
        limit: Longest result in characters; a longer one ends in an ellipsis.

    Returns:
        One line in which `\x1b`, newlines and U+202E appear as their escapes.
    """
    shown = visible(text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def visible(text: str, keep: str = "") -> str:
    r"""Return `text`, however long, with every hidden character shown escaped, as `printable`.

    Args:
        text: Anything; a whole page, too.
        keep: Characters that stay as they are: the ends of a page's own lines.
    """
    return _BEYOND_ASCII.sub(lambda found: _shown(found[0], keep), text)


def _shown(character: str, keep: str) -> str:
    hidden = unicodedata.category(character) in _HIDDEN or _EMPTY.match(character)
    return _escape(character) if hidden and character not in keep else character


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def counted(count: int, thing: str) -> str:
    """Return how many there are of something: `1 image`, `2,000 classes`.

    Args:
        count: How many.
        thing: What one of them is called.
    """
    if count == 1:
        return f"1 {thing}"
    return f"{count:,} {thing}{'es' if thing.endswith('s') else 's'}"
