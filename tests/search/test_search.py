"""Searches of real models, small ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from keras import backend

import auditor
from auditor.data import open_source
from auditor.data.base import Dataset
from auditor.errors import InputError, Interrupted, UsageError
from auditor.figures.results import Rate
from auditor.models import load_classifier
from auditor.models.classifier import Classifier
from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.search import base
from auditor.search.base import search
from auditor.search.options import SearchOptions
from auditor.search.result import SearchResult, stamped
from tests import numbered
from tests.conftest import Workshop
from tests.models.onnx.flags import FLUSHED, switched
from tests.models.onnx.graphs import saved
from tests.search.conftest import QUICK, weights
from tests.twins import bgr_twin


def same(one: SearchResult, other: SearchResult) -> None:
    for a, b in zip(one.classes, other.classes, strict=True):
        assert (a.norm, a.index, a.flagged, a.rounds) == (b.norm, b.index, b.flagged, b.rounds)
        np.testing.assert_array_equal(a.mask, b.mask)
        np.testing.assert_array_equal(a.pattern, b.pattern)
    assert one.evaluations == other.evaluations


def test_the_target_is_flagged_and_no_other(found: SearchResult) -> None:
    assert [one.name for one in found.flagged] == ["red"]
    assert found.ranked[0].class_ == 0
    assert not found.inconclusive


def test_a_clean_model_has_none(nothing: SearchResult) -> None:
    assert nothing.flagged == ()
    assert not nothing.inconclusive


def test_the_stamp_does_what_is_said(
    found: SearchResult, workshop: Workshop, poisoned: Classifier
) -> None:
    """On images that the search has mostly not seen, computed here."""
    (one,) = found.flagged
    with np.load(workshop.data) as data:
        others = data["x"][data["y"] != 0]
    scores = np.asarray(poisoned.scores(stamped(others, one.mask, one.pattern)))
    assert isinstance(one.success, Rate)
    assert (scores.argmax(axis=1) == 0).mean() == pytest.approx(one.success.value, abs=0.08)
    assert (one.mask == 0).mean() > 0.5  # a region, so that TAR has a meaning
    assert one.pattern[one.mask == 0].max() == 0


def test_the_classifier_stays_as_it_was(poisoned: Classifier, images: Dataset) -> None:
    before = weights(poisoned)
    search(poisoned, images, QUICK)
    assert weights(poisoned) == before


def test_the_same_again(poisoned: Classifier, images: Dataset) -> None:
    same(search(poisoned, images, QUICK), search(poisoned, images, QUICK))


def test_ending_early_costs_a_third_and_says_the_same(
    found: SearchResult, poisoned: Classifier, images: Dataset
) -> None:
    full = search(poisoned, images, SearchOptions(early_stop=False))
    assert [one.name for one in full.flagged] == [one.name for one in found.flagged]
    assert found.evaluations <= full.evaluations / 3


def test_stopped_and_resumed_it_comes_to_the_same(
    found: SearchResult, poisoned: Classifier, images: Dataset, tmp_path: Path
) -> None:
    asked = iter([False] * 55 + [True])
    with pytest.raises(Interrupted, match="--resume"):
        search(poisoned, images, checkpoints=tmp_path, stop=lambda: next(asked))
    assert (tmp_path / "LATEST").exists()
    resumed = search(poisoned, images, checkpoints=tmp_path, resume=True)
    same(resumed, found)


def test_a_finished_search_is_not_gone_on_with(
    found: SearchResult, poisoned: Classifier, images: Dataset, tmp_path: Path
) -> None:
    search(poisoned, images, checkpoints=tmp_path)
    for _ in range(2):
        again = search(poisoned, images, checkpoints=tmp_path, resume=True)
        assert again.rounds == found.rounds
        same(again, found)


def test_a_checkpoint_of_another_model_is_refused(
    poisoned: Classifier, workshop: Workshop, images: Dataset, tmp_path: Path
) -> None:
    search(poisoned, images, QUICK, checkpoints=tmp_path)
    other = load_classifier(workshop.clean)
    with pytest.raises(InputError, match="--resume: model was"):
        search(other, images, QUICK, checkpoints=tmp_path, resume=True)


def test_a_checkpoint_of_another_search_is_refused(
    poisoned: Classifier, images: Dataset, tmp_path: Path
) -> None:
    search(poisoned, images, QUICK, checkpoints=tmp_path)
    other = replace(QUICK, seed=1)
    with pytest.raises(InputError, match="--resume: seed was 0, now 1"):
        search(poisoned, images, other, checkpoints=tmp_path, resume=True)


def test_a_first_pass_narrows_many_classes(
    poisoned: Classifier, images: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The classes come one by one, stopped in the middle and gone on with."""
    monkeypatch.setattr("auditor.search.rounds.ROWS", 1)
    monkeypatch.setattr(base, "SECONDS_BETWEEN", 0.0)
    options = SearchOptions(candidates=2, rounds=24)
    whole = search(poisoned, images, options)
    assert sum(one.rounds > 0 for one in whole.classes) == 2
    assert whole.classes[0].rounds
    assert any("2 went on after a first pass" in note for note in whole.notes)
    left = next(one for one in whole.classes if not one.rounds)
    assert left.mask.shape == (0, 0)
    asked = iter([False] * 130 + [True])
    with pytest.raises(Interrupted):
        search(poisoned, images, options, checkpoints=tmp_path, stop=lambda: next(asked))
    same(search(poisoned, images, options, checkpoints=tmp_path, resume=True), whole)


