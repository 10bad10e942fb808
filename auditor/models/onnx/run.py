"""Run a graph's nodes one after the other, whatever backend the tensors are of."""

from collections.abc import Callable, Iterable, Mapping

from auditor.errors import InputError
from auditor.models.onnx.fold import fold, settled
from auditor.models.onnx.node import Node
from auditor.models.onnx.operators import OPERATORS
from auditor.models.onnx.operators.definition import Definition
from auditor.models.onnx.values import Tensor, Unknown, Value, is_host
from auditor.text import printable

Watch = Callable[[Node, str, Value], Value]
"""Called with each node, the name of an output and its value; gives the value that goes on."""


def run(
    nodes: Iterable[Node],
    values: Mapping[str, Value],
    watch: Watch = lambda node, name, value: value,
) -> dict[str, Value]:
    """Run nodes.

    Args:
        nodes: In order.
        values: Name → what is known before; not changed.
        watch: Sees every output as it comes.

    Returns:
        Every name's value.

    Raises:
        InputError: A node cannot be run on what it is given.
    """
    env: dict[str, Value] = {"": None, **values}
    for node in nodes:
        outputs = evaluate(node, [env[name] for name in node.inputs])
        for name, value in zip(node.outputs, outputs, strict=False):
            env[name] = watch(node, name, value)
    return env


def evaluate(node: Node, inputs: list[Value]) -> tuple[Value, ...]:
    """Run one node.

    Raises:
        InputError: It cannot be run on these inputs.
    """
    try:
        if all(map(is_host, inputs)):
            return tuple(settled(value) for value in fold(node, inputs))  # type: ignore[arg-type]
        outputs = OPERATORS[node.op](node, *inputs)
        if isinstance(outputs, Definition):
            env = run(outputs.nodes, outputs.values)
            return tuple(env.get(name) for name in outputs.outputs)
    except (Unknown, KeyError) as error:
        what = printable(str(error)) if isinstance(error, Unknown) else ""
        raise InputError(
            f"{printable(node.name, 80)}: {node.op}: {what or 'its shape depends on what is seen'}"
            "; export the model without it"
        ) from error
    return outputs if isinstance(outputs, tuple) else (outputs,)


def spatial(value: Tensor) -> bool:
    """Whether a tensor is an image's features: channels, and more than one row or column."""
    stored = value.data.shape
    return value.last and len(stored) == 4 and stored[1] * stored[2] > 1
