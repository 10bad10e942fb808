"""An ONNX file read as a classifier: its nodes, its numbers, and which of them are weights."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from auditor.errors import InputError
from auditor.models.ends import End, check_inputs, chosen_output
from auditor.models.inspect.onnx_ops import one_spelling
from auditor.models.inspect.onnx_order import put_in_order
from auditor.models.onnx.fold import fold, folds
from auditor.models.onnx.functions import written_out
from auditor.models.onnx.node import Node
from auditor.models.onnx.types import stored_type
from auditor.text import printable

CONVERTED = "export the model to ONNX again without quantization, with float32 weights"

# Operator → which of its inputs are weights, however small. Of other operators a number of more
# than one element is one.
_SLOTS = {
    "BatchNormalization": (1, 2),
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "Gemm": (0, 1, 2),
    "GroupNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2),
    "MatMul": (0, 1),
    "PRelu": (1,),
    "RMSNormalization": (1,),
}
_STATISTICS = {"BatchNormalization": (3, 4)}
_NEVER = {"Clip", "Resize", "Upsample", "Pad", "Pow", "Constant", "ConstantOfShape"}
_POINTWISE = {"Add", "Sub", "Mul", "Div", "Cast", "Identity", "Transpose", "Resize", "Clip"}
_ENDINGS = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}
_THROUGH = {"Identity", "Dropout"}
_AS_THEY_ARE = {*_THROUGH, "Flatten", "Reshape", "Squeeze", "Unsqueeze"}
_FLOATS = {"float16", "bfloat16", "float32", "float64"}


@dataclass(frozen=True)
class Graph:
    """What is computed, from one input to one output.

    Attributes:
        nodes: In an order in which they can run; none that the output does not need.
        constants: Name → numbers that nobody trains.
        weights: Name → floats that can be trained, of the type that is stored.
        statistics: Name → running statistics of BatchNormalization, the same.
        input: Name of the image input.
        takes: The input's type.
        batch: How many images at once; None for any number.
        image: Shape of one image, channels last, None where any will do; of gray images maybe
            without channels, or the one length of an image written row by row.
        channels_first: Whether the graph takes (n, c, h, w).
        output: Name of the tensor to be had, before `activation`; an image's numbers in it, in
            whatever shape, are one for each class.
        end: Name of the file's output that is audited: `output`, after `activation`.
        activation: What ends the graph: softmax, log_softmax, sigmoid or linear.
    """

    nodes: tuple[Node, ...]
    constants: dict[str, NDArray[Any]]
    weights: dict[str, NDArray[Any]]
    statistics: dict[str, NDArray[Any]]
    input: str
    takes: str
    batch: int | None
    image: tuple[int | None, ...]
    channels_first: bool
    output: str
    end: str
    activation: str


def read(path: Path) -> tuple[onnx.ModelProto, set[str]]:
    """Read a file that was looked at, functions of its own written out.

    Returns:
        The model, and the names of the tensors that have a place in the file to be written back to.
    """
    try:
        model = in_order(path)
        return written_out(model), {name for name, _ in tensors(model)}
    except InputError:
        raise
    except Exception as error:  # whatever onnx raises for a file it dislikes
        reason = printable(" ".join(str(error).split()), 300) or type(error).__name__
        raise InputError(f"ONNX could not read this model: {reason}") from None


def in_order(path: Path) -> onnx.ModelProto:
    """Return a file's model, its numbers in it, its nodes in an order in which they can run."""
    model = onnx.load(path, load_external_data=True)
    put_in_order(model)
    return model


