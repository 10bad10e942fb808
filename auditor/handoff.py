"""How an audit's result passes from the worker to its parent: JSON, and arrays without pickle."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from auditor.codec import from_json, to_json
from auditor.errors import InputError, WorkError
from auditor.results import AuditResult

_MAX_ARRAYS = 256 << 20


def save(result: AuditResult, folder: Path) -> None:
    """Write `arrays.npz`, then `result.json`, into `folder`."""
    arrays: list[np.ndarray[Any, Any]] = []

    def pack(array: np.ndarray[Any, Any]) -> int:
        arrays.append(array)
        return len(arrays) - 1

    document = to_json(result, pack)
    named: dict[str, Any] = {f"a{i}": array for i, array in enumerate(arrays)}
    np.savez(folder / "arrays.npz", **named)
    write_result(document, folder)


def write_result(document: dict[str, Any], folder: Path) -> None:
    """Write a worker's plain result under its final name in one step."""
    unfinished = folder / "result.json.tmp"
    unfinished.write_text(json.dumps(document, allow_nan=False), "utf-8")
    os.replace(unfinished, folder / "result.json")


def load(document: dict[str, Any], folder: Path) -> AuditResult:
    """Turn a worker's result back, trusting none of it.

    Raises:
        WorkError: A field or an array is not what it should be.
    """
    arrays = read_arrays(folder)

    def unpack(key: Any) -> np.ndarray[Any, Any]:
        if f"a{key}" not in arrays:
            raise InputError("an array is missing")
        return arrays[f"a{key}"]

    try:
        result = from_json(AuditResult, document, unpack)
        for example in result.evidence.examples:
            _check_picture(example.clean)
            _check_picture(example.stamped)
            _check_heat(example.clean_heat)
            _check_heat(example.stamped_heat)
    except InputError as error:
        raise WorkError(f"the worker's result cannot be trusted: {error}") from error
    assert isinstance(result, AuditResult)
    return result


def read_arrays(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays that a worker left in `folder`, by name.

    Raises:
        WorkError: They are missing, larger than 256 MiB, or hold Python objects.
    """
    path = folder / "arrays.npz"
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(m.file_size for m in archive.infolist()) > _MAX_ARRAYS:
                raise WorkError("the worker's arrays are larger than 256 MiB")
        with np.load(path, allow_pickle=False) as opened:
            return {name: opened[name] for name in opened.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise WorkError("the worker left no readable arrays") from error


def _check_picture(array: np.ndarray[Any, Any]) -> None:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size > 1 << 28:
        raise InputError(f"a picture is {array.dtype} {array.shape}")


def _check_heat(array: np.ndarray[Any, Any]) -> None:
    if array.dtype != np.float32 or array.ndim != 2 or not np.isfinite(array).all():
        raise InputError(f"a heatmap is {array.dtype} {array.shape}, or not finite")