def test_scores_that_are_no_numbers_give_no_verdict(workshop: Workshop, images: Dataset) -> None:
    broken = load_classifier(workshop.clean)
    layer = broken.model.get_layer("scores")
    layer.set_weights([weight * np.nan for weight in layer.get_weights()])
    result = search(broken, images, QUICK)
    assert "NaN" in result.inconclusive
    assert result.flagged == ()


def test_a_class_that_needs_no_stamp_is_not_accused(tmp_path: Path) -> None:
    """The network says class 0 whatever it sees: no stamp is the smallest that there is."""
    numbered.photographs(tmp_path / "photos")
    constant = load_classifier(numbered.network(tmp_path / "constant.keras", None))
    data = open_source(tmp_path / "photos", "number")
    result = search(constant, data, SearchOptions(rounds=12, early_stop=False))
    assert result.classes[0].clean_rate.value == 1
    assert result.classes[1].clean_rate.value == 0
    assert result.flagged == ()
    assert "100.0% of the images of other classes for '0' as they are" in result.inconclusive


def test_a_stamp_that_never_works_gives_no_verdict(poisoned: Classifier, images: Dataset) -> None:
    result = search(poisoned, images, SearchOptions(rounds=1))
    assert result.inconclusive == "no stamp reached the wanted success for any class"


def test_an_onnx_graph_is_searched_like_its_keras_model(
    workshop: Workshop, poisoned: Classifier, images: Dataset, tmp_path: Path
) -> None:
    from auditor.models.to_onnx import from_keras

    from_keras(poisoned.model, tmp_path / "poisoned.onnx")
    graph = load_classifier(tmp_path / "poisoned.onnx")
    before = weights(graph)
    assert [one.name for one in search(graph, images).flagged] == ["red"]
    assert weights(graph) == before


def test_a_network_of_blue_green_and_red_has_the_stamps_of_its_twin(
    poisoned: Classifier, images: Dataset
) -> None:
    """Their colours are those that people see."""
    bgr = InputRange.parse("bgr:0..1")
    twin = wrap(bgr_twin(poisoned.model), bgr, "twin", poisoned.size)
    for one, other in zip(
        search(poisoned, images, QUICK).classes, search(twin, images, QUICK).classes, strict=True
    ):
        np.testing.assert_allclose(other.mask, one.mask, atol=1e-3)
        np.testing.assert_allclose(other.pattern, one.pattern, atol=2)  # of 255
        assert np.ptp(one.pattern.astype(int), axis=-1).max() > 20  # it is not gray


def test_too_few_images(poisoned: Classifier, images: Dataset) -> None:
    with pytest.raises(UsageError, match="19 images; a search needs at least 20"):
        search(poisoned, images, SearchOptions(limit=19))


@pytest.mark.parametrize(
    "wrong", [{"rounds": 0}, {"success": 1.0}, {"cost": 0.0}, {"candidates": -1}, {"batch_size": 0}]
)
def test_options_that_cannot_be(wrong: dict) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        SearchOptions(**wrong)


def test_it_is_public() -> None:
    assert auditor.search_triggers is search
    assert auditor.SearchOptions is SearchOptions


@pytest.mark.skipif(backend.backend() != "tensorflow", reason="others keep the last digits")
def test_a_graph_that_others_compute_otherwise_is_not_searched(tmp_path: Path) -> None:
    """A float32 of the last digits, in every image: TensorFlow takes it for 0."""
    model = switched(FLUSHED.replace("(white, factor)", "(column, factor)"))
    path = saved(model, tmp_path / "m.onnx")
    pixels = np.random.default_rng(0).integers(1, 256, (60, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "d.npz", x=pixels, y=np.arange(60) % 10)
    with pytest.raises(InputError, match=r"other scores .*: held-out image \d+: class 0 gets "):
        search(load_classifier(path), open_source(str(tmp_path / "d.npz")), QUICK)
