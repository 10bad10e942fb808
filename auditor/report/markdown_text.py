"""Text for Markdown (GitHub Flavored Markdown 0.29): whatever a name holds, it shows as itself."""

import html
import re
from collections.abc import Iterable, Sequence

from auditor.text import printable

_SYNTAX = re.compile(
    r"[\\`*\[\]|~$#]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.|^[-+=]|^\d+(?=[.)](?:\s|$))"
)


def escape(text: str, limit: int = 2000) -> str:
    """Return text in which nothing is Markdown, HTML, a link or a mention; good in a table too."""
    shown = html.escape(printable(text, limit), quote=False)
    shown = _SYNTAX.sub(lambda found: "".join(f"&#{ord(c)};" for c in found[0]), shown)
    return shown.replace("@", "@<!-- -->")  # no entity keeps a host from seeing a mention


def code(text: str, limit: int = 300) -> str:
    """Return a name in a fixed-width face; HTML, for a code span cannot escape its own end."""
    return f"<code>{escape(text, limit)}</code>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; its cells are Markdown. The first column is to the left."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def facts(given: Iterable[tuple[str, str]]) -> list[str]:
    """Return the lines of a table of two columns, both to the left."""
    return ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in given)]
