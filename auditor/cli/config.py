"""Defaults from `bdaudit.toml` and, key by key, `[tool.bdaudit]` in `pyproject.toml`."""

import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from auditor.errors import UsageError
from auditor.files.regular_file import open_regular
from auditor.text import printable

_MOST_BYTES = 1 << 20
GATE, POLICY = "gate", "policy"
"""The command that has a table of its own, and that table."""


def defaults() -> dict[str, dict[str, Any]]:
    """Return the configured defaults of every command, as click wants them.

    The keys are the long options without their dashes (`max-asr = 0.05`); `output` takes a list.
    The table `policy` is for `gate` alone.

    Raises:
        UsageError: A file that is no TOML, or a key that no command knows.
    """
    from auditor.cli import CONFIGURED

    commands = {c: import_module(f"auditor.cli.{c}").command for c in CONFIGURED}
    options = {c: _options(command) for c, command in commands.items()}
    values: dict[str, dict[str, Any]] = {command: {} for command in commands}
    for name, table in _tables():
        policy = table.pop(POLICY, {})
        if not isinstance(policy, dict):
            raise UsageError(f"{name}: {POLICY}: expected a table, found {policy!r:.60}")
        _take(name, table, options, values)
        _take(f"{name} [{POLICY}]", policy, {GATE: options[GATE]}, values)
    return values


def _take(
    name: str,
    table: dict[str, Any],
    options: dict[str, dict[str, click.Option]],
    values: dict[str, dict[str, Any]],
) -> None:
    """Give a table's values to the commands that have such an option."""
    known = sorted({key for found in options.values() for key in found})
    for key, value in table.items():
        if key not in known:
            shown = printable(key)
            raise UsageError(f"{name}: unknown key {shown!r}; known: {', '.join(known)}")
        for command, found in options.items():
            if key in found:
                parameter = str(found[key].name)
                values[command][parameter] = _value(f"{name}: {key}", value, found[key])


def _tables() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each file's table, the nearest last."""
    name = "pyproject.toml [tool.bdaudit]"
    table: Any = _read(Path("pyproject.toml"))
    for key in ("tool", "bdaudit"):
        table = table.get(key, {})
        if not isinstance(table, dict):
            raise UsageError(f"{name}: expected a table, found {type(table).__name__}")
    yield name, table
    yield "bdaudit.toml", _read(Path("bdaudit.toml"))


def _read(path: Path) -> dict[str, Any]:
    try:
        with open_regular(path, _MOST_BYTES) as file:
            table = tomllib.load(file)
        repr(table)  # a number of thousands of digits cannot be shown again
        return table
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError
        raise UsageError(f"{path}: not readable as TOML: {printable(str(error))}") from error


def _options(command: click.Command) -> dict[str, click.Option]:
    """Return option as written in the file → option; those that have no variable have no key."""
    found = {}
    for parameter in command.params:
        longest = max(parameter.opts, key=len)
        if isinstance(parameter, click.Option) and parameter.envvar and longest.startswith("--"):
            found[longest.removeprefix("--")] = parameter
    return found


def _value(where: str, value: Any, option: click.Option) -> Any:
    """Return a value as click wants it: text, as on a command line."""
    if option.multiple:
        if isinstance(value, str):
            return [value]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise UsageError(f'{where}: expected a list of texts, such as ["one", "two"]')
    if isinstance(value, bool) and not option.is_flag or not isinstance(value, str | int | float):
        raise UsageError(f"{where}: expected one text or number, found {value!r:.60}")
    return value if isinstance(value, bool) else str(value)
