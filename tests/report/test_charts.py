"""Charts: where the boxes stand, and what is drawn of many classes."""

import dataclasses

import pytest

from auditor.figures.metrics import wilson
from auditor.figures.results import ClassRow, Histogram, TarSummary
from auditor.figures.skipped import Skipped
from auditor.report import charts


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
    assert [bar.row.name for bar in bars] == [f"c{k}" for k in range(29, 9, -1)]
    assert "20 classes of 30" in note
    few, nothing = charts.class_bars(certificate)
    assert [(bar.row.name, bar.is_target, bar.before) for bar in few] == [
        ("red", True, None), ("green", False, None), ("blue", False, None),
    ]  # fmt: skip
    assert nothing == ""


def test_the_distribution_is_told_in_words(certificate) -> None:
    histogram = Histogram((0.001, 0.1, 1.0, 10.0), (1, 1, 2), (3, 1, 0))
    evidence = dataclasses.replace(certificate.evidence, histogram=histogram)
    drawn = charts.distribution(dataclasses.replace(certificate, evidence=evidence))
    assert "50.0 % of the stamped" in drawn.words
    assert "0.0 % of the same images" in drawn.words
    heights = {series.kind: [bar.height for bar in series.bars] for series in drawn.series}
    assert heights["stamped"] == pytest.approx([100 / 3, 100 / 3, 200 / 3])
    assert heights["unstamped"] == pytest.approx([100, 100 / 3, 0])


def test_after_a_repair_the_stamped_images_stand_before_against_after(repaired) -> None:
    drawn = charts.distribution(repaired)
    before, after = drawn.series
    assert (before.kind, after.kind) == ("before", "after")
    counts = repaired.evidence.histogram.stamped, repaired.repair.evidence.histogram.stamped
    tallest = max(max(c) for c in counts)
    for series, found in zip(drawn.series, counts, strict=True):
        heights = [bar.height for bar in series.bars]
        assert heights == pytest.approx([100 * n / tallest for n in found])


def test_after_a_repair_gauges_and_classes_show_both(repaired) -> None:
    measured = repaired.measurements
    asr, tar, robust = charts.gauges(repaired)
    assert (asr.before, asr.value) == pytest.approx(
        (100 * measured.before.asr.value, 100 * measured.after.asr.value)
    )
    assert tar.before > tar.limit > tar.value
    assert robust.before < robust.value
    for bar, old, new in zip(
        charts.class_bars(repaired)[0],
        repaired.evidence.classes,
        repaired.repair.evidence.classes,
        strict=True,
    ):
        assert (bar.before, bar.row) == (old, new)
