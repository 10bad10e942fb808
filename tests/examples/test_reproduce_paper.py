"""`examples/reproduce_paper.py`: killed, interrupted, gone on with; its page; what it refuses."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.long

SCRIPT = ROOT / "examples" / "reproduce_paper.py"
TINY = ["--data", "digits", "--quick", "--images", "900", "--epochs", "12", "--unlearn-epochs", "3"]


def begun(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), *TINY, "--output", str(folder), *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def until(process: subprocess.Popen[str], words: str) -> Iterator[str]:
    """Yield the lines of its standard error up to the one with these words."""
    assert process.stderr is not None
    for line in process.stderr:
        yield line
        if words in line:
            return
    pytest.fail(f"ended without saying {words!r}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run killed in its training, interrupted in its scan, and gone on with to its end."""
    folder = tmp_path_factory.mktemp("paper") / "run"
    killed = begun(folder)
    list(until(killed, "epoch 2 of 12"))
    killed.kill()
    killed.communicate()
    stopped = begun(folder, "--resume")
    heard = "".join(until(stopped, "3 of 5: scanning"))
    assert "epoch 1 of 12" not in heard
    assert "epoch 12 of 12" in heard
    time.sleep(1)  # into the scan
    stopped.send_signal(signal.SIGINT)
    *_, last = stopped.communicate()[1].splitlines()
    assert stopped.returncode == 130
    assert last == "reproduce_paper: stopped; the same command with --resume goes on"
    finished = begun(folder, "--resume")
    said, heard = finished.communicate()
    assert finished.returncode == 0, heard
    assert "epoch" not in heard.partition("3 of 5")[0]  # the training was done
    assert said.splitlines()[-1] == str(folder / "paper.html")
    return folder


class Cells(HTMLParser):
    """The page's tables by caption, each a list of rows of cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.tag, self.caption = "", ""

    def handle_starttag(self, tag: str, attributes: object) -> None:
        if tag == "tr" and self.caption:
            self.tables[self.caption].append([])
        if tag in ("th", "td") and self.caption:
            self.tables[self.caption][-1].append("")
        self.tag = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.caption = ""

    def handle_data(self, data: str) -> None:
        if self.tag == "h2" and data.strip():
            self.caption = data.partition(":")[0]
            self.tables[self.caption] = []
        if self.tag in ("th", "td") and self.caption:
            self.tables[self.caption][-1][-1] += data.strip()


def test_the_page_sets_every_table_and_figure_beside_the_paper(folder: Path) -> None:
    page = (folder / "paper.html").read_text()
    assert not re.search(r"""(src|href|url\()\s*=?\s*["']?(https?:)?//""", page)
    for number in (1, 2, 3, 4):
        assert f"Figure {number}:" in page
    assert page.count('<img src="data:image/png') > 20
    assert "<polyline" in page
    assert 'class="bar before"' in page
    tables = Cells()
    tables.feed(page)
    audit = json.loads((folder / "repaired.json").read_text())["measurements"]
    results = {row[0]: row[1:] for row in tables.tables["Table II"]}
    for name, metric, paper in (
        ("Attack success rate (ASR)", "asr", (96.51, 5.52)),
        ("Clean accuracy", "clean_accuracy", (82.49, 82.06)),
    ):
        here = [100 * audit[when][metric]["value"] for when in ("before", "after")]
        assert results[name] == [
            "{:.2f} % → {:.2f} %".format(*paper),
            "{:.2f} % → {:.2f} %".format(*here),
            " → ".join(f"{a - b:+.2f}" for a, b in zip(here, paper, strict=True)).replace("-", "−")
            + " points",
        ]
    settings = {row[0]: row[1:] for row in tables.tables["Table I"]}
    assert settings["Training images"] == ["50,000", "900", "not the paper's"]
    assert settings["Epochs of unlearning"] == ["14", "3", "not the paper's"]
    assert settings["Poisoned"] == ["3.0 %", "3.0 %", "same"]
    assert settings["Test images"][0] == "not available to us"
    assert [row[1] for row in tables.tables["Table III"]] == ["figures", "paper", "paper", "here"]


def test_certificates_lie_beside_it(folder: Path) -> None:
    badnet = json.loads((folder / "badnet.json").read_text())
    scan, repair = (json.loads((folder / f"{n}.json").read_text()) for n in ("scan", "repaired"))
    assert badnet["model"]["sha256"] == scan["subject"]["sha256"] == repair["subject"]["sha256"]
    scanned = scan["measurements"]["before"]["asr"]["value"]
    assert scanned == pytest.approx(badnet["results"]["asr"]["value"], abs=0.004)  # 2 of 549
    assert scanned > 0.5
    assert [e["phase"] for e in repair["repair"]["history"][1:]] == ["unlearning"] * 3 + [
        "recovery"
    ] * 3


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        ([], 2, "holds a run; --resume goes on, --force starts over"),
        (["--resume", "--epochs", "9"], 2, "was begun with another epochs"),
        (["--epochs", "0"], 2, "--epochs is 0; allowed: 1 and more"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    folder: Path, words: list[str], code: int, complaint: str
) -> None:
    process = begun(folder, *words)
    _, heard = process.communicate()
    assert process.returncode == code
    (line,) = heard.splitlines()
    assert complaint in line


def test_data_that_is_not_there(tmp_path: Path) -> None:
    process = begun(tmp_path / "new", "--data", "nowhere.npz")
    _, heard = process.communicate()
    assert process.returncode == 3
    assert heard.splitlines()[-1].startswith(
        "reproduce_paper: nowhere.npz: does not exist; allowed:"
    )
