"""ONNX Runtime in place of Keras, where nothing is trained: the same scores and heatmaps."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from auditor.measure.attention import GradCam
from auditor.models.classifier import Classifier
from auditor.models.input_range import InputRange
from auditor.models.onnx.file import load
from auditor.models.onnx.runtime import fast_forward
from auditor.models.wrap import wrap
from tests.models.onnx.graphs import CLASSIFIER, built, saved

pytest.importorskip("onnxruntime")

BATCH = np.random.default_rng(3).integers(0, 256, (5, 8, 8, 3), np.uint8)


def classifier(text: str, tmp_path: Path, pixels: str = "mean=0.4,std=0.2") -> Classifier:
    path = saved(built(text), tmp_path / "m.onnx")
    model = load(path, "m.onnx", (8, 8))
    return wrap(model, InputRange.parse(pixels), "m.onnx", (8, 8), "onnx", path)


def assert_same_eyes(opened: Classifier, layer: str | None) -> None:
    """Assert that both ways show the same of five images, and that it differs between them."""
    tap = opened.spatial_layer(layer)
    assert fast_forward(opened, tap) is not None
    slow, fast = (GradCam(opened, tap, frozen=frozen)(BATCH, 7) for frozen in (False, True))
    np.testing.assert_allclose(fast.scores, slow.scores, rtol=1e-4, atol=1e-5)
    assert np.ptp(slow.scores, axis=0).max() > 0.01
    for one, other in ((fast.heat, slow.heat), (fast.target_heat, slow.target_heat)):
        assert other.max() > 0
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5 * other.max())


@pytest.mark.parametrize("layer", ["features", "normal", "active"])
def test_heatmaps_at_every_layer(layer: str, tmp_path: Path) -> None:
    assert_same_eyes(classifier(CLASSIFIER, tmp_path), layer)


def test_weights_are_the_models_own_and_not_the_files(tmp_path: Path) -> None:
    opened = classifier(CLASSIFIER, tmp_path)
    before = GradCam(opened, None, frozen=True)(BATCH, 0).scores
    for variable in opened.model.trainable_variables:
        variable.assign_add(0.1 * np.ones(variable.shape, np.float32))
    after = GradCam(opened, None, frozen=True)(BATCH, 0).scores
    assert np.abs(after - before).max() > 0.1
    assert_same_eyes(opened, None)


def test_a_session_is_opened_once_for_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    opened, sessions = classifier(CLASSIFIER, tmp_path), []
    start = onnxruntime.InferenceSession.__init__

    def counted(self: Any, *given: Any, **more: Any) -> None:
        sessions.append(self)
        start(self, *given, **more)

    monkeypatch.setattr(onnxruntime.InferenceSession, "__init__", counted)

    def look() -> list[np.ndarray]:
        taps = (None, opened.spatial_layer(None))
        seen = [GradCam(opened, tap, frozen=True)(BATCH, 7) for tap in taps]
        return [seen[0].scores, seen[1].scores, seen[1].target_heat]

    first = look()
    assert len(sessions) == 2
    for one, other in zip(look(), first, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(sessions) == 2
    kernel, *_ = opened.model.trainable_variables
    whole = np.asarray(keras.ops.convert_to_numpy(kernel))
    changed = whole.copy()
    changed.flat[-1] += 0.5  # one number of one weight
    kernel.assign(changed)
    second = look()
    assert len(sessions) == 4
    fresh = classifier(CLASSIFIER, tmp_path)
    fresh.model.trainable_variables[0].assign(changed)
    expected = GradCam(fresh, fresh.spatial_layer(None))(BATCH, 7)
    for one in second[:2]:
        np.testing.assert_allclose(one, expected.scores, rtol=1e-4, atol=1e-5)
        assert np.abs(one - first[0]).max() > 0.01
    np.testing.assert_allclose(second[2], expected.target_heat, rtol=1e-3, atol=1e-6)
    kernel.assign(whole)
    for one, other in zip(look(), first, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_way_around_the_layer_is_left_to_keras(tmp_path: Path) -> None:
    text = CLASSIFIER.replace("(active)", "(both)").replace(
        "pooled =", "both = Add (active, features) pooled ="
    )
    opened = classifier(text, tmp_path)
    assert fast_forward(opened, opened.spatial_layer("active")) is None
    assert_same_eyes(opened, "both")
    slow, fast = (
        GradCam(opened, opened.spatial_layer("active"), frozen=frozen)(BATCH, 7)
        for frozen in (False, True)
    )
    np.testing.assert_allclose(fast.heat, slow.heat, rtol=1e-5)


def test_a_fixed_number_of_images_is_left_to_keras(tmp_path: Path) -> None:
    opened = classifier(CLASSIFIER.replace("N,", "1,"), tmp_path)
    assert fast_forward(opened, opened.spatial_layer(None)) is None
    assert GradCam(opened, None, frozen=True)(BATCH, 0).scores.shape == (5, 10)


def test_gray_images_and_a_single_score(tmp_path: Path) -> None:
    text = CLASSIFIER.replace("3, 8, 8]", "1, 8, 8]").replace("10]", "1]")
    weights = {
        "kernel": np.random.default_rng(1).normal(0, 1, (4, 1, 3, 3)).astype(np.float32),
        "dense": np.array([[1, -2, 3, 4]], np.float32),
        "shift": np.zeros(1, np.float32),
    }
    text = text.replace("y = Gemm", "z = Gemm").replace(
        "dense, shift)\n", "dense, shift)\n y = Sigmoid (z)\n"
    )
    path = saved(built(text, weights), tmp_path / "m.onnx")
    model = load(path, "m.onnx", (8, 8))
    opened = wrap(model, InputRange.parse("-1..1"), "m.onnx", (8, 8), "onnx", path)
    assert (opened.channels, opened.classes) == (1, 2)
    tap = opened.spatial_layer(None)
    slow, fast = (GradCam(opened, tap, frozen=frozen)(BATCH, 1) for frozen in (False, True))
    assert fast_forward(opened, tap) is not None
    np.testing.assert_allclose(fast.scores, slow.scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fast.target_heat, slow.target_heat, rtol=1e-3, atol=1e-6)
