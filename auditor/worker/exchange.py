"""How results pass from the worker to its parent: JSON, and arrays without pickle."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from auditor.errors import InputError, UsageError, WorkError
from auditor.figures.coherence import check_classes, check_evidence, check_target
from auditor.figures.results import AuditResults, Skipped
from auditor.figures.values import MOST_EPOCHS
from auditor.files.codec import from_json, no_array, to_json
from auditor.files.regular_file import read_regular
from auditor.files.strict_json import strict
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.ports import Ports
from auditor.repair.coherence import check_history
from auditor.repair.result import BEFORE, Epoch, Plan, RepairResult, Step
from auditor.search.options import SearchOptions
from auditor.search.result import FoundStamp, SearchResult

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
        raise WorkError(f"the worker's result cannot be trusted: {error}") from error
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
        raise WorkError(f"the worker's message cannot be trusted: {error}") from error
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
        where = f"$.audits[{number}]"
        model = result.model
        check_target(result.target, model.classes, f"{where}.target")
        shape = model.classes, model.input_shape, result.attention
        check_evidence(result.evidence, *shape, f"{where}.evidence")
        if result.correct.shape != (result.data.images,):
            raise InputError(f"{where}.correct: is {result.correct.shape}, not one an image")
        if len(result.data.class_names) != model.classes:
            raise InputError(
                f"{where}.data.class_names: not one for each of {model.classes} classes"
            )
        if (model, result.data) != (first.model, first.data):
            raise InputError("the audits are of different models or images")


def _check_plan(plan: Plan) -> None:
    check_target(plan.target, len(plan.class_names))
    check_classes(plan.watched.labels, len(plan.class_names), "$.watched.labels")
    names = [name for name, _ in plan.phases]
    if len(set(names)) < len(names):
        raise InputError("$.phases: two have one name")
    if plan.epochs >= MOST_EPOCHS:
        raise InputError(f"$.phases: {plan.epochs} epochs, of which {MOST_EPOCHS} are allowed")


def _check_search(result: SearchResult) -> None:
    """Look at every class; there is one a class of the model, in its order, with its name."""
    height, width, _ = result.model.input_shape
    names = result.data.class_names
    if [(f.class_, f.name) for f in result.classes] != list(enumerate(names)):
        raise InputError("$.classes: are not the model's, in its order")
    if len(names) != result.model.classes:
        raise InputError(f"$.data.class_names: not one a class of {result.model.classes}")
    if result.example.shape != (height, width, 3):
        raise InputError(f"the example is {result.example.shape}, the model takes other images")
    if result.options.keys() != SearchOptions.__dataclass_fields__.keys():
        raise InputError("$.options: are not those of a search")
    from_json(SearchOptions, result.options, no_array, "$.options")
    for found in result.classes:
        _check_found(found, (height, width))


def _check_found(found: FoundStamp, size: tuple[int, int]) -> None:
    """A stamp is the image's size or empty; a flagged class has one, with a norm and a proof."""
    mask, pattern = found.mask, found.pattern
    if mask.shape not in (size, (0, 0)) or pattern.shape[:2] != mask.shape:
        raise InputError(f"a mask is {mask.shape}, its pattern {pattern.shape}")
    if isinstance(found.norm, float) and found.norm > size[0] * size[1] + 1:
        raise InputError(f"a norm is {found.norm}")
    missing = isinstance(found.norm, Skipped) or isinstance(found.success, Skipped)
    if found.flagged and (missing or not mask.any()):
        raise InputError("a flagged class has no stamp")


def _check_kept_to(plan: Plan, value: Epoch | RepairResult) -> None:
    """Refuse what watched other images than the plan says, or names classes that it does not."""
    if isinstance(value, RepairResult):
        check_history(value, len(plan.class_names))
        if value.kept == 0 or value.history[-1].epoch != len(value.history) - 1:
            raise InputError("$.history: lacks an epoch, or none but the first was kept")
        if len(value.watched.names) != len(plan.watched.names):
            raise InputError("$.watched: other images than the plan's")
    for epoch in value.history if isinstance(value, RepairResult) else (value,):
        known = epoch.phase == BEFORE or epoch.phase in dict(plan.phases)
        watched = len(epoch.predicted) == len(plan.watched.names)
        if not (known and watched) or epoch.epoch > plan.epochs:
            raise InputError("an epoch is none of the plan's")
        check_classes(epoch.predicted, len(plan.class_names), "$.predicted")


def _nothing_more(value: Any) -> None:
    """Leave it at what its type says."""


_CHECKS: dict[type[Any], Callable[[Any], None]] = {
    AuditResults: _check_audits,
    Epoch: _nothing_more,
    Inspection: _nothing_more,
    Plan: _check_plan,
    Ports: _nothing_more,
    RepairResult: _nothing_more,
    SearchResult: _check_search,
}
"""What a worker may send → what must hold beyond its type; of a repair, `_check_kept_to`."""
