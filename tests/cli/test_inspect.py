"""`bdaudit inspect`: what a file is and holds, for people and for programs."""

import json
import subprocess
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Shelf
from tests.conftest import ROOT, Workshop, assert_refusal, bdaudit, blobs, small_cnn
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
    assert "Lambda" in [layer["class"] for layer in found["layers"]]
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


def in_form(form: str, folder: Path) -> Path:
    """Save a small network of an 8×8 layer `last` behind two of 16×16 and 8×8."""
    import keras

    keras.utils.set_random_seed(0)  # an untrained network may by chance do well with any range
    model, path = small_cnn(), folder / f"model.{form}"
    if form == "saved":
        model.export(path, verbose=False)
    elif form == "tflite":
        import tensorflow as tf

        path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    elif form == "onnx":
        from auditor.models.to_onnx import from_keras

        from_keras(model, path)
    else:
        model.save(path)
    return path


@pytest.mark.parametrize("form", ["keras", "h5", "saved", "tflite", "onnx"])
def test_every_format_tells_the_names_that_layer_takes(form: str, tmp_path: Path) -> None:
    path = in_form(form, tmp_path)
    ran = bdaudit("inspect", path, "--layers", "-f", "json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)["heatmap_layers"]
    assert [layer["default"] for layer in found] == [False] * (len(found) - 1) + [True]
    assert (found[-1]["grid"], found[-1]["channels"]) == ([8, 8], 16)
    pooled = [layer for layer in found if layer["channels"] == 12 and layer["grid"] == [8, 8]]
    assert [layer["kind"] for layer in pooled] == [
        "MaxPooling2D" if form in "keras h5" else "MaxPool"
    ]
    if form in ("keras", "h5"):
        shapes = [(s["name"], s["kind"], *s["grid"], s["channels"]) for s in found]
        assert shapes == [
            ("first", "Conv2D", 16, 16, 12),
            ("pool", "MaxPooling2D", 8, 8, 12),
            ("last", "Conv2D", 8, 8, 16),
        ]
    images, labels = blobs(30, size=16)
    np.savez(tmp_path / "data.npz", x=images, y=labels)
    for name, said in ((pooled[0]["name"], [8, 8]), (found[0]["name"], [16, 16])):
        ran = bdaudit(
            *("scan", path, "--data", tmp_path / "data.npz", "--trigger", "square4", "--exit-zero"),
            *("--min-accuracy", 0, "--target", 0, "--layer", name, "--force"),
            *("-o", tmp_path / "audit.json"),
        )
        assert ran.code == 0, ran.err
        audit = json.loads((tmp_path / "audit.json").read_text())
        assert (audit["attention"]["layer"], audit["attention"]["grid"]) == (name, said)


def test_names_for_layer_are_told_as_far_as_the_file_says_them(shelf: Shelf, tmp_path) -> None:
    ran = bdaudit("inspect", shelf / "poisoned.keras")
    assert "\n--layer   last, pool, first; --layers loads it, confined, and lists all\n" in ran.out
    ran = bdaudit("inspect", in_form("saved", tmp_path))
    assert "\n--layer   --layers loads it, confined, and lists the names\n" in ran.out
    ran = bdaudit("inspect", shelf / "poisoned.keras", "--layers")
    assert "Conv2D        8×8×16       last (default)\n" in ran.out
    ran = bdaudit("inspect", shelf / "lambda.keras", "--layers")
    assert_refusal(ran, 3, "lambda.keras", "refused: 1 finding")


def test_only_onnx_files_have_numbers_beside_them(workshop: Workshop) -> None:
    ran = bdaudit("inspect", workshop.clean, "--allow-external-data")
    assert ran.code == 0, ran.err
    assert ran.out == bdaudit("inspect", workshop.clean).out
