"""`bdaudit inspect`: what a file is and holds, for people and for programs."""

import json
import subprocess
from hashlib import sha256
from pathlib import Path

from tests.cli.conftest import Shelf
from tests.conftest import ROOT, assert_refusal, bdaudit
from tests.models.inspect.test_saved_model import saved

__all__ = ["saved"]

FIXTURES = ROOT / "tests" / "models" / "inspect" / "fixtures"


def test_a_harmless_file_is_told_whole(shelf: Shelf) -> None:
    ran = bdaudit("inspect", shelf / "poisoned.keras")
    assert (ran.code, ran.err) == (0, "")
    assert sha256((shelf / "poisoned.keras").read_bytes()).hexdigest() in ran.out
    assert "written by Keras 3" in ran.out
    assert "Conv2D" in ran.out and "last" in ran.out
    assert "findings  none" in ran.out


def test_as_json(shelf: Shelf) -> None:
    ran = bdaudit("inspect", shelf / "lambda.keras", "-f", "json")
    assert_refusal(ran, 3, "lambda.keras", "refused: 1 finding")
    found = json.loads(ran.out)
    assert found["schema"] == "bdaudit.inspection/v1"
    assert (found["format"], found["bytes"]) == ("keras", (shelf / "lambda.keras").stat().st_size)
    assert {"name": "lambda", "class": "Lambda"} in found["layers"]
    assert [finding["place"] for finding in found["findings"]] == ["config.layers[1]"]


def test_a_graph_of_many_nodes_is_told_in_short() -> None:
    path = FIXTURES / "dynamo_attention.onnx"
    short, whole = bdaudit("inspect", path), bdaudit("inspect", path, "-v")
    assert "written by pytorch" in short.out
    assert "-v lists them all" in short.out
    assert len(whole.out.splitlines()) > len(short.out.splitlines())
    assert "node_conv2d" in whole.out


def test_the_digest_of_a_folder_can_be_made_with_sha256sum(saved: Path) -> None:
    ran = bdaudit("inspect", saved, "-f", "json")
    listing = subprocess.run(
        "{ echo 'bdaudit: a folder of files'; find . -type f -printf '%P\\n' | LC_ALL=C sort"
        " | xargs -d '\\n' sha256sum; } | sha256sum",
        shell=True, cwd=saved, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert json.loads(ran.out)["sha256"] == listing.split()[0]
