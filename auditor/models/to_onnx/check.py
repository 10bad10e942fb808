"""Whether an ONNX graph is valid, and computes what the model that it came from computes."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditor.models.inspect.onnx_ops import is_known
from auditor.text import printable

if TYPE_CHECKING:
    from onnx import ModelProto

Scores = Callable[[NDArray[Any]], Any]

_LARGE = 128 * 128
_LEAST = 1e-30
"""Probability below which float32 tells scores apart badly, or not at all."""


class Unfaithful(Exception):
    """The graph is not the model; says why in one line."""


def check(
    graph: "ModelProto",
    scores: Scores,
    shape: tuple[int, ...],
    allowed: float,
    end: str | None = None,
) -> None:
    """Make sure that a graph is valid ONNX and gives a model's scores.

    Args:
        graph: The graph, of one input.
        scores: Takes (n, h, w, c) images of the graph's type and gives the model's (n, classes)
            scores.
        shape: (n, h, w, c), or what else an image is to it; n is 0 for any number of images.
        allowed: Largest difference of scores, relative to the largest score; of probabilities,
            also that of their logarithms, so that a saturated softmax hides nothing.
        end: Name of the output that these are; None for the first.

    Raises:
        Unfaithful: Operators are unknown, the graph is not valid, or the scores differ.
    """
    import onnx
    from onnx.reference import ReferenceEvaluator

    check_operators(graph)
    ends = [end or graph.graph.output[0].name]
    try:
        onnx.checker.check_model(graph, full_check=True)
    except Exception as error:  # whatever the checker raises
        raise Unfaithful(f"the graph is not valid ONNX: {_line(error)}") from None
    pixels: NDArray[Any] = images(shape)
    if graph.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8:
        pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    try:
        evaluator: Any = ReferenceEvaluator(graph)
        with np.errstate(all="ignore"):
            found = _batches(
                lambda batch: evaluator.run(ends, {graph.graph.input[0].name: batch})[0],
                pixels,
                shape[0],
            )
    except Exception as error:  # whatever numpy raises for shapes that do not fit
        raise Unfaithful(f"the graph cannot be run: {_line(error)}") from None
    wanted = _batches(scores, pixels, shape[0])
    if (gap := difference(wanted, found)) > allowed:
        raise Unfaithful(f"its scores differ by {gap:.2g} of the largest, {allowed:g} is allowed")


def check_operators(graph: "ModelProto") -> None:
    """Name all operators that ONNX does not have, at once.

    Raises:
        Unfaithful: There are such.
    """
    opset = next(o.version for o in graph.opset_import if o.domain in ("", "ai.onnx"))
    unknown = sorted(
        {
            node.op_type
            for node in graph.graph.node
            if node.domain not in ("", "ai.onnx") or not is_known("", node.op_type, opset)
        }
    )
    if unknown:
        named = ", ".join(printable(op, 40) for op in unknown[:20])
        raise Unfaithful(f"tf2onnx cannot write these operators as ONNX: {named}")


def images(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return images of many ranges to compare models by: random and extreme, always the same.

    Args:
        shape: (n, h, w, c); a multiple of n comes back, and fewer where the images are large.
    """
    count, *size = shape
    random = np.random.default_rng(0)
    noise = random.random((3, *size), np.float32)
    black, half = np.zeros(size, np.float32), np.zeros(size, np.float32)
    half[: size[0] // 2] = 255
    kinds = [noise[0], 255 * noise[1], half, 2 * noise[2] - 1, black, black + 1, black + 255]
    chosen = kinds[:3] if math.prod(size[:2]) > _LARGE else kinds
    rows = max(count, 1) * -(-len(chosen) // max(count, 1))
    return np.stack([chosen[row % len(chosen)] for row in range(rows)])


def difference(wanted: NDArray[Any], found: NDArray[Any]) -> float:
    """Return how far scores are apart, relative to the largest; infinite where shapes differ."""
    if wanted.shape != found.shape or wanted.dtype.kind != "f" or found.dtype.kind != "f":
        return float("inf")
    pairs = [(wanted.astype(np.float64), found.astype(np.float64))]
    if np.all((wanted >= 0) & (wanted <= 1)):
        pairs.append(tuple(np.log(np.maximum(each, _LEAST)) for each in pairs[0]))  # type: ignore[arg-type]
    return max(_relative(*pair) for pair in pairs)


def _relative(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    same = (wanted == found) | (np.isnan(wanted) & np.isnan(found))
    if same.all():
        return 0.0
    gap = np.abs(wanted - found)[~same].max()
    scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=0)
    return float(gap / scale) if np.isfinite(gap) and scale else float("inf")


def _batches(scores: Scores, pixels: NDArray[Any], count: int) -> NDArray[Any]:
    """Run all images: together, or in groups of the number that the model asks for."""
    step = count or len(pixels)
    return np.concatenate(
        [np.asarray(scores(pixels[row : row + step])) for row in range(0, len(pixels), step)]
    )


def _line(error: Exception) -> str:
    return printable(" ".join(str(error).split()), 200) or type(error).__name__
