"""Repairs that are refused: one line, the right exit code, nothing left behind.

What only a worker can see is tried two at a time.
"""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Refuse, assert_refused_in
from tests.cli.repairing import QUICK
from tests.conftest import Workshop

GIVEN = ["--trigger", "square8", "--target", "0", "--data", "test.npz"]
REPAIR = ["repair", "poisoned.keras", *GIVEN, "--method", "unlearn", "--output", "r.keras"]

WRONG: dict[str, tuple[list[str], list[str]]] = {
    "no epochs": (["--epochs", "0"], ["--epochs", "1<=x<=10000"]),
    "recovery -1": (["--recovery-epochs", "-1"], ["--recovery-epochs", "0<=x<=10000"]),
    "rate nan": (["--learning-rate", "nan"], ["--learning-rate", "1e-12 to 1"]),
    "rate 0": (["--learning-rate", "0"], ["--learning-rate", "1e-12 to 1"]),
    "rate -1": (["--learning-rate", "-1"], ["--learning-rate", "1e-12 to 1"]),
    "rate inf": (["--learning-rate", "inf"], ["--learning-rate", "1e-12 to 1"]),
    "one alpha": (["--alpha", "0.1"], ["--alpha", "colon", "0.05:0.20"]),
    "three alphas": (["--alpha", "0.1:0.2:0.3"], ["--alpha", "colon"]),
    "alpha a:b": (["--alpha", "a:b"], ["--alpha", "'a' is not a number"]),
    "alpha nan": (["--alpha", "0.2:nan"], ["--alpha", "'nan' is not a number"]),
    "alpha hostile": (["--alpha", "\x1b[31m\u202e"], ["--alpha", r"\x1b[31m\u202e"]),
    "budget -1": (["--clean-budget", "-1"], ["--clean-budget", "at least 0"]),
    "budget nan": (["--clean-budget", "nan"], ["--clean-budget", "at least 0"]),
    "validation 1": (["--validation", "1"], ["--validation", "x>=2"]),
    "watched 0": (["--watched", "0"], ["--watched", "1<=x<=16"]),
    "batch size 0": (["--batch-size", "0"], ["--batch-size", "1<=x<=65536"]),
    "drop 2": (["--max-accuracy-drop", "2"], ["--max-accuracy-drop", "from 0 to 1"]),
    "stall backwards": (["--stall-epochs", "7:5"], ["--stall-epochs", "'7:5'", "backwards"]),
    "stall at 0": (["--stall-epochs", "0:5"], ["--stall-epochs", "1<=x<=10000"]),
    "method": (["--method", "magic"], ["--method", "'magic'", "unlearn"]),
    "on stall": (["--on-stall", "panic"], ["--on-stall", "'panic'"]),
    "device": (["--device", "tpu"], ["--device", "'tpu'"]),
    "no suffix": (["--output", "repaired"], ["repaired: unknown format", ".keras, .h5"]),
    "PyTorch": (["--output", "r.pt"], ["r.pt: unknown format", ".keras, .h5, .onnx"]),
    "no folder": (["--output", "no/r.keras"], ["no/r.keras: cannot be written", "No such file"]),
    "a folder": (["--output", "folder.keras"], ["folder.keras: is a folder"]),
    "the model": (["--output", "poisoned.keras", "--force"], ["poisoned.keras: is an input"]),
    "the model linked": (["--output", "link.keras", "--force"], ["link.keras: is an input"]),
    "there already": (["--output", "there.keras"], ["there.keras: exists; use --force"]),
    "certificate.keras": (["-o", "c.keras"], ["c.keras: unknown format", ".html, .pdf, .json"]),
    "certificate.xyz": (["-o", "c.xyz"], ["c.xyz: unknown format"]),
    "certificate twice": (["-o", "c.json", "-o", "./c.json"], ["given twice"]),
    "certificate over data": (["-o", "data.json", "--force"], ["data.json: is an input"]),
    "run is a file": (["--run-dir", "test.npz"], ["test.npz: is a file, expected a folder"]),
    "run is not ours": (["--run-dir", "full"], ["full: is not empty and holds no run"]),
    "run under a file": (["--run-dir", "test.npz/run"], ["test.npz/run: cannot be used"]),
    "run in nowhere": (["--run-dir", "/proc/run"], ["/proc/run: cannot be used"]),
    "no run": (["--resume"], ["r.run: holds no run to resume; start one without --resume"]),
    "range": (["--input-range", "banana"], ["--input-range banana"]),
}


