"""ASR, robust accuracy and TAR of stamped images against one forward pass over them."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.benchmarks.common import (
    PHOTOGRAPHS,
    TRIGGER,
    Page,
    model_file,
    random_images,
    side_by_side,
)

IMAGES, BATCH, TURN, ROUNDS = 4096, 256, 512, 3
TARGET = 0
GOAL = 1.05
BARE, AUDIT = "bare forward pass, compiled", "bdaudit: ASR, robust accuracy, TAR"

COMPARED = """\
The bare pass scales bytes, calls the model in a `tf.function` and takes the argmax. bdaudit adds \
Grad-CAM of the predicted and of the target class and the three attention figures of both. \
xplique and tf-keras-vis make heatmaps of one class that they are given: finding it would take \
them another forward pass."""

Contender = Callable[[np.ndarray, np.ndarray, np.ndarray], object]
"""Takes (n, 32, 32, 3) uint8 images, their labels, and what the model takes them for."""


def measure() -> Page:
    """Time every contender on the same images, a turn of 512 at a time."""
    with tempfile.TemporaryDirectory() as folder:
        model = _load(model_file(Path(folder)))
    images, labels, what = _stamped()
    classes = model.predict(images / np.float32(255), batch_size=BATCH, verbose=0).argmax(axis=1)
    bare, audit = _Bare(model), _Audit(model)
    contenders: dict[str, Contender] = {
        BARE: bare,
        AUDIT: audit,
        "Keras `model.predict`": _predict(model),
        "xplique GradCAM, classes known": _xplique(_logits(model)),
        "tf-keras-vis Gradcam, classes known": _tf_keras_vis(_logits(model)),
    }
    for contender in contenders.values():
        contender(images[:BATCH], labels[:BATCH], classes[:BATCH])
    traces = bare.traces(), audit.traces()
    turns = {name: _turn(c, images, labels, classes) for name, c in contenders.items()}
    times = side_by_side(turns, ROUNDS * IMAGES // TURN)
    ratios = {name: own.over(times[BARE]) for name, own in times.items()}
    pass_ms = np.array(times[BARE].clock) / TURN * 1e3
    (asr, robust), tar, _ = audit(images, labels, classes)
    return Page(
        title="Measuring, against one forward pass",
        header=("", "time", "CPU time"),
        rows=[(name, f"{clock:.3f}", f"{cpu:.3f}") for name, (clock, cpu) in ratios.items()],
        notes=[
            f"{IMAGES:,} stamped {what} of 32×32, batch {BATCH}, through the CNN of 623,690 "
            f"parameters. {len(pass_ms)} turns of {TURN} images each, interleaved; time and CPU "
            "time (all cores) are medians of the ratio to the bare forward pass of the same turn, "
            f"which took {pass_ms.min():.2f} to {pass_ms.max():.2f} ms an image.",
            COMPARED,
            f"Goal: at most {GOAL} times the bare pass. Measured: {ratios[AUDIT][0]:.3f} "
            f"(CPU time {ratios[AUDIT][1]:.3f}).",
            f"What bdaudit found on them: ASR {asr.value:.4f}, robust accuracy {robust.value:.4f}, "
            f"median TAR {np.nanmedian(tar.tar):.3f}. Traces of the two compiled calls after "
            f"warming up: {traces}, and at the end: {(bare.traces(), audit.traces())}.",
        ],
    )


def _turn(contender: Contender, *arrays: np.ndarray) -> Callable[[int], object]:
    def run(number: int) -> object:
        start = number * TURN % len(arrays[0])
        return contender(*(array[start : start + TURN] for array in arrays))

    return run


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


def _stamped() -> tuple[np.ndarray, np.ndarray, str]:
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


class _Bare:
    """A forward pass and nothing else."""

    def __init__(self, model) -> None:
        import tensorflow as tf

        self._forward = tf.function(
            lambda images: model(tf.cast(images, tf.float32) / 255, training=False),
            input_signature=[tf.TensorSpec((None, 32, 32, 3), tf.uint8)],
        )
        self.traces = self._forward.experimental_get_tracing_count

    def __call__(self, images, labels, classes) -> object:
        return [self._forward(batch).numpy().argmax(axis=1) for (batch,) in _batches(images)]


class _Audit:
    """What `auditor.measure.audit` does with the stamped images of each batch."""

    def __init__(self, model) -> None:
        from auditor.measure.attention import GradCam
        from auditor.measure.regions import regions
        from auditor.models.input_range import InputRange
        from auditor.models.wrap import wrap
        from auditor.triggers.spec import load

        classifier = wrap(model, InputRange.parse("0..1"), "the model", (32, 32))
        layer = classifier.spatial_layer(None)
        self._look = GradCam(classifier, layer)
        self._regions = regions(load(TRIGGER), "center", classifier.size, layer.grid)
        self.traces = self._look._run.experimental_get_tracing_count

    def __call__(self, images, labels, classes) -> tuple:
        from auditor.figures.metrics import Attention, wilson

        turned, right, tar, target_tar = 0, 0, [], []
        asked = ((truth, batch, TARGET) for batch, truth in _batches(images, labels))
        for truth, seen in self._look.each(asked):
            turned += int((seen.predicted == TARGET).sum())
            right += int((seen.predicted == truth).sum())
            tar.append(Attention.of(seen.heat, self._regions))
            target_tar.append(Attention.of(seen.target_heat, self._regions))
        rates = wilson(turned, len(images)), wilson(right, len(images))
        return rates, Attention.join(tar), Attention.join(target_tar)


def _predict(model) -> Contender:
    def run(images, labels, classes) -> object:
        scores = model.predict(images / np.float32(255), batch_size=BATCH, verbose=0)
        return scores.argmax(axis=1)

    return run


def _xplique(model) -> Contender:
    from xplique.attributions import GradCAM

    explainer = GradCAM(model, batch_size=BATCH)

    def run(images, labels, classes) -> object:
        return explainer.explain(images / np.float32(255), np.eye(10, dtype=np.float32)[classes])

    return run


def _tf_keras_vis(model) -> Contender:
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    explainer = Gradcam(model, clone=False)

    def run(images, labels, classes) -> object:
        return [
            explainer(CategoricalScore(chosen.tolist()), batch / np.float32(255))
            for batch, chosen in _batches(images, classes)
        ]

    return run
