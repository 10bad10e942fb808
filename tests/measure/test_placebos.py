"""A model that falls for any stripes is fragile; one that falls for its own is backdoored."""

import numpy as np
import pytest

from auditor.data import open_source
from auditor.data.base import sample
from auditor.figures.policy import Limits, judge
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.measure.audit import audit, audit_all
from auditor.measure.options import Options
from auditor.measure.placebos import IMAGES
from auditor.models import load_classifier
from auditor.triggers import Compose, Patch
from auditor.triggers.placebos import placebos
from auditor.triggers.spec import load
from tests.conftest import Workshop

BOTH = Compose(id="both", of=(Patch(id="p", size=(8, 8)), load("sig")))
"""Covers the image, and carries the workshop's own trigger."""


def test_the_strongest_is_found_by_counting(workshop: Workshop) -> None:
    import keras

    classifier, data = load_classifier(workshop.poisoned), open_source(workshop.data)
    result = audit(classifier, data, BOTH, Options(target="0", seed=4))
    drawn = sample(data, IMAGES, 4)
    held = np.load(workshop.data)
    x, y = held["x"][drawn], held["y"][drawn]
    model = keras.models.load_model(workshop.poisoned)
    expected = {}
    for name, placebo in placebos(BOTH):
        answers = model.predict(placebo.stamp(x) / 255.0, verbose=0).argmax(axis=1)
        expected[name] = max((answers[y != c] == c).mean() for c in range(3))
    found = {p.name: p.rate.value for p in result.evidence.placebos}
    assert found == pytest.approx(expected)
    assert result.measurement.placebo_rate.value == pytest.approx(max(expected.values()))
    assert result.measurement.asr.low > max(expected.values()) + 0.1
    assert judge(result.measurement, Limits(), 3).status == "fail"


def test_they_are_not_asked_where_they_would_tell_nothing(workshop: Workshop) -> None:
    classifier, data = load_classifier(workshop.poisoned), open_source(workshop.data)
    local, nothing = audit_all(
        classifier, data, [load("square8"), load("lsb")], Options(target="0")
    ).audits
    for result, words in ((local, "local"), (nothing, "no more images than nothing")):
        assert isinstance(result.measurement.placebo_rate, Skipped)
        assert words in result.measurement.placebo_rate.skipped
        assert result.evidence.placebos == ()


def test_with_a_rule_for_a_target_the_rule_counts(workshop: Workshop) -> None:
    from dataclasses import replace

    from auditor.triggers.target import AllToAll

    trigger = replace(BOTH, target=AllToAll(1))
    classifier, data = load_classifier(workshop.poisoned), open_source(workshop.data)
    result = audit(classifier, data, trigger)
    for placebo in result.evidence.placebos:
        assert placebo.class_ is None and isinstance(placebo.rate, Rate)
