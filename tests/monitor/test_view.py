"""The live view fits every terminal, and says only what it knows."""

import re
from dataclasses import replace

import pytest
from rich.console import Console

from auditor.figures.skipped import Skipped
from auditor.monitor.history import History
from auditor.monitor.sparks import sparkline
from auditor.monitor.view import view
from auditor.repair.result import Epoch, Plan
from tests.monitor.conftest import steps


def told(plan: Plan, epochs: tuple[Epoch, ...]) -> History:
    history = History(plan)
    for epoch in epochs:
        for step in steps(epoch):
            history.step(step)
        history.epoch(epoch)
    return history


def drawn(history: History, width: int = 100, height: int | None = 50, colour: bool = False) -> str:
    console = Console(width=200, force_terminal=colour, color_system="standard" if colour else None)
    with console.capture() as capture:
        console.print(view(history, width, height))
    return capture.get()


@pytest.mark.parametrize("width", [23, 32, 40, 50, 59, 60, 79, 80, 120, 200])
@pytest.mark.parametrize("height", [8, 12, 24, 60])
def test_every_line_fits(plan: Plan, epochs: tuple[Epoch, ...], width: int, height: int) -> None:
    long = replace(plan, model="a" * 300, target=replace(plan.target, name="b" * 300))
    lines = drawn(told(long, epochs), width, height).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= height
    assert any(line.startswith("   18") for line in lines)
    assert ("ASR" in lines[4]) == ("RA" in lines[4])


def test_before_anything_happened(plan: Plan) -> None:
    shown = drawn(History(plan))
    assert "step 0 of 360 · 0 images\n" in shown
    assert "left" not in shown


def test_what_was_not_measured(plan: Plan, epochs: tuple[Epoch, ...]) -> None:
    skipped = Skipped("no image of another class")
    blank = replace(
        epochs[0], clean_accuracy=skipped, asr=skipped, robust_accuracy=skipped, tar=None,
        tar_density=None,
    )  # fmt: skip
    shown = drawn(told(plan, (blank,)))
    row = next(line for line in shown.splitlines() if " before " in line)
    assert row.split() == ["0", "before", "–", "–", "–", "–", "–", "–", "6.4"]
    assert "– → –" in shown


def test_names_are_not_obeyed(plan: Plan, epochs: tuple[Epoch, ...]) -> None:
    """Neither by the terminal nor as rich's own markup."""
    evil = "\x1b[2J\u202e[red]x[/red]\n"
    hostile = replace(
        plan, model=evil, method=evil, trigger=evil, target=replace(plan.target, name=evil)
    )
    noted = replace(epochs[0], phase=evil, note=evil)
    shown = drawn(told(hostile, (noted, epochs[1])), 200)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b[2J\\u202e[red]x[/red]\\n" in shown


def test_colours_say_which_limit_is_kept(plan: Plan, epochs: tuple[Epoch, ...]) -> None:
    rows = drawn(told(plan, epochs), colour=True).splitlines()
    cells = {
        epoch: re.findall(r"\x1b\[(\d+)m +([\d.]+)", next(r for r in rows if text in r))
        for epoch, text in ((7, "0.114"), (8, "0.125"), (9, "0.136"))
    }
    assert ("31", "74.9") in cells[7] and ("31", "2.73") in cells[7]  # red
    assert ("31", "11.4") in cells[8] and ("32", "0.022") in cells[8]  # one limit of two
    assert ("32", "0.3") in cells[9] and ("33", "68.4") in cells[9]  # green, but 6.4 points lost


@pytest.mark.parametrize(
    ("values", "top", "line"),
    [
        ([0.0, 0.5, 1.0], 1.0, "▁▅█"),
        ([0.0, 1 / 7, 2 / 7, 3 / 7, 4 / 7, 5 / 7, 6 / 7, 1.0], 1.0, "▁▂▃▄▅▆▇█"),
        ([4.0, None, 2.0, 0.0], 4.0, "█ ▅▁"),
        ([-1.0, 9.0], 1.0, "▁█"),
        ([], 1.0, ""),
    ],
)
def test_spark_line(values: list[float | None], top: float, line: str) -> None:
    assert sparkline(values, top) == line


def test_a_long_history_is_thinned(plan: Plan, epochs: tuple[Epoch, ...]) -> None:
    many = [replace(epochs[0], epoch=i, tar=1.0 + i) for i in range(500)]
    line = drawn(told(plan, tuple(many)), 60, 40).splitlines()[-1]
    assert line == "TAR       " + line[10:].strip()
    assert line.endswith("█  1.00 → 500")
    assert len(line) == 60
