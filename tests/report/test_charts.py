"""Charts: where the boxes stand, and what is drawn of many classes."""

import dataclasses

import pytest

from auditor.metrics import wilson
from auditor.report import charts
from auditor.results import ClassRow, Histogram, Skipped, TarSummary


def test_a_rate_stands_at_its_percentage() -> None:
    rate = wilson(30, 120)
    gauge = charts.rate_gauge(rate, 0.1, wilson(6, 120))
    assert (gauge.value, gauge.limit, gauge.baseline) == (25, 10, 5)
    assert gauge.low == 100 * rate.low
    assert charts.rate_gauge(Skipped("none"), 0.1, rate) is None


@pytest.mark.parametrize(
    ("tar", "place"), [(0.0, 0), (0.001, 0), (0.1, 40), (1, 60), (10, 80), (100, 100), (5e7, 100)]
)
def test_tar_stands_on_a_logarithmic_scale(tar: float, place: float) -> None:
    summary = TarSummary(tar, tar, tar, tar, 9, 0, 50.0)
    assert charts.tar_gauge(summary, 1.0, Skipped("none")).value == pytest.approx(place)


def test_of_many_classes_the_most_turned_are_drawn(certificate) -> None:
    rows = tuple(
        ClassRow(k, f"c{k}", wilson(9, 10), wilson(k, 50) if k else Skipped("the target class"))
        for k in range(30)
    )
    evidence = dataclasses.replace(certificate.evidence, classes=rows)
    bars, note = charts.class_bars(dataclasses.replace(certificate, evidence=evidence))
    assert [bar.name for bar in bars] == [f"c{k}" for k in range(29, 9, -1)]
    assert "20 classes of 30" in note
    few, nothing = charts.class_bars(certificate)
    assert [(bar.name, bar.is_target) for bar in few] == [
        ("red", True), ("green", False), ("blue", False),
    ]  # fmt: skip
    assert nothing == ""


def test_the_distribution_is_told_in_words(certificate) -> None:
    histogram = Histogram((0.001, 0.1, 1.0, 10.0), (1, 1, 2), (3, 1, 0))
    evidence = dataclasses.replace(certificate.evidence, histogram=histogram)
    drawn = charts.distribution(dataclasses.replace(certificate, evidence=evidence))
    assert "50.0 % of the stamped" in drawn.words
    assert "0.0 % of the same images" in drawn.words
    assert [bar.stamped for bar in drawn.bars] == pytest.approx([100 / 3, 100 / 3, 200 / 3])
    assert [bar.unstamped for bar in drawn.bars] == pytest.approx([100, 100 / 3, 0])
