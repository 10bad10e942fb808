"""What the worker leaves is data: a result is read back whole, or refused."""

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.errors import WorkError
from auditor.figures.results import AuditResult, AuditResults
from auditor.figures.target import Target
from auditor.repair.result import Epoch, Plan, RepairResult, Step
from auditor.worker import exchange
from tests.report import repairs
from tests.report.conftest import after, result

__all__ = ["after", "result"]


def change(folder: Path, name: str, path: list[Any], value: Any) -> None:
    """Change one field of what was saved."""
    document = place = json.loads((folder / f"{name}.json").read_text())
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (folder / f"{name}.json").write_text(json.dumps(document))


def replace_arrays(folder: Path, name: str, **arrays: np.ndarray) -> None:
    with np.load(folder / f"{name}.npz") as opened:
        saved = dict(opened)
    assert set(arrays) <= set(saved)
    np.savez(folder / f"{name}.npz", **{**saved, **arrays})


def test_a_result_comes_back_the_same(result: AuditResult, tmp_path: Path) -> None:
    exchange.save(AuditResults((result,)), tmp_path)
    (back,) = exchange.load(AuditResults, tmp_path).audits
    assert back.measurement == result.measurement
    assert back.data == result.data
    assert (back.shown, back.evidence.neighbours) == (result.shown, result.evidence.neighbours)
    np.testing.assert_array_equal(back.correct, result.correct)
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
    exchange.save(AuditResults((result,)), tmp_path)
    replace_arrays(tmp_path, "result", a0=array, a2=array)
    with pytest.raises(WorkError):
        exchange.load(AuditResults, tmp_path)


@pytest.mark.parametrize(
    "correct",
    [np.ones(300), np.full(300, 2, np.uint8), np.ones(299, np.uint8), np.ones((300, 1), np.uint8)],
    ids=["dtype", "value", "length", "shape"],
)
def test_what_was_recognised_is_one_bit_an_image(result, tmp_path: Path, correct) -> None:
    exchange.save(AuditResults((dataclasses.replace(result, correct=correct),)), tmp_path)
    with pytest.raises(WorkError, match=r"\.correct: "):
        exchange.load(AuditResults, tmp_path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["measurement", "asr", "value"], "0"),
        (["measurement", "asr"], {}),
        (["data", "class_names"], [["a"]]),
        (["target", "chosen"], "guessed"),
        (["evidence", "examples", 0, "clean"], 99),
        (["extra"], 1),
        (["shown"], [1, "2"]),
        (["neighbours"], [{"name": "moved", "asr": 0.5}]),
        (["model", "classes"], True),
    ],
)
def test_fields_that_are_wrong_are_refused(result, tmp_path: Path, path: list, value) -> None:
    exchange.save(AuditResults((result,)), tmp_path)
    change(tmp_path, "result", ["audits", 0, *path], value)
    with pytest.raises(WorkError, match="cannot be trusted"):
        exchange.load(AuditResults, tmp_path)


@pytest.mark.parametrize(
    "target",
    [
        Target(10_000, "none", "given"),
        Target(None, "the next class", "given"),
        Target(None, "the next class", "given", leads=(1, 0)),
        Target(0, "0", "given", leads=(0, 0, -1)),
    ],
    ids=["class", "nowhere", "other number", "negative"],
)
def test_a_target_is_one_of_the_models_classes(result, tmp_path: Path, target: Target) -> None:
    exchange.save(AuditResults((dataclasses.replace(result, target=target),)), tmp_path)
    with pytest.raises(WorkError, match="target"):
        exchange.load(AuditResults, tmp_path)


def test_audits_of_one_run_are_of_one_model(result, tmp_path: Path) -> None:
    other = dataclasses.replace(
        result, model=dataclasses.replace(result.model, parameters=result.model.parameters + 1)
    )
    exchange.save(AuditResults((result, other)), tmp_path)
    with pytest.raises(WorkError, match="different models"):
        exchange.load(AuditResults, tmp_path)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 400])
