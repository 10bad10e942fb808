"""`audit`: from a classifier, images and a trigger to every figure of `audit.json`."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from auditor.attention import GradCam
from auditor.data.base import Dataset, check_labels, sample
from auditor.data.resize import RULE
from auditor.errors import InputError
from auditor.measure.examples import examples
from auditor.measure.preflight import check_input_range, choose_target
from auditor.measure.regions import regions
from auditor.measure.tally import Tally
from auditor.models.classifier import Classifier, SpatialLayer
from auditor.results import (
    AttentionFacts,
    AuditResult,
    DataFacts,
    Engine,
    Evidence,
    ModelFacts,
    Skipped,
    SkippedImage,
    TriggerFacts,
)
from auditor.text import printable
from auditor.triggers.base import Trigger

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many images are done, and how many there are."""

SHOWN = 6
NO_LAYER = "the model has no layer with rows and columns to read a heatmap at"
_SKIPPED_SHARE = 0.01
_SKIPPED_NAMED = 20


@dataclass(frozen=True, kw_only=True)
class Options:
    """How an audit is done.

    Attributes:
        target: Class index or name, `auto` to infer it, None for the trigger's own, else inferred.
        layer: Name of the layer that heatmaps are read at; None for the last spatial one.
        object_region: `center`, `complement` or an `.npz` mask file.
        limit: Use at most this many images, drawn class by class; None for all.
        batch_size: Images a step.
        seed: Seed of the draw and of the bootstrap.
    """

    target: str | None = None
    layer: str | None = None
    object_region: str = "center"
    limit: int | None = None
    batch_size: int = 256
    seed: int = 0


def audit(
    classifier: Classifier,
    dataset: Dataset,
    trigger: Trigger,
    options: Options | None = None,
    *,
    progress: Progress = lambda phase, done, total: None,
) -> AuditResult:
    """Measure ASR, accuracy and attention of one model under one trigger.

    Args:
        classifier: The suspected model.
        dataset: Labelled images it has not been trained on.
        trigger: The trigger that its backdoor may answer to.
        options: How.
        progress: Told how far it is.

    Raises:
        UsageError: A class, layer or region that does not exist; a trigger that does not fit; an
            input range that the model evidently does not expect.
        InputError: Images that cannot be used: unreadable, of one class, all of the target class.
    """
    options = options or Options()
    check_labels(dataset, classifier.classes, "the model")
    trigger.mask(classifier.size)
    names = dataset.class_names or tuple(map(str, range(classifier.classes)))
    progress("checking the input range", 0, 0)
    check_input_range(classifier, dataset, options.batch_size, options.seed)
    target = choose_target(
        options.target, classifier, dataset, trigger, names, options.batch_size, options.seed
    )
    layer = classifier.spatial_layer(options.layer)
    no_attention = None if layer else Skipped(NO_LAYER)
    compared = (
        regions(trigger, options.object_region, classifier.size, layer.grid)
        if layer
        else Skipped(NO_LAYER)
    )
    look = GradCam(classifier, layer)
    tally = Tally(target.class_, compared, no_attention)
    data = _measure(classifier, look, dataset, trigger, options, tally, names, progress)
    shown, rule = tally.spread(SHOWN)
    return AuditResult(
        model=_model_facts(classifier),
        data=data,
        trigger=_trigger_facts(trigger, classifier),
        target=target,
        attention=_attention_facts(classifier, layer, options),
        measurement=tally.measurement(options.seed),
        evidence=Evidence(
            classes=tally.class_rows(names),
            histogram=tally.histogram(),
            examples=examples(classifier, look, dataset, trigger, target.class_, compared, shown),
            examples_rule=rule,
        ),
        engine=_engine(),
    )


def _measure(
    classifier: Classifier,
    look: GradCam,
    dataset: Dataset,
    trigger: Trigger,
    options: Options,
    tally: Tally,
    names: tuple[str, ...],
    progress: Progress,
) -> DataFacts:
    """Run all images through the model, clean and stamped; return the data's own facts."""
    indices = sample(dataset, options.limit, options.seed)
    if (dataset.labels[indices] == tally.target).all():
        raise InputError(
            f"{printable(dataset.source)}: every image is of the target class, so ASR is "
            "undefined; give images of other classes, or raise --limit"
        )
    skipped: list[SkippedImage] = []
    images = resized = 0
    for batch in dataset.batches(indices, classifier.size, options.batch_size):
        skipped.extend(batch.skipped)
        if len(skipped) > _SKIPPED_SHARE * len(indices):
            raise InputError(
                f"{printable(dataset.source)}: more than 1 % of the images cannot be read; "
                f"the first: {printable(skipped[0].name)}: {skipped[0].reason}"
            )
        if not len(batch.labels):
            continue
        victims = np.flatnonzero(batch.labels != tally.target)
        clean = look(batch.images, tally.target)
        stamped = look(trigger.stamp(batch.images[victims]), tally.target) if len(victims) else None
        tally.add(batch.indices, batch.labels, victims, clean, stamped)
        images, resized = images + len(batch.labels), resized + batch.resized
        progress("measuring", images + len(skipped), len(indices))
    return DataFacts(
        source=dataset.source,
        sha256=dataset.digest(indices),
        images=images,
        skipped=len(skipped),
        skipped_images=tuple(skipped[:_SKIPPED_NAMED]),
        resized=resized,
        resize_rule=RULE,
        class_names=names,
    )


def _model_facts(classifier: Classifier) -> ModelFacts:
    return ModelFacts(
        format=classifier.format,
        parameters=classifier.model.count_params(),
        input_shape=(*classifier.size, classifier.channels),
        classes=classifier.classes,
        softmax=classifier.softmax,
    )


def _attention_facts(
    classifier: Classifier, layer: SpatialLayer | None, options: Options
) -> AttentionFacts:
    return AttentionFacts(
        layer=layer.path if layer else Skipped(NO_LAYER),
        grid=layer.grid if layer else Skipped(NO_LAYER),
        object_region=options.object_region,
        input_range=classifier.input_range.name,
    )


def _trigger_facts(trigger: Trigger, classifier: Classifier) -> TriggerFacts:
    return TriggerFacts(
        id=trigger.id,
        type=trigger.type,
        sha256=trigger.sha256(),
        mask_area=float(trigger.mask(classifier.size).mean()),
        summary=trigger.summary(),
    )


def _engine() -> Engine:
    import keras

    backend = keras.backend.backend()
    packages = ["keras", backend, "numpy", "h5py", "opencv-python"]
    return Engine(
        python=platform.python_version(),
        backend=backend,
        versions={name: version(name) for name in packages},
        device=_device(),
    )


def _device() -> str:
    import os

    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"CPU, {platform.machine()}, {os.cpu_count()} cores"
    details = tf.config.experimental.get_device_details(gpus[0])
    return f"GPU, {len(gpus)} × {details.get('device_name', 'unknown')}"
