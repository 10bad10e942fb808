"""`bdaudit search`: what it writes, what it says, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Shelf
from tests.conftest import Ran, assert_refusal, bdaudit

WRITING = ("--output", "found.yaml", "--run-dir", "run")


def search(shelf: Shelf, model: str, folder: Path, *args: object) -> Ran:
    return bdaudit(
        "search", shelf.folder / model, "--data", shelf.data, *WRITING, *args, cwd=folder
    )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_backdoor_is_found_and_its_trigger_works_as_it_is(shelf: Shelf, tmp_path: Path) -> None:
    ran = search(shelf, "poisoned.keras", tmp_path, "-o", "a.json", "-o", "a.html", "--no-progress")
    assert (ran.code, ran.err) == (1, "")
    assert names(tmp_path) == {"found.yaml", "found-red.npz", "a.json", "a.html"}
    assert "FAIL  poisoned.keras has a trigger for “red”" in ran.out
    assert "Trigger file: found.yaml" in ran.out
    (trigger,) = yaml.safe_load((tmp_path / "found.yaml").read_text())["triggers"]
    assert trigger["id"] == "found-red"
    assert (trigger["size"], trigger["target"]) == ([16, 16], 0)
    scanned = bdaudit(
        "scan", shelf.folder / "poisoned.keras", "--data", shelf.data, "--trigger", "found.yaml",
        "-f", "json", "--no-progress", cwd=tmp_path,
    )  # fmt: skip
    assert scanned.code == 1
    audit = json.loads(scanned.out)
    assert audit["measurements"]["before"]["asr"]["value"] >= 0.8
    assert audit["target"] == {
        "class": 0, "name": "red", "chosen": "given", "inferred_from": 0, "leads": None
    }  # fmt: skip
    assert "median" in audit["measurements"]["before"]["tar"]


def test_a_clean_model_exits_0_and_no_trigger_is_written(shelf: Shelf, tmp_path: Path) -> None:
    ran = search(shelf, "clean.keras", tmp_path)
    assert ran.code == 0, ran.err
    assert names(tmp_path) == set()
    assert "PASS  no trigger was found in clean.keras" in ran.out
    assert "No trigger file was written." in ran.out


def test_scores_that_are_no_numbers_are_inconclusive(shelf: Shelf, tmp_path: Path) -> None:
    ran = search(shelf, "nan.keras", tmp_path)
    assert ran.code == 4, ran.err
    assert names(tmp_path) == set()
    assert "INCONCLUSIVE  nan.keras could not be searched" in ran.out
    assert "NaN or infinite" in ran.out


def test_quiet_and_exit_zero(shelf: Shelf, tmp_path: Path) -> None:
    ran = search(shelf, "poisoned.keras", tmp_path, "-q", "--exit-zero")
    assert ran == Ran(0, "", "")
    assert "found.yaml" in names(tmp_path)


@pytest.mark.long
def test_interrupted_it_is_resumed(shelf: Shelf, tmp_path: Path) -> None:
    args = ["search", shelf.folder / "poisoned.keras", "--data", shelf.data, *WRITING, "--full"]
    with (tmp_path / "err").open("wb") as err:
        running = subprocess.Popen(
            [sys.executable, "-m", "auditor", *map(str, args)],
            cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )  # fmt: skip
    end = time.monotonic() + 120
    while not (tmp_path / "run/checkpoints/LATEST").exists():
        assert running.poll() is None, (tmp_path / "err").read_text()
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    said = (tmp_path / "err").read_text()
    assert_refusal(Ran(running.returncode, out.decode(), said), 130, "interrupted", "--resume")
    assert names(tmp_path) == {"run", "err"}
    again = search(shelf, "poisoned.keras", tmp_path, "--full")
    assert_refusal(again, 2, "holds a run, interrupted", "--resume")
    other = search(shelf, "poisoned.keras", tmp_path, "--full", "--resume", "--seed", "1")
    assert_refusal(other, 2, "is another run", "seed")
    assert search(shelf, "poisoned.keras", tmp_path, "--full", "--resume").code == 1
    assert names(tmp_path) == {"found.yaml", "found-red.npz", "err"}


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("--output", "found.json"), 2, ("unknown format", ".yaml")),
        (("--output", "nowhere/found.yaml"), 2, ("nowhere",)),
        (("--output", "found.yaml", "-o", "a.sarif"), 2, ("unknown format", ".html")),
        (("--output", "found.yaml", "--limit", "19"), 2, ("19 images", "at least 20")),
        (("--output", "found.yaml", "--input-range", "0..3"), 2, ("--input-range",)),
        (("--output", "found.yaml", "--resume"), 2, ("holds no run to resume",)),
        (("--output", "found.yaml", "--data", "missing"), 3, ("missing",)),
    ],
)
def test_refused(shelf: Shelf, tmp_path: Path, args: tuple, code: int, words: tuple) -> None:
    model = shelf.folder / "clean.keras"
    ran = bdaudit("search", model, "--data", shelf.data, *args, "--no-progress", cwd=tmp_path)
    assert_refusal(ran, code, *words)
    assert names(tmp_path) == set()


def test_what_exists_is_not_written_over(shelf: Shelf, tmp_path: Path) -> None:
    for name in ("found.yaml", "found-red.npz"):
        (tmp_path / name).write_bytes(b"mine")
        assert_refusal(search(shelf, "clean.keras", tmp_path), 2, name, "--force")
        (tmp_path / name).unlink()


def test_pictures_are_never_written_over_the_images(shelf: Shelf, tmp_path: Path) -> None:
    """Neither forced nor resumed, by whatever name and in whatever folder the images were given."""
    images = shelf.data.read_bytes()
    (tmp_path / "found-0.npz").write_bytes(images)
    (tmp_path / "alias.npz").symlink_to("found-0.npz")
    model = shelf.folder / "poisoned.keras"
    for data, *args in (
        ("found-0.npz", "--force"),
        ("./found-0.npz", "--resume"),
        ("alias.npz", "--force", "--resume"),
    ):
        ran = bdaudit("search", model, "--data", data, *WRITING, *args, cwd=tmp_path)
        assert_refusal(ran, 2, "found-0.npz: is an input", "found-CLASS.npz")
        assert (tmp_path / "found-0.npz").read_bytes() == images
    for command in (("search", model), ("repair", model, "--trigger", "search")):
        found = "mended.found-red.npz" if command[0] == "repair" else "mended-red.npz"
        output = "mended.keras" if command[0] == "repair" else "mended.yaml"
        (tmp_path / found).write_bytes(images)
        ran = bdaudit(
            *command, "--data", found, "--output", output, "--force", cwd=tmp_path
        )  # fmt: skip
        assert_refusal(ran, 2, f"{found}: is an input")
        assert (tmp_path / found).read_bytes() == images


def test_only_what_a_picture_would_replace_is_in_the_way(shelf: Shelf, tmp_path: Path) -> None:
    """A name is no pattern."""
    model = shelf.folder / "clean.keras"
    args = ("search", model, "--data", shelf.data, "--output", "f[1].yaml", "--run-dir", "run")
    for name in ("f1-0.npz", "f[1]-.npz", "f[1]-a.b.npz", "f[1]-0.npz.old", "af[1]-0.npz"):
        (tmp_path / name).write_bytes(b"another")
    (tmp_path / "f[1]-0.npz").write_bytes(b"mine")
    assert_refusal(bdaudit(*args, cwd=tmp_path), 2, "f[1]-0.npz: exists", "--force")
    assert (tmp_path / "f[1]-0.npz").read_bytes() == b"mine"
    (tmp_path / "f[1]-0.npz").unlink()
    assert bdaudit(*args, cwd=tmp_path).code == 0
