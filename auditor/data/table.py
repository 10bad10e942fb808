"""A table in a text file: CSV with commas, semicolons, tabs or blanks, or a JSON object a line."""

import csv
import io
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from auditor.data import columns
from auditor.errors import InputError
from auditor.files.regular_file import open_regular
from auditor.files.strict_json import strict
from auditor.text import printable

_MAX_BYTES = 256 * 2**20
_MAX_ROWS = 50_000_000
_MAX_LINE = 2**20
_MAX_COLUMNS = 1000
_LOOKED_AT = 100
"""Rows that tell what a table is like."""

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "blanks"}


@dataclass(frozen=True)
class Listing:
    """Rows of texts.

    Attributes:
        names: Of the columns; `column 1`, `column 2`, … where the file does not name them.
        rows: One list of cells a row, as many as there are names.
        named: Whether the file names them.
    """

    names: tuple[str, ...]
    rows: list[list[str]]
    named: bool = True


def read(path: Path, where: str, asked: Collection[str] = ()) -> Listing:
    """Read a table.

    Args:
        path: The file; its content says whether it is JSON.
        where: How messages call it.
        asked: Columns that the user named, which the first line has where it names columns.

    Raises:
        InputError: It is no such table, and what is wrong, or is too large.
    """
    try:
        with open_regular(path, _MAX_BYTES) as file:
            text = file.read(_MAX_BYTES + 1).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{where}: is not UTF-8 text; save it as CSV in UTF-8") from None
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror}") from None
    table = _json(text, where) if text.lstrip()[:1] == "{" else _csv(text, where, asked)
    if not table.rows:
        raise InputError(f"{where}: lists no images")
    return table


def _csv(text: str, where: str, asked: Collection[str]) -> Listing:
    delimiter = _delimiter(list(islice(io.StringIO(text, newline=""), _LOOKED_AT)), where)
    rows: list[list[str]] = []
    width = 0
    for number, row in _parsed(io.StringIO(text, newline=""), delimiter, where):
        width = width or len(row)
        _check_width(width, where)
        if len(row) != width:
            raise InputError(
                f"{where}: line {number} has {len(row)} cells, the first has {width}; every row "
                "needs as many"
            )
        if len(rows) > _MAX_ROWS:
            raise InputError(f"{where}: has more than {_MAX_ROWS:,} rows")
        rows.append(row)
    if columns.are_named(rows[0]) or not set(asked).isdisjoint(rows[0]):
        names = tuple(rows[0])
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise InputError(f"{where}: has two columns {printable(twice[0], 60)}")
        return Listing(names, rows[1:])
    return Listing(tuple(f"column {i + 1}" for i in range(width)), rows, named=False)


def _check_width(columns: int, where: str) -> None:
    if columns > _MAX_COLUMNS:
        raise InputError(
            f"{where}: has {columns:,} columns; at most {_MAX_COLUMNS:,} are read: save those of "
            "the images and the labels"
        )


def _parsed(lines: Iterable[str], delimiter: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """Give the rows that are not empty, each with its line's number."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise InputError(
            f"{where}: line {reader.line_num} cannot be read: {printable(str(error), 100)}"
        ) from None


def _delimiter(lines: list[str], where: str) -> str:
    """Return what cells are told apart by: what makes the most columns, as many in every row."""
    widths = {}
    for delimiter in _DELIMITERS:
        try:
            found = {len(row) for _, row in _parsed(lines, delimiter, where)}
        except InputError:
            continue
        if len(found) == 1 and (width := found.pop()) > 1:
            widths[delimiter] = width
    if any(delimiter != " " for delimiter in widths):
        widths.pop(" ", None)  # which names may have in them
    best = [one for one, width in widths.items() if width == max(widths.values())]
    if len(best) != 1:
        kinds = ", ".join(_DELIMITERS.values())
        raise InputError(
            f"{where}: is not a table with the path and the label of an image in each row, its "
            f"cells told apart by one of {kinds}"
        )
    return best[0]


def _json(text: str, where: str) -> Listing:
    """Read an object a line; all must have the keys of the first."""
    names: tuple[str, ...] = ()
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            if len(line) > _MAX_LINE:
                raise ValueError("it is too long")
            found = strict(line.encode())
            if not isinstance(found, dict) or (names and not set(names) <= set(found)):
                raise ValueError("it is not an object with the keys of the first")
        except ValueError as error:
            raise InputError(
                f"{where}: line {number} cannot be read: {printable(str(error), 120)}"
            ) from None
        _check_width(len(found), where)
        names = names or tuple(found)
        rows.append([_cell(found[name]) for name in names])
        if len(rows) > _MAX_ROWS:
            raise InputError(f"{where}: has more than {_MAX_ROWS:,} rows")
    return Listing(names, rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def first_rows(table: Listing, column: int) -> list[str]:
    """Return the first cells of a column."""
    return [row[column] for row in islice(table.rows, _LOOKED_AT)]
