"""Which input range fits a model that answers badly: real networks that take another one."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import backend

from auditor.data import open_source, sample
from auditor.data.base import Dataset
from auditor.errors import UsageError
from auditor.measure import ranges
from auditor.measure.answers import Answers
from auditor.measure.preflight import settled
from auditor.measure.ranges import Fit, fitting
from auditor.models import load_classifier
from auditor.models.classifier import Classifier
from auditor.models.input_range import InputRange
from auditor.models.to_onnx import from_keras
from auditor.models.wrap import wrap
from tests.conftest import Workshop

RANGES = [
    "0..255",
    "-1..1",
    "torch",
    "caffe",
    "bgr:0..1",
    "bgr:mean=0.4465,0.4822,0.4914,std=0.2616,0.2435,0.2470",
    "mean=0.4914,0.4822,0.4465,std=0.2023,0.1994,0.2010",
    "mean=0.5071,0.4865,0.4409,std=0.2673,0.2564,0.2762",
    "mean=0.1307,std=0.3081",
]
COLOURS = np.random.default_rng(1).integers(20, 230, (24, 1, 1, 3), np.uint8)


def naming(text: str, colours: np.ndarray = COLOURS) -> keras.Model:
    """Return a network that names the nearest of some colours, for images in a range.

    Nearest is what 2 c·x - c·c is largest for: its weights are written down.
    """
    wanted = InputRange.parse(text).applied(colours.astype(np.float32)).reshape(len(colours), -1)
    inputs = keras.Input((8, 8, colours.shape[3]))
    scores = keras.layers.Dense(len(colours))
    mixed = keras.layers.Conv2D(colours.shape[3], 1, name="as_it_is")
    model = keras.Model(inputs, scores(keras.layers.GlobalAveragePooling2D()(mixed(inputs))))
    mixed.set_weights([np.eye(colours.shape[3])[None, None], np.zeros(colours.shape[3])])
    scores.set_weights([2 * wanted.T, -(wanted**2).sum(axis=1)])
    return model


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Images of the colours, with noise."""
    random, labels = np.random.default_rng(0), np.arange(264) % 24
    images = COLOURS[labels] + random.integers(0, 9, (264, 8, 8, 3), np.uint8)
    path = tmp_path_factory.mktemp("ranges") / "d.npz"
    np.savez(path, x=images, y=labels)
    return open_source(path)


def tried(model: keras.Model, given: str, data: Dataset) -> Fit:
    opened = wrap(model, InputRange.parse(given), "m", (8, 8))
    found = fitting(opened, data, sample(data, 256, 0), 64, 0)
    assert found
    return found


@pytest.mark.parametrize("text", RANGES)
def test_the_range_is_among_those_that_fit(text: str, photographs: Dataset) -> None:
    found = tried(naming(text), "mean=0.9,std=0.001", photographs)
    fits = [found.input_range, *(one for one, _ in found.as_well)]
    assert InputRange.parse(text) in fits
    assert found.right.share == 1
    assert len(found.right.hits) == 256


def test_what_fits_about_as_well_is_said(photographs: Dataset) -> None:
    """Constants of CIFAR-10 and CIFAR-100 are near each other: few colours tell them apart."""
    opened = wrap(naming("torch"), InputRange.parse("0..255"), "m", (8, 8))
    with pytest.raises(UsageError) as caught:
        settled(opened, photographs, 64, 0)
    said = str(caught.value)
    assert "% with torch, which fits best of those tried (0..1, 0..255, -1..1, ImageNet's" in said
    assert "each in RGB and in BGR)" in said
    assert "right is what the model was trained with: if that is it, run again" in said
    assert len(said) < 900


def test_what_cannot_be_told_apart_is_said_to_fit_as_well(workshop: Workshop) -> None:
    """A network that most ranges do for."""
    opened = load_classifier(workshop.clean, "mean=200,std=0.001,max=1")
    with pytest.raises(UsageError, match=r"; about as well: \S+ \(\d+\.\d %\) and \S+ \(") as error:
        settled(opened, open_source(workshop.data), 64, 0)
    assert " more on 48 images; right is what" in str(error.value)
    assert len(str(error.value)) < 900


@pytest.mark.parametrize(("gained", "lost", "alike"), [(5, 0, True), (6, 0, False), (0, 0, True)])
def test_what_chance_explains(gained: int, lost: int, alike: bool) -> None:
    """Six of six in one direction: 2 / 2**6 is 3 %; five of five 6 %."""
    one = np.array([True] * gained + [False] * lost + [True] * 20)
    other = np.array([False] * gained + [True] * lost + [True] * 20)
    assert ranges._is_chance(one, other) is alike


