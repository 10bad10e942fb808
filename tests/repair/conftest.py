"""A small backdoored model to repair, in a second or two."""

import dataclasses
from pathlib import Path

import pytest

from auditor.data import open_source
from auditor.figures.target import Target
from auditor.models import load_classifier
from auditor.models.classifier import Classifier
from auditor.repair.base import Task
from auditor.repair.objective import Weights, values
from auditor.repair.options import RepairOptions
from auditor.triggers.spec import load
from tests.conftest import Workshop

QUICK = RepairOptions(
    epochs=4, recovery_epochs=2, learning_rate=1e-3, batch_size=32, least_steps=5, seed=3
)
"""The workshop's model is tiny: its weights must move further than a real network's."""


@pytest.fixture
def task(workshop: Workshop) -> Task:
    return fresh(workshop)


_loaded: dict[Path, tuple[Classifier, Weights]] = {}


def classifier_of(path: Path) -> Classifier:
    """Return the model of a file with the weights that it has there.

    It is loaded, and its heatmaps are compiled, once for all tests of a file: a repair leaves
    nothing but weights behind.
    """
    if path not in _loaded:
        classifier = load_classifier(path)
        _loaded[path] = classifier, values(classifier.model.variables)
    classifier, weights = _loaded[path]
    for variable, value in zip(classifier.model.variables, weights, strict=True):
        variable.assign(value)
    return classifier


def fresh(workshop: Workshop, *, own: bool = False) -> Task:
    """The backdoored model as it came, and clean images.

    Args:
        workshop: Where they are.
        own: Whether the model is nobody else's, so that it stays as a repair leaves it.
    """
    path = workshop.poisoned
    return Task(
        classifier=load_classifier(path) if own else classifier_of(path),
        data=open_source(workshop.data),
        trigger=load(workshop.trigger),
        target=Target(0, "red", "given"),
    )


def quick(**changes) -> RepairOptions:
    return dataclasses.replace(QUICK, **changes)
