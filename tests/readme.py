"""The README's section of commands, made from the program: `python -m tests.readme` writes it."""

import re
from collections.abc import Iterator
from importlib import import_module

import click
from click.testing import CliRunner

from auditor.cli.main import COMMANDS, cli
from tests.conftest import ROOT

README = ROOT / "README.md"
BEGIN, END = "<!-- commands: python -m tests.readme -->\n", "<!-- /commands -->\n"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Give every command by its name; of one with commands of its own, each of those."""
    for name in COMMANDS:
        command: click.Command = import_module(f"auditor.cli.{name}").command
        if isinstance(command, click.Group):
            yield from ((f"{name} {own}", found) for own, found in command.commands.items())
        else:
            yield name, command


def section() -> str:
    """Return a table of the commands, and the help of each to be opened."""
    lines = [f"| `bdaudit {name}` | {what} |" for name, what in COMMANDS.items()]
    blocks = [
        f"<details>\n<summary><code>bdaudit {name}</code></summary>\n\n"
        f"```text\n{_help(name)}\n```\n\n</details>\n"
        for name, _ in commands()
    ]
    return "\n".join(["| command | what it does |", "| --- | --- |", *lines, "", *blocks])


def _help(name: str) -> str:
    """Return the help as a terminal of 80 columns shows it."""
    words = [*name.split(), "--help"]
    ran = CliRunner().invoke(cli, words, prog_name="bdaudit", terminal_width=78)
    return ran.output.strip()


def written() -> str:
    """Return the README with the section renewed."""
    text = README.read_text("utf-8")
    return re.sub(
        f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", lambda _: section(), text, flags=re.S
    )


if __name__ == "__main__":
    README.write_text(written(), "utf-8")
