"""The live view as a terminal shows it, and the lines as a log keeps them."""

import os
import pty
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import ROOT

SHOW = [sys.executable, "-m", "tests.monitor.show"]
SIZED_BY_THE_TERMINAL = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}


@pytest.fixture
def screen() -> Iterator[Callable[..., str]]:
    """Run the command in a real terminal of a size; return what stands on it, once `until` does."""
    tmux = ["tmux", "-L", f"bdaudit-{uuid.uuid4()}"]

    def show(width: int, height: int, *args: object, until: str, keys: str = "") -> str:
        command = " ".join(map(str, [*SHOW, *args])) + "; echo ended; sleep 60"
        where = ["-c", str(ROOT), "-x", str(width), "-y", str(height)]
        start = [*tmux, "-f", "/dev/null", "new-session", "-d", *where, command]
        subprocess.run(start, check=True, env=SIZED_BY_THE_TERMINAL)
        wait(until)
        if keys:
            subprocess.run([*tmux, "send-keys", keys], check=True)
            wait("ended")
        return look()

    def wait(until: str) -> None:
        for _ in range(200):
            if until in look():
                return
            time.sleep(0.1)
        raise AssertionError(look())

    def look() -> str:
        seen = subprocess.run([*tmux, "capture-pane", "-p", "-S", "-100"], capture_output=True)
        return seen.stdout.decode()

    if not shutil.which("tmux"):
        pytest.skip("needs tmux")
    yield show
    subprocess.run([*tmux, "kill-server"], check=False)


EIGHTY = """\
badnet_square4.keras · square4 → airplane · unlearn · 2,500 images to train on
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━──────────────────────────────────────────
step 170 of 360 · about N left · epoch 9 of 18 · 43,520 images

epoch  phase           α  accuracy      ASR       RA      TAR  density  seconds
    0  before          –    74.8 %   94.3 %    4.6 %     4.25     6.19      6.4
── unlearning ─────────────────────────────────────────────────────────────────
    1  unlearning  0.050    74.8 %   93.7 %    5.3 %     4.26     6.16     56.4
    2  unlearning  0.061    74.7 %   93.4 %    5.7 %     4.21     6.12     56.4
    3  unlearning  0.071    74.6 %   92.8 %    6.0 %     4.16     6.10     56.4
    4  unlearning  0.082    74.6 %   91.9 %    6.7 %     4.13     6.08     56.4
    5  unlearning  0.093    74.5 %   90.5 %    7.8 %     4.07     6.00     56.4
    6  unlearning  0.104    74.4 %   86.8 %   10.8 %     3.89     5.86     56.4
    7  unlearning  0.114    74.5 %   74.9 %   19.9 %     2.73     5.48     56.4
    8  unlearning  0.125    71.1 %   11.4 %   62.7 %    0.022    0.500     56.4
epoch 4: ASR has moved by 2.5 points in 4 epochs; going on

ASR       ███▇▇▇▇▆▂  94.3 % → 11.4 %
RA        ▁▁▁▁▁▂▂▂▅  4.6 % → 62.7 %
accuracy  ▆▆▆▆▆▆▆▆▆  74.8 % → 71.1 %
TAR       ██████▇▅▁  4.25 → 0.022
"""

FIFTY = """\
badnet_square4.keras · square4 → airplane
━━━━━━━━━━━━━━━━━━━━━━━━──────────────────────────
step 170 of 360 · about N left · epoch 9 of 18

epoch  accuracy      ASR       RA      TAR
    …
    4    74.6 %   91.9 %    6.7 %     4.13
    5    74.5 %   90.5 %    7.8 %     4.07
    6    74.4 %   86.8 %   10.8 %     3.89
    7    74.5 %   74.9 %   19.9 %     2.73
    8    71.1 %   11.4 %   62.7 %    0.022
epoch 4: ASR has moved by 2.5 points in 4 epochs;
going on
"""


def without_time(shown: str) -> str:
    return re.sub(r"about \d+ (s|min) left", "about N left", shown).rstrip() + "\n"


