"""Run a graph's nodes one after the other, whatever backend the tensors are of."""

from collections.abc import Callable, Iterable, Mapping

from auditor.errors import InputError, is_out_of_memory, reason
from auditor.models.onnx.fold import fold
from auditor.models.onnx.node import Node
from auditor.models.onnx.operators import OPERATORS, definition
from auditor.models.onnx.types import converted, result_types, type_of, widened
from auditor.models.onnx.values import Tensor, Unknown, Value, is_host
from auditor.text import printable

Watch = Callable[[Node, str, Value], Value]
"""Called with each node, the name of an output and its value; gives the value that goes on."""

_AS_IT_IS: Mapping[str, str] = {}


def run(
    nodes: Iterable[Node],
    values: Mapping[str, Value],
    watch: Watch = lambda node, name, value: value,
    instead: Mapping[str, str] = _AS_IT_IS,
) -> dict[str, Value]:
    """Run nodes.

    Args:
        nodes: In order.
        values: Name → what is known before; not changed.
        watch: Sees every output as it comes.
        instead: Type → the one to compute it in, in mixed precision.

    Returns:
        Every name's value.

    Raises:
        InputError: A node cannot be run on what it is given.
    """
    env: dict[str, Value] = {"": None, **values}
    for node in nodes:
        outputs = evaluate(node, [env[name] for name in node.inputs], instead)
        for name, value in zip(node.outputs, outputs, strict=False):
            env[name] = watch(node, name, value)
    return env


def evaluate(
    node: Node, inputs: list[Value], instead: Mapping[str, str] = _AS_IT_IS
) -> tuple[Value, ...]:
    """Run one node; what it gives has the types that ONNX says.

    Args:
        node: The node.
        inputs: In their own types.
        instead: As for `run`.

    Raises:
        InputError: It cannot be run on these inputs.
    """
    try:
        if all(map(is_host, inputs)):
            return tuple(fold(node, inputs))  # type: ignore[arg-type]
        if node.op in definition.OPERATORS:
            defined = definition.defined(node, *inputs)
            env = run(defined.nodes, defined.values, instead=instead)
            return tuple(env.get(name) for name in defined.outputs)
        kinds = result_types(node, [type_of(value) for value in inputs])
        outputs = OPERATORS[node.op](node, *(widened(value, instead) for value in inputs))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return tuple(converted(v, kind) for v, kind in zip(outputs, kinds, strict=False))
    except (Unknown, KeyError) as error:
        what = printable(str(error)) if isinstance(error, Unknown) else ""
        raise InputError(
            f"{printable(node.name, 80)}: {node.op}: {what or 'its shape depends on what is seen'}"
            "; export the model without it"
        ) from error
    except Exception as error:  # whatever a backend raises for what does not fit
        # JAX's are for who traces: some graphs work their shapes out of numbers.
        is_jax = type(error).__module__.partition(".")[0] in ("jax", "jaxlib")
        if isinstance(error, InputError) or is_out_of_memory(error) or is_jax:
            raise
        raise InputError(
            f"{printable(node.name, 80)}: {node.op}: cannot be run: {printable(reason(error), 200)}"
            "; export the model without it"
        ) from error


def spatial(value: Tensor) -> bool:
    """Whether a tensor is an image's features: channels, and more than one row or column."""
    stored = value.data.shape
    return value.last and len(stored) == 4 and stored[1] * stored[2] > 1
