"""What shows only once the model is loaded. The commands run two at a time."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.cli.conftest import Shelf, assert_refused_in
from tests.conftest import Ran, assert_refusal

FILE = """version: 1
triggers:
  - {id: edge, type: patch, size: [4, 4], anchor: top-left, offset: [0, 30]}
"""

LATE: dict[str, tuple[int, list[str], list[str]]] = {
    "one class, the target": (
        3,
        ["one.npz", "every image is of class 1"],
        ["--data", "one.npz", "--target", "1"],
    ),
    "all that were drawn of the target": (
        3,
        ["ASR is undefined", "--limit"],
        ["--limit", "1", "--target", "0"],
    ),
    "label out of range": (
        3,
        ["beyond.npz", "row 2 has label 3", "0 to 2"],
        ["--data", "beyond.npz"],
    ),
    "another number of classes": (
        3,
        ["four.npz", "4 classes", "3 outputs"],
        ["--data", "four.npz"],
    ),
    "many corrupt images": (3, ["more than 1 %", "corrupt JPEG"], ["--data", "spoilt"]),
    "target name": (2, ["--target nosuch", "red, green, blue"], ["--target", "nosuch"]),
    "target index": (2, ["--target 99", "0 to 2"], ["--target", "99"]),
    "layer": (2, ["--layer nosuch", "first, pool, last"], ["--layer", "nosuch"]),
    "patch off the edge": (2, ["trigger edge", "columns 15 to 16"], ["--trigger", "t.yaml"]),
    "the trigger's target": (2, ["99", "0 to 2"], ["--trigger", "t.json"]),
    "time": (
        3,
        ["not done within --time-limit, 0.02 minutes; the worker was stopped"],
        ["--data", "many.npz", "--time-limit", "0.02"],
    ),
    "memory": (
        3,
        ["memory", "--memory-limit"],
        ["--data", "many.npz", "--memory-limit", "1", "--batch-size", "65536"],
    ),
    "no data": (2, ["clean.keras", "16×16×3 with 3 classes", "--data"], []),
    "no network": (3, ["cifar10", "could not be downloaded", "--data"], ["--data", "cifar10"]),
}
OFFLINE = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}


def corrupt_photos(folder: Path, x: np.ndarray, y: np.ndarray) -> None:
    """Write 150 JPEG files, two of them cut off."""
    for number, (pixels, label) in enumerate(zip(x[:150], y[:150], strict=True)):
        path = folder / str(label) / f"{number:03}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), pixels[..., ::-1])
        if number in (70, 100):
            path.write_bytes(path.read_bytes()[:200])


@pytest.fixture(scope="module")
def check_late(
    shelf: Shelf, tmp_path_factory: pytest.TempPathFactory, pool: ThreadPoolExecutor
) -> Callable[[str], None]:
    made = tmp_path_factory.mktemp("made")
    with np.load(shelf / "test.npz") as data:
        x, y = data["x"], data["y"]
    np.savez(made / "one.npz", x=x[y == 1], y=y[y == 1])
    np.savez(made / "beyond.npz", x=x, y=y + 1)
    np.savez(made / "four.npz", x=x, y=y, class_names=np.array(list("abcd")))
    (made / "t.yaml").write_text(FILE)
    far = {"id": "far", "type": "patch", "size": [8, 8], "target": 99}
    (made / "t.json").write_text(json.dumps({"version": 1, "triggers": [far]}))
    many = {"x": x.repeat(200, axis=0), "y": y.repeat(200)}
    np.savez_compressed(made / "many.npz", **many)
    corrupt_photos(made / "spoilt", x, y)

    def run(name: str) -> None:
        folder = tmp_path_factory.mktemp(name.replace(" ", "-"))
        for source in (*made.iterdir(), shelf / "clean.keras", shelf / "test.npz"):
            (folder / source.name).symlink_to(source)
        code, words, own = LATE[name]
        args: list[object] = ["scan", "clean.keras", "-o", "a.json", "--force", *own]
        if "--trigger" not in own:
            args += ["--trigger", "square8"]
        if name != "no data" and "--data" not in own:
            args += ["--data", "test.npz"]
        assert_refused_in(folder, code, *words, args=args, KERAS_HOME=str(made), **OFFLINE)

    futures = {name: pool.submit(run, name) for name in LATE}
    return lambda name: futures[name].result()


@pytest.mark.parametrize("name", LATE)
def test_refused(name: str, check_late: Callable[[str], None]) -> None:
    check_late(name)


def test_a_region_in_a_pipe_is_not_waited_for(shelf: Shelf, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    args = ["clean.keras", "--data", "test.npz", "--trigger", "square8", "--object-region"]
    ran = subprocess.run(
        ["timeout", "30", sys.executable, "-m", "auditor", "scan", *args, tmp_path / "pipe.npz"],
        cwd=shelf.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert_refusal(Ran(ran.returncode, ran.stdout, ran.stderr), 3, "pipe.npz")