@pytest.mark.parametrize(
    ("name", "as_well", "right", "convincing"),
    [
        ("bgr:-1..1", (), 18, True),
        ("bgr:-1..1", (), 17, False),
        ("bgr:-1..1", ("bgr:0..1",), 17, False),
        ("bgr:-1..1", ("-1..1",), 17, True),
        *((mode, (), 12, True) for mode in ("torch", "tf", "caffe")),
        *((mode, (), 11, False) for mode in ("torch", "tf", "caffe")),
    ],
)
def test_a_rare_range_must_do_better_than_luck(
    name: str, as_well: tuple[str, ...], right: int, convincing: bool
) -> None:
    """Of 4 classes halfway from guessing is 62.5 %, a fifth of the way 40 %; of 28 images here."""
    hits, labels = np.zeros(28, bool), np.arange(28) % 4
    hits[:right] = True
    found = Answers(labels, np.where(hits, labels, -1)).right()
    others = tuple((InputRange.parse(one), found) for one in as_well)
    assert Fit(InputRange.parse(name), found, others, 0, "").is_convincing is convincing


def test_gray_networks_have_no_order_and_mnists_constants(tmp_path: Path) -> None:
    levels = np.arange(5, 255, 24, np.uint8)[:, None, None, None]
    labels = np.arange(110) % len(levels)
    images = np.broadcast_to(levels[labels], (110, 8, 8, 3))
    np.savez(tmp_path / "d.npz", x=images, y=labels)
    model = naming("mean=0.1307,std=0.3081", levels)
    found = tried(model, "0..1", open_source(tmp_path / "d.npz"))
    assert found.input_range.name == "mean=0.1307,std=0.3081"
    assert found.right.share == 1
    assert found.tried == "0..1, 0..255, -1..1 and MNIST's"


def test_a_network_that_is_only_poor_is_tried_with_few_images(
    photographs: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = naming("torch")
    dense = model.layers[-1]
    dense.set_weights([np.zeros_like(each) for each in dense.get_weights()])  # it guesses
    opened = wrap(model, InputRange.parse("0..1"), "m", (8, 8))
    read: list[int] = []
    batches = type(photographs).batches

    def counted(self: Dataset, indices: np.ndarray, *more: Any) -> Any:
        read.append(len(indices))
        return batches(self, indices, *more)

    monkeypatch.setattr(type(photographs), "batches", counted)
    drawn = sample(photographs, 256, 0)
    assert fitting(opened, photographs, drawn, 64, 0, least=0.3) is None
    assert read == [48]
    found = fitting(wrap(naming("torch"), InputRange.parse("0..1"), "m", (8, 8)),
                    photographs, drawn, 64, 0, least=1.0)  # fmt: skip
    assert found and found.right.share == 1


@pytest.mark.skipif(backend.backend() != "tensorflow", reason="which traces once a network")
def test_the_network_is_compiled_once(
    photographs: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced: list[Any] = []
    scores_of = Classifier.scores_of

    def counted(self: Classifier, prepared: Any) -> Any:
        traced.append(prepared.shape)
        return scores_of(self, prepared)

    monkeypatch.setattr(Classifier, "scores_of", counted)
    tried(naming("torch"), "0..1", photographs)
    assert len(traced) == 1


@pytest.mark.skipif(backend.backend() != "tensorflow", reason="which writes ONNX")
def test_a_graph_is_opened_once(
    photographs: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = pytest.importorskip("onnxruntime")
    from_keras(naming("caffe"), tmp_path / "m.onnx")
    opened = load_classifier(tmp_path / "m.onnx", "0..255")
    sessions: list[Any] = []
    start = runtime.InferenceSession.__init__

    def counted(self: Any, *given: Any, **more: Any) -> None:
        sessions.append(self)
        start(self, *given, **more)

    monkeypatch.setattr(runtime.InferenceSession, "__init__", counted)
    found = fitting(opened, photographs, sample(photographs, 256, 0), 64, 0)
    assert found and found.input_range == InputRange.parse("caffe")
    assert found.right.share == 1
    assert len(sessions) == 1


def test_images_that_cannot_be_read_are_left_out(workshop: Workshop, tmp_path: Path) -> None:
    """All of the first ones, here: nothing fits then, and nothing fails."""
    for name in ("0", "1", "2"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        (tmp_path / "photos" / name / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    opened = load_classifier(workshop.clean)
    data = open_source(tmp_path / "photos")
    assert fitting(opened, data, np.arange(3), 64, 0) is None
