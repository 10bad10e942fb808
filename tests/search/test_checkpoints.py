"""Checkpoints that somebody has changed, digests and all: refused before anything is searched."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.data.base import Dataset
from auditor.errors import InputError
from auditor.files import checkpoints
from auditor.files.checkpoints import Arrays
from auditor.models.classifier import Classifier
from auditor.search.base import search
from tests.search.conftest import QUICK


def put(name: str, new: Any):
    """Put another array in place of one."""
    return lambda facts, arrays: arrays.update({name: np.asarray(new)})


def say(**changes: Any):
    """Change what is counted."""
    return lambda facts, arrays: facts.update(changes)


def grown(facts: dict[str, Any], arrays: Arrays) -> None:
    """Make every stamp a row higher, all of them alike."""
    for name, array in arrays.items():
        if array.shape[1:3] == (16, 16):
            arrays[name] = np.concatenate([array, array[:, :1]], axis=1)


def none(facts: dict[str, Any], arrays: Arrays) -> None:
    """Leave no class to search."""
    for name, array in arrays.items():
        arrays[name] = array[:, :0] if name == "trail" else array[:0]


POISON = {
    "classes that there are not": put("classes", np.array([0, 1, 9])),
    "negative ones": put("classes", np.array([-1, 0, 1])),
    "one twice": put("classes", np.array([0, 1, 1])),
    "other numbers": put("classes", np.array([0.0, 1.0, 2.0])),
    "no classes": none,
    "larger stamps": grown,
    "a trail too short": put("trail", np.zeros((1, 2))),
    "a stamp that is none": put("mask", np.full((3, 16, 16), np.nan, np.float32)),
    "a pattern that is no picture": put("pattern", np.full((3, 16, 16, 3), 1e9, np.float32)),
    "a negative norm": put("norm", np.full(3, -1.0)),
    "more success than there is": put("success", np.full(3, 2.0)),
    "more classes looked at": say(screened=77),
    "rounds without end": say(round=10**15),
    "negative ones of them": say(round=-1),
    "endless time": say(seconds=1e300),
    "notes that are none": say(notes=[1]),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """Where the checkpoints of a search are."""
    return tmp_path_factory.mktemp("finished")


@pytest.mark.parametrize("change", POISON.values(), ids=POISON)
def test_a_changed_checkpoint_is_refused(
    change, finished: Path, poisoned: Classifier, images: Dataset, tmp_path: Path
) -> None:
    if not (finished / "LATEST").exists():
        search(poisoned, images, QUICK, checkpoints=finished)
    found = checkpoints.load(finished)
    assert found is not None
    change(found.facts, found.arrays)
    checkpoints.save(tmp_path, 12, found.facts, found.arrays)
    with pytest.raises(InputError, match="--resume: the checkpoint is damaged") as caught:
        search(poisoned, images, QUICK, checkpoints=tmp_path, resume=True)
    assert str(caught.value).isprintable()
