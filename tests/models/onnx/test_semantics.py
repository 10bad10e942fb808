"""Single operators on odd numbers compute what others compute, but for what is listed here."""

import pytest
from keras import backend

from tests.models.onnx.case import Case
from tests.models.onnx.semantics import cases, here, reference, runtime, same

NAN = "what NaN, infinity or an empty set become, programs do not agree on"
BETWEEN = "ONNX Runtime rounds sizes first; here as ONNX says, and as its own implementation"

UNLIKE_RUNTIME = {
    ("ArgMax", "not finite"): NAN,
    ("ArgMin", "not finite"): NAN,
    ("Clip", "NaN"): NAN,
    ("GlobalMaxPool", "not finite"): NAN,
    ("MaxPool", "not finite"): NAN,
    ("MaxPool", "-inf"): NAN,
    ("ReduceMax", "not finite"): NAN,
    ("ReduceMean", "of nothing"): NAN,
    ("ReduceMin", "not finite"): NAN,
    ("ScatterElements", "reduction=max"): NAN,
    ("ScatterElements", "reduction=min"): NAN,
    ("Sign", "not finite"): NAN,
    ("Softmax", "not finite"): NAN,
    ("ReduceSum", "beyond the type"): "ONNX Runtime stops at the largest int32, ONNX says nothing",
    ("Resize", "align_corners [1, 1, 0.6, 0.5]"): BETWEEN,
    ("Resize", "mode=nearest,coordinate_transformation_mode=half_pixel_symmetric"): BETWEEN,
    ("Shrink", "float64"): "ONNX Runtime rounds float64 to float32 here",
}
"""(operator, part of a case's name) → why ONNX Runtime gives something else."""

UNLIKE_REFERENCE = {
    ("ArgMax", "not finite"): NAN,
    ("ArgMin", "not finite"): NAN,
    ("AveragePool", "not finite"): NAN,
    ("BatchNormalization", "variance 0"): NAN,
    ("Hardmax", "not finite"): NAN,
    ("LpPool", "not finite"): NAN,
    ("MaxPool", "not finite"): NAN,
    ("MaxPool", "-inf"): NAN,
    ("Softmax", "not finite"): NAN,
    ("Celu", "float16"): "onnx.reference computes it in float32",
    ("Celu", "float64"): "onnx.reference computes it in float32",
    ("Erf", "float64"): "onnx.reference computes it in float32",
    ("Gelu", "float64"): "onnx.reference computes it in float32",
    ("HardSwish", "float64"): "onnx.reference rounds 1/6 to float32",
    ("LRN", "float64"): "attributes rounded before or after the division",
    ("Hardmax", "-1 "): "onnx.reference takes one axis, whatever the version",
    ("Hardmax", "-11 "): "onnx.reference takes one axis, whatever the version",
    ("LpPool", "ceil_mode=1,pads=[1, 1, 0, 0]"): "onnx.reference counts cells beyond the image",
    ("ReduceSumSquare", "int"): "onnx.reference gives another type",
}
"""(operator, part of a case's name) → why ONNX' own implementation gives something else."""

REFUSED = {
    ("BatchNormalization", "training_mode=1"),
    ("Dropout", "training"),
    ("ReduceMax", "of nothing"),
    ("ReduceMin", "of nothing"),
    ("Resize", "int8[2, 4, 7, 6]··float32[4] mode=linear"),
    ("Resize", "int32[2, 4, 7, 6]··float32[4] mode=linear"),
}
"""(operator, part of a case's name) of what is not computed at all."""

ALL = tuple(cases())
OPERATORS = sorted({case.op for case in ALL})


def listed(case: Case, table: object) -> bool:
    return any(op == case.op and part in f"{case.name} " for op, part in table)  # type: ignore[attr-defined]


@pytest.mark.skipif(backend.backend() != "tensorflow", reason="its numbers are the ones compared")
@pytest.mark.parametrize("operator", OPERATORS)
def test_numbers_of_an_operator(operator: str) -> None:
    """As ONNX Runtime gives them; where it is missing or cannot, as ONNX' own implementation."""
    wrong, compared = [], 0
    for case in (each for each in ALL if each.op == operator):
        ours = here(case)
        if isinstance(ours, str) or listed(case, REFUSED):
            assert isinstance(ours, str) == listed(case, REFUSED), f"{case.name}: {ours}"
            continue
        theirs, table = runtime(case), UNLIKE_RUNTIME
        if theirs is None:
            theirs, table = reference(case), UNLIKE_REFERENCE
        if theirs is None or listed(case, table):
            continue
        compared += 1
        if not same(ours, theirs):
            wrong.append(f"{case.name}: {ours}, not {theirs}")
    assert not wrong, "\n".join(wrong)
    assert compared


def test_what_is_listed_is_still_so() -> None:
    """An entry that nothing needs any more would hide the next fault."""
    tables = ((UNLIKE_RUNTIME, runtime), (UNLIKE_REFERENCE, reference))
    for table, run in tables:
        for entry in table:
            found = [case for case in ALL if listed(case, [entry])]
            pairs = [(here(case), run(case)) for case in found]
            if any(theirs is not None for _, theirs in pairs):
                assert any(t is not None and not same(o, t) for o, t in pairs), entry
            assert found, entry


def test_the_cases_are_many_and_of_every_type() -> None:
    kinds = {v.dtype.name for case in ALL for v in case.inputs if v is not None}
    assert {"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "bool"} <= kinds
    assert {"float16", "bfloat16", "float32", "float64"} <= kinds
    assert len(ALL) > 1500
    assert len(OPERATORS) > 120
