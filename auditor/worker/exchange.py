"""How results pass from the worker to its parent: JSON, and arrays without pickle."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from auditor.errors import InputError, WorkError
from auditor.figures.results import AuditResult, AuditResults, Rate, Skipped
from auditor.figures.target import Target
from auditor.files.codec import finite, from_json, no_array, to_json
from auditor.files.regular_file import read_regular
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.ports import Ports
from auditor.repair.result import BEFORE, Epoch, Plan, RepairResult, Step, Watched
from auditor.search.result import FoundStamp, SearchResult

T = TypeVar("T")

_MAX_ARRAYS = 256 << 20
_MAX_RESULT = 64 << 20


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
    except InputError as error:
        raise WorkError(f"the worker's result cannot be trusted: {error}") from error
    assert isinstance(value, kind)
    return value


def read_result(folder: Path, name: str = "result") -> dict[str, Any]:
    """Return the plain values of what a worker saved.

    Raises:
        WorkError: They are missing, larger than 64 MiB, or no JSON object.
    """
    try:
        text = read_regular(folder / f"{name}.json", _MAX_RESULT)
        result = json.loads(text, parse_float=finite, parse_constant=finite)
    except OSError as error:
        raise WorkError(f"the worker's result {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise WorkError("the worker left no readable result") from error
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
        _check_counts(said.epoch, said.done, said.images)
    except InputError as error:
        raise WorkError(f"the worker's message cannot be trusted: {error}") from error
    return said


def read_arrays(folder: Path, name: str = "arrays") -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays that a worker left in `folder`, by name.

    Raises:
        WorkError: They are missing, larger than 256 MiB, or hold Python objects.
    """
    try:
        content = io.BytesIO(read_regular(folder / f"{name}.npz", _MAX_ARRAYS))
        with zipfile.ZipFile(content) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size <= _MAX_ARRAYS:
            with np.load(content, allow_pickle=False) as opened:
                return {name: opened[name] for name in opened.files}
    except OSError as error:
        raise WorkError(f"the worker left no readable arrays: {error.strerror}") from error
    except Exception as error:  # nonsense makes zipfile, zlib and numpy raise errors of many kinds
        raise WorkError("the worker left no readable arrays") from error
    raise WorkError("the worker's arrays are larger than 256 MiB")


def _check_picture(array: np.ndarray[Any, Any]) -> None:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size > 1 << 28:
        raise InputError(f"a picture is {array.dtype} {array.shape}")


def _check_heat(array: np.ndarray[Any, Any], dimensions: int = 2) -> None:
    """Look at one heatmap, or at several in one array."""
    said = f"a heatmap is {array.dtype} {array.shape}"
    if array.dtype != np.float32 or array.ndim != dimensions or max(array.shape) > _MOST_CELLS:
        raise InputError(said)
    if not (np.isfinite(array) & (array >= 0)).all():
        raise InputError(f"{said}, not finite or negative")


def _check_correct(array: np.ndarray[Any, Any], images: int) -> None:
    if array.dtype != np.uint8 or array.shape != (images,) or (array > 1).any():
        raise InputError(f"`correct` is {array.dtype} {array.shape}, or not of 0 and 1")


def _check_audit(result: AuditResult) -> None:
    for example in result.evidence.examples:
        _check_picture(example.clean)
        _check_picture(example.stamped)
        _check_heat(example.clean_heat)
        _check_heat(example.stamped_heat)
    _check_correct(result.correct, result.data.images)


def _check_audits(results: AuditResults) -> None:
    """Look at each; together they must be of one model and the same images."""
    if not results.audits:
        raise InputError("there is no audit")
    first = results.audits[0]
    for result in results.audits:
        _check_audit(result)
        _check_target(result.target, result.model.classes)
        if (result.model, result.data) != (first.model, first.data):
            raise InputError("the audits are of different models or images")


def _check_target(target: Target, classes: int) -> None:
    led = () if target.leads is None else target.leads
    if target.class_ is None and not led:
        raise InputError("a target leads nowhere")
    if led and len(led) != classes:
        raise InputError(f"a target is for {len(led)} classes, not {classes}")
    named = led if target.class_ is None else (*led, target.class_)
    if any(not 0 <= class_ < classes for class_ in named):
        raise InputError(f"a target is none of {classes} classes")


def _check_watched(watched: Watched) -> None:
    stamped, outline = watched.stamped, watched.outline
    if stamped.ndim != 4 or len(stamped) > _MOST_WATCHED:
        raise InputError(f"the watched images are {stamped.dtype} {stamped.shape}")
    for picture in stamped:
        _check_picture(picture)
    if outline.dtype != np.uint8 or outline.shape != stamped.shape[1:3] or (outline > 1).any():
        raise InputError(f"an outline is {outline.dtype} {outline.shape}, or not of 0 and 1")
    if not len(stamped) == len(watched.names) == len(watched.labels):
        raise InputError("the watched images do not agree in number")


def _check_epoch(epoch: Epoch) -> None:
    _check_heat(epoch.heat, dimensions=3)
    if not len(epoch.heat) == len(epoch.predicted) == len(epoch.watched_tar) <= _MOST_WATCHED:
        raise InputError("an epoch's watched images do not agree in number")
    _check_counts(epoch.epoch, epoch.step, epoch.images)
    for rate in (epoch.clean_accuracy, epoch.asr, epoch.robust_accuracy, epoch.clean_target_rate):
        if isinstance(rate, Rate) and not 0 <= rate.low <= rate.value <= rate.high <= 1:
            raise InputError(f"a rate is {rate.value}, from {rate.low} to {rate.high}")


