"""ONNX files through the real commands: measured, repaired and handed back as the same graph."""

import json
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from auditor.measure.attention import GradCam
from auditor.models import load_classifier
from auditor.triggers.spec import load
from tests.cli.conftest import Refuse
from tests.cli.repairing import QUICK
from tests.conftest import Ran, Workshop, bdaudit
from tests.models.onnx.graphs import CLASSIFIER, built, saved

LOOK = ("--data", "test.npz", "--trigger", "square8", "--target", "0")
MEND = ("--data", "test.npz", "--trigger", "square8", *QUICK, "--max-accuracy-drop", "0.1")

COMMANDS: dict[str, tuple[object, ...]] = {
    "keras": ("scan", "poisoned.keras", *LOOK, "-f", "json"),
    "onnx": ("scan", "poisoned.onnx", *LOOK, "-f", "json"),
    "external": ("scan", "apart.onnx", "--allow-external-data", *LOOK, "-f", "json"),
    "saved model": ("scan", "saved", *LOOK, "-f", "json"),
    "tflite": ("scan", "poisoned.tflite", *LOOK, "-f", "json"),
    "repair": ("repair", "poisoned.onnx", *MEND, "--output", "mended.onnx", "-f", "json"),
    "repair to onnx": ("repair", "poisoned.keras", *MEND, "--output", "other.onnx", "-f", "json"),
    "inspect": ("inspect", "poisoned.onnx", "-f", "json"),
    "inspect saved model": ("inspect", "saved"),
}


AT_NOON = {"SOURCE_DATE_EPOCH": "1767268800"}


@dataclass(frozen=True)
class Bench:
    """The workshop's poisoned model in every form, and what the commands made of it."""

    folder: Path
    running: dict[str, Future[Ran]]

    def ran(self, name: str) -> Ran:
        return self.running[name].result()

    def audit(self, name: str) -> dict[str, Any]:
        ran = self.ran(name)
        assert ran.code == (0 if name.startswith("repair") else 1), ran.err
        return dict(json.loads(ran.out))


@pytest.fixture(scope="module")
def bench(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory, pool: ThreadPoolExecutor):
    import keras
    import tensorflow as tf

    from auditor.models.to_onnx import from_keras

    folder = tmp_path_factory.mktemp("onnx")
    shutil.copy(workshop.poisoned, folder)
    shutil.copy(workshop.data, folder)
    model = keras.models.load_model(workshop.poisoned)
    from_keras(model, folder / "poisoned.onnx")
    model.export(folder / "saved", verbose=False)
    lite = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    (folder / "poisoned.tflite").write_bytes(lite)
    whole = onnx.load(folder / "poisoned.onnx")
    onnx.save(
        whole, folder / "apart.onnx", save_as_external_data=True, location="apart.weights",
        size_threshold=0,
    )  # fmt: skip
    return Bench(
        folder,
        {
            name: pool.submit(bdaudit, *args, cwd=folder, **AT_NOON)
            for name, args in COMMANDS.items()
        },
    )


