"""A traced TensorFlow function, or a TFLite file, as an ONNX graph."""

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18


def from_function(function: Any, image: str, scores: str, place: int = 0) -> "ModelProto":
    """Convert a concrete function of one tensor, and one of the tensors that it gives.

    Args:
        function: The `tf.ConcreteFunction`; its variables become constants.
        image: What to call the input.
        scores: What to call the output.
        place: Which of the function's outputs that is.
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    with _quiet():
        frozen = convert_variables_to_constants_v2(
            function, lower_control_flow=False, aggressive_inlining=True
        )
        graph = frozen.graph.as_graph_def()
        bound = _bind_captures(graph, function)
        (source,) = (t.name for t in frozen.inputs if t.op.name not in bound)
        target = frozen.outputs[place].name
        _let_inline(graph)
        return _convert(
            _optimized(graph, source, target),
            input_names=[source],
            output_names=[target],
            tensors_to_rename={source: image, target: scores},
        )


def from_tflite(path: Path) -> "ModelProto":
    """Convert a TFLite file."""
    with _quiet():
        return _convert(None, tflite_path=str(path))


def _convert(graph: Any, **how: Any) -> "ModelProto":
    """Convert a GraphDef, or what `how` names."""
    from tf2onnx import optimizer  # type: ignore[import-untyped]

    # Without merge_duplication, which would make one weight of two that start equal; and without
    # those that look for what image classifiers do not have.
    steps = [
        optimizer.TransposeOptimizer,
        optimizer.UpsampleOptimizer,
        optimizer.ConstFoldOptimizer,
        optimizer.ReshapeOptimizer,
        optimizer.GlobalPoolOptimizer,
        optimizer.IdentityOptimizer,
        optimizer.BackToBackOptimizer,
    ]
    try:
        return _converted(graph, steps, **how)
    except ValueError:  # the first of them cannot move a transposition past a scalar
        return _converted(graph, steps[1:], **how)


def _converted(graph: Any, steps: list[Any], **how: Any) -> "ModelProto":
    import tensorflow as tf
    from tf2onnx import optimizer
    from tf2onnx.tfonnx import process_tf_graph  # type: ignore[import-untyped]

    with tf.device("/cpu:0"), tf.Graph().as_default() as whole:
        if graph is not None:
            tf.import_graph_def(graph, name="")
        # Going on after errors lets all operators without a counterpart be named.
        converted = process_tf_graph(whole, continue_on_error=True, opset=OPSET, **how)
        named = {kind.__name__: kind for kind in steps}
        # Catching them here would copy the graph before each step, which takes longest of all.
        small = optimizer.optimize_graph(converted, catch_errors=False, optimizers=named)
        model: ModelProto = small.make_model("converted by bdaudit")
        return model


def _optimized(graph: Any, source: str, target: str) -> Any:
    """Return a GraphDef with its functions written out, in operators that tf2onnx knows."""
    import tensorflow as tf
    from tf2onnx import tf_loader

    with tf.Graph().as_default():
        tf.import_graph_def(graph, name="")
        graph = tf_loader.tf_optimize([source], [target], graph)
    _without_erfc(graph)
    return graph


def _bind_captures(graph: Any, function: Any) -> set[str]:
    """Turn the tensors that a function took from around it into constants; return their names.

    Freezing does this for variables only: the mean of a Normalization would become an input.
    """
    import tensorflow as tf

    captured = {
        inside.op.name: outside
        for outside, inside in function.graph.captures
        if outside.dtype not in (tf.resource, tf.variant)
    }
    for node in graph.node:
        if node.op == "Placeholder" and node.name in captured:
            node.op = "Const"
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(captured[node.name].numpy()))
            del node.attr["shape"]
    return set(captured)


def _let_inline(graph: Any) -> None:
    """Take away the marks that keep XLA's functions whole: Keras puts grouped Conv2D in these."""
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    for marked in (*nodes, *graph.library.function):
        for mark in {"_XlaMustCompile", "_noinline"} & set(marked.attr):
            del marked.attr[mark]


def _without_erfc(graph: Any) -> None:
    """Write erfc(x), which exact GELU uses and ONNX lacks, as 1 - erf(x)."""
    import tensorflow as tf

    for node in [n for n in graph.node if n.op == "Erfc"]:
        kind = node.attr["T"]
        one = graph.node.add(name=f"{node.name}/one", op="Const")
        one.attr["dtype"].CopyFrom(kind)
        one.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(1, tf.as_dtype(kind.type)))
        erf = graph.node.add(name=f"{node.name}/erf", op="Erf", input=list(node.input))
        erf.attr["T"].CopyFrom(kind)
        node.op = "Sub"
        node.input[:] = [one.name, erf.name]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """While open, nothing is told; importing tf2onnx changes an environment variable."""
    variable = "TF_CPP_MIN_LOG_LEVEL"
    logger, before = logging.getLogger("tf2onnx"), os.environ.get(variable)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        import tf2onnx  # noqa: F401

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow's, of where its interpreter will move
            yield
    finally:
        logger.setLevel(level)
        if before is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = before