def test_what_is_not_finite_is_no_json(result, tmp_path: Path, number: str) -> None:
    exchange.save(AuditResults((result,)), tmp_path)
    text = (tmp_path / "result.json").read_text()
    value = str(result.measurement.asr.value)
    (tmp_path / "result.json").write_text(text.replace(f'"value": {value}', f'"value": {number}'))
    with pytest.raises(WorkError, match="no readable result"):
        exchange.load(AuditResults, tmp_path)


def test_missing_or_truncated_arrays_are_refused(result, tmp_path: Path) -> None:
    exchange.save(AuditResults((result,)), tmp_path)
    whole = (tmp_path / "result.npz").read_bytes()
    (tmp_path / "result.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WorkError, match="no readable arrays"):
        exchange.load(AuditResults, tmp_path)
    (tmp_path / "result.npz").unlink()
    with pytest.raises(WorkError, match="no readable arrays"):
        exchange.load(AuditResults, tmp_path)


@pytest.mark.parametrize("kind", ["encrypted", "unknown compression", "no header", "larger"])
def test_archives_that_are_nonsense_are_refused(result, tmp_path: Path, kind: str) -> None:
    """Each makes zipfile or numpy raise another error."""
    exchange.save(AuditResults((result,)), tmp_path)
    path = tmp_path / "result.npz"
    if kind == "no header":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a0.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': (((((((")
    elif kind == "larger":
        np.savez_compressed(path, a0=np.zeros((1 << 28) + 1, np.uint8))
    else:
        whole = bytearray(path.read_bytes())
        for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = whole.find(signature)
            whole[at + flags + (0 if kind == "encrypted" else 2)] = 1 if kind == "encrypted" else 77
        path.write_bytes(whole)
    with pytest.raises(WorkError, match="larger than 256" if kind == "larger" else "no readable"):
        exchange.load(AuditResults, tmp_path)


@pytest.fixture
def plan(result: AuditResult) -> Plan:
    return repairs.plan(result)


@pytest.fixture
def told(plan: Plan, result: AuditResult, after: AuditResult, tmp_path: Path) -> Path:
    """A folder with a plan, an epoch and a repair's result, as a worker leaves them."""
    exchange.save(plan, tmp_path, "plan")
    exchange.save(repairs.history(result, after)[3], tmp_path, "epoch-3")
    exchange.save(repairs.repair_result(result, after), tmp_path)
    return tmp_path


def test_a_repair_comes_back_the_same(plan, told: Path, result, after) -> None:
    assert exchange.load(Plan, told, "plan").class_names == plan.class_names
    epoch = exchange.load(Epoch, told, "epoch-3", plan)
    assert epoch.asr == repairs.history(result, after)[3].asr
    back = exchange.load(RepairResult, told, plan=plan)
    assert back.parameters == repairs.repair_result(result, after).parameters
    for one, other in zip(back.history, repairs.history(result, after), strict=True):
        np.testing.assert_array_equal(one.heat, other.heat)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["watched", "names"], ["one"]),
        (["watched", "labels"], [0, 1]),
        (["watched", "labels", 0], 3),
        (["watched", "labels", 0], -1),
        (["watched", "labels", 0], 0.5),
        (["class_names"], []),
        (["phases"], [["unlearning", -1]]),
        (["phases"], [["unlearning", 1 << 60]]),
        (["phases"], [["unlearning"]]),
        (["steps_per_epoch"], -20),
        (["batch_size"], 1.5),
        (["training"], 1 << 60),
    ],
)
def test_a_plan_that_is_wrong_is_refused(told: Path, path: list, value) -> None:
    change(told, "plan", path, value)
    with pytest.raises(WorkError, match="cannot be trusted"):
        exchange.load(Plan, told, "plan")


