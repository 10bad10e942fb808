"""The official node tests of ONNX, run by the operators.

KERAS_BACKEND=jax python -m tests.models.onnx.official [OPERATOR …]
"""

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from keras import backend, ops
from onnx import numpy_helper

from auditor.models.onnx.node import Node
from auditor.models.onnx.operators import HOST_ONLY, OPERATORS
from auditor.models.onnx.run import run
from auditor.models.onnx.values import Tensor, Value, is_host

SKIPPED = {
    "*string*": "no numbers",
    "test_attention_*_expanded": "the operator runs as its definition, with the case itself",
    "test_rotary_embedding_*_expanded": "the operator runs as its definition",
    "*FLOAT8*": "numbers of 8 bits are of quantized graphs",
    "*FLOAT4*": "numbers of 4 bits are of quantized graphs",
    "*INT4*": "numbers of 4 bits are of quantized graphs",
    "*INT2*": "numbers of 2 bits are of quantized graphs",
    "*uint64*": "Keras computes with 32 bits where there is no sign",
    "*_ui64_*": "Keras computes with 32 bits where there is no sign",
    "test_training_dropout*": "at random",
    "test_batchnorm_*_training_mode": "in training, images depend on each other",
    "test_maxpool_with_argmax_*": "the indices of what a pool picks are not given",
    "test_identity_opt": "no tensor",
    "test_identity_sequence": "no tensor",
    "test_reduce_m??_empty_set*": "backends know no maximum of nothing",
}
"""Pattern of case names → why they are not run."""

SKIPPED_ON: dict[str, dict[str, str]] = {
    "torch": {
        "test_bitwise_not_3d": "PyTorch has no uint16",
        "test_top_k_same_values*": "PyTorch orders equal numbers as it likes",
    }
}
"""Backend → what is not run on it, as in `SKIPPED`."""

_HOST = {
    "BlackmanWindow": {0},
    "CenterCropPad": {1},
    "CumProd": {1},
    "CumSum": {1},
    "Dropout": {1, 2},
    "Expand": {1},
    "HammingWindow": {0},
    "HannWindow": {0},
    "OneHot": {1},
    "Pad": {1, 2, 3},
    "Reshape": {1},
    "Resize": {1, 2, 3},
    "Slice": {1, 2, 3, 4},
    "Split": {1},
    "Squeeze": {1},
    "Tile": {1},
    "TopK": {1},
    "Trilu": {1},
    "Unsqueeze": {1},
    "Upsample": {1},
}
"""Operator → inputs that graphs know before they run."""


@dataclass(frozen=True)
class Case:
    """An official case.

    Attributes:
        name: Its name.
        operator: The operator it is about; not always one of its nodes, which may define it.
        model: Its graph.
        sets: (inputs, outputs) each.
    """

    name: str
    operator: str
    model: onnx.ModelProto
    sets: list[tuple[list[Any], list[Any]]]

    @property
    def supported(self) -> bool:
        """Whether all of its operators are there, the one that it is about not on the host."""
        used = {(node.domain, node.op_type) for node in self.model.graph.node}
        known = {("", op) for op in OPERATORS.keys() | HOST_ONLY}
        return used <= known and self.operator not in HOST_ONLY

    @property
    def skipped(self) -> str:
        """Why it is not run; empty where it is."""
        patterns = SKIPPED | SKIPPED_ON.get(backend.backend(), {})
        return next((why for p, why in patterns.items() if fnmatchcase(self.name, p)), "")


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    """Return all cases."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = load_model_tests(kind="node")
    about = {c.name: c.model.graph.node[0].op_type for c in loaded if len(c.model.graph.node) == 1}
    return tuple(
        Case(c.name, about.get(c.name.split("_expanded")[0], ""), c.model, c.data_sets)
        for c in loaded
    )


def failures(case: Case) -> Iterator[str]:
    """Run a case, images stored channels first, then channels last; say what went wrong."""
    for inputs, outputs in case.sets:
        for last in (False, True):
            try:
                values = dict(_values(case, inputs, last))
                turned = any(isinstance(v, Tensor) and v.last for v in values.values())
                if turned or not last:
                    _check(case, values, outputs)
            except Exception as error:
                where = "channels last" if last else "channels first"
                told = " ".join(str(error).split())[:300]
                yield f"{case.name}, {where}: {type(error).__name__}: {told}"


def _values(case: Case, inputs: list[Any], last: bool) -> Iterator[tuple[str, Value]]:
    for slot, (info, given) in enumerate(zip(case.model.graph.input, inputs, strict=True)):
        array = _array(given)
        if slot in _HOST.get(case.operator, ()) or case.operator[:6] == "Reduce" and slot == 1:
            yield info.name, array
        elif last and array.ndim > 2:
            yield info.name, _tensor(np.moveaxis(array, 1, -1), last=True)
        else:
            yield info.name, _tensor(array)


def _check(case: Case, values: dict[str, Value], outputs: list[Any]) -> None:
    opset = next(o.version for o in case.model.opset_import if o.domain in ("", "ai.onnx"))
    env = run([Node.of(proto, opset) for proto in case.model.graph.node], values)
    for info, given in zip(case.model.graph.output, outputs, strict=True):
        wanted, seen = _array(given), env[info.name]
        half = wanted.dtype.name in ("float16", "bfloat16")
        seen = seen if is_host(seen) else np.asarray(ops.convert_to_numpy(seen.plain()))
        assert seen.shape == wanted.shape, f"{seen.shape}, not {wanted.shape}"
        if backend.backend() == "tensorflow":  # others compute with 32 bits
            assert seen.dtype == wanted.dtype, f"{seen.dtype}, not {wanted.dtype}"
        rtol, atol = (1e-2, 1e-2) if half else (1e-3, 1e-5)
        if half:
            seen, wanted = seen.astype(np.float32), wanted.astype(np.float32)
        np.testing.assert_allclose(seen, wanted, rtol=rtol, atol=atol)


def _tensor(array: np.ndarray, last: bool = False) -> Tensor:
    return Tensor(ops.convert_to_tensor(array, array.dtype.name), last)


def _array(given: Any) -> np.ndarray:
    return (
        numpy_helper.to_array(given) if isinstance(given, onnx.TensorProto) else np.asarray(given)
    )


def main(operators: list[str]) -> int:
    """Run all, or those of some operators, on the backend that is set; say what fails."""
    ran = [case for case in cases() if case.supported and not case.skipped]
    ran = [case for case in ran if not operators or case.operator in operators]
    wrong = 0
    for case in ran:
        for line in failures(case):
            print(line, flush=True)
            wrong += 1
    print(f"{len(ran)} cases, {wrong} failures")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
