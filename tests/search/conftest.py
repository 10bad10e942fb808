"""The workshop's models, ready to be searched."""

import numpy as np
import pytest

from auditor.data import open_source
from auditor.data.base import Dataset
from auditor.models import load_classifier
from auditor.models.classifier import Classifier
from auditor.search.base import search
from auditor.search.options import SearchOptions
from auditor.search.result import SearchResult
from tests.conftest import Workshop


@pytest.fixture
def poisoned(workshop: Workshop) -> Classifier:
    return load_classifier(workshop.poisoned)


@pytest.fixture
def images(workshop: Workshop) -> Dataset:
    return open_source(str(workshop.data))


@pytest.fixture(scope="session")
def found(workshop: Workshop) -> SearchResult:
    """The poisoned model, searched with the defaults."""
    return search(load_classifier(workshop.poisoned), open_source(str(workshop.data)))


@pytest.fixture(scope="session")
def nothing(workshop: Workshop) -> SearchResult:
    """The clean one."""
    return search(load_classifier(workshop.clean), open_source(str(workshop.data)))


def weights(classifier: Classifier) -> list[bytes]:
    return [np.asarray(value).tobytes() for value in classifier.model.get_weights()]


QUICK = SearchOptions(rounds=4, early_stop=False)
"""Ends before anything is found."""
