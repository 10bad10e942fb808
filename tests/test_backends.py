"""JAX and PyTorch measure what TensorFlow measures, and repair as it repairs.

Each runs in a process of its own: in the interpreter that `BDAUDIT_JAX_PYTHON` or
`BDAUDIT_TORCH_PYTHON` names, else in this one where it is installed.
"""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from auditor.measure.attention import GradCam
from auditor.models import load_classifier
from auditor.triggers.spec import load
from tests.conftest import ROOT, Workshop, assert_refusal, bdaudit, installed_beside

RATES = ("clean_accuracy", "asr", "robust_accuracy", "clean_target_rate")
ATTENTION = ("tar", "tar_target", "tar_density", "trigger_mass", "heatmap_shift")


@dataclass(frozen=True)
class Probed:
    """What the probe left."""

    facts: dict
    arrays: dict[str, np.ndarray]


def python(backend: str) -> str:
    """Return an interpreter that has the backend, or skip."""
    variable = f"BDAUDIT_{backend.upper()}_PYTHON"
    named = os.environ.get(variable, "")
    if backend == "tensorflow":
        return sys.executable
    if not named and not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed here, and {variable} names no other Python")
    return named or sys.executable


def assert_runs(backend: str, interpreter: str, *arguments: object) -> None:
    ran = subprocess.run(
        [interpreter, "-m", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-3000:]


@pytest.fixture(scope="module")
def probed(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory):
    """Return the function that lets the probe work on the backdoored model."""

    def probed(what: str, backend: str) -> Probed:
        folder = tmp_path_factory.mktemp(f"{what}-{backend}")
        files = (workshop.poisoned, workshop.data, folder)
        assert_runs(backend, python(backend), "tests.backend_probe", what, *files)
        with np.load(folder / "seen.npz") as arrays:
            return Probed(json.loads((folder / "facts.json").read_text()), dict(arrays))

    return probed


@pytest.fixture(scope="module", params=["jax", "torch"])
def other(request, probed) -> Probed:
    return probed("audited", request.param)


@pytest.fixture(scope="module")
def expected(probed) -> Probed:
    return probed("audited", "tensorflow")


@pytest.fixture(scope="module", params=["jax", "torch", "tensorflow on two", "jax on two"])
def repaired(request, probed) -> Probed:
    """The repair on another backend, or on two devices that share each batch.

    The first device then has the clean rows, the second one the stamped rows.
    """
    backend, _, two = request.param.partition(" ")
    return probed("shared" if two else "repaired", backend)


@pytest.fixture(scope="module")
def reference(probed) -> Probed:
    return probed("straight", "tensorflow")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_what_holds_on_paper(backend: str) -> None:
    files = (
        *("test_attention", "measure/test_compiled", "models/onnx/test_runtime"),
        *("models/test_devices", "repair/test_objective", "repair/test_fisher"),
    )
    paths = (f"tests/{file}.py" for file in files)
    assert_runs(backend, python(backend), "pytest", "-p", "no:cacheprovider", *paths)


def test_the_rates_are_the_same(other: Probed, expected: Probed) -> None:
    ours, theirs = expected.facts["measurement"], other.facts["measurement"]
    assert ours["asr"]["value"] > 0.9
    for name in RATES:
        assert theirs[name] == ours[name], name
    assert len(expected.facts["neighbours"]) == 13
    assert other.facts["neighbours"] == expected.facts["neighbours"]
    np.testing.assert_array_equal(other.arrays["correct"], expected.arrays["correct"])


def test_attention_is_the_same(other: Probed, expected: Probed) -> None:
    ours, theirs = expected.facts["measurement"], other.facts["measurement"]
    for name in ATTENTION:
        for figure in ("median", "mean", "low", "high"):
            assert theirs[name][figure] == pytest.approx(ours[name][figure], rel=1e-3), name
        assert (theirs[name]["n"], theirs[name]["undefined"]) == (200, ours[name]["undefined"])


@pytest.mark.parametrize("layer", ["last", "pool"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_heatmaps_are_the_same(other: Probed, expected: Probed, layer: str, when: str) -> None:
    for kind in ("heat", "target_heat"):
        ours, theirs = (p.arrays[f"{layer}.{when}.{kind}"] for p in (expected, other))
        assert ours.shape == theirs.shape
        a, b = (h.reshape(len(h), -1).astype(np.float64) for h in (ours, theirs))
        some = a.any(axis=1)
        assert some.mean() > 0.5, "most heatmaps have heat"
        norms = np.linalg.norm(a[some], axis=1) * np.linalg.norm(b[some], axis=1)
        assert ((a * b)[some].sum(axis=1) / norms).min() >= 0.9999
        np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-4 * ours.max())


def test_trained_weights_are_seen_by_a_look_made_before(other: Probed, expected: Probed) -> None:
    for probe in (expected, other):
        for layer in ("last", "pool", "none"):
            before, after = (probe.arrays[f"{layer}.{w}.scores"] for w in ("before", "after"))
            assert np.abs(after - before).max() > 0.1
            reference = expected.arrays["none.after.scores"]
            np.testing.assert_allclose(after, reference, rtol=1e-3, atol=1e-4)


def test_the_layers_are_the_same(other: Probed, expected: Probed) -> None:
    assert other.facts["layers"] == expected.facts["layers"] != []


def test_a_whole_audit_compiles_two_looks_and_a_second_one_nothing(other: Probed) -> None:
    """Heatmaps for all images; scores alone for the neighbours."""
    if other.facts["engine"]["backend"] == "torch":
        pytest.skip("PyTorch compiles nothing at all")
    assert other.facts["compiled_to_find_layers"] == 0
    assert other.facts["compiled_looks"] == 2
    assert other.facts["compiled_by_a_second_audit"] == []
    assert other.facts["same_again"]


def test_a_smaller_batch_compiles_nothing(other: Probed) -> None:
    if other.facts["engine"]["backend"] == "torch":
        pytest.skip("PyTorch compiles nothing at all")
    assert other.facts["compiled_again"] == 0


def test_the_engine_says_what_it_ran_on(other: Probed, expected: Probed) -> None:
    for probe in (expected, other):
        engine = probe.facts["engine"]
        backend = engine["backend"]
        assert {"keras", "numpy", "h5py", backend} <= set(engine["versions"])
        assert any(name.startswith("opencv-python") for name in engine["versions"])
        assert engine["device"].startswith(("CPU, ", "GPU, "))
        assert probe.facts["tensorflow"] == (backend == "tensorflow")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_command(backend: str, workshop: Workshop, tmp_path: Path) -> None:
    """A scan and a repair of images in an .npz file, to formats that need no PDF library."""
    interpreter = python(backend)
    if installed_beside(interpreter, backend, tmp_path, "--version").code:
        pytest.skip(f"bdaudit is not installed beside {backend}")
    given = (workshop.poisoned, "--trigger", "square8", "--data", workshop.data, "--target", "0")
    formats = ("-o", "a.json", "-o", "a.html")
    ran = installed_beside(
        interpreter, backend, tmp_path, "scan", *given, *formats, "--no-progress"
    )
    assert (ran.code, ran.err) == (1, "")
    quick = ("--method", "unlearn", "--learning-rate", "1e-3", "--epochs", "2")
    quick = (*quick, "--recovery-epochs", "1")
    written = ("--output", "b.keras", "--certificate", "b.html", "--certificate", "b.json")
    arguments = (*given, *written, *quick, "--device", "cpu", "--no-progress", "--exit-zero")
    ran = installed_beside(interpreter, backend, tmp_path, "repair", *arguments)
    assert (ran.code, ran.err) == (0, "")
    environment = json.loads((tmp_path / "b.json").read_text())["environment"]
    assert environment["backend"] == backend
    assert environment["device"].startswith("CPU")
    assert backend in environment["versions"]
    again = load_classifier(tmp_path / "b.keras")  # by TensorFlow
    images, labels = np.load(workshop.data)["x"], np.load(workshop.data)["y"]
    stamped = load(workshop.trigger).stamp(images[labels != 0])
    seen = GradCam(again, None)
    assert (seen(images, 0).predicted == labels).mean() > 0.9
    assert (seen(stamped, 0).predicted == 0).mean() < 0.1


def test_a_backend_that_there_is_not(workshop: Workshop, tmp_path: Path) -> None:
    given = (workshop.poisoned, "--trigger", "square8", "--data", workshop.data)
    for job in (("scan", *given, "-o", "a.json"), ("repair", *given, "--output", "b.keras")):
        for name in ("openvino", "non\x1bsense"):
            ran = bdaudit(*job, cwd=tmp_path, KERAS_BACKEND=name)
            assert_refusal(ran, 2, "KERAS_BACKEND=", "use one of tensorflow, jax, torch")
            assert "\x1b" not in ran.err
        missing = next((b for b in ("jax", "torch") if not importlib.util.find_spec(b)), None)
        if missing:
            ran = bdaudit(*job, cwd=tmp_path, KERAS_BACKEND=missing)
            assert_refusal(ran, 3, f"{missing}, the Keras backend, is not installed")
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.slow
def test_a_repair_goes_the_same_way(repaired: Probed, reference: Probed) -> None:
    ours, theirs = (probe.facts["history"]["whole"] for probe in (reference, repaired))
    assert len(ours) == 7
    assert (ours[0]["asr"]["value"], ours[2]["asr"]["value"]) == (1, 0)
    for mine, its in zip(ours, theirs, strict=True):
        for name in (*RATES, "predicted", "step", "images", "phase", "alpha", "note"):
            assert its[name] == mine[name], name
        for name in ("tar", "tar_density", "watched_tar", "target_loss", "loss"):
            figures = (np.asarray(epoch[name], float) for epoch in (its, mine))
            np.testing.assert_allclose(*figures, rtol=1e-4, atol=1e-7, err_msg=name)
    heats = (probe.arrays["heat"] for probe in (repaired, reference))
    np.testing.assert_allclose(*heats, rtol=1e-4, atol=1e-5)
    assert repaired.facts["kept"] == reference.facts["kept"]


@pytest.mark.slow
def test_a_repair_ends_in_the_same_weights(repaired: Probed, reference: Probed) -> None:
    """They are 10,000 times closer than they have moved, the penalty pulling at them or not."""
    for end in ("end", "plain", "fisher"):
        ours, theirs = weights(reference, end), weights(repaired, end)
        near = 1e-4 * distance(ours, weights(reference, "start"))
        assert distance(theirs, ours) < near
    assert distance(weights(reference, "plain"), weights(reference, "fisher")) > 100 * near


@pytest.mark.slow
def test_a_repair_in_pieces_ends_in_the_same_bits(repaired: Probed) -> None:
    """Left in the middle of epochs, with a checkpoint after every step."""
    assert repaired.facts["same_bits"]
    history = repaired.facts["history"]
    # Several devices keep the running loss as sums of their own; read back, it is their total.
    near = 0 if repaired.facts["devices"] == 1 else 1e-6
    for its, whole in zip(history["pieces"], history["whole"], strict=True):
        assert its == {**whole, "loss": whole["loss"] and pytest.approx(whole["loss"], near, 0)}


@pytest.mark.slow
def test_the_heatmaps_are_of_the_weights_of_their_epoch(repaired: Probed) -> None:
    """A model of its own, given each epoch's weights, shows the same heat."""
    heat, witness = repaired.arrays["heat"], repaired.arrays["witness"]
    np.testing.assert_allclose(heat, witness, rtol=1e-5, atol=1e-6)
    assert (np.abs(np.diff(heat, axis=0)).max(axis=(1, 2, 3)) > 0.01).all()


@pytest.mark.slow
def test_the_repaired_file_has_the_weights_that_were_left(repaired: Probed) -> None:
    for saved, left in zip(weights(repaired, "saved"), weights(repaired, "end"), strict=True):
        assert (saved == left).all()


@pytest.mark.slow
def test_jax_compiles_one_training_step_a_phase(repaired: Probed) -> None:
    if repaired.facts["backend"] != "jax":
        pytest.skip("only JAX says what it compiles")
    assert repaired.facts["compiled"] == ["jit(train_step)"] * 2


@pytest.mark.slow
def test_a_batch_is_shared_where_there_are_two_devices(repaired: Probed, request) -> None:
    two = "two" in request.node.callspec.params["repaired"]
    assert repaired.facts["devices"] == (2 if two else 1)


def weights(probe: Probed, group: str) -> list[np.ndarray]:
    count = sum(name.startswith(f"{group}/") for name in probe.arrays)
    return [probe.arrays[f"{group}/{i}"].astype(np.float64) for i in range(count)]


def distance(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    return float(np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(one, other, strict=True))))
