"""Results that code in a worker has forged: one line and exit code 3, whatever breaks their shape.

Each is taken in as the parent takes it, up to a page: what is let through must be an audit.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.errors import AuditorError, WorkError
from auditor.figures.policy import Limits, judge
from auditor.figures.results import AuditResult, AuditResults
from auditor.records.certificate import with_repair
from auditor.repair.result import Plan, RepairResult
from auditor.report.formats import render
from auditor.search.result import SearchResult
from auditor.worker import exchange
from tests.report import repairs, searches
from tests.report.conftest import after, certified, result

__all__ = ["after", "result"]

RATE = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10}
BINS = {"edges": [0.0, 1.0], "stamped": [1], "unstamped": [1]}
TAR = {"mean": 1, "median": 1, "low": 1, "high": 1, "n": 2, "undefined": 0, "ceiling": 1}
ROW = {"class": 0, "name": "x", "accuracy": RATE, "asr": RATE}

MEASURED: list[tuple[str, Any]] = [
    ("measurement.asr", {**RATE, "n": 0}),
    ("measurement.asr", {**RATE, "n": -3}),
    ("measurement.asr", {**RATE, "n": True}),
    ("measurement.asr", {**RATE, "n": 2**60}),
    ("measurement.asr", {**RATE, "value": 1.5, "high": 2}),
    ("measurement.asr", {**RATE, "low": 0.55}),
    ("measurement.asr", {"value": 0.5}),
    ("measurement.tar", {**TAR, "undefined": 3}),
    ("measurement.tar", {**TAR, "mean": None}),
    ("measurement.tar", {**TAR, "ceiling": -1}),
    ("evidence.histogram", {"edges": [], "stamped": [], "unstamped": []}),
    ("evidence.histogram", {**BINS, "stamped": [1, 2]}),
    ("evidence.histogram", {**BINS, "edges": [1.0, 1.0]}),
    ("evidence.histogram", {**BINS, "unstamped": [-1]}),
    ("evidence.histogram.edges", [i / 1000 for i in range(100_001)]),
    ("evidence.classes", [ROW] * 200_000),
    ("evidence.classes", [{**ROW, "class": 3}]),
    ("evidence.examples.0.label", 3),
    ("evidence.examples.0.stamped_predicted", -1),
    ("evidence.examples.0.clean_tar", -1.0),
    ("evidence.placebos", [{"name": "x", "class": 3, "rate": RATE}]),
    ("evidence.placebos", [{"name": "x", "class": 0, "rate": RATE}] * 101),
    ("trigger.sha256", "XYZ"),
    ("trigger.mask_area", 0.0),
    ("trigger.id", "\ud800"),
    ("data.sha256", "ab"),
    ("data.skipped", -1),
    ("data.class_names", ["one"]),
    ("data.resize_rule", "x" * 70_000),
    ("model.input_shape", [0, 16, 3]),
    ("model.parameters", -1),
    ("model.classes", 1),
    ("target.chosen", "guessed"),
    ("attention.grid", [0, 8]),
    ("engine.versions", {"\ud800": "1"}),
    ("shown", [-1]),
]


def forge(folder: Path, place: str, value: Any, name: str = "result") -> None:
    """Change what was saved, at a place such as `measurement.asr`."""
    document = inside = json.loads((folder / f"{name}.json").read_text())
    *path, last = [int(key) if key.isdigit() else key for key in place.split(".")]
    for key in path:
        inside = inside[key]
    inside[last] = value
    (folder / f"{name}.json").write_text(json.dumps(document))


def scanned(folder: Path) -> bytes:
    (found,) = exchange.load(AuditResults, folder).audits
    return render(certified(found), "html")


@pytest.mark.parametrize(("place", "value"), MEASURED, ids=lambda value: f"{value!r:.40}")
def test_a_scan(result: AuditResult, tmp_path: Path, place: str, value: Any) -> None:
    exchange.save(AuditResults((result,)), tmp_path)
    assert scanned(tmp_path)
    forge(tmp_path, f"audits.0.{place}", value)
    with pytest.raises(WorkError, match="cannot be trusted") as caught:
        scanned(tmp_path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (np.uint8, np.zeros((16, 15, 3), np.uint8)),
        (np.uint8, np.zeros((0, 0, 3), np.uint8)),
        (np.float32, np.zeros((7, 8), np.float32)),
        (np.float32, np.zeros((2**20, 0), np.float32)),
    ],
    ids=["another size", "no picture", "another grid", "a million rows of nothing"],
)
def test_pictures_of_another_model(result, tmp_path: Path, kind: Any, wrong: Any) -> None:
    exchange.save(AuditResults((result,)), tmp_path)
    with np.load(tmp_path / "result.npz") as opened:
        arrays = dict(opened)
    first = next(n for n, array in arrays.items() if array.dtype == kind and array.ndim > 1)
    np.savez(tmp_path / "result.npz", **(arrays | {first: wrong}))
    with pytest.raises(WorkError, match=r"examples\[0\]"):
        scanned(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"parameters": ', '"parameters": 1, "parameters": '),
        ('"parameters": ', f'"parameters": {"9" * 400}'),
        ('"value": ', '"value": 1e999'),
        ('{"audits": [', '{"audits": [' + "[" * 80),
    ],
    ids=["a key twice", "400 digits", "infinite", "deep"],
)
def test_json_that_is_none(result, tmp_path: Path, old: str, new: str) -> None:
    exchange.save(AuditResults((result,)), tmp_path)
    text = (tmp_path / "result.json").read_text()
    (tmp_path / "result.json").write_text(text.replace(old, new, 1))
    with pytest.raises(WorkError, match="no readable result") as caught:
        scanned(tmp_path)
    assert str(caught.value).isprintable()


def test_arrays_by_the_hundred_thousand_are_counted_before_they_are_opened(
    result, tmp_path: Path
) -> None:
    exchange.save(AuditResults((result,)), tmp_path)
    with (tmp_path / "result.npz").open("ab") as file:
        file.write(b"PK\x01\x02" * 110_001)
    with pytest.raises(WorkError, match="more than 110,000 arrays"):
        scanned(tmp_path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("data.sha256", "?"),
        ("data.training", -1),
        ("parameters", {"\ud800": 1}),
        ("parameters", {"x": 2**63}),
        ("history.1.tar", -1.0),
        ("history.1.phase", ""),
        ("history.1.training_seconds", 1e308),
        ("history.1.clean_accuracy", {**RATE, "n": 0}),
        ("kept", 99),
        ("seconds", -1),
        ("notes", ["x"] * 10_001),
        ("watched.labels", [0]),
    ],
    ids=lambda value: f"{value!r:.40}",
)
def test_a_repair(result, after, tmp_path: Path, place: str, value: Any) -> None:
    exchange.save(repairs.plan(result), tmp_path, "plan")
    exchange.save(repairs.repair_result(result, after), tmp_path)

    def taken() -> bytes:
        plan = exchange.load(Plan, tmp_path, "plan")
        repair = exchange.load(RepairResult, tmp_path, plan=plan)
        verdict = judge(result.measurement, Limits(), 3)
        certificate = certified(result)
        return render(
            with_repair(certificate, result, repair, None, None, verdict, "photos/"), "html"
        )

    assert taken()
    forge(tmp_path, place, value)
    with pytest.raises(AuditorError, match="cannot be trusted") as caught:
        taken()
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("options", {}),
        ("options.success", "high"),
        ("options.success", -0.5),
        ("median", -1),
        ("seconds", 1e300),
        ("held_out", -1),
        ("data.images", 2**60),
        ("classes.0.index", -1.0),
        ("classes.0.success", {**RATE, "low": 0.9}),
        ("classes.0.stopped", "\udfff"),
        ("model.input_shape", [8, 8, 0]),
    ],
    ids=lambda value: f"{value!r:.40}",
)
def test_a_search(tmp_path: Path, place: str, value: Any) -> None:
    exchange.save(searches.result("a", "b", flagged=(0,)), tmp_path)
    assert render(searches.bound(exchange.load(SearchResult, tmp_path)), "html")
    forge(tmp_path, place, value)
    with pytest.raises(WorkError, match="cannot be trusted"):
        render(searches.bound(exchange.load(SearchResult, tmp_path)), "html")
