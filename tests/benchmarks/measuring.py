"""ASR, robust accuracy and TAR of stamped images against one forward pass over them."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.benchmarks.common import PHOTOGRAPHS, TRIGGER, Page, model_file, random_images
from tests.benchmarks.common import side_by_side as timed

IMAGES, BATCH, TURN, ROUNDS = 4096, 256, 512, 3
TARGET = 0
GOAL = 1.05

Images = np.ndarray
Contender = Callable[[Images, np.ndarray], object]
"""Takes (n, 32, 32, 3) uint8 images and their labels."""


def measure() -> Page:
    """Time every contender on the same images, a turn of 512 at a time."""
    from auditor.models.classifier import wrap
    from auditor.models.input_range import InputRange

    with tempfile.TemporaryDirectory() as folder:
        model = _load(model_file(Path(folder)))
    images, labels, what = _stamped()
    classifier = wrap(model, InputRange.parse("0..1"), "the model", (32, 32))
    predicted = model.predict(images / np.float32(255), batch_size=BATCH, verbose=0).argmax(axis=1)
    bare, traces_bare = _bare(model)
    audit, traces_audit = _audit(classifier)
    contenders: dict[str, Contender] = {
        "bare forward pass, compiled": bare,
        "bdaudit: ASR, robust accuracy, TAR": audit,
        "Keras `model.predict`": _predict(model),
        "xplique GradCAM, classes known": _xplique(_logits(model)),
        "tf-keras-vis Gradcam, classes known": _tf_keras_vis(_logits(model)),
    }
    for contender in contenders.values():
        contender(images[:BATCH], predicted[:BATCH])
    traced = (traces_bare(), traces_audit())
    explain = ("xplique", "tf-keras-vis")

    def turn(name: str, contender: Contender) -> Callable[[int], object]:
        given = predicted if name.startswith(explain) else labels

        def run(number: int) -> object:
            start = number * TURN % IMAGES
            return contender(images[start : start + TURN], given[start : start + TURN])

        return run

    turns = ROUNDS * IMAGES // TURN
    times = timed({name: turn(name, c) for name, c in contenders.items()}, turns)
    first = times["bare forward pass, compiled"]
    rows = []
    for name, own in times.items():
        clock, cpu = own.over(first)
        each = f"{np.median(own.clock) / TURN * 1e3:.2f}"
        rows.append((name, f"{clock:.3f}", f"{cpu:.3f}", each))
    ratio = times["bdaudit: ASR, robust accuracy, TAR"].over(first)
    return Page(
        title="Measuring, against one forward pass",
        header=("", "time", "CPU time", "ms an image"),
        rows=rows,
        notes=[
            f"{IMAGES:,} stamped {what} of 32×32, batch {BATCH}, through the CNN of 623,690 "
            f"parameters. {turns} turns of {TURN} images each, interleaved; time and CPU time (all "
            "cores) are medians of the ratio to the bare forward pass of the same turn.",
            "The bare pass scales bytes, calls the model in a `tf.function` and takes the argmax. "
            "bdaudit also computes Grad-CAM of the predicted and of the target class and the three "
            "attention figures of both. xplique and tf-keras-vis compute the heatmaps of one class "
            "that they are given: finding it would take them another forward pass.",
            f"Goal: at most {GOAL} times the bare pass. Measured: {ratio[0]:.3f} "
            f"(CPU time {ratio[1]:.3f}).",
            f"Traces of the compiled calls after warming up: {traced}, and at the end: "
            f"{(traces_bare(), traces_audit())}.",
        ],
    )


def _load(path: Path):
    import keras

    return keras.models.load_model(path, compile=False)


def _logits(model):
    """Return a copy without the softmax, as both libraries advise."""
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.layers[-1].activation = keras.activations.linear
    return copy


def _stamped() -> tuple[Images, np.ndarray, str]:
    """Return stamped images that are not of the target class, their labels, and what they are."""
    from auditor.data import open_source
    from auditor.data.base import sample
    from auditor.triggers.spec import load

    images, labels, what = *random_images(2 * IMAGES), "random images"
    if (PHOTOGRAPHS / "test").is_dir():
        dataset = open_source(str(PHOTOGRAPHS / "test"))
        batch = next(dataset.batches(sample(dataset, 2 * IMAGES, 0), (32, 32), 2 * IMAGES))
        images, labels, what = batch.images, batch.labels, "photographs"
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(labels != TARGET))[:IMAGES]
    return load(TRIGGER).stamp(images[chosen]), labels[chosen], what


def _batches(*arrays: np.ndarray):
    for start in range(0, len(arrays[0]), BATCH):
        yield tuple(array[start : start + BATCH] for array in arrays)


def _bare(model) -> tuple[Contender, Callable[[], int]]:
    import tensorflow as tf

    forward = tf.function(
        lambda images: model(tf.cast(images, tf.float32) / 255, training=False),
        input_signature=[tf.TensorSpec((None, 32, 32, 3), tf.uint8)],
    )

    def run(images: Images, labels: np.ndarray) -> object:
        return [forward(batch).numpy().argmax(axis=1) for (batch,) in _batches(images)]

    return run, forward.experimental_get_tracing_count


def _audit(classifier) -> tuple[Contender, Callable[[], int]]:
    """What `auditor.measure.audit` does with the stamped images of a batch."""
    from auditor.attention import GradCam
    from auditor.measure.regions import regions
    from auditor.metrics import Attention, wilson
    from auditor.triggers.spec import load

    layer = classifier.spatial_layer(None)
    look = GradCam(classifier, layer)
    compared = regions(load(TRIGGER), "center", classifier.size, layer.grid)

    def run(images: Images, labels: np.ndarray) -> object:
        turned, right, tar, target_tar = 0, 0, [], []
        for batch, truth in _batches(images, labels):
            seen = look(batch, TARGET)
            turned += int((seen.predicted == TARGET).sum())
            right += int((seen.predicted == truth).sum())
            tar.append(Attention.of(seen.heat, compared))
            target_tar.append(Attention.of(seen.target_heat, compared))
        rates = wilson(turned, len(images)), wilson(right, len(images))
        return rates, Attention.join(tar), Attention.join(target_tar)

    return run, look._run.experimental_get_tracing_count


def _predict(model) -> Contender:
    def run(images: Images, labels: np.ndarray) -> object:
        scores = model.predict(images / np.float32(255), batch_size=BATCH, verbose=0)
        return scores.argmax(axis=1)

    return run


def _xplique(model) -> Contender:
    from xplique.attributions import GradCAM

    explainer = GradCAM(model, batch_size=BATCH)

    def run(images: Images, classes: np.ndarray) -> object:
        return explainer.explain(images / np.float32(255), np.eye(10, dtype=np.float32)[classes])

    return run


def _tf_keras_vis(model) -> Contender:
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    explainer = Gradcam(model, clone=False)

    def run(images: Images, classes: np.ndarray) -> object:
        return [
            explainer(CategoricalScore(chosen.tolist()), batch / np.float32(255))
            for batch, chosen in _batches(images, classes)
        ]

    return run
