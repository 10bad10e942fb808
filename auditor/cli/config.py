"""Defaults from `bdaudit.toml`, else from `[tool.bdaudit]` in `pyproject.toml`."""

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from auditor.errors import UsageError
from auditor.text import printable


def defaults() -> dict[str, dict[str, Any]]:
    """Return the configured defaults of every command, as click wants them.

    The keys are the long options without their dashes (`max-asr = 0.05`); `output` takes a list.

    Raises:
        UsageError: A file that is no TOML, or a key that no command knows.
    """
    from auditor.cli import CONFIGURED

    name, table = _table()
    if not table:
        return {}
    commands = {c: import_module(f"auditor.cli.{c}").command for c in CONFIGURED}
    options = {c: _options(command) for c, command in commands.items()}
    known = sorted({key for found in options.values() for key in found})
    for key in table:
        if key not in known:
            raise UsageError(f"{name}: unknown key {printable(key)!r}; known: {', '.join(known)}")
    return {
        command: {
            str(found[key].name): _value(f"{name}: {key}", value, found[key])
            for key, value in table.items()
            if key in found
        }
        for command, found in options.items()
    }


def _table() -> tuple[str, dict[str, Any]]:
    if Path("bdaudit.toml").is_file():
        return "bdaudit.toml", _read(Path("bdaudit.toml"))
    name = "pyproject.toml [tool.bdaudit]"
    table: Any = _read(Path("pyproject.toml")) if Path("pyproject.toml").is_file() else {}
    for key in ("tool", "bdaudit"):
        table = table.get(key, {})
        if not isinstance(table, dict):
            raise UsageError(f"{name}: expected a table, found {type(table).__name__}")
    return name, table


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: not readable as TOML: {printable(str(error))}") from error


def _options(command: click.Command) -> dict[str, click.Option]:
    """Return option as written in the file → option."""
    found = {}
    for parameter in command.params:
        longest = max(parameter.opts, key=len)
        if isinstance(parameter, click.Option) and longest.startswith("--"):
            found[longest.removeprefix("--")] = parameter
    return found


def _value(where: str, value: Any, option: click.Option) -> Any:
    """Return a value as click wants it: text, as on a command line."""
    if option.multiple:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise UsageError(f'{where}: expected a list of texts, such as ["one", "two"]')
    if isinstance(value, bool) and not option.is_flag or not isinstance(value, str | int | float):
        raise UsageError(f"{where}: expected one text or number, found {value!r:.60}")
    return value if isinstance(value, bool) else str(value)
