"""Progress off a terminal: plain lines, none of them twice; on one, a bar; words are only words."""

import os
import pty
import re
import subprocess
import sys

import pytest

from auditor.cli.progress import Display, log, say
from tests.report.poison import MARKUP, RAW, hidden


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


def test_words_off_a_terminal_are_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(show=True) as tell:
        tell(f"loading {MARKUP}{RAW}", 0, 0)
        tell(f"measuring {MARKUP}{RAW}", 4, 4)
    say(f"note {MARKUP}{RAW}")
    log(f"one {MARKUP}{RAW}\ntwo")
    told = capsys.readouterr().err
    assert hidden(told) == set()
    assert told.count(MARKUP) == 4
    assert len(told.splitlines()) == 5


BAR = """
import sys
from auditor.cli.progress import Display
with Display(show=True) as tell:
    for done in range(3):
        tell(sys.argv[1], done, 2)
"""


@pytest.mark.parametrize(
    "words", ["[red]x[link=y]", "[/red]", "[bold]\x1b]0;owned\x07\u202e\x9b2J"]
)
def test_words_beside_a_bar_are_shown_as_text(words: str) -> None:
    """On a terminal, where rich draws; `[/red]` closes nothing."""
    shown = on_a_terminal(sys.executable, "-c", BAR, words)
    own = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)  # what draws the bar
    assert words.encode("unicode_escape").decode() in own
    assert hidden(own) <= {"\r"}


def on_a_terminal(*command: str) -> str:
    """Return what a command shows on standard error, which is a terminal."""
    mine, its = pty.openpty()
    with os.fdopen(mine, "rb", buffering=0) as screen:
        variables = {**os.environ, "TERM": "xterm", "COLUMNS": "200", "PYTHONUTF8": "1"}
        ran = subprocess.run(command, stderr=its, env=variables, check=True)
        os.close(its)
        content = b""
        try:
            while part := screen.read(65536):
                content += part
        except OSError:  # nobody writes any more
            pass
    assert ran.returncode == 0
    return content.decode("utf-8")
