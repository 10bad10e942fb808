"""A small backdoored model to repair, in a second or two."""

import dataclasses

import pytest

from auditor.data import open_source
from auditor.figures.target import Target
from auditor.models import load_classifier
from auditor.repair.base import Task
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


def fresh(workshop: Workshop) -> Task:
    """A fresh copy of the backdoored model, and clean images."""
    return Task(
        classifier=load_classifier(workshop.poisoned),
        data=open_source(workshop.data),
        trigger=load(workshop.trigger),
        target=Target(0, "red", "given"),
    )


def quick(**changes) -> RepairOptions:
    return dataclasses.replace(QUICK, **changes)
