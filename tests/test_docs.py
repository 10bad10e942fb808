"""The pages of `docs/`: what they say is tested is a test, and their links lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = sorted((ROOT / "docs").glob("*.md"))
ROW = re.compile(r"^\|(?! ---)(?!.*\| test \|$).*\|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_row_of_what_is_taken_names_a_test_that_there_is() -> None:
    rows = ROW.findall((ROOT / "docs" / "what-is-taken.md").read_text())
    assert len(rows) > 30
    for row in rows:
        named = NAMED.findall(row.split("|")[-2])
        assert named, row
        for path, function in named:
            code = (ROOT / path).read_text()
            assert not function or re.search(rf"^def {function}\b", code, re.MULTILINE), row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target
