"""Outputs that cannot be written are refused before the work starts, and nothing is harmed."""

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Refuse, Shelf


def scan(*more: object) -> list[object]:
    return ["scan", "m.keras", "--trigger", "t.json", "--data", "d.npz", *more]


@pytest.fixture(autouse=True)
def files(shelf: Shelf, tmp_path: Path) -> None:
    shutil.copy(shelf / "clean.keras", tmp_path / "m.keras")
    shutil.copy(shelf.data, tmp_path / "d.npz")
    patch = '{"id": "one", "type": "patch", "size": [8, 8]}'
    (tmp_path / "t.json").write_text(f'{{"version": 1, "triggers": [{patch}]}}')
    (tmp_path / "old.json").write_text("precious")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.json").symlink_to("loop.json")


WRONG = {
    "exists": (["old.json"], ["old.json: exists", "--force"]),
    "the second exists": (["new.html", "old.json"], ["old.json: exists", "--force"]),
    "unknown suffix": (["a.txt"], ["a.txt", "unknown format '.txt'", ".html, .pdf, .json"]),
    "no suffix": (["audit"], ["audit: unknown format"]),
    "no such folder": (["nosuch/a.json"], ["nosuch/a.json", "No such file or directory"]),
    "file as folder": (["old.json/a.json"], ["old.json/a.json", "Not a directory"]),
    "a folder": (["folder.json", "--force"], ["folder.json: is a folder"]),
    "twice": (["a.json", "./a.json"], ["given twice"]),
    "read-only place": (["/proc/a.json"], ["/proc/a.json: cannot be written"]),
    "name too long": (["a" * 300 + ".json"], ["aaa", "too long"]),
    "link to itself": (["loop.json"], ["loop.json"]),
    "the trigger": (["t.json", "--force"], ["t.json: is an input"]),
    "controls in the name": (["a\x1b[31m\n.txt"], [r"a\x1b[31m\n.txt", "unknown format"]),
}


@pytest.mark.parametrize("kind", WRONG)
def test_refused_at_once(kind: str, assert_refused: Refuse) -> None:
    names, words = WRONG[kind]
    outputs = [part for name in names for part in ([name] if name[0] == "-" else ["-o", name])]
    assert_refused(2, *words, args=scan(*outputs))


def test_never_over_the_model_or_the_data(assert_refused: Refuse, tmp_path: Path) -> None:
    (tmp_path / "m.keras").rename(tmp_path / "m.json")
    (tmp_path / "alias.json").symlink_to("m.json")
    (tmp_path / "d.npz").rename(tmp_path / "d.json")
    args: list[object] = ["scan", "m.json", "--trigger", "square8", "--data", "d.json", "--force"]
    for name in ("m.json", "./m.json", "alias.json", "d.json"):
        assert_refused(2, Path(name).name, "is an input", args=[*args, "-o", name])


def test_the_file_that_exists_survives_every_refusal(
    assert_refused: Refuse, tmp_path: Path
) -> None:
    """With --force it is replaced only when there is something to replace it with."""
    (tmp_path / "m.keras").write_bytes(b"")
    assert_refused(3, "the file is empty", args=scan("-o", "old.json", "--force"))
    assert (tmp_path / "old.json").read_text() == "precious"