def assert_same_figures(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Assert the same rates exactly, and the same attention to a thousandth."""
    ours, theirs = (audit["measurements"]["before"] for audit in (one, other))
    for name in ("clean_accuracy", "asr", "robust_accuracy", "clean_target_rate"):
        assert ours[name] == theirs[name]
    for name in ("tar", "tar_target", "tar_density", "trigger_mass", "heatmap_shift"):
        assert ours[name]["median"] == pytest.approx(theirs[name]["median"], rel=1e-3)
    assert ours["asr"]["value"] > 0.9 and ours["tar"]["median"] > 1


@pytest.mark.real_start
@pytest.mark.parametrize("form", ["keras", "onnx", "saved model", "tflite"])
def test_a_worker_started_as_a_users_is_says_the_same_to_the_byte(form: str, bench: Bench) -> None:
    """As one that was forked from what had imported everything."""
    forked = bench.ran(form)
    ran = bdaudit(*COMMANDS[form], cwd=bench.folder, **AT_NOON)
    assert (ran.code, ran.out) == (1, forked.out)


@pytest.mark.parametrize("form", ["onnx", "external", "saved model", "tflite"])
def test_a_scan_shows_what_the_keras_models_does(form: str, bench: Bench) -> None:
    assert_same_figures(bench.audit(form), bench.audit("keras"))


def test_heatmaps_are_those_of_the_keras_model(bench: Bench) -> None:
    with np.load(bench.folder / "test.npz") as data:
        stamped = load("square8").stamp(data["x"][:60])
    heats = []
    for name in ("poisoned.keras", "poisoned.onnx"):
        classifier = load_classifier(bench.folder / name)
        look = GradCam(classifier, classifier.spatial_layer(None), frozen=True)
        heats.append(look(stamped, 0).target_heat.reshape(60, -1).astype(np.float64))
    one, other = heats
    cosine = (one * other).sum(1) / np.sqrt((one**2).sum(1) * (other**2).sum(1))
    assert cosine.min() >= 0.9999
    assert np.abs(one).max() > 0.1


def test_the_certificate_says_what_ran(bench: Bench) -> None:
    audit = bench.audit("onnx")
    assert audit["subject"]["format"] == "onnx"
    assert audit["attention"]["grid"] == bench.audit("keras")["attention"]["grid"]
    assert {"onnx", "onnxruntime", "tensorflow"} <= audit["environment"]["versions"].keys()


def test_a_digest_covers_the_numbers_beside_the_file(bench: Bench) -> None:
    import hashlib

    graph, weights = (
        hashlib.sha256((bench.folder / name).read_bytes()).hexdigest()
        for name in ("apart.onnx", "apart.weights")
    )
    listing = f"bdaudit: a file and those beside it\n{graph}\n{weights}  apart.weights\n"
    digest = hashlib.sha256(listing.encode()).hexdigest()
    assert bench.audit("external")["subject"]["sha256"] == digest


def rates(path: Path, data: Path) -> dict[str, float]:
    """Return a file's figures, measured with ONNX Runtime alone."""
    import onnxruntime

    with np.load(data) as images:
        x, y = images["x"], images["y"]
    stamped = x[y != 0].copy()
    stamped[:, -4:, -4:] = 255
    session = onnxruntime.InferenceSession(path)

    def classes(pixels: np.ndarray) -> np.ndarray:
        given = {session.get_inputs()[0].name: (pixels / 255).astype(np.float32)}
        return session.run(None, given)[0].argmax(axis=1)

    return {
        "clean_accuracy": float((classes(x) == y).mean()),
        "asr": float((classes(stamped) == 0).mean()),
        "robust_accuracy": float((classes(stamped) == y[y != 0]).mean()),
    }


@pytest.mark.parametrize("name", ["repair", "repair to onnx"])
def test_a_repaired_file_shows_the_certificates_figures_elsewhere(name: str, bench: Bench) -> None:
    audit = bench.audit(name)
    output = bench.folder / audit["repair"]["output"]["path"]
    after = audit["measurements"]["after"]
    assert audit["verdict"]["status"] == "pass"
    assert after["asr"]["value"] < 0.1 < audit["measurements"]["before"]["asr"]["value"]
    held_out = bench.folder / "held-out.npz"
    shutil.copy(bench.folder / "test.npz", held_out)
    found = rates(output, held_out)  # on all images, those of the repair included
    for figure, value in found.items():
        assert value == pytest.approx(after[figure]["value"], abs=0.05), figure


def test_a_repaired_graph_is_the_same_graph(bench: Bench) -> None:
    bench.audit("repair")
    before, after = (onnx.load(bench.folder / f) for f in ("poisoned.onnx", "mended.onnx"))
    changed = [
        one.name
        for one, other in zip(before.graph.initializer, after.graph.initializer, strict=True)
        if one.raw_data != other.raw_data
    ]
    assert changed
    onnx.checker.check_model(after)
    for model in (before, after):
        for tensor in model.graph.initializer:
            tensor.ClearField("raw_data")
    assert before == after


def test_inspect_says_what_goes_in_and_out_and_where_to_look(bench: Bench) -> None:
    found = json.loads(bench.ran("inspect").out)
    assert found["inputs"][0]["shape"] == [-1, 16, 16, 3]
    assert found["outputs"][0]["shape"] == [-1, 3]
    assert found["classes"] == 3
    assert bench.audit("onnx")["attention"]["layer"] == found["spatial"][-1]
    said = bench.ran("inspect saved model").out
    assert "a TensorFlow SavedModel" in said and "(?×16×16×3)" in said and "3 classes" in said


BOMBS = {
    "constant": "size = Constant <value_ints=[1048576, 1048576]> () big = ConstantOfShape (size)",
    "range": "from = Constant <value_int=0> () to = Constant <value_int=1099511627776> () "
    "by = Constant <value_int=1> () whole = Range (from, to, by) big = Cast <to=1> (whole)",
    "tiles": "often = Constant <value_ints=[1, 1, 65536, 65536]> () big = Tile (active, often)",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_graph_that_grows_large(bomb: str, here: Path, assert_refused: Refuse) -> None:
    text = CLASSIFIER.replace("8, 8]", "16, 16]").replace(
        "pooled = GlobalAveragePool (active)",
        f"{BOMBS[bomb]} most = ReduceMax <keepdims=0> (big) grown = Add (active, most) "
        "pooled = GlobalAveragePool (grown)",
    )
    saved(built(text), here / "bomb.onnx")
    args = ["scan", "bomb.onnx", *LOOK, "--memory-limit", "2"]
    assert_refused(3, "memory", "--memory-limit", args=args)


@pytest.fixture
def here(bench: Bench, tmp_path: Path) -> Path:
    for name in ("poisoned.onnx", "apart.onnx", "apart.weights", "test.npz"):
        shutil.copy(bench.folder / name, tmp_path)
    return tmp_path


def test_numbers_elsewhere_need_the_flag(here: Path, assert_refused: Refuse) -> None:
    assert_refused(3, "apart.weights", "--allow-external-data", args=["scan", "apart.onnx", *LOOK])


def test_numbers_elsewhere_that_are_missing(here: Path, assert_refused: Refuse) -> None:
    (here / "apart.weights").unlink()
    args = ["scan", "apart.onnx", "--allow-external-data", *LOOK]
    assert_refused(3, "apart.onnx", "apart.weights", "No such file", args=args)


@pytest.mark.parametrize("location", ["../../secret", "/etc/passwd", "link", "folder/file"])
def test_numbers_outside_the_folder(location: str, here: Path, assert_refused: Refuse) -> None:
    (here / "outside").mkdir()
    shutil.copy(here / "apart.weights", here / "outside" / "file")
    (here / "link").symlink_to("outside/file")
    (here / "folder").symlink_to("outside")
    model = onnx.load(here / "apart.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            entry.value = location if entry.key == "location" else entry.value
    (here / "apart.onnx").write_bytes(model.SerializeToString())
    args = ["scan", "apart.onnx", "--allow-external-data", *LOOK]
    assert_refused(3, "apart.onnx", "external data", args=args)


def test_numbers_elsewhere_that_are_too_few(here: Path, assert_refused: Refuse) -> None:
    content = (here / "apart.weights").read_bytes()
    (here / "apart.weights").write_bytes(content[:100])
    args = ["scan", "apart.onnx", "--allow-external-data", *LOOK]
    assert_refused(3, "apart.onnx", "declares", "bytes", args=args)


def test_a_graph_is_not_handed_back_as_keras(here: Path, assert_refused: Refuse) -> None:
    args = ["repair", "poisoned.onnx", *MEND, "--output", "mended.keras"]
    assert_refused(2, "--output", ".onnx", args=args)


def test_an_unknown_layer_lists_those_there_are(here: Path, assert_refused: Refuse) -> None:
    args = ["scan", "poisoned.onnx", *LOOK, "--layer", "nowhere"]
    assert_refused(2, "nowhere", "Relu", args=args)