@pytest.mark.parametrize(
    ("stamped", "outline"),
    [
        (np.zeros((5, 16, 16, 3), np.float32), None),
        (np.zeros((5, 16, 16), np.uint8), None),
        (np.zeros((16, 16, 3), np.uint8), None),
        (np.zeros((65, 16, 16, 3), np.uint8), None),
        (np.zeros((4, 16, 16, 3), np.uint8), None),
        (None, np.zeros((16, 15), np.uint8)),
        (None, np.zeros((16, 16), bool)),
        (None, np.full((16, 16), 2, np.uint8)),
    ],
)
def test_watched_images_that_are_none_are_refused(told: Path, stamped, outline) -> None:
    given = {"a0": stamped, "a1": outline}
    replace_arrays(told, "plan", **{k: v for k, v in given.items() if v is not None})
    with pytest.raises(WorkError, match="cannot be trusted"):
        exchange.load(Plan, told, "plan")


WRONG_EPOCHS: list[tuple[list[Any], Any]] = [
    (["watched_tar"], [0.5]),
    (["predicted"], [0, 0, 0, 0]),
    (["predicted"], [0, 0, 0, 0, 3]),
    (["predicted"], [0, 0, 0, 0, -1]),
    (["predicted"], [0, 0, 0, 0, True]),
    (["epoch"], -1),
    (["epoch"], 19),
    (["step"], 1 << 60),
    (["images"], "many"),
    (["asr", "value"], 1.01),
    (["asr", "low"], -0.1),
    (["clean_accuracy"], {"value": 0.5, "low": 0.6, "high": 0.7, "n": 10}),
    (["robust_accuracy"], None),
]


@pytest.mark.parametrize(("path", "value"), WRONG_EPOCHS)
def test_an_epoch_that_is_wrong_is_refused(plan, told: Path, path: list, value) -> None:
    change(told, "epoch-3", path, value)
    with pytest.raises(WorkError, match="cannot be trusted"):
        exchange.load(Epoch, told, "epoch-3", plan)


WRONG_HEAT = {
    "fewer": np.zeros((4, 8, 8), np.float32),
    "flat": np.zeros((5, 8), np.float32),
    "dtype": np.zeros((5, 8, 8), np.float64),
    "absurdly wide": np.zeros((5, 1, 2000), np.float32),
    "nan": np.full((5, 8, 8), np.nan, np.float32),
    "infinite": np.full((5, 8, 8), np.inf, np.float32),
    "negative": np.full((5, 8, 8), -1, np.float32),
}


@pytest.mark.parametrize("kind", WRONG_HEAT)
def test_heat_that_is_none_is_refused(plan, told: Path, kind: str) -> None:
    replace_arrays(told, "epoch-3", a0=WRONG_HEAT[kind])
    with pytest.raises(WorkError, match="cannot be trusted"):
        exchange.load(Epoch, told, "epoch-3", plan)


def test_a_model_without_a_layer_to_look_at_has_no_heat(plan, told: Path) -> None:
    replace_arrays(told, "epoch-3", a0=np.zeros((5, 0, 0), np.float32))
    assert exchange.load(Epoch, told, "epoch-3", plan).heat.shape == (5, 0, 0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["history"], []),
        (["history", 2, "epoch"], 3),
        (["history", 0, "epoch"], 1),
        (["kept"], 19),
        (["kept"], 0),
        (["kept"], -1),
        (["watched", "labels", 0], 3),
        (["watched", "names"], ["one"]),
        (["data", "training"], "all"),
        (["parameters", "epochs"], [15]),
        *((["history", 3, *path], value) for path, value in WRONG_EPOCHS),
    ],
)
def test_a_repair_that_is_wrong_is_refused(plan, told: Path, path: list, value) -> None:
    change(told, "result", path, value)
    with pytest.raises(WorkError, match="cannot be trusted"):
        exchange.load(RepairResult, told, plan=plan)


def test_steps() -> None:
    step = {"event": "step", "phase": "unlearning", "epoch": 1, "done": 7, "images": 448}
    assert exchange.step(step) == Step("unlearning", 1, 7, 448)
    wrong = ({"done": 7.5}, {"done": "7"}, {"done": -7}, {"images": 1 << 60}, {"phase": None})
    for change in (*wrong, {"done": True}, {"more": 1}):
        with pytest.raises(WorkError, match="cannot be trusted"):
            exchange.step({**step, **change})
    del step["done"]
    with pytest.raises(WorkError, match="cannot be trusted"):
        exchange.step(step)
