"""A last layer whose heatmaps are zero is passed over, and that is said."""

from pathlib import Path

import keras
import numpy as np

from auditor.data import open_source
from auditor.figures.results import AuditResult, TarSummary
from auditor.figures.skipped import Skipped
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.triggers.spec import load
from tests.conftest import blobs


def network(sign: float) -> keras.Model:
    """Two convolutions; `against` speaks, of sign −1, only against classes: Grad-CAM keeps nothing.

    A class's score falls with the mean of `against`, and that falls with `for_`, so at `for_` the
    gradient is positive.
    """
    keras.utils.set_random_seed(3)
    image = keras.Input((16, 16, 3))
    first = keras.layers.Conv2D(4, 3, activation="relu", name="for_")
    last = keras.layers.Conv2D(4, 3, name="against")
    top = keras.layers.Dense(3)
    x = first(image)
    x = keras.layers.ReLU(name="kept")(last(x))
    model = keras.Model(image, top(keras.layers.GlobalAveragePooling2D()(x)))
    random = np.random.default_rng(0)
    last.set_weights([-random.uniform(0.01, 0.02, (3, 3, 4, 4)), np.full(4, 5.0)])
    top.set_weights([sign * random.uniform(0.5, 1, (4, 3)), np.zeros(3)])
    return model


def audited(model: keras.Model, tmp_path: Path, **options) -> AuditResult:
    images, labels = blobs(80)
    np.savez(tmp_path / "d.npz", x=images, y=labels)
    classifier = wrap(model, InputRange.parse("0..1"), "m", (16, 16))
    given = Options(target="0", **options)
    return audit(classifier, open_source(tmp_path / "d.npz"), load("square4"), given)


def test_the_next_layers_down_are_tried(tmp_path: Path) -> None:
    result = audited(network(-1), tmp_path)
    assert result.attention.layer == "for_"
    assert result.attention.grid == (14, 14)
    said = result.attention.instead_of
    assert said == (
        "kept (of a sample, 100 % of heatmaps are zero everywhere) and against "
        "(of a sample, 100 % of heatmaps are zero everywhere)"
    )
    tar = result.measurement.tar
    assert isinstance(tar, TarSummary)
    assert tar.undefined == 0


def test_a_layer_that_shows_something_is_kept(tmp_path: Path) -> None:
    result = audited(network(1), tmp_path)
    assert (result.attention.layer, result.attention.instead_of) == ("kept", "")


def test_a_layer_that_is_named_is_taken_as_it_is(tmp_path: Path) -> None:
    result = audited(network(-1), tmp_path, layer="against")
    assert (result.attention.layer, result.attention.instead_of) == ("against", "")
    assert result.measurement.tar.undefined == result.measurement.tar.n
    assert result.evidence.histogram == Skipped("every heatmap is zero everywhere")


def test_where_no_layer_shows_anything_the_last_one_is_taken(tmp_path: Path) -> None:
    result = audited(network(0), tmp_path)
    assert (result.attention.layer, result.attention.instead_of) == ("kept", "")