@pytest.fixture
def bench(workshop: Workshop, tmp_path: Path) -> Path:
    """A folder with all that a repair takes, and some things in its way."""
    for name in ("poisoned.keras", "test.npz"):
        shutil.copy(workshop.folder / name, tmp_path)
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    (tmp_path / "link.keras").symlink_to("poisoned.keras")
    (tmp_path / "there.keras").write_text("mine")
    (tmp_path / "data.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize("kind", WRONG)
def test_wrong(kind: str, bench: Path, assert_refused: Refuse) -> None:
    own, words = WRONG[kind]
    data = ["--eval-data", "data.json"] if kind == "certificate over data" else []
    assert_refused(2, *words, args=[*REPAIR, *data, *own])


def test_wrong_in_the_configuration(bench: Path, assert_refused: Refuse) -> None:
    assert_refused(2, "--epochs", "1<=x<=10000", args=REPAIR, BDAUDIT_EPOCHS="0")
    (bench / "bdaudit.toml").write_text("learning-rat = 1\n")
    assert_refused(2, "bdaudit.toml: unknown key 'learning-rat'", "learning-rate", args=REPAIR)
    (bench / "bdaudit.toml").write_text('alpha = [0.05, "0.2"]\n')
    assert_refused(2, "bdaudit.toml: alpha: expected one text or number", args=REPAIR)
    (bench / "bdaudit.toml").write_text("mixed-precision = 3\n")
    assert_refused(2, "mixed", args=REPAIR)


def test_no_output_and_no_model(bench: Path, assert_refused: Refuse) -> None:
    assert_refused(2, "Missing option '--output'", args=["repair", "poisoned.keras", *GIVEN])
    args = ["repair", "no.keras", *GIVEN, "--output", "r.keras"]
    assert_refused(3, "no.keras: no such model file", args=args)


LATE: dict[str, tuple[int, list[str], list[str]]] = {
    "budget 0": (2, ["--clean-budget: 0 of the 300"], ["--clean-budget", "0"]),
    "budget of all": (
        2,
        ["--clean-budget: leaves 0 of the 300", "--eval-data"],
        ["--clean-budget", "1e9"],
    ),
    "validation of all": (
        2,
        ["--validation 150: of 150 images, some must be left to train on"],
        ["--validation", "150"],
    ),
    "no gpu": (2, ["--device gpu: this machine has no NVIDIA GPU", "doctor"], ["--device", "gpu"]),
    "no evaluation": (3, ["no.npz"], ["--eval-data", "no.npz"]),
    "no data": (3, ["no.npz"], ["--data", "no.npz"]),
    "four classes": (3, ["four.npz", "4 classes", "3 outputs"], ["--data", "four.npz"]),
    "another order": (
        3,
        ["order.npz: has its classes in another order than ", "test.npz; which is wrong?"],
        ["--data", "order.npz", "--eval-data", "test.npz"],
    ),
    "not a model": (3, ["broken.keras"], []),
}


@pytest.fixture(scope="module")
def check_late(
    workshop: Workshop, tmp_path_factory: pytest.TempPathFactory, pool: ThreadPoolExecutor
) -> Callable[[str], None]:
    made = tmp_path_factory.mktemp("made")
    with np.load(workshop.data) as data:
        x, y = data["x"], data["y"]
    np.savez(made / "four.npz", x=x, y=y, class_names=np.array(list("abcd")))
    np.savez(made / "order.npz", x=x, y=y, class_names=np.array(["green", "red", "blue"]))
    (made / "broken.keras").write_bytes(workshop.poisoned.read_bytes()[:9000])

    def run(name: str) -> None:
        folder = tmp_path_factory.mktemp(name.replace(" ", "-"))
        for source in (*made.iterdir(), workshop.poisoned, workshop.data):
            (folder / source.name).symlink_to(source)
        code, words, own = LATE[name]
        model = "broken.keras" if name == "not a model" else "poisoned.keras"
        args = ["repair", model, *GIVEN, "--output", "r.keras", *QUICK, *own, "--no-progress"]
        assert_refused_in(folder, code, *words, args=args)

    futures = {name: pool.submit(run, name) for name in LATE}
    return lambda name: futures[name].result()


@pytest.mark.parametrize("name", LATE)
def test_refused_late(name: str, check_late: Callable[[str], None]) -> None:
    """Not even the run directory stays, so that the mended command can be given at once."""
    check_late(name)
