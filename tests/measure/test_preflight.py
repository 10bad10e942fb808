"""Models and images that do not go together are told apart from models that are no good."""

from pathlib import Path

import numpy as np
import pytest

from auditor.data import open_source, sample
from auditor.data.class_order import ClassOrder
from auditor.data.subset import Subset
from auditor.errors import InputError, UsageError
from auditor.measure.preflight import settled
from auditor.models import load_classifier
from tests import numbered


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered.photographs(tmp_path_factory.mktemp("numbered") / "data")


ANSWERS = "as the answers have it: 100.0 % of 144 images are right so, 16.7 %"


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (numbered.AS_NUMBERS, f"by number, {ANSWERS} by name"),
        (numbered.AS_TEXT, f"by name, {ANSWERS} by number"),
    ],
)
def test_the_models_answers_settle_the_order(order, said: str, folder: Path, tmp_path) -> None:
    """Two of twelve classes, 0 and 1, have the same place in both."""
    classifier = load_classifier(numbered.network(tmp_path / "a.keras", order))
    data = settled(classifier, open_source(folder), 64, 0)
    assert data.class_names == order
    assert data.class_order == said
    assert data.orders == ()
    (batch,) = data.batches(np.arange(len(data)), (16, 16), 200)
    for index, label in zip(batch.indices.tolist(), batch.labels.tolist(), strict=True):
        assert data.name_of(index).partition("/")[0] == order[label]
    assert (batch.labels == data.labels).all()


def test_what_is_settled_once_is_the_same_data_for_all_that_follows(
    folder: Path, tmp_path: Path
) -> None:
    """A repaired model is judged in the order that the model as it came has settled."""
    classifier = load_classifier(numbered.network(tmp_path / "a.keras", numbered.AS_NUMBERS))
    first = settled(classifier, open_source(folder), 64, 0)
    again = open_source(folder, ClassOrder(first.class_names, first.class_order))
    assert (again.class_names, again.class_order) == (first.class_names, first.class_order)
    assert again.labels.tolist() == first.labels.tolist()
    drawn = sample(first, 50, 3)
    assert sample(again, 50, 3).tolist() == drawn.tolist()
    assert again.digest(drawn) == first.digest(drawn)


def test_a_model_that_guesses_settles_nothing(folder: Path, tmp_path) -> None:
    classifier = load_classifier(numbered.network(tmp_path / "a.keras", None))
    with pytest.raises(
        InputError, match=r"8\.3 % by name and 8\.3 % by number.*--class-order name"
    ):
        settled(classifier, open_source(folder), 64, 0)
    data = open_source(folder, "name")
    assert settled(classifier, data, 64, 0) is data


def test_the_most_frequent_class_is_no_sign_that_the_range_is_right(
    folder: Path, tmp_path: Path
) -> None:
    """Dark to a network that wants 0..255, every image is of class 0: right for nine in ten."""
    network = numbered.network(tmp_path / "a.keras", numbered.AS_NUMBERS, brightness=255)
    data = open_source(folder, "number")
    whole = np.arange(len(data))
    rare = whole[data.labels == 1][:2]
    mostly = Subset(data, np.concatenate([whole[data.labels == 0], rare]))
    with pytest.raises(UsageError, match=r"85\.7 % on 14 images .* 100\.0 % with 0\.\.255"):
        settled(load_classifier(network), mostly, 64, 0)


def test_the_range_is_advised_before_the_order(folder: Path, tmp_path) -> None:
    network = numbered.network(tmp_path / "a.keras", numbered.AS_NUMBERS, brightness=255)
    words = r"100\.0 % with 0\.\.255, which .*; about as well: bgr:0\.\.255 .*; right .* run again"
    with pytest.raises(UsageError, match=words):
        settled(load_classifier(network), open_source(folder), 64, 0)


def test_a_wrong_range_is_found_where_accuracy_is_not_near_chance(
    folder: Path, tmp_path: Path
) -> None:
    """Half of the classes are told apart all the same: far below what the network can do."""
    network = numbered.network(tmp_path / "a.keras", numbered.AS_NUMBERS, brightness=255)
    import keras

    model = keras.models.load_model(network)
    scores = model.get_layer("scores")
    weights, _ = scores.get_weights()
    keen = weights.copy()
    keen[:, :6] *= 1_000  # these classes' scores rise as high from dim images
    light = model.get_layer("light")
    kernel, _ = light.get_weights()
    light.set_weights([kernel, np.zeros(1)])
    scores.set_weights([keen, np.zeros(numbered.CLASSES)])
    model.save(tmp_path / "b.keras")
    data = open_source(folder, "number")
    with pytest.raises(UsageError, match=r"run again with --input-range"):
        settled(load_classifier(tmp_path / "b.keras"), data, 64, 0)


def test_classes_that_are_numbered_otherwise_are_asked_about(folder: Path, tmp_path) -> None:
    """No footnote: every figure of such an audit would be about other classes."""
    turned = (*numbered.AS_NUMBERS[1:], "0")
    classifier = load_classifier(numbered.network(tmp_path / "a.keras", turned))
    with pytest.raises(InputError, match=r"0\.0 % on 144 images, but .* 100\.0 % if each"):
        settled(classifier, open_source(folder, "number"), 64, 0)
    data = open_source(folder, ClassOrder(turned))
    assert settled(classifier, data, 64, 0) is data


def test_a_model_that_calls_two_classes_alike_is_only_bad(folder: Path, tmp_path) -> None:
    """Ten of twelve classes could be matched; but it does not tell the last two apart."""
    network = numbered.network(tmp_path / "a.keras", (*numbered.AS_NUMBERS[1:], "0"))
    import keras

    model = keras.models.load_model(network)
    weights, bias = model.get_layer("scores").get_weights()
    weights[11] = weights[9]
    model.get_layer("scores").set_weights([weights, bias])
    model.save(network)
    data = open_source(folder, "number")
    assert settled(load_classifier(network), data, 64, 0) is data
