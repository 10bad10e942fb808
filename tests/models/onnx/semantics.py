"""Single operators on odd numbers: as they are run here, by ONNX' own implementation, by others.

python -m tests.models.onnx.semantics [OPERATOR …]    says what differs
"""

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops
from onnx.reference import ReferenceEvaluator

from auditor.models.onnx.corrected import CORRECTED
from auditor.models.onnx.node import Node
from auditor.models.onnx.run import evaluate
from auditor.models.onnx.values import Tensor, Value
from tests.models.onnx import odd_numbers, odd_shapes, odd_sums
from tests.models.onnx.case import FLOATS, Array, Case


def cases() -> Iterator[Case]:
    """Give all cases, always the same."""
    for family in (*odd_numbers.CASES, *odd_shapes.CASES, *odd_sums.CASES):
        yield from family()


def here(case: Case) -> list[Array] | str:
    """Return what is computed here, or why it is refused."""
    values: list[Value] = [
        v if v is None or i in case.known else Tensor(ops.convert_to_tensor(v, v.dtype.name))
        for i, v in enumerate(case.inputs)
    ]
    try:
        outputs = evaluate(Node.of(case.node(), case.opset), values)
    except Exception as error:  # of a backend; wherever it is raised, the model is refused
        return str(error)
    return [
        np.asarray(ops.convert_to_numpy(v.plain())) if isinstance(v, Tensor) else np.asarray(v)
        for v in outputs[: case.outputs]
    ]


def reference(case: Case) -> list[Array] | None:
    """Return what ONNX' own implementation computes; None where it does not."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            evaluator = ReferenceEvaluator(case.model(), new_ops=CORRECTED)
            return [np.asarray(v) for v in evaluator.run(None, case.fed())]
    except Exception:
        return None


def runtime(case: Case) -> list[Array] | None:
    """Return what ONNX Runtime computes; None where it is not installed, or does not."""
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            case.model().SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return [np.asarray(v) for v in session.run(None, case.fed())]
    except Exception:
        return None


def same(ours: list[Array], theirs: list[Array]) -> bool:
    """Whether outputs agree in type, shape and numbers, as far as their types have digits."""
    return all(_same(a, b) for a, b in zip(ours, theirs, strict=True))


def _same(a: Array, b: Array) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.name in FLOATS:
        digits = {"float64": 1e-9, "float32": 2e-5, "float16": 4e-3, "bfloat16": 3e-2}[a.dtype.name]
        wide = a.astype(np.float64), b.astype(np.float64)
        return bool(np.allclose(*wide, rtol=digits, atol=digits, equal_nan=True))
    return bool(np.array_equal(a, b))


def main(operators: list[str]) -> int:
    """Say what differs from ONNX Runtime, and from ONNX' own implementation."""
    counts = {"same": 0, "refused": 0, "differs": 0, "nobody": 0}
    for case in cases():
        if operators and case.op not in operators:
            continue
        try:
            ours: Any = here(case)
        except Exception as error:
            ours = None
            print(f"ERROR {case.name}: {type(error).__name__}: {str(error)[:150]}")
        theirs, model = runtime(case), reference(case)
        said = [(n, v) for n, v in (("runtime", theirs), ("reference", model)) if v is not None]
        if ours is None or isinstance(ours, str):
            counts["refused"] += 1
            if said and ours:
                print(f"refused {case.name}: {ours[:100]}")
        elif not said:
            counts["nobody"] += 1
        elif wrong := [n for n, v in said if not same(ours, v)]:
            counts["differs"] += 1
            print(f"DIFFERS {case.name}: {'+'.join(wrong)} of {'+'.join(n for n, _ in said)}")
            for name, values in (("here", ours), *said):
                print(f"   {name:9} {[v.reshape(-1)[:12].tolist() for v in values]}"[:260])
        else:
            counts["same"] += 1
    print(counts)
    return counts["differs"]


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