def tensors(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Give every tensor that the main graph stores, and what its nodes call it."""
    for tensor in model.graph.initializer:
        yield tensor.name, tensor
    for node in model.graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    yield node.output[0], attribute.t


def graph(
    model: onnx.ModelProto, stored: set[str], supported: Iterable[str], wanted: str | None = None
) -> Graph:
    """Prepare a model's graph.

    Args:
        model: What `read` gave.
        stored: As well; only these can be weights.
        supported: Names of the operators that can be run.
        wanted: Name of the output to be had; None for the only one.

    Raises:
        InputError: It is quantized, uses operators that cannot be run, or is no image classifier.
        UsageError: It has no output of the name that is wanted.
    """
    opset = next(o.version for o in model.opset_import if not one_spelling(o.domain))
    ends = [End(value.name, _sizes(value)) for value in model.graph.output]
    output = ends[chosen_output(ends, wanted)].name
    nodes = _needed([Node.of(proto, opset) for proto in model.graph.node], output)
    _check_operators((node.proto for node in nodes), set(supported))
    numbers = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    source, shape, takes = _door(model, set(numbers))
    nodes, known = _folded(nodes, numbers)
    image, channels_first = shape[1:], False
    if len(image) == 3:
        channels_first, channels = _channels(shape, nodes, source, known)
        image = (*(shape[2:] if channels_first else shape[1:3]), channels)
    trained, kept = _weights(nodes, source, known, stored)
    used = {name for node in nodes for name in node.inputs} | {output}
    return Graph(
        nodes=tuple(nodes),
        constants={n: v for n, v in known.items() if n in used - trained - kept},
        weights={n: v for n, v in known.items() if n in trained},
        statistics={n: v for n, v in known.items() if n in kept},
        input=source,
        takes=takes,
        batch=shape[0],
        image=image,
        channels_first=channels_first,
        output=output,
        end=output,
        activation="linear",
    )


def _check_operators(nodes: Iterable[onnx.NodeProto], supported: set[str]) -> None:
    """Name all operators that cannot be run, at once; those of other domains are others."""
    used = {".".join(filter(None, (one_spelling(n.domain), n.op_type))) for n in nodes}
    unknown = sorted(used - supported)
    if not unknown:
        return
    named = ", ".join(printable(op, 40) for op in unknown[:20])
    if any(_is_quantized(op) for op in unknown):
        raise InputError(f"a quantized graph ({named}); {CONVERTED}")
    raise InputError(
        f"operators that are not supported: {named}; export the model without them, or "
        "save it as .keras"
    )


def _is_quantized(op: str) -> bool:
    return "Quantize" in op or "QLinear" in op or op.endswith("Integer") or op.startswith("QGemm")


def _door(model: onnx.ModelProto, numbers: set[str]) -> tuple[str, tuple[int | None, ...], str]:
    """Return the input's name, shape and type; files of old list their weights as inputs too."""
    inputs = [i for i in model.graph.input if i.name not in numbers]
    check_inputs([End(each.name, _sizes(each)) for each in inputs])
    kind, shape = inputs[0].type.tensor_type, _sizes(inputs[0])
    if not 2 <= len(shape) <= 4:
        raise InputError(f"not an image classifier: its input has the shape {shape}")
    takes = stored_type(kind.elem_type)
    if takes not in {*_FLOATS, "uint8"}:
        raise InputError(
            f"its input takes numbers of type {takes}; export the model with an input of float32, "
            "or of uint8 from 0 to 255"
        )
    return inputs[0].name, shape, takes


def _sizes(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    """Return a tensor's shape as the file says; None for a size that is open."""
    return tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
        for dim in value.type.tensor_type.shape.dim
    )


def _channels(
    shape: tuple[int | None, ...],
    nodes: list[Node],
    source: str,
    known: dict[str, NDArray[Any]],
) -> tuple[bool, int]:
    """Tell where the channels are and how many: from the shape, else from the first convolution."""
    first, last = (size if size in (1, 3) else None for size in (shape[1], shape[3]))
    if first and last:
        reader = next((node for node in nodes if source in node.inputs), None)
        return (False, last) if reader and reader.op == "Transpose" else (True, first)
    if first or last:
        return bool(first), first or last or 3
    reader = next((node for node in nodes if source in node.inputs), None)
    if shape[1] is None and reader and reader.op == "Conv" and reader.inputs[1] in known:
        taken = int(known[reader.inputs[1]].shape[1]) * int(reader.get("group", 1))
        if taken in (1, 3):
            return True, taken
    raise InputError(
        f"its input has the shape {shape}; expected images of 1 or 3 channels, "
        "(n, c, h, w) or (n, h, w, c)"
    )


def ended(graph: Graph, shape: Callable[[str], tuple[int, ...]]) -> Graph:
    """Return the graph without the softmax or sigmoid that ends it, named as its activation.

    What only hands numbers on may follow it, whatever shape it gives them.

    Args:
        graph: The graph.
        shape: Gives the shape that a tensor has.
    """
    makers = {name: node for node in graph.nodes for name in node.outputs}
    node = makers.get(graph.output)
    while node and _hands_on(node):
        node = makers.get(node.inputs[0])
    if node is None or node.op not in _ENDINGS:
        return graph
    before = node.inputs[0]
    if node.op != "Sigmoid" and not _over_classes(node, shape(before)):
        return graph
    left = tuple(_needed(list(graph.nodes), before))
    return replace(graph, nodes=left, output=before, activation=_ENDINGS[node.op])


def _hands_on(node: Node) -> bool:
    is_float = node.op == "Cast" and stored_type(node.get("to")) in _FLOATS
    return is_float or node.op in _AS_THEY_ARE


def _over_classes(node: Node, shape: tuple[int, ...]) -> bool:
    """Whether a softmax makes all numbers of an image add up to 1."""
    wide = {axis for axis, size in enumerate(shape) if axis and size != 1}
    axis = node.get("axis", -1 if node.opset >= 13 else 1) % len(shape)
    over = {axis} if node.opset >= 13 else set(range(axis, len(shape)))
    return axis > 0 and wide <= over


def _needed(nodes: list[Node], output: str) -> list[Node]:
    """Return the nodes that the output depends on, in the file's order."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted & set(node.outputs):
            wanted.update(filter(None, node.inputs))
            kept.append(node)
    return kept[::-1]


def _folded(
    nodes: list[Node], known: dict[str, NDArray[Any]]
) -> tuple[list[Node], dict[str, NDArray[Any]]]:
    """Work out what depends on no pixel and no weight; Identity of a weight is another name."""
    left, alias = [], dict[str, str]()
    constants = {n for n, v in known.items() if not _may_be_weight(v)}
    for node in nodes:
        node = replace(node, inputs=tuple(alias.get(name, name) for name in node.inputs))
        if node.op in _THROUGH and node.inputs[0] in known:
            alias[node.outputs[0]] = node.inputs[0]
        elif node.op == "Constant":
            known[node.outputs[0]] = value = fold(node, [])[0]
            if not _may_be_weight(value):
                constants.add(node.outputs[0])
        elif folds(node) and all(name in constants or not name for name in node.inputs):
            values = fold(node, [known[name] if name else None for name in node.inputs])
            named = dict(zip(node.outputs, values, strict=False))
            known |= named
            constants |= set(named)
        else:
            left.append(node)
    return left, known


def _may_be_weight(value: NDArray[Any]) -> bool:
    return value.dtype.name in _FLOATS and value.size > 0


def _weights(
    nodes: list[Node], source: str, known: dict[str, NDArray[Any]], stored: set[str]
) -> tuple[set[str], set[str]]:
    """Return the names of weights, and those of running statistics.

    What meets the image before any weight has (a mean taken off, a division) is how pixels are
    prepared, and stays as it is. A weight that is stored in one type and used in another is one.
    """
    trained: set[str] = set()
    kept: set[str] = set()
    raw = {source}
    stored_as: dict[str, str] = {}
    for node in nodes:
        node = replace(node, inputs=tuple(stored_as.get(name, name) for name in node.inputs))
        if node.op == "Cast" and node.inputs[0] in stored:
            stored_as[node.outputs[0]] = node.inputs[0]
            continue
        if node.op in _POINTWISE and any(name in raw for name in node.inputs):
            raw.update(node.outputs)
            continue
        for name in _slots(node, node.inputs, _STATISTICS):
            kept.add(name)
        for name in node.inputs:
            value = known.get(name)
            if name not in stored or value is None or not _may_be_weight(value):
                continue
            if name in _slots(node, node.inputs, _SLOTS):
                trained.add(name)
            elif node.op not in {*_SLOTS, *_NEVER} and value.size > 1:
                trained.add(name)
    kept &= known.keys() & stored
    return trained - kept, kept


def _slots(
    node: Node, inputs: tuple[str, ...], table: Mapping[str, tuple[int, ...]]
) -> Iterator[str]:
    for slot in table.get(node.op, ()):
        if slot < len(inputs) and inputs[slot]:
            yield inputs[slot]
