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
    from auditor.cli import COMMANDS

    name, table = _table()
    if not table:
        return {}
    commands = {c: import_module(f"auditor.cli.{c}").command for c in COMMANDS}
    options = {c: _options(command) for c, command in commands.items()}
    known = sorted({key for keys in options.values() for key in keys})
    for key in table:
        if key not in known:
            raise UsageError(f"{name}: unknown key {printable(key)!r}; known: {', '.join(known)}")
    return {
        command: {keys[key]: _value(value) for key, value in table.items() if key in keys}
        for command, keys in options.items()
    }


def _table() -> tuple[str, dict[str, Any]]:
    if Path("bdaudit.toml").is_file():
        return "bdaudit.toml", _read(Path("bdaudit.toml"))
    if Path("pyproject.toml").is_file():
        tools = _read(Path("pyproject.toml")).get("tool", {})
        return "pyproject.toml [tool.bdaudit]", tools.get("bdaudit", {})
    return "", {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: not readable as TOML: {printable(str(error))}") from error


def _options(command: click.Command) -> dict[str, str]:
    """Return option as written in the file → parameter name."""
    found = {}
    for parameter in command.params:
        longest = max(parameter.opts, key=len)
        if isinstance(parameter, click.Option) and longest.startswith("--"):
            found[longest.removeprefix("--")] = str(parameter.name)
    return found


def _value(value: Any) -> Any:
    return value if isinstance(value, bool | list) else str(value)
