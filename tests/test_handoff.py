"""What the worker leaves is data: a result is read back whole, or refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from auditor import handoff
from auditor.errors import WorkError
from auditor.results import AuditResult
from tests.report.conftest import result

__all__ = ["result"]


def left(result: AuditResult, folder: Path) -> dict:
    handoff.save(result, folder)
    return json.loads((folder / "result.json").read_text())


def test_a_result_comes_back_the_same(result: AuditResult, tmp_path: Path) -> None:
    back = handoff.load(left(result, tmp_path), tmp_path)
    assert back.measurement == result.measurement
    assert back.data == result.data
    for one, other in zip(back.evidence.examples, result.evidence.examples, strict=True):
        np.testing.assert_array_equal(one.clean, other.clean)
        np.testing.assert_array_equal(one.clean_heat, other.clean_heat)


@pytest.mark.parametrize(
    "array",
    [
        np.array([{"a": 1}], object),
        np.zeros((4, 4), np.float64),
        np.full((8, 8), np.nan, np.float32),
        np.zeros((16, 16, 4), np.uint8),
        np.zeros((0,), "U1"),
    ],
    ids=["pickle", "dtype", "nan", "channels", "text"],
)
def test_arrays_that_are_none_are_refused(result, tmp_path: Path, array: np.ndarray) -> None:
    document = left(result, tmp_path)
    with np.load(tmp_path / "arrays.npz") as opened:
        arrays = dict(opened)
    np.savez(tmp_path / "arrays.npz", **{**arrays, **dict.fromkeys(("a0", "a2"), array)})
    with pytest.raises(WorkError):
        handoff.load(document, tmp_path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["measurement", "asr", "value"], "0"),
        (["measurement", "asr"], {}),
        (["data", "class_names"], [["a"]]),
        (["target", "chosen"], "guessed"),
        (["evidence", "examples", 0, "clean"], 99),
        (["extra"], 1),
        (["model", "classes"], True),
    ],
)
def test_fields_that_are_wrong_are_refused(result, tmp_path: Path, path: list, value) -> None:
    document = left(result, tmp_path)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(WorkError, match="cannot be trusted"):
        handoff.load(document, tmp_path)


def test_missing_or_truncated_arrays_are_refused(result, tmp_path: Path) -> None:
    document = left(result, tmp_path)
    whole = (tmp_path / "arrays.npz").read_bytes()
    (tmp_path / "arrays.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WorkError, match="no readable arrays"):
        handoff.load(document, tmp_path)
    (tmp_path / "arrays.npz").unlink()
    with pytest.raises(WorkError, match="no readable arrays"):
        handoff.load(document, tmp_path)
