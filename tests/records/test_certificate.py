"""A certificate binds figures to files: the model that came, and the one handed back."""

import pytest

from auditor.errors import UsageError
from auditor.figures.skipped import Skipped
from tests.report.conftest import after, certificate, certified, helpless, repaired, result

__all__ = ["after", "certificate", "helpless", "repaired", "result"]


def test_the_clock_can_be_set(result, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.records.provenance import now

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert now() == "1970-01-01T00:00:00Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH='soon'"):
        certified(result)


def test_a_repair_is_measured_against_what_came(repaired, certificate, result, after) -> None:
    assert repaired.subject == certificate.subject
    assert repaired.measurements.before == result.measurement
    assert repaired.measurements.after == after.measurement
    assert repaired.repair.data.source == "photos/train"
    old, new = result.measurement, after.measurement
    fall = old.asr.value - new.asr.value
    loss = max(0.0, old.clean_accuracy.value - new.clean_accuracy.value)
    assert repaired.repair.der == pytest.approx((fall - loss + 1) / 2)
    assert repaired.repair.asr_reduction == pytest.approx(fall / old.asr.value)
    kept = new.clean_accuracy.value / old.clean_accuracy.value
    assert repaired.repair.accuracy_retention == pytest.approx(kept)
    assert repaired.verdict.checks[-1].metric == "accuracy_drop"


def test_neighbours_are_paired_by_name(repaired) -> None:
    rows = {row.name: row for row in repaired.repair.neighbours}
    assert rows["moved by 1 pixel"].before.value == pytest.approx(0.93)
    assert rows["moved by 1 pixel"].after.value == pytest.approx(0.025)
    assert isinstance(rows["moved by 8 pixels"].after, Skipped)


def test_without_a_file_nothing_stands_after(helpless, certificate) -> None:
    assert helpless.measurements.after is None
    assert helpless.verdict == certificate.verdict
    repair = helpless.repair
    nothing = (repair.output, repair.evidence, repair.der, repair.asr_reduction, repair.kept)
    assert nothing == (None,) * 5
    assert repair.neighbours == ()
    assert len(repair.history) == 19
