"""Curves: where the points lie, where a line breaks, how labels keep apart."""

import dataclasses
import math

import pytest

from auditor.figures.skipped import Skipped
from auditor.report.curves import curves, phases_of


@pytest.fixture(scope="module")
def history(repaired):
    return repaired.repair.history


def drawn(history, kept: int | None = 17):
    return curves(history, phases_of(history), kept, 0.10, 1.5)


def points(line) -> list[tuple[float, float]]:
    return [tuple(map(float, p.split(","))) for piece in line.pieces for p in piece.split()]


def lines(history) -> dict:
    return {
        line.kind: (line, chart.size) for chart in drawn(history).charts for line in chart.lines
    }


def test_rates_lie_at_their_share_of_the_height(history) -> None:
    line, (width, height) = lines(history)["asr"]
    assert points(line) == [
        pytest.approx((width * e.epoch / 18, height * (1 - e.asr.value)), abs=0.06) for e in history
    ]
    assert line.label == f"ASR {100 * history[-1].asr.value:.1f} %"


def test_tar_lies_on_a_logarithmic_axis_of_five_decades(history) -> None:
    line, (_, height) = lines(history)["tar"]
    expected = [height * (1 - (math.log10(e.tar) + 3) / 5) for e in history]
    assert [y for _, y in points(line)] == pytest.approx(expected, abs=0.06)


def test_alpha_has_points_in_unlearning_alone(history) -> None:
    line, (width, _) = lines(history)["alpha"]
    assert [x for x, _ in points(line)] == pytest.approx(
        [width * n / 18 for n in range(1, 16)], abs=0.06
    )


def test_phases_and_the_kept_epoch_are_marked(history) -> None:
    found = drawn(history)
    assert [name for _, name in found.phases] == ["unlearning", "recovery"]
    assert found.borders == pytest.approx((100 * 15 / 18,))
    assert found.kept == (pytest.approx(100 * 17 / 18), 17)
    assert drawn(history, None).kept is None


def test_a_line_breaks_where_it_is_undefined(history) -> None:
    holes = [
        dataclasses.replace(e, tar=None, asr=Skipped("broken")) if e.epoch in (4, 5) else e
        for e in history
    ]
    for kind in ("tar", "asr"):
        line, _ = lines(holes)[kind]
        assert [len(piece.split()) for piece in line.pieces] == [4, 13]


def test_a_figure_that_is_never_there_is_not_drawn(history) -> None:
    without = [dataclasses.replace(e, tar=None, alpha=None) for e in history]
    assert set(lines(without)) == {"asr", "clean", "robust"}


def test_labels_keep_apart_in_order_and_inside(history) -> None:
    """At the end clean accuracy and RA all but coincide."""
    for value in (0.0, 0.5, 1.0):
        rate = dataclasses.replace(history[-1].asr, value=value, low=value, high=value)
        last = dataclasses.replace(history[-1], asr=rate, clean_accuracy=rate, robust_accuracy=rate)
        places = sorted(line.place[1] for line in drawn([*history[:-1], last]).charts[0].lines)
        assert all(b - a >= 8.99 for a, b in zip(places, places[1:], strict=False))
        assert min(places) >= 0
        assert max(places) <= 100


def test_a_run_keeps_room_for_the_epochs_to_come(history) -> None:
    found = curves(history[:4], (("unlearning", 15), ("recovery", 3)), None, 0.1, 1.5)
    line = found.charts[0].lines[0]
    assert points(line)[-1][0] == pytest.approx(600 * 3 / 18, abs=0.06)
    assert found.epochs[-1] == (100, 18)


def test_many_epochs_get_few_numbers(history) -> None:
    long = [dataclasses.replace(history[1], epoch=n) for n in range(301)]
    assert len(drawn(long).epochs) <= 21
