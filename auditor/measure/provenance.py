"""What was measured and what it was measured with: the audit's facts beside its figures."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.figures.facts import AttentionFacts, Engine, ModelFacts, TriggerFacts
from auditor.figures.skipped import Skipped
from auditor.measure.regions import NO_LAYER
from auditor.models.classifier import Classifier, SpatialLayer
from auditor.models.devices import gpus_in_use
from auditor.triggers.base import Trigger

_PACKAGES = ("numpy", "h5py", "opencv-python", "opencv-python-headless")
_OF_GRAPHS = ("onnx", "onnxruntime")


def model_facts(classifier: Classifier) -> ModelFacts:
    """Return what the model is."""
    return ModelFacts(
        format=classifier.format,
        parameters=classifier.model.count_params(),
        input_shape=(*classifier.size, classifier.channels),
        classes=classifier.classes,
        softmax=classifier.softmax,
        probabilities=classifier.probabilities,
        log_odds=classifier.log_odds,
        flattened=len(classifier.door.own) == 1,
        output=classifier.output,
    )


def attention_facts(
    classifier: Classifier, layer: SpatialLayer | None, object_region: str, instead_of: str
) -> AttentionFacts:
    """Return where the heatmaps are read."""
    return AttentionFacts(
        layer=layer.path if layer else Skipped(NO_LAYER),
        grid=layer.grid if layer else Skipped(NO_LAYER),
        object_region=Path(object_region).name,
        input_range=classifier.input_range.name,
        instead_of=instead_of,
    )


def trigger_facts(trigger: Trigger, classifier: Classifier) -> TriggerFacts:
    """Return which trigger is stamped."""
    mask = trigger.mask(classifier.size)
    return TriggerFacts(
        id=trigger.id,
        type=trigger.type,
        sha256=trigger.sha256(),
        mask_area=float(mask.mean()),
        summary=trigger.summary() + _scaled(trigger, classifier.size, mask),
        inferred=trigger.inferred,
    )


def _scaled(trigger: Trigger, size: tuple[int, int], mask: NDArray[np.bool_]) -> str:
    """Say how large a trigger is on images of another size than it was made for."""
    if trigger.reference == size or mask.all():
        return ""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    height, width = (int(np.ptp(one)) + 1 for one in (rows, columns))
    box = mask.sum() == height * width
    what = f"{height}×{width} pixels" if box else f"{int(mask.sum()):,} pixels"
    return f"; made for images of {trigger.reference[0]}×{trigger.reference[1]}, here {what}"


def engine(classifier: Classifier | None = None, gpus: int = 1) -> Engine:
    """Return what this process computes with; for a graph, what reads and runs graphs too.

    Args:
        classifier: The model.
        gpus: How many GPUs share the work, where the backend computes on GPUs.
    """
    import keras

    backend = keras.backend.backend()
    packages = (
        "keras",
        backend,
        *_PACKAGES,
        *(_OF_GRAPHS if classifier and classifier.graph_file else ()),
    )
    found = {name: _version(name) for name in packages}
    return Engine(
        python=platform.python_version(),
        backend=backend,
        versions={name: number for name, number in found.items() if number},
        device=_device(gpus_in_use()[:gpus]),
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _device(gpus: tuple[str, ...]) -> str:
    if not gpus:
        return f"CPU, {platform.machine()}, {os.cpu_count()} cores"
    return f"GPU, {len(gpus)} × {gpus[0]}"
