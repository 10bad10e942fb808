"""Fine-pruning: what is silenced, how much of it, and that it stays so."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from auditor.data import open_source
from auditor.figures.facts import Device
from auditor.models.convolution import last_convolution
from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.repair import fineprune
from auditor.repair.base import repair
from auditor.repair.fineprune import activity, most_silenced
from auditor.repair.options import RepairOptions
from auditor.repair.place import place
from tests.conftest import Workshop, blobs
from tests.repair.conftest import fresh


def normalized():
    """A network whose last convolution has no bias and a BatchNormalization behind it."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="last")(x)
    x = layers.BatchNormalization(name="norm", beta_initializer="ones")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return wrap(
        keras.Model(inputs, layers.Dense(3)(x)), InputRange.parse("0..1"), "normalized", (16, 16)
    )


def test_activity_is_each_channels_mean_behind_normalization_and_relu() -> None:
    classifier, images = normalized(), blobs(40)[0]
    found = last_convolution(classifier)
    assert found.seen.path == "norm"
    assert [axis for _, axis in found.weights] == [3, 0, 0]
    norm = keras.Model(classifier.model.inputs, classifier.model.get_layer("norm").output)
    expected = np.maximum(norm.predict(images / np.float32(255), verbose=0), 0).mean((0, 1, 2))
    assert activity(classifier, found, images) == pytest.approx(expected, rel=1e-5)


def test_channels_are_silenced_until_accuracy_has_fallen_by_the_allowance() -> None:
    falls = [0.90, 0.90, 0.89, 0.87, 0.86, 0.84, 0.10, 0.95]
    asked = []

    def accuracy(silenced: int) -> float:
        asked.append(silenced)
        return falls[silenced]

    assert most_silenced(accuracy, 8, 0.04) == 4
    assert asked == [0, 1, 2, 3, 4, 5]
    assert most_silenced(lambda silenced: 1.0, 8, 0.0) == 7  # one is always left
    assert most_silenced(lambda silenced: 1.0, 512, 0.0) == 504  # eight at a time


@pytest.fixture(scope="module")
def on_the_cpu():
    with place(Device()) as where:
        yield where


def test_the_idlest_channels_are_silenced_and_stay_so(workshop: Workshop, on_the_cpu) -> None:
    task = fresh(workshop)
    convolution = last_convolution(task.classifier)
    images = open_source(workshop.data)
    shown = next(images.batches(np.arange(300), (16, 16), 300)).images
    busy = activity(task.classifier, convolution, shown)
    options = RepairOptions.of(
        "fineprune", epochs=2, learning_rate=1e-3, batch_size=32, least_steps=3, validation=60,
        prune_allowance=0.02, max_accuracy_drop=1.0,
    )  # fmt: skip
    result = repair(task, options, place=on_the_cpu)
    assert result.kept
    kernel, bias = (variable.numpy() for variable, _ in convolution.weights)
    silent = (kernel == 0).all(axis=(0, 1, 2)) & (bias == 0)
    assert 0 < silent.sum() < len(silent)
    assert busy[silent].max() <= busy[~silent].min() + 0.1 * busy.max()
    assert activity(task.classifier, convolution, shown)[silent].max() == 0
    assert all(variable.constraint is None for variable, _ in convolution.weights)


def test_momentum_and_decay_do_not_wake_a_channel() -> None:
    """Behind a BatchNormalization, a silent channel's gradient is not zero."""
    classifier = normalized()
    found = last_convolution(classifier)
    silenced = np.zeros(8, np.float32)
    silenced[[1, 5]] = 1
    for variable, axis in found.weights:
        shape = [8 if i == axis else 1 for i in range(len(variable.shape))]
        variable.assign(variable * (1 - silenced).reshape(shape))
    anchor = [v.numpy() for v in classifier.model.trainable_variables]
    made = fineprune.Pruned(
        classifier, [silenced], clean_weight=1.0, anchor_weight=0.0, stamped_share=0.0,
        anchor=anchor,
    )  # fmt: skip
    made.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    images, labels = blobs(32)
    made.fit(images, labels, sample_weight=np.ones(32, np.float32), epochs=3, verbose=0)
    for variable, axis in found.weights:
        values = np.moveaxis(variable.numpy(), axis, 0)
        assert (values[[1, 5]] == 0).all()
        assert (values[[0, 2]] != np.moveaxis(anchor[0], 3, 0)[0].max()).any()


def test_the_allowance_decides_how_much_goes(workshop: Workshop, on_the_cpu) -> None:
    counts = []
    for allowance in (0.0, 0.5):
        task = fresh(workshop)
        options = replace(
            RepairOptions.of("fineprune"), epochs=1, learning_rate=1e-9, weight_decay=0.0,
            batch_size=32, least_steps=1, prune_allowance=allowance, max_accuracy_drop=1.0,
        )  # fmt: skip
        repair(task, options, place=on_the_cpu)
        kernel = last_convolution(task.classifier).weights[0][0].numpy()
        counts.append(int((kernel == 0).all(axis=(0, 1, 2)).sum()))
    assert counts[0] <= counts[1]
