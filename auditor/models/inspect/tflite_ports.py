"""Inputs and outputs of a TFLite file's graph."""

import mmap
from pathlib import Path
from typing import Any

from auditor.models.inspect.flatbuffer import Buffer, Table


def tflite_ports(path: Path) -> dict[str, Any]:
    """Return `inputs` and `outputs` of a file that was checked.

    Its tensors have no names that `--layer` would take before it is converted to ONNX.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        (graph, *_) = Buffer(data).root().tables(2)
        tensors = list(graph.tables(0))
        return {
            name: tuple(_port(tensors[index]) for index in graph.numbers(field, "i"))
            for field, name in ((1, "inputs"), (2, "outputs"))
        }


def _port(tensor: Table) -> tuple[str, tuple[int, ...]]:
    """Return a tensor's name and shape, with -1 where its signature leaves a dimension open."""
    shape, signature = tensor.numbers(0, "i"), tensor.numbers(7, "i")
    return tensor.text(3), tuple(signature if len(signature) == len(shape) else shape)
