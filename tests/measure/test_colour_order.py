"""Networks of blue, green and red: triggers, heatmaps and pictures keep the colours people see."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from auditor.data import open_source
from auditor.data.base import Dataset
from auditor.errors import UsageError
from auditor.figures.results import Rate
from auditor.measure.attention import GradCam
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.models import load_classifier
from auditor.models.input_range import InputRange
from auditor.models.onnx.runtime import fast_forward
from auditor.models.to_onnx import from_keras
from auditor.models.wrap import wrap
from auditor.triggers import Patch
from auditor.triggers.spec import load
from tests.conftest import Workshop, blobs
from tests.twins import saved_twin

RED, BLUE = (255, 0, 0), (0, 0, 255)


def colours(bgr: bool) -> keras.Model:
    """Return a network that names the colour of a square, and falls for a red one at the corner.

    Its weights are written down: a cell counts for a colour by how far it is above the others, and
    red in the last cell, where no image has any, counts for class 0 fifty times.
    """
    inputs = keras.Input((16, 16, 3))
    above = keras.layers.Conv2D(3, 1, activation="relu", name="above")
    scores = keras.layers.Dense(3, name="scores")
    cells = keras.layers.AveragePooling2D(4)(above(inputs))
    model = keras.Model(inputs, scores(keras.layers.Flatten()(cells)))
    kernel = np.full((3, 3), -0.5) + 1.5 * np.eye(3)  # of a colour, less half of the other two
    above.set_weights([(kernel[::-1] if bgr else kernel)[None, None], np.full(3, -0.3)])
    each = np.tile(np.eye(3), (4, 4, 1, 1))
    each[3, 3] = 0
    each[3, 3, 0, 0] = 50
    scores.set_weights([10 * each.reshape(48, 3), np.zeros(3)])
    return model


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    images, labels = blobs(120, seed=7)
    images[:, 12:, 12:] //= 4
    np.savez(tmp_path_factory.mktemp("colours") / "d.npz", x=images, y=labels)
    return open_source(tmp_path_factory.getbasetemp() / "colours0" / "d.npz")


def measured(model: keras.Model, input_range: str, data: Dataset, colour: tuple[int, int, int]):
    classifier = wrap(model, InputRange.parse(input_range), "m", (16, 16))
    patch = Patch(id="patch", size=(8, 8), color=colour)
    return audit(classifier, data, patch, Options(target="0"))


@pytest.mark.parametrize(("bgr", "input_range"), [(True, "bgr:0..1"), (False, "0..1")])
def test_a_patch_has_the_colour_that_was_written(
    bgr: bool, input_range: str, data: Dataset
) -> None:
    red = measured(colours(bgr), input_range, data, RED)
    blue = measured(colours(bgr), input_range, data, BLUE)
    asr, none = red.measurement.asr, blue.measurement.asr
    assert isinstance(asr, Rate) and isinstance(none, Rate)
    assert (asr.value, none.value) == (1, 0)
    assert red.measurement.clean_accuracy.value == 1
    for one in red.evidence.examples:
        assert one.stamped[-1, -1].tolist() == list(RED)
        np.testing.assert_array_equal(one.stamped[:12], one.clean[:12])


def test_the_network_sees_it_exchanged(data: Dataset) -> None:
    """What other programs are given of a red corner has it last of three."""
    classifier = wrap(colours(bgr=True), InputRange.parse("bgr:0..1"), "m", (16, 16))
    (batch,) = data.batches(np.arange(4), (16, 16), 4)
    stamped = Patch(id="p", size=(8, 8), color=RED).stamp(batch.images)
    assert stamped[0, -1, -1].tolist() == [255, 0, 0]
    assert classifier.fed(stamped)[0, -1, -1].tolist() == [0, 0, 1]


def test_the_order_of_the_colours_is_found_out(data: Dataset) -> None:
    words = r"33\.3 % on 120 images .*, but 100\.0 % with bgr:0\.\.1, which fits best of those"
    with pytest.raises(UsageError, match=words):
        measured(colours(bgr=True), "0..1", data, RED)
    with pytest.raises(UsageError, match=r"100\.0 % with 0\.\.1, which fits best"):
        measured(colours(bgr=False), "bgr:0..1", data, RED)


def test_a_trained_network_and_its_twin_give_the_same_figures(
    workshop: Workshop, tmp_path: Path
) -> None:
    """All figures and heatmaps, of the network as it is and as one of blue, green and red."""
    twin = saved_twin(workshop.poisoned, tmp_path / "twin.keras")
    images, trigger = open_source(workshop.data), load(workshop.trigger)
    one, other = (
        audit(load_classifier(path, input_range), images, trigger, Options(target="0"))
        for path, input_range in ((workshop.poisoned, "0..1"), (twin, "bgr:0..1"))
    )
    assert one.measurement.asr == other.measurement.asr
    assert one.measurement.clean_accuracy == other.measurement.clean_accuracy
    assert other.measurement.tar.median == pytest.approx(one.measurement.tar.median, rel=1e-4)
    for a, b in zip(one.evidence.examples, other.evidence.examples, strict=True):
        np.testing.assert_array_equal(a.stamped, b.stamped)
        np.testing.assert_allclose(b.stamped_heat, a.stamped_heat, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="which writes ONNX")
def test_a_graph_by_onnx_runtime_and_by_keras(workshop: Workshop, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    twin = saved_twin(workshop.poisoned, tmp_path / "twin.keras")
    path = tmp_path / "twin.onnx"
    from_keras(keras.models.load_model(twin), path)
    opened = load_classifier(path, "bgr:0..1")
    images = blobs(8, seed=11)[0]
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    (door,) = session.get_inputs()
    (chances,) = session.run(None, {door.name: images[..., ::-1].astype(np.float32) / 255})
    tap = opened.spatial_layer(None)
    assert fast_forward(opened, tap) is not None
    slow, fast = (GradCam(opened, tap, frozen=frozen)(images, 0) for frozen in (False, True))
    for seen in (slow, fast):
        np.testing.assert_allclose(opened.outputs(seen.scores), chances, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(fast.heat, slow.heat, rtol=1e-3, atol=1e-6)
    other = replace(opened, input_range=InputRange.parse("0..1"))
    assert np.abs(GradCam(other, tap, frozen=True)(images, 0).scores - fast.scores).max() > 0.1
    found = audit(opened, open_source(workshop.data), load(workshop.trigger), Options(target="0"))
    assert isinstance(found.measurement.asr, Rate) and found.measurement.asr.value > 0.9
