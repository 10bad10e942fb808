"""One classifier is compiled once, whatever is measured with it, and its weights are never stale.

Python goes through the model's layers only when something is compiled, and once to learn which
layers have rows and columns: that is what is counted. `test_backends` runs this under JAX too.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import pytest

from auditor.data import open_source
from auditor.data.npz import NpzFile
from auditor.figures.results import AuditResult
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.models import load_classifier
from auditor.models.classifier import Classifier, watched
from auditor.models.onnx.file import write
from auditor.triggers.spec import load
from tests.conftest import ROOT, Workshop

REHEARSAL = 1
PREDICT = 1
"""What others run is compiled once, too."""


@contextmanager
def passes(classifier: Classifier) -> Iterator[list[int]]:
    """Count how often Python goes through the model while open."""
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch compiles nothing")
    counted = [0]

    def count(output: object) -> object:
        counted[0] += 1
        return output

    with watched([(classifier.model.get_layer("first"), count)]):
        yield counted


def measured(classifier: Classifier, data: NpzFile, **options) -> AuditResult:
    how = {"batch_size": 64, "target": "0", **options}
    return audit(classifier, data, load(Workshop.trigger), Options(**how))


@pytest.fixture
def classifier(workshop: Workshop) -> Classifier:
    return load_classifier(workshop.poisoned)


@pytest.fixture
def data(workshop: Workshop) -> NpzFile:
    return open_source(workshop.data)


def test_a_whole_audit_compiles_one_look(classifier: Classifier, data: NpzFile) -> None:
    """The last batch, of 44, and the six images shown among it."""
    once = 2 if keras.backend.backend() == "jax" else 1  # JAX asks for the features' shape first
    with passes(classifier) as counted:
        first = measured(classifier, data)
    assert len(first.evidence.examples) == 6
    assert counted[0] == REHEARSAL + PREDICT + once


def test_scores_alone_are_compiled_where_they_are_wanted(
    classifier: Classifier, data: NpzFile
) -> None:
    once = 2 if keras.backend.backend() == "jax" else 1
    with passes(classifier) as counted:
        measured(classifier, data, target=None, neighbours=50)
    assert counted[0] == REHEARSAL + PREDICT + once + 1


def test_a_second_audit_compiles_nothing(classifier: Classifier, data: NpzFile) -> None:
    first = measured(classifier, data, target=None, neighbours=50)
    with passes(classifier) as counted:
        second = measured(classifier, data, target=None, neighbours=50)
        other = measured(classifier, data, target="1", limit=90)
    assert counted[0] == 2 * REHEARSAL
    assert second.measurement == first.measurement
    assert other.measurement != first.measurement


def trained(classifier: Classifier, workshop: Workshop) -> None:
    """Train one step, so large that it shows."""
    model, arrays = classifier.model, np.load(workshop.data)
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    model.train_on_batch(arrays["x"][:64] / np.float32(255), arrays["y"][:64])


def measured_afresh(path: Path, data: Path) -> dict:
    """Measure a file in a process that knows nothing of before."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.measure.test_compiled", path, data],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return json.loads(ran.stdout.splitlines()[-1])


def onnx_file(workshop: Workshop, path: Path) -> Path:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow is needed to write the graph")
    from auditor.models.to_onnx import from_keras

    from_keras(keras.models.load_model(workshop.poisoned), path)
    return path


@pytest.mark.parametrize("kind", ["keras", "onnx"])
def test_trained_weights_are_measured(
    kind: str, data: NpzFile, workshop: Workshop, tmp_path: Path
) -> None:
    """Scores alone and heatmaps: the target is inferred."""
    path = workshop.poisoned if kind == "keras" else onnx_file(workshop, tmp_path / "poisoned.onnx")
    classifier, saved = load_classifier(path), tmp_path / f"trained.{kind}"
    before = measured(classifier, data, target=None)
    trained(classifier, workshop)
    after = measured(classifier, data, target=None)
    if kind == "keras":
        classifier.model.save(saved)
    else:
        write(classifier.model, path, saved)
    fresh = measured_afresh(saved, workshop.data)
    assert json.loads(json.dumps(asdict(after.measurement))) == fresh
    assert abs(after.measurement.tar.median / before.measurement.tar.median - 1) > 0.01


if __name__ == "__main__":
    opened, images = load_classifier(Path(sys.argv[1])), open_source(Path(sys.argv[2]))
    print(json.dumps(asdict(measured(opened, images, target=None).measurement)))
