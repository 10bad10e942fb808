"""How results pass from the worker to its parent: JSON, and arrays without pickle."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from auditor.errors import InputError, Untrusted, UsageError, WorkError
from auditor.figures.consistency import (
    check_evidence,
    check_examples,
    check_measurement,
    check_target,
)
from auditor.figures.results import AuditResult, AuditResults
from auditor.files.codec import from_json, no_array, to_json
from auditor.files.regular_file import read_regular
from auditor.files.strict_json import strict
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.ports import HeatmapLayers, Ports
from auditor.probe.consistency import check_reactivation
from auditor.probe.result import Reactivation
from auditor.repair.consistency import check_epoch, check_plan, check_result
from auditor.repair.result import Epoch, Plan, RepairResult, Step
from auditor.search import consistency as search_consistency
from auditor.search.result import SearchResult

T = TypeVar("T")

_MAX_ARRAYS = 256 << 20
_MAX_RESULT = 64 << 20
_MOST_ARRAYS = 110_000  # a search of the most classes has two for each
_ENTRY = b"PK\x01\x02"


def save(value: Any, folder: Path, name: str = "result") -> None:
    """Write a dataclass into `folder`: `NAME.npz` with its arrays, then `NAME.json`."""
    arrays: list[np.ndarray[Any, Any]] = []

    def pack(array: np.ndarray[Any, Any]) -> int:
        arrays.append(array)
        return len(arrays) - 1

    document = to_json(value, pack)
    named: dict[str, Any] = {f"a{i}": array for i, array in enumerate(arrays)}
    np.savez(folder / f"{name}.npz", **named)
    write_result(document, folder, name)


def write_result(document: dict[str, Any], folder: Path, name: str = "result") -> None:
    """Write a worker's plain result under its final name in one step."""
    unfinished = folder / f"{name}.json.tmp"
    unfinished.write_text(json.dumps(document, allow_nan=False), "utf-8")
    unfinished.replace(folder / f"{name}.json")


def load(kind: type[T], folder: Path, name: str = "result", plan: Plan | None = None) -> T:
    """Read what a worker saved, trusting none of it.

    Args:
        kind: What it must be: one of those in `_CHECKS`.
        folder: Where it was saved.
        name: The name it was saved under.
        plan: What the worker said it would do: an `Epoch` or a `RepairResult` must keep to it.

    Raises:
        WorkError: A field or an array is not what it should be.
    """
    document, arrays = read_result(folder, name), read_arrays(folder, name)

    def unpack(key: Any) -> np.ndarray[Any, Any]:
        if f"a{key}" not in arrays:
            raise InputError("an array is missing")
        return arrays[f"a{key}"]

    try:
        value = from_json(kind, document, unpack)
        _CHECKS[kind](value)
        if plan is not None:
            _check_kept_to(plan, value)
    except (InputError, UsageError) as error:
        raise Untrusted(f"the worker's result cannot be trusted: {error}") from error
    assert isinstance(value, kind)
    return value


def read_result(folder: Path, name: str = "result") -> dict[str, Any]:
    """Return the plain values of what a worker saved.

    Raises:
        WorkError: They are missing, larger than 64 MiB, or no JSON object that `strict` takes.
    """
    try:
        text = read_regular(folder / f"{name}.json", _MAX_RESULT)
        result = strict(text)
    except OSError as error:
        raise WorkError(f"the worker's result {error.strerror}") from error
    except ValueError as error:
        raise WorkError(f"the worker left no readable result: {error}") from error
    if not isinstance(result, dict):
        raise WorkError("the worker's result is not an object")
    return result


def step(event: dict[str, Any]) -> Step:
    """Return what a worker said of its steps, trusting none of it.

    Raises:
        WorkError: A field is not what it should be.
    """
    try:
        said: Step = from_json(Step, {k: v for k, v in event.items() if k != "event"}, no_array)
    except InputError as error:
        raise Untrusted(f"the worker's message cannot be trusted: {error}") from error
    return said


def read_arrays(folder: Path, name: str = "arrays") -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays that a worker left in `folder`, by name.

    Raises:
        WorkError: They are missing, larger than 256 MiB, more than 110,000, or hold Python objects.
    """
    try:
        content = io.BytesIO(read_regular(folder / f"{name}.npz", _MAX_ARRAYS))
        if content.getvalue().count(_ENTRY) > _MOST_ARRAYS:  # before zipfile makes objects of them
            raise WorkError(f"the worker left more than {_MOST_ARRAYS:,} arrays")
        with zipfile.ZipFile(content) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size <= _MAX_ARRAYS:
            with np.load(content, allow_pickle=False) as opened:
                return {name: opened[name] for name in opened.files}
    except OSError as error:
        raise WorkError(f"the worker left no readable arrays: {error.strerror}") from error
    except WorkError:
        raise
    except Exception as error:  # nonsense makes zipfile, zlib and numpy raise errors of many kinds
        raise WorkError("the worker left no readable arrays") from error
    raise WorkError("the worker's arrays are larger than 256 MiB")


def _check_audits(results: AuditResults) -> None:
    """Look at each; together they must be of one model and the same images."""
    first = results.audits[0]
    for number, result in enumerate(results.audits):
        _check_audit(result, f"$.audits[{number}]")
        if (result.model, result.data) != (first.model, first.data):
            raise InputError("the audits are of different models or images")


def _check_audit(result: AuditResult, where: str) -> None:
    model, names = result.model, result.data.class_names
    if len(names) != model.classes:
        raise InputError(f"{where}.data.class_names: not one for each of {model.classes} classes")
    if result.correct.shape != (result.data.images,):
        raise InputError(f"{where}.correct: is {result.correct.shape}, not one an image")
    evidence, examples = result.evidence, f"{where}.evidence.examples"
    check_target(result.target, names, f"{where}.target")
    check_measurement(result.measurement, result.data.images, f"{where}.measurement")
    check_evidence(evidence, result.measurement, names, result.target, f"{where}.evidence")
    check_examples(evidence.examples, model.classes, model.input_shape, result.attention, examples)


def _check_kept_to(plan: Plan, value: Epoch | RepairResult) -> None:
    """Refuse what is none of a plan's."""
    if isinstance(value, RepairResult):
        check_result(value, plan)
    else:
        check_epoch(value, plan)


def _nothing_more(value: Any) -> None:
    """Leave it at what its type says."""


_CHECKS: dict[type[Any], Callable[[Any], None]] = {
    AuditResults: _check_audits,
    Epoch: _nothing_more,
    HeatmapLayers: _nothing_more,
    Inspection: _nothing_more,
    Plan: check_plan,
    Ports: _nothing_more,
    Reactivation: check_reactivation,
    RepairResult: _nothing_more,
    SearchResult: search_consistency.check,
}
"""What a worker may send → what must hold beyond its type; of a repair, `_check_kept_to`."""
