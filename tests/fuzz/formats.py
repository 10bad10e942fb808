"""What is fuzzed: per format, how a file of it is mutated and who judges it."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from auditor.models.inspect.saved_model_proto import saved_model_class
from tests.fuzz import data, documents, flatbuffer, graphs, hdf5, keras_zip, messages, raw, results

Mutate = Callable[[bytes, Random, tuple[str, ...]], bytes]


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes:
        write: Writes a mutation of a seed: from, to, chance, baits.
        suffix: Of its files.
        judge: The judge in `worker.JUDGES`.
        loads: Whether what passes is loaded.
    """

    write: Callable[[Path, Path, Random, tuple[str, ...]], None]
    suffix: str
    judge: str = "check"
    loads: bool = False


def _file(mutate: Mutate) -> Callable[[Path, Path, Random, tuple[str, ...]], None]:
    def write(seed: Path, target: Path, rng: Random, baits: tuple[str, ...]) -> None:
        content = seed.read_bytes()
        with suppress(RecursionError):  # nested deeper than Python can write
            content = mutate(content, rng, baits)
        target.write_bytes(content)

    return write


def _onnx(content: bytes, rng: Random, baits: tuple[str, ...]) -> bytes:
    from onnx import ModelProto

    return messages.mutate(content, ModelProto, rng, baits)


def _raw(data: bytes, rng: Random, baits: tuple[str, ...]) -> bytes:
    return raw.mutate(data, rng)


def _saved_model(seed: Path, target: Path, rng: Random, baits: tuple[str, ...]) -> None:
    """Mutate the graph of a SavedModel, in one case of ten the files around it."""
    shutil.copytree(seed, target)
    if rng.random() < 0.9:
        graph = target / "saved_model.pb"
        kind: Any = saved_model_class()
        graph.write_bytes(messages.mutate(graph.read_bytes(), kind, rng, baits))
        return
    file = rng.choice(sorted(path for path in target.rglob("*") if path.is_file()))
    change = rng.randrange(4)
    if change == 0:
        file.write_bytes(raw.mutate(file.read_bytes(), rng))
    elif change == 1:
        file.rename(file.with_name(rng.choice(("x", "saved_model.pbtxt", "a\u202eb\n", "\x1b[2J"))))
    elif change == 2:
        file.unlink()
        file.symlink_to(rng.choice((baits[0], file.name, "..", "/dev/zero")))
    else:
        file.unlink()
        file.mkdir()


FORMATS = {
    "keras": Format(_file(keras_zip.mutate), ".keras", loads=True),
    "h5": Format(_file(hdf5.mutate), ".h5", loads=True),
    "onnx": Format(_file(_onnx), ".onnx", loads=True),
    "semantics": Format(graphs.write, ".onnx", "semantics"),
    "savedmodel": Format(_saved_model, ""),
    "tflite": Format(_file(flatbuffer.mutate), ".tflite", loads=True),
    "npz": Format(_file(data.npz), ".npz", "data"),
    "hdf5": Format(_file(hdf5.mutate), ".h5", "data"),
    "parquet": Format(_file(data.parquet), ".parquet", "data"),
    "listed": Format(data.tree, "", "data"),
    "tfds": Format(data.tree, "", "data"),
    "foreign": Format(_file(_raw), ".onnx"),
    "trigger": Format(_file(documents.trigger), ".yaml", "trigger"),
    "mlmodel": Format(_file(documents.trigger), ".yaml", "mlmodel"),
    "audit": Format(_file(documents.audit), ".json", "compared"),
    "comparison": Format(_file(documents.audit), ".json", "compared"),
    "scanned": Format(results.mutate, "", "scanned"),
    "repaired": Format(results.mutate, "", "repaired"),
    "searched": Format(results.mutate, "", "searched"),
    "checkpoint": Format(results.mutate, "", "checkpoint"),
}
