"""Save every architecture of keras.applications in every format, and look for false alarms.

    python -m tests.models.inspect.every_application [NAME ...]

Takes half an hour on two cores; the tests in this folder do the same with a few small ones.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import onnx

from auditor.errors import InputError
from auditor.models.inspect import examine
from tests.models.inspect.architectures import architectures

RESULT = Path(__file__).parents[2] / "benchmarks" / "results" / "false_alarms.md"


def save(model: Any, path: Path) -> None:
    model.save(path)


def export(model: Any, path: Path) -> None:
    model.export(path, verbose=False)


def saved_model(model: Any, path: Path) -> None:
    import tensorflow as tf

    tf.saved_model.save(model, str(path))


def export_onnx(model: Any, path: Path) -> None:
    import numpy as np

    model(np.zeros((1, *model.input_shape[1:]), "float32"))  # Keras insists on one call before
    model.export(path, format="onnx", verbose=False)


def tf2onnx(model: Any, path: Path) -> None:
    import tf2onnx

    tf2onnx.convert.from_keras(model, opset=18, output_path=str(path))


COLUMNS: dict[str, tuple[str, Callable[[Any, Path], None]]] = {
    ".keras": ("model.keras", save),
    ".h5": ("model.h5", save),
    "SavedModel by export": ("exported", export),
    "SavedModel by tf.saved_model": ("saved", saved_model),
    "ONNX by export": ("exported.onnx", export_onnx),
    "ONNX by tf2onnx": ("model.onnx", tf2onnx),
}
"""Column → the file's name and what writes it."""


def verdict(model: Any, write: Callable[[Any, Path], None], path: Path) -> str:
    """Say what the check says of one file, and how long it took."""
    try:
        write(model, path)
        if path.suffix == ".onnx":
            onnx.checker.check_model(path)
    except onnx.checker.ValidationError:  # tf2onnx logs what it cannot do and writes nonetheless
        return "not written: invalid ONNX"
    except Exception as error:  # what an exporter cannot do is no false alarm
        return f"not written: {type(error).__name__}"
    start = time.perf_counter()
    try:
        found = examine(path, path.name)
    except InputError as error:
        return f"**{error}**"
    seconds = time.perf_counter() - start
    if found.findings:
        return f"**{found.findings[0].place}: {found.findings[0].reason}**"
    return f"{len(found.layers)} in {seconds:.2f} s"


def row(build: Callable[[], Any]) -> list[str]:
    import keras

    model = build()
    cells = [f"{model.count_params():,}"]
    with tempfile.TemporaryDirectory() as folder:
        for name, write in COLUMNS.values():
            cells.append(verdict(model, write, Path(folder) / name))
    keras.backend.clear_session()
    return cells


def table(rows: list[list[str]]) -> str:
    import keras

    headings = ["architecture", "parameters", *COLUMNS]
    lines = [f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *rows)]
    alarms = sum(cell.startswith("**") for cells in rows for cell in cells)
    files = sum("not written" not in cell for cells in rows for cell in cells[2:])
    return f"""# False alarms of the static check

- `python -m tests.models.inspect.every_application`, Keras {keras.__version__}
- Each cell: layers or nodes looked at and the seconds it took, or in bold what was refused

{chr(10).join(lines)}

False alarms: {alarms} in {files} files.
"""


def main(chosen: list[str]) -> None:
    rows = []
    for name, build in architectures():
        if not chosen or name in chosen:
            rows.append([name, *row(build)])
            print(*rows[-1], sep=" | ", flush=True)
        if not chosen:  # after each, for it takes long
            RESULT.write_text(table(rows), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
