"""The README says what the program does."""

import re
from pathlib import Path

import click
import pytest

import auditor
from auditor.cli import COMMANDS
from auditor.report.formats import CERTIFICATE
from tests import readme
from tests.conftest import bdaudit

README = readme.README.read_text("utf-8")

ASKED_FOR = {
    "--output", "--certificate", "--format", "--into-model-card", "--model", "--public-key",
    "--attestation", "--signed-by", "--password-file",
}  # fmt: skip
"""Files and formats that are read or written only where somebody asks: they have no default."""


def test_its_commands_are_the_programs() -> None:
    assert readme.section() in README, "python -m tests.readme writes it anew"


def test_they_are_what_a_terminal_shows() -> None:
    assert bdaudit("sign", "--help", COLUMNS="80").out.strip() in README


@pytest.mark.parametrize(("name", "command"), [*readme.commands()])
def test_every_option_says_its_meaning_unit_and_default(name: str, command: click.Command) -> None:
    for option in command.params:
        if not isinstance(option, click.Option):
            continue
        assert option.help, option.name
        if option.is_flag or ASKED_FOR & {*option.opts}:
            continue
        assert option.metavar or isinstance(option.type, click.Choice), option.name
        shown = bool(option.show_default) and option.default is not None
        assert option.required or shown or "Default:" in option.help, option.name


def test_every_command_and_format_is_told() -> None:
    for name in (*COMMANDS, *CERTIFICATE):
        assert name in README


def test_every_file_it_points_to_is_there() -> None:
    places = (readme.ROOT, Path(auditor.__file__).parents[1])  # the package may be installed
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert any((place / target).exists() for place in places), target


def test_its_configuration_works(tmp_path) -> None:
    """The toml block is accepted; the run then stops at the model, which is not there."""
    block = re.search(r"```toml\n(.*?)```", README, re.S)
    assert block
    (tmp_path / "bdaudit.toml").write_text(block[1])
    ran = bdaudit("scan", "missing.keras", cwd=tmp_path)
    assert ran.code == 3
    assert "missing.keras: no such model file" in ran.err
