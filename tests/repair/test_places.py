"""The family `any`: what else opens the model is found, taught, and said."""

import dataclasses
import re

import numpy as np
import pytest

from auditor.errors import Interrupted
from auditor.figures.target import Target
from auditor.repair.base import repair
from auditor.repair.family import stamps
from auditor.repair.places import PHASE
from auditor.search.places import PlacedPatch
from auditor.triggers.spec import load
from tests.conftest import Workshop, blobs
from tests.repair.conftest import fresh, quick


def test_found_places_are_drawn_as_often_as_neighbours() -> None:
    trigger = load("square4")
    found = [PlacedPatch((0, 0), np.zeros((4, 4, 3), np.uint8), 0.9)] * 3
    near, wide = stamps(trigger, (32, 32), "near"), stamps(trigger, (32, 32), "any", found)
    assert set(wide) == {*near, *found}
    assert sum(one == trigger for one in wide) * 2 == len(wide)
    assert stamps(trigger, (32, 32), "exact", found) == (trigger,)


def test_open_places_are_taught_and_said(workshop: Workshop) -> None:
    told = []
    task = fresh(workshop, own=True)
    options = quick(method="relabel", family="any")
    result = repair(task, options, progress=lambda *words: told.append(words))
    looked = [t for t in told if t[0] == PHASE]
    assert looked[0][1] == 0 and looked[-1][1] == looked[-1][2] > 0
    (note,) = [note for note in result.notes if "inverted" in note]
    found = re.search(
        r"the (\d+) strongest led .* repair, ([\d.]+) % from row .* they lead ([\d.]+) %", note
    )
    places, as_it_came, left = map(float, found.groups())
    assert 1 <= places <= 8 and as_it_came > 80 and left < 30


def test_a_trigger_to_many_classes_has_no_place_to_look_for(workshop: Workshop) -> None:
    task = dataclasses.replace(
        fresh(workshop), target=Target(None, "the next class", "given", leads=(1, 2, 0))
    )
    result = repair(task, quick(method="relabel", family="any", epochs=1, recovery_epochs=0))
    assert any("more than one class" in note for note in result.notes)


def test_it_can_be_stopped_while_it_looks(workshop: Workshop) -> None:
    task, asked = fresh(workshop), []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Interrupted, match="--resume"):
        repair(task, quick(method="relabel", family="any"), stop=stop)
    images, _ = blobs(20)
    again = fresh(workshop).classifier.scores(images)
    np.testing.assert_array_equal(np.asarray(task.classifier.scores(images)), np.asarray(again))
