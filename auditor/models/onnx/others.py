"""A graph as others run it: the file itself, by ONNX Runtime or by ONNX' own implementation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import InputError
from auditor.models.classifier import Classifier
from auditor.models.onnx.file import updated
from auditor.models.onnx.functions import written_out
from auditor.models.onnx.graph import Graph
from auditor.models.onnx.layer import GraphLayer
from auditor.models.onnx.runtime import fed
from auditor.text import printable

if TYPE_CHECKING:
    from onnx import ModelProto

Run = Callable[[NDArray[Any]], NDArray[Any]]
"""Takes what the graph takes; gives its output."""


@dataclass(frozen=True)
class Others:
    """Who else runs a graph.

    Attributes:
        name: What to call them.
        is_fast: Whether as fast as the audit itself; ONNX' own implementation takes 50 times as
            long.
        run: Gives the graph's output for (n, h, w, 3) uint8 images, one after the other, so that
            none can depend on another; None where they cannot run it at all.
        finished: Makes that output of (n, classes) scores before softmax.
        is_half: Whether it is computed with half precision somewhere.
    """

    name: str
    is_fast: bool
    run: Callable[[NDArray[np.uint8]], NDArray[Any] | None]
    finished: Callable[[NDArray[Any]], NDArray[Any]]
    is_half: bool


def others(classifier: Classifier) -> Others:
    """Return who runs the graph of a classifier, with the weights it has now.

    Args:
        classifier: A model that is a graph.

    Raises:
        InputError: Nobody can.
    """
    assert classifier.graph_file
    (layer,) = (each for each in classifier.model.layers if isinstance(each, GraphLayer))
    proto, graph = updated(classifier.model, classifier.graph_file), layer.graph
    black = _padded(fed(classifier, graph, np.zeros((1, *classifier.size, 3), np.uint8)), graph)
    tried: list[str] = []
    for name, is_fast, opened in _ways(proto, graph.end):
        try:
            run = opened()
            run(black)
        except Exception as error:  # whatever they raise for a graph that they cannot run
            tried.append(f"{name} ({printable(' '.join(str(error).split()), 120)})")
            continue

        def each(images: NDArray[np.uint8], run: Run = run) -> NDArray[Any]:
            rows = fed(classifier, graph, images)
            return np.concatenate(
                [run(_padded(rows[i : i + 1], graph))[:1] for i in range(len(rows))]
            )

        return Others(name, is_fast, each, classifier.outputs, _is_half(proto))
    do = "" if len(tried) > 1 else ", or install ONNX Runtime (pip install 'bdaudit[onnxruntime]')"
    raise InputError(
        "the graph cannot be run by others, so that nothing tells what they would see: "
        f"{'; '.join(tried)}; export the model again with standard operators only{do}"
    )


def _ways(proto: "ModelProto", end: str) -> list[tuple[str, bool, Callable[[], Run]]]:
    """Return name, whether it is fast, and what starts it, the one that most people use first."""
    ways = [("onnx.reference", False, lambda: _reference(proto, end))]
    try:
        import onnxruntime
    except ImportError:
        return ways
    return [(f"ONNX Runtime {onnxruntime.__version__}", True, lambda: _runtime(proto, end)), *ways]


def _runtime(proto: "ModelProto", end: str) -> Run:
    """Open it as people do: with every optimisation that is on unless switched off."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (door,) = (i.name for i in session.get_inputs())
    return lambda rows: np.asarray(session.run([end], {door: rows})[0])


def _reference(proto: "ModelProto", end: str) -> Run:
    """Open it written out: of functions, `onnx.reference` knows some forms only."""
    from onnx.reference import ReferenceEvaluator

    from auditor.models.onnx.corrected import CORRECTED

    evaluator: Any = ReferenceEvaluator(written_out(proto), new_ops=CORRECTED)
    stored = {tensor.name for tensor in proto.graph.initializer}
    (door,) = (i.name for i in proto.graph.input if i.name not in stored)

    def run(rows: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(all="ignore"):
            return np.asarray(evaluator.run([end], {door: rows})[0])

    return run


def _padded(row: NDArray[Any], graph: Graph) -> NDArray[Any]:
    """Return one image as often as the graph takes images at once."""
    return np.repeat(row, graph.batch or 1, axis=0)


def _is_half(proto: "ModelProto") -> bool:
    from onnx import TensorProto

    half = {TensorProto.FLOAT16, TensorProto.BFLOAT16}
    kinds = {t.data_type for t in proto.graph.initializer}
    kinds |= {i.type.tensor_type.elem_type for i in proto.graph.input}
    nodes = [n for part in (proto.graph, *proto.functions) for n in part.node]
    kinds |= {a.i for n in nodes for a in n.attribute if a.name == "to"}
    kinds |= {a.t.data_type for n in nodes for a in n.attribute}
    return bool(half & kinds)
