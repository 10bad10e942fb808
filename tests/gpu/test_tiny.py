"""The command that shows what only a GPU can show, on next to nothing and a CPU."""

import os
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.repairing import gone
from tests.conftest import ROOT
from tests.gpu import limited
from tests.gpu.__main__ import BACKENDS, take
from tests.gpu.bench import Bench, Failed
from tests.gpu.material import Material
from tests.gpu.table import Table

STEPS = (
    *("photographs and networks", "doctor", "behind all walls", "behind no wall"),
    *("behind limits", "behind capabilities", "behind Landlock", "behind seccomp"),
    *("scan, a tiny CNN", "scan, a tiny CNN: figures"),
    *("bare forward pass, a tiny CNN", "measuring, input check included, a tiny CNN"),
    *("audit() called again, all of it, a tiny CNN", "bare training step, a tiny CNN"),
    *("balanced: training", "balanced: watching", "search"),
    *("CUDA_VISIBLE_DEVICES=", "CUDA_VISIBLE_DEVICES=7", "CUDA_VISIBLE_DEVICES=7, --device gpu"),
    *("too large a batch", "unlearn: training", "unlearn: whole", "unlearn: watching"),
)


@pytest.mark.long
def test_all_of_it_runs(tmp_path: Path) -> None:
    backend = next(name for name in BACKENDS if find_spec(name))
    words = ("-m", "tests.gpu", "--tiny", "--backends", backend, "--output", str(tmp_path))
    ran = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    rows = table(tmp_path / "table.md")
    log = (tmp_path / "log.txt").read_text()
    assert list(rows) == list(STEPS), log[-3000:]
    for step, (name, result, seconds, ratio, _, reached) in rows.items():
        assert "FAILED" not in result, (step, result, log[-3000:])
        assert (name, reached) == (backend, ""), "nothing is judged"
        assert seconds or step.endswith("figures"), step
        assert bool(ratio) == step.startswith(
            ("bare", "measuring", "audit()", "balanced: t", "unlearn: t")
        )
    assert "accuracy 1.0000, ASR 1.0000" in rows["scan, a tiny CNN"][1]
    assert "exit 1" in rows["search"][1]
    assert "red" in rows["search"][1]
    for method in ("balanced", "unlearn"):
        before, after = re.search(r"ASR (\S+) → (\S+);", rows[f"{method}: training"][1]).groups()
        assert float(after) < float(before) == 1
    refused = rows["CUDA_VISIBLE_DEVICES=7, --device gpu"][1]
    assert refused.startswith("exit 2; bdaudit: --device gpu: ")
    assert "OpenCV" in log, "what the doctor printed"


def table(path: Path) -> dict[str, list[str]]:
    """Return the cells that follow each step's name."""
    lines = [line for line in path.read_text().splitlines() if line.startswith("| ")][2:]
    cells = [[cell.strip() for cell in line[2:-1].split(" | ")] for line in lines]
    return {step: rest for step, *rest in cells}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """One on which nothing is prepared, with goals that are judged."""
    nowhere = Material((), tmp_path, tmp_path, "square4", 1, lambda environment: None)
    ends = time.monotonic() + 60
    return Bench("jax", nowhere, tmp_path, tmp_path / "log.txt", ends, tiny=False)


def test_a_failure_is_a_row_and_the_others_follow(bench: Bench, tmp_path: Path) -> None:
    kept = Table(tmp_path / "table.md", ["one GPU"])

    def broken(bench: Bench):
        yield bench.row("half", "done", "a | b", ok=True, seconds=0.5)
        raise Failed("stopped after 3 s: a\nlast | line")

    def judged(bench: Bench):
        yield bench.row("slow", "9 s", "≤ 1 s", ok=False, seconds=9.0, ratio=9.0)

    take("broken", broken, bench, kept)
    assert (
        kept.path.read_text().count("\n| half | jax | done | 0.5 |  | a \\| b | reached |\n") == 1
    )
    take("judged", judged, bench, kept)
    lines = kept.path.read_text().splitlines()
    assert lines[:3] == ["# On one GPU", "", "- one GPU"]
    assert re.fullmatch(
        r"\| broken \| jax \| FAILED: stopped after 3 s: a last \\\| line \| .* \*\*missed\*\* \|",
        lines[-2],
    )
    assert lines[-1] == "| slow | jax | 9 s | 9 | 9.00 | ≤ 1 s | **missed** |"


def test_a_step_past_its_time_is_told(bench: Bench) -> None:
    with pytest.raises(Failed, match="stopped after 1 s: here"):
        bench.run(["-c", "import time; print('here', flush=True); time.sleep(60)"], 1)
    bench.ends = time.monotonic() + 4
    with pytest.raises(Failed, match="the time is up"):
        bench.run(["-c", ""], 1)


def test_what_is_over_time_is_killed_with_all_it_started(tmp_path: Path) -> None:
    """Also what is in a session of its own, as bdaudit's workers are."""
    noted = tmp_path / "pid"
    code = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen(['sleep', '60'], start_new_session=True); "
        f"open({str(noted)!r}, 'w').write(str(child.pid)); print('here', flush=True); child.wait()"
    )
    ran = limited.run([sys.executable, "-c", code], 3, os.environ)
    assert (ran.code, ran.out) == (None, "here\n")
    assert gone(int(noted.read_text()))
