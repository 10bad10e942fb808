"""Defaults from `bdaudit.toml` and, key by key, `[tool.bdaudit]` in `pyproject.toml`.

Those of the working folder are read unasked and may set little (`working_folder`); a file that
`--config` names may set anything.
"""

import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from auditor.cli.progress import say
from auditor.cli.working_folder import objection
from auditor.errors import UsageError
from auditor.files.regular_file import open_regular
from auditor.text import printable

_MOST_BYTES = 256 << 10
_MOST_PARTS = 20
"""Of a dotted key: tomllib takes time by their square."""
_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\.){0,100}+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_PART}[ \t]*+\.[ \t]*+){{{_MOST_PARTS}}}")
"""A key of one part more, or a text that reads like one."""
_OURS, _SHARED = "bdaudit.toml", "pyproject.toml"
GATE, POLICY = "gate", "policy"
"""The command that has a table of its own, and that table."""

Values = dict[str, dict[str, Any]]


class Configured(click.Command):
    """A command whose options can be given in a file, too."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        """Make it, with the option `--config`."""
        super().__init__(*arguments, **settings)
        named = click.Option(
            ["--config"],
            type=click.Path(path_type=Path, readable=False),
            metavar="FILE",
            is_eager=True,  # before the options that it has values for
            expose_value=False,
            callback=_read_defaults,
            help=f"Take defaults from FILE, which may set anything. Default: {_OURS} and {_SHARED} "
            "in the working folder, which may loosen nothing.",
        )
        self.params.append(named)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line; say what a file has set that was not asked for."""
        left = super().parse_args(ctx, args)
        given = {p.name: ctx.get_parameter_source(str(p.name)) for p in self.params}
        by_user = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
        silent = ctx.params.get("quiet") and given["quiet"] in by_user
        found = ctx.meta.get(_OURS, {})
        said = [t for name, t in found.items() if given[name] is ParameterSource.DEFAULT_MAP]
        if said and not silent:
            say(f"set by files in the working folder: {', '.join(said)}")
        return left


def _read_defaults(ctx: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Read the configured defaults, and keep for `Configured` what to say of them."""
    if ctx.resilient_parsing:  # a shell asks for completions
        return
    command = str(ctx.info_name)
    ctx.default_map = defaults(path).get(command, {})
    if path is None:
        ctx.meta[_OURS] = {
            name: printable(f"{name.replace('_', '-')} = {_text(value)}", 120)
            for name, value in ctx.default_map.items()
        }


def defaults(named: Path | None = None) -> Values:
    """Return the configured defaults of every command, as click wants them.

    The keys are the long options without their dashes (`max-asr = 0.05`); `output` takes a list.
    The table `policy` is for `gate` alone.

    Args:
        named: The file that the user named; None for those of the working folder.

    Raises:
        UsageError: A file that is no TOML, a key that no command knows, or one that a file in the
            working folder may not set so.
    """
    from auditor.cli import CONFIGURED

    commands = {c: import_module(f"auditor.cli.{c}").command for c in CONFIGURED}
    options = {c: _options(command) for c, command in commands.items()}
    values: Values = {command: {} for command in commands}
    paths = [Path(_SHARED), Path(_OURS)] if named is None else [named]  # the nearest last
    for path in paths:
        for name, table, only in _tables(path, missing=named is None):
            for key, value, found in _entries(name, table, only, options):
                given = _value(f"{name}: {key}", value, next(iter(found.values())))
                if named is None:
                    _check(f"{name}: {key} = {_text(given)}", key, given, found, path)
                for command, option in found.items():
                    values[command][str(option.name)] = given
    return values


def _check(where: str, key: str, value: Any, found: dict[str, click.Option], path: Path) -> None:
    """Refuse what a file in the working folder may not set, for any command."""
    for option in found.values():
        if problem := objection(key, value, option):
            raise UsageError(
                f"{printable(where, 160)}: {problem}, and nobody named this file; if it is yours, "
                f"name it with --config {path}; else remove it, or go to another folder"
            )


def _entries(
    name: str, table: dict[str, Any], only: tuple[str, ...], options: dict[str, Any]
) -> Iterator[tuple[str, Any, dict[str, click.Option]]]:
    """Give a table's keys and values, with the option of each command that has it."""
    own = {command: options[command] for command in only or options}
    known = sorted({key for found in own.values() for key in found})
    for key, value in table.items():
        if key not in known:
            shown = printable(key)
            raise UsageError(f"{name}: unknown key {shown!r}; known: {', '.join(known)}")
        yield key, value, {c: found[key] for c, found in own.items() if key in found}


def _tables(path: Path, *, missing: bool) -> Iterator[tuple[str, dict[str, Any], tuple[str, ...]]]:
    """Give a file's tables, each with its name and the commands that it is for, empty for all."""
    name = printable(str(path))
    table: Any = _read(path, missing=missing)
    if path.name == _SHARED:
        name = f"{name} [tool.bdaudit]"
        for key in ("tool", "bdaudit"):
            table = table.get(key, {})
            if not isinstance(table, dict):
                raise UsageError(f"{name}: expected a table, found {type(table).__name__}")
    policy = table.pop(POLICY, {})
    if not isinstance(policy, dict):
        raise UsageError(f"{name}: {POLICY}: expected a table, found {policy!r:.60}")
    yield name, table, ()
    yield f"{name} [{POLICY}]", policy, (GATE,)


def _read(path: Path, *, missing: bool) -> dict[str, Any]:
    shown = printable(str(path))
    try:
        with open_regular(path, _MOST_BYTES) as file:
            table = tomllib.loads(_bounded(file.read(_MOST_BYTES).decode("utf-8")))
        repr(table)  # a number of thousands of digits cannot be shown again
        return table
    except OSError as error:
        if missing and isinstance(error, FileNotFoundError):
            return {}
        raise UsageError(f"{shown}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError
        raise UsageError(f"{shown}: not readable as TOML: {printable(str(error))}") from error


def _bounded(text: str) -> str:
    """Return a text, unless it has a key of more parts than is read in a moment.

    Raises:
        ValueError: It has one; names the line.
    """
    if found := _LONG_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ValueError(f"line {line}: a key of more than {_MOST_PARTS} parts; shorten it")
    return text


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
        listed = [value] if isinstance(value, str) else value
        if isinstance(listed, list) and all(isinstance(item, str) for item in listed):
            return [_plain(where, item) for item in listed]
        raise UsageError(f'{where}: expected a list of texts, such as ["one", "two"]')
    if isinstance(value, bool) and not option.is_flag or not isinstance(value, str | int | float):
        raise UsageError(f"{where}: expected one text or number, found {value!r:.60}")
    return value if isinstance(value, bool) else _plain(where, str(value))


def _plain(where: str, text: str) -> str:
    """Refuse a text that no command line could hold."""
    if "\0" in text:
        raise UsageError(f"{where}: holds a null character, which no name or number has")
    return text


def _text(value: Any) -> str:
    """Return a value for people."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else " ".join(value)
