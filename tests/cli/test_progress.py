"""Progress off a terminal: plain lines, none of them twice."""

import pytest

from auditor.cli.progress import Display


def test_the_end_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(show=True) as tell:
        tell("loading", 0, 0)
        for done in (0, 5, 10, 10, 10):
            tell("measuring", done, 10)
        tell("trying neighbours", 4, 4)
        tell("measuring", 10, 10)
    assert capsys.readouterr().err.splitlines() == [
        "loading …",
        "measuring: 10 of 10 (100%)",
        "trying neighbours: 4 of 4 (100%)",
        "measuring: 10 of 10 (100%)",
    ]
