"""The loss of `balanced`, against NumPy."""

import keras
import numpy as np
import pytest

from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.repair.balanced import STAGES, Consistent, apart, rising
from auditor.repair.distillation import coarsest
from auditor.repair.objective import values
from auditor.triggers.spec import load
from tests.conftest import Workshop, blobs, small_cnn

ANSWERS, FEATURES, LABELS, ALPHA, BACK, STAMPED = 0.7, 3.0, 0.2, 0.4, 0.3, 0.6


def looking(model: keras.Model, names: list[str], images: np.ndarray) -> list[np.ndarray]:
    outputs = [*(model.get_layer(name).output for name in names), model.output]
    return keras.Model(model.inputs, outputs).predict(images / np.float32(255), verbose=0)


def distance(twins: np.ndarray, given: np.ndarray) -> float:
    rows = [
        ((a - b) ** 2).sum() / (b.astype(np.float64) ** 2).sum()
        for a, b in zip(twins, given, strict=True)
    ]
    return float(np.mean(rows))


def test_the_distance_is_relative_to_the_clean_images_features() -> None:
    random = np.random.default_rng(0)
    one, other = (random.standard_normal((3, 4, 5, 6)).astype(np.float32) for _ in range(2))
    assert float(apart(one, other)) == pytest.approx(distance(one, other), rel=1e-4)
    assert float(apart(2 * other, other)) == pytest.approx(1, rel=1e-4)


def test_the_loss_is_of_answers_and_of_features() -> None:
    keras.utils.set_random_seed(0)
    classifier = wrap(small_cnn(), InputRange.parse("0..1"), "small", (16, 16))
    model = classifier.model
    images, labels = blobs(10)
    stamped = load(Workshop.trigger).stamp(images)
    pairs = np.stack([images, stamped], axis=1).reshape(20, 16, 16, 3)
    names = [stage.path for stage in coarsest(classifier, STAGES, "balanced")]
    teacher = values(model.variables)
    *given, wanted = looking(model, names, images)
    random = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(variable + 0.05 * random.standard_normal(variable.shape))
    *own, of_clean = looking(model, names, images)
    moved = values(model.variables)
    model.set_weights([one + BACK * (old - one) for one, old in zip(moved, teacher, strict=True)])
    *on_the_way, of_twins = looking(model, names, stamped)
    model.set_weights(moved)

    made = Consistent(
        classifier, teacher, answers=ANSWERS, features=FEATURES, stamped=STAMPED, back=BACK,
        clean_weight=LABELS, anchor_weight=0.0, stamped_share=0.5, truth_weight=STAMPED * LABELS,
        anchor=values(model.trainable_variables),
    )  # fmt: skip
    made.compile(
        keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    made.alpha.assign(ALPHA)
    loss = made.evaluate(
        pairs, np.repeat(labels, 2), sample_weight=np.tile([1.0, -1.0], 10).astype(np.float32),
        batch_size=20, verbose=0,
    )  # fmt: skip

    def entropy(said: np.ndarray) -> float:
        truth = LABELS * np.eye(3)[labels] + ANSWERS * wanted
        return -(truth * np.log(said)).sum(axis=1).mean()

    of_images, of_stamped = (
        FEATURES * np.mean([distance(a, b) for a, b in zip(stages, given, strict=True)])
        for stages in (own, on_the_way)
    )
    twins = ALPHA * entropy(of_twins) + of_stamped
    expected = entropy(of_clean) + of_images + STAMPED * twins
    assert loss == pytest.approx(expected, rel=1e-4)


def test_the_answers_of_twins_come_to_count_over_the_first_half() -> None:
    assert rising(8) == pytest.approx((0, 0.25, 0.5, 0.75, 1, 1, 1, 1))
    assert rising(1) == (0,)


def test_without_a_share_the_labels_are_not_taught() -> None:
    """One step with the right labels and one with wrong ones lead to the same weights."""
    ends = []
    for turn in (0, 1):
        keras.utils.set_random_seed(0)
        classifier = wrap(small_cnn(), InputRange.parse("0..1"), "small", (16, 16))
        images, labels = blobs(8)
        made = Consistent(
            classifier, [v * 1.1 for v in values(classifier.model.variables)],
            answers=1.0, features=1.0, stamped=1.0, back=0.5,
            clean_weight=0.0, anchor_weight=0.0, stamped_share=0.5, truth_weight=0.0,
            anchor=values(classifier.model.trainable_variables),
        )  # fmt: skip
        made.compile(
            keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        signs = np.tile([1.0, -1.0], 4).astype(np.float32)
        made.fit(images, (labels + turn) % 3, sample_weight=signs, batch_size=8, verbose=0)
        ends.append(values(classifier.model.trainable_variables))
    assert all((a == b).all() for a, b in zip(*ends, strict=True))


def test_gradients_go_through_the_weights_on_the_way() -> None:
    """A step on stamped images alone moves the weights by what is left of the way: 1 − ρ."""
    moves = []
    for back in (0.0, 0.5):
        keras.utils.set_random_seed(0)
        classifier = wrap(small_cnn(), InputRange.parse("0..1"), "small", (16, 16))
        images, labels = blobs(8)
        before = values(classifier.model.trainable_variables)
        made = Consistent(
            classifier, values(classifier.model.variables),
            answers=0.0, features=1.0, stamped=1.0, back=back,
            clean_weight=0.0, anchor_weight=0.0, stamped_share=0.5, truth_weight=0.0,
            anchor=before,
        )  # fmt: skip
        made.compile(
            keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        signs = np.tile([1.0, -1.0], 4).astype(np.float32)
        made.fit(images, labels, sample_weight=signs, batch_size=8, shuffle=False, verbose=0)
        after = values(classifier.model.trainable_variables)
        moves.append([a - b for a, b in zip(after, before, strict=True)])
    assert max(np.abs(move).max() for move in moves[0]) > 1e-4
    for whole, half in zip(*moves, strict=True):
        np.testing.assert_allclose(half, whole / 2, rtol=1e-3, atol=1e-6)
