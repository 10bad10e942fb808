"""What a worker says of a search is read back whole, or refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.errors import WorkError
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.search.result import SearchResult
from auditor.worker import exchange
from tests.report.searches import missing, result


def test_a_result_comes_back_the_same(tmp_path: Path) -> None:
    sent = result("a", "b", "c", flagged=(1,))
    sent = replace(sent, classes=(*sent.classes[:2], missing(sent.classes[2], "a first pass")))
    exchange.save(sent, tmp_path)
    back = exchange.load(SearchResult, tmp_path)
    assert [one.name for one in back.flagged] == ["b"]
    for one, other in zip(back.classes, sent.classes, strict=True):
        assert (one.norm, one.index, one.success) == (other.norm, other.index, other.success)
        np.testing.assert_array_equal(one.mask, other.mask)
        np.testing.assert_array_equal(one.pattern, other.pattern)
    assert (back.options, back.rule) == (sent.options, sent.rule)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mask": np.zeros((8, 8), np.float64)},
        {"mask": np.full((8, 8), 1.5, np.float32)},
        {"mask": np.full((8, 8), np.nan, np.float32)},
        {"mask": np.zeros((9, 8), np.float32)},
        {"mask": np.zeros((8, 8), np.float32)},
        {"pattern": np.zeros((8, 8, 4), np.uint8)},
        {"pattern": np.zeros((7, 8, 3), np.uint8)},
        {"pattern": np.zeros((8, 8, 3), np.float32)},
        {"class_": 1},
        {"name": "another"},
        {"norm": -1.0},
        {"norm": 1e6},
        {"norm": Skipped("none")},
        {"success": Skipped("none")},
        {"success": Rate(0.5, 0.4, 1.6, 10)},
        {"rounds": -1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_class_that_cannot_be_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    sent = result("a", "b", flagged=(0,))
    exchange.save(
        replace(sent, classes=(replace(sent.classes[0], **wrong), sent.classes[1])), tmp_path
    )
    with pytest.raises(WorkError, match="cannot be trusted"):
        exchange.load(SearchResult, tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"example": np.zeros((8, 9, 3), np.uint8)},
        {"example": np.zeros((8, 8), np.uint8)},
        {"classes": ()},
        {"evaluations": -1},
        {"rounds": 1 << 60},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_search_that_cannot_be_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    exchange.save(replace(result("a", "b"), **wrong), tmp_path)
    with pytest.raises(WorkError, match="cannot be trusted"):
        exchange.load(SearchResult, tmp_path)
