"""Where each trigger leads, and what is counted then."""

from dataclasses import replace

import numpy as np
import pytest

from auditor.data import open_source
from auditor.errors import InputError, UsageError
from auditor.figures.results import AuditResult
from auditor.figures.skipped import Skipped
from auditor.measure.audit import audit, audit_all
from auditor.measure.options import Options
from auditor.models import load_classifier
from auditor.triggers.base import Trigger
from auditor.triggers.spec import load
from auditor.triggers.target import AllToAll, ClassMap
from tests.conftest import Workshop

SQUARE = load("square8")


def run(workshop: Workshop, trigger: Trigger, **options) -> AuditResult:
    classifier = load_classifier(workshop.poisoned)
    return audit(classifier, open_source(workshop.data), trigger, Options(**options))


def answers(workshop: Workshop) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, clean and stamped predictions of every image, by Keras itself."""
    import keras

    data, model = np.load(workshop.data), keras.models.load_model(workshop.poisoned)
    stamped = data["x"].copy()
    stamped[:, -4:, -4:] = 255
    clean, turned = (model.predict(x / 255.0, verbose=0) for x in (data["x"], stamped))
    return data["y"], clean.argmax(axis=1), turned.argmax(axis=1)


@pytest.mark.parametrize(
    ("target", "source", "led"),
    [
        (0, (1,), (0, 0, 2)),
        (AllToAll(1), (), (1, 2, 0)),
        (AllToAll(1), (2,), (0, 1, 0)),
        (ClassMap({"1": 0}), (), (0, 0, 2)),
    ],
)
def test_rates_count_the_victims_and_where_they_are_led(workshop, target, source, led) -> None:
    result = run(workshop, replace(SQUARE, target=target, source=source))
    y, clean, stamped = answers(workshop)
    aims = np.array(led)[y]
    victims = aims != y
    measured = result.measurement
    for rate, hits in (
        (measured.asr, stamped == aims),
        (measured.robust_accuracy, stamped == y),
        (measured.clean_target_rate, clean == aims),
    ):
        assert (rate.value, rate.n) == (pytest.approx(hits[victims].mean()), victims.sum())
    assert measured.clean_accuracy.n == len(y)
    assert result.target.leads == led and result.target.chosen == "given"
    for row in result.evidence.classes:
        if led[row.class_] == row.class_:
            assert isinstance(row.asr, Skipped)
        else:
            rows = y == row.class_
            assert row.asr.value == pytest.approx((stamped == aims)[rows].mean())
    shown = y[list(result.shown)]
    assert (np.array(led)[shown] != shown).all(), "only victims are shown"


def test_a_target_is_inferred_from_the_sources(workshop: Workshop) -> None:
    result = run(workshop, replace(SQUARE, source=(2,)))
    y, _, _ = answers(workshop)
    assert (result.target.class_, result.target.chosen) == (0, "inferred")
    assert result.target.inferred_from == (y == 2).sum()
    assert result.target.leads == (0, 1, 0)


def test_a_given_class_stands_before_the_triggers_rule(workshop: Workshop) -> None:
    result = run(workshop, replace(SQUARE, target=AllToAll(1), source=(1, 2)), target="0")
    assert (result.target.class_, result.target.leads) == (0, (0, 0, 0))


def test_classes_that_do_not_exist_are_refused(workshop: Workshop) -> None:
    with pytest.raises(UsageError, match="trigger square8: target 7: no such class"):
        run(workshop, replace(SQUARE, target=7))
    with pytest.raises(UsageError, match="trigger square8: source 9: no such class"):
        run(workshop, replace(SQUARE, source=(9,)))
    with pytest.raises(UsageError, match="lead no class to another"):
        run(workshop, replace(SQUARE, target=AllToAll(3)))


def test_data_without_a_victim_is_refused(workshop: Workshop, tmp_path) -> None:
    data = np.load(workshop.data)
    kept = data["y"] != 2
    np.savez(tmp_path / "two.npz", x=data["x"][kept], y=data["y"][kept])
    classifier = load_classifier(workshop.poisoned)
    with pytest.raises(InputError, match="no image is of a class that the trigger square8 leads"):
        audit(classifier, open_source(tmp_path / "two.npz"), replace(SQUARE, target=0, source=(2,)))


def test_several_triggers_at_once_give_what_each_gives_alone(workshop: Workshop) -> None:
    classifier, data = load_classifier(workshop.poisoned), open_source(workshop.data)
    triggers = [SQUARE, load("sig"), replace(SQUARE, id="a2a", target=AllToAll(1)), load("lsb")]
    together = audit_all(classifier, data, triggers, Options(limit=120)).audits
    assert [r.trigger.id for r in together] == ["square8", "sig", "a2a", "lsb"]
    for trigger, result in zip(triggers, together, strict=True):
        alone = audit(classifier, data, trigger, Options(limit=120))
        assert result.measurement == alone.measurement
        assert (result.target, result.shown, result.data) == (alone.target, alone.shown, alone.data)
