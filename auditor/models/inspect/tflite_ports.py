"""Inputs and outputs of a TFLite file's graph."""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auditor.models.inspect.flatbuffer import Buffer, Table


def tflite_ports(path: Path) -> dict[str, Any]:
    """Return `inputs` and `outputs` of a file that was checked.

    Its tensors have no names that `--layer` would take before it is converted to ONNX.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        root = Buffer(data).root()
        (graph, *_) = root.tables(2)
        tensors = list(graph.tables(0))
        named = next(signed_outputs(root), {})
        return {
            "inputs": tuple(_port(tensors[index]) for index in graph.numbers(1, "i")),
            "outputs": tuple(
                (named.get(index, tensors[index].text(3)), _port(tensors[index])[1])
                for index in graph.numbers(2, "i")
            ),
        }


def crossed(root: Table, graph: Table) -> bool:
    """Whether a name stands for one output in one place, and for another in another.

    Who asks a signature gets another output by the same name than who looks for the tensor.
    """
    names, tensors = list(signed_outputs(root)), list(graph.tables(0))
    called = {index: tensors[index].text(3) for index in set(graph.numbers(2, "i"))}
    return any(own != names[0] for own in names) or any(
        name == called[other]
        for own in names
        for index, name in own.items()
        for other in called
        if other != index
    )


def signed_outputs(root: Table) -> Iterator[dict[int, str]]:
    """Give what each signature of a file calls the outputs: a tensor's number → its name."""
    for signature in root.tables(7):
        yield {end.number(1, "I"): end.text(0) for end in signature.tables(1)}


def _port(tensor: Table) -> tuple[str, tuple[int, ...]]:
    """Return a tensor's name and shape, with -1 where its signature leaves a dimension open."""
    shape, signature = tensor.numbers(0, "i"), tensor.numbers(7, "i")
    return tensor.text(3), tuple(signature if len(signature) == len(shape) else shape)
