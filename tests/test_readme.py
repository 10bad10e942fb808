"""The README says what the program does."""

import re

import pytest

from auditor.cli import COMMANDS
from auditor.report import FORMATS
from tests.conftest import ROOT, bdaudit

README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("command", ["", "scan", "repair", "search", "compare", "inspect"])
def test_help_stands_in_the_readme(command: str) -> None:
    ran = bdaudit(*command.split(), "--help", COLUMNS="80")
    assert ran.out.strip() in README


def test_every_command_and_format_is_told() -> None:
    for name in (*COMMANDS, *FORMATS):
        assert name in README


def test_every_file_it_points_to_is_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_configuration_works(tmp_path) -> None:
    """The toml block is accepted; the run then stops at the model, which is not there."""
    block = re.search(r"```toml\n(.*?)```", README, re.S)
    assert block
    (tmp_path / "bdaudit.toml").write_text(block[1])
    ran = bdaudit("scan", "missing.keras", cwd=tmp_path)
    assert ran.code == 3
    assert "missing.keras: no such model file" in ran.err