def _check_plan(plan: Plan) -> None:
    _check_watched(plan.watched)
    _check_target(plan.target, len(plan.class_names))
    _check_classes(plan, plan.watched.labels)
    counts = (plan.steps_per_epoch, plan.batch_size, plan.training, plan.validation)
    _check_counts(*counts, plan.epochs, *(epochs for _, epochs in plan.phases))
    names = [name for name, _ in plan.phases]
    if len(set(names)) < len(names) or any(not 0 < len(name) <= _LONGEST_PHASE for name in names):
        raise InputError("a phase has no name, a long one, or another's")


def _check_inspection(inspection: Inspection) -> None:
    if inspection.stored < 0:
        raise InputError("a count is negative")


def _check_ports(ports: Ports) -> None:
    if any(not -1 <= size <= _MOST_COUNTED for _, s in ports.inputs + ports.outputs for size in s):
        raise InputError("a dimension is none")


def _check_repair(result: RepairResult) -> None:
    _check_watched(result.watched)
    for epoch in result.history:
        _check_epoch(epoch)
        if len(epoch.heat) != len(result.watched.names):
            raise InputError("an epoch watched other images")
    epochs = [epoch.epoch for epoch in result.history]
    if not epochs or epochs != list(range(len(epochs))):
        raise InputError("the history is empty, or its epochs are out of order")
    if result.kept is not None and result.kept not in epochs[1:]:
        raise InputError(f"epoch {result.kept} is kept, and not in the history")


def _check_search(result: SearchResult) -> None:
    """Look at every class; there is one a class of the model, in its order, with its name."""
    height, width, _ = result.model.input_shape
    names = result.data.class_names
    if [(f.class_, f.name) for f in result.classes] != list(enumerate(names)):
        raise InputError("the classes are not the model's, in its order")
    if len(names) != result.model.classes or min(height, width) < 1:
        raise InputError("the model's shape or number of classes cannot be")
    _check_picture(result.example)
    if result.example.shape != (height, width, 3):
        raise InputError(f"the example is {result.example.shape}, the model takes other images")
    _check_counts(result.rounds, result.evaluations, result.held_out, result.data.images)
    for found in result.classes:
        _check_found(found, (height, width))


def _check_found(found: FoundStamp, size: tuple[int, int]) -> None:
    """A stamp is the image's size or empty; a flagged class has one, with a norm and a proof."""
    mask, pattern = found.mask, found.pattern
    _check_picture(pattern)
    if mask.dtype != np.float32 or mask.ndim != 2 or mask.shape not in (size, (0, 0)):
        raise InputError(f"a mask is {mask.dtype} {mask.shape}")
    if pattern.shape[:2] != mask.shape or not ((mask >= 0) & (mask <= 1)).all():
        raise InputError("a mask and its pattern do not agree, or a mask leaves 0 to 1")
    _check_counts(found.rounds)
    if isinstance(found.norm, float) and not 0 <= found.norm <= size[0] * size[1] + 1:
        raise InputError(f"a norm is {found.norm}")
    if isinstance(found.success, Rate) and not 0 <= found.success.low <= found.success.high <= 1:
        raise InputError(f"a rate goes from {found.success.low} to {found.success.high}")
    missing = isinstance(found.norm, Skipped) or isinstance(found.success, Skipped)
    if found.flagged and (missing or not mask.any()):
        raise InputError("a flagged class has no stamp")


def _check_kept_to(plan: Plan, value: Epoch | RepairResult) -> None:
    """Refuse what watched other images than the plan says, or names classes that it does not."""
    history = value.history if isinstance(value, RepairResult) else (value,)
    if isinstance(value, RepairResult):
        _check_classes(plan, value.watched.labels)
    for epoch in history:
        known = epoch.phase == BEFORE or epoch.phase in dict(plan.phases)
        if (
            len(epoch.predicted) != len(plan.watched.names)
            or epoch.epoch > plan.epochs
            or not known
        ):
            raise InputError("an epoch is none of the plan's")
        _check_classes(plan, epoch.predicted)


def _check_classes(plan: Plan, classes: tuple[int, ...]) -> None:
    if any(not 0 <= class_ < len(plan.class_names) for class_ in classes):
        raise InputError(f"a class is none of the {len(plan.class_names)} that are named")


def _check_counts(*counts: int) -> None:
    if any(not 0 <= count <= _MOST_COUNTED for count in counts):
        raise InputError("a count is negative, or larger than any can be")


_MOST_WATCHED = 64
_LONGEST_PHASE = 20
_MOST_CELLS = 1024
_MOST_COUNTED = 1 << 48

_CHECKS: dict[type[Any], Callable[[Any], None]] = {
    AuditResults: _check_audits,
    Epoch: _check_epoch,
    Inspection: _check_inspection,
    Plan: _check_plan,
    Ports: _check_ports,
    RepairResult: _check_repair,
    SearchResult: _check_search,
}
"""What a worker may send → what must hold of its arrays, counts and classes."""