def test_eighty_columns(screen: Callable[..., str]) -> None:
    assert without_time(screen(80, 30, 9, until="step 170")) == EIGHTY


def test_a_small_terminal_keeps_the_newest_epochs(screen: Callable[..., str]) -> None:
    assert without_time(screen(50, 13, 9, until="step 170")) == FIFTY


def test_the_whole_table_stays(screen: Callable[..., str]) -> None:
    """Though it is longer than the terminal is high, and was never whole while it was live."""
    seen = screen(80, 16, until="ended").splitlines()
    rows = [line.split()[0] for line in seen if line.strip()[:1].isdigit()]
    assert rows == [str(epoch) for epoch in range(19)]
    assert seen.count("── recovery ".ljust(79, "─")) == 1
    assert "step 360 of 360 · 84,480 images" in seen
    assert "TAR       ██████▇▅▁▁▁▁▁▁▁▁▁▁▁  4.25 → 0.030" in seen
    assert [line for line in seen if line][-2:] == ["the result", "ended"]


def test_interrupted(screen: Callable[..., str]) -> None:
    """What was reached stays; nothing is said to be left any more."""
    seen = screen(80, 30, 9, until="step 170", keys="C-c")
    assert "step 170 of 360 · 43,520 images" in seen
    assert "    8  unlearning  0.125" in seen
    assert "left" not in seen


def test_standard_output_is_left_alone() -> None:
    """Only standard error is a terminal: the result goes where it was sent."""
    here, there = pty.openpty()
    running = subprocess.Popen(SHOW, cwd=ROOT, stdout=subprocess.PIPE, stderr=there)
    os.close(there)
    drawn = b""
    while chunk := _read(here):
        drawn += chunk
    assert running.stdout
    assert running.stdout.read() == b"the result\n"
    assert running.wait() == 0
    assert drawn.count(b"\x1b[?25l") == drawn.count(b"\x1b[?25h") == 1  # the cursor is back


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # as Linux says that nobody writes any more
        return b""


LINES = """\
repairing badnet_square4.keras · square4 → airplane · unlearn · 2,500 images to train on · \
2,000 to judge by
15 unlearning and 3 recovery epochs of 20 steps
epoch  phase           α  accuracy      ASR       RA      TAR  density  seconds
    0  before          –    74.8 %   94.3 %    4.6 %     4.25     6.19      6.4
    1  unlearning  0.050    74.8 %   93.7 %    5.3 %     4.26     6.16     56.4  about N left
    2  unlearning  0.061    74.7 %   93.4 %    5.7 %     4.21     6.12     56.4  about N left
    3  unlearning  0.071    74.6 %   92.8 %    6.0 %     4.16     6.10     56.4  about N left
    4  unlearning  0.082    74.6 %   91.9 %    6.7 %     4.13     6.08     56.4  about N left
epoch 4: ASR has moved by 2.5 points in 4 epochs; going on
"""


@pytest.mark.parametrize("terminal", ["", "FORCE_COLOR"])
def test_a_log_gets_plain_lines(terminal: str) -> None:
    environment = {**os.environ, **({terminal: "1"} if terminal else {})}
    ran = subprocess.run(SHOW, cwd=ROOT, env=environment, capture_output=True, check=True)
    said = ran.stderr.decode().splitlines(keepends=True)
    assert without_time("".join(said[:9])) == LINES
    assert said[-1].split() == "18 recovery – 73.7 % 2.2 % 71.3 % 0.030 0.780 56.4".split()
    assert len(said) == 3 + 19 + 1
    assert "\x1b" not in ran.stderr.decode()


def test_a_dumb_terminal_gets_plain_lines() -> None:
    here, there = pty.openpty()
    environment = {**os.environ, "TERM": "dumb"}
    with subprocess.Popen(SHOW, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=there):
        os.close(there)
        drawn = b""
        while chunk := _read(here):
            drawn += chunk
    assert b"\x1b" not in drawn
    assert drawn.count(b"unlearning  0.") == 15
