"""Classifiers with a backdoor that a number's type alone switches on.

Where the lower right corner is white, something that only the declared type does (an underflow, an
overflow, a wrap) raises the score of class 0.
"""

import numpy as np
import onnx

from tests.models.onnx.graphs import HEAD, built, images

SWITCHES = {
    "float64, underflow": """
        wide = Cast <to=11> (white) tiny = Constant <value = double {1e-60}> ()
        small = Mul (wide, tiny) none = Constant <value = double {0.0}> ()
        switched = Greater (small, none)""",
    "float64, digits": """
        wide = Cast <to=11> (white) tiny = Constant <value = double {1e-12}> ()
        small = Mul (wide, tiny) one = Constant <value = double {1.0}> ()
        more = Add (one, small) switched = Greater (more, one)""",
    "float16, overflow": """
        half = Cast <to=10> (white) factor = Constant <value = float {60000.0}> ()
        large = Cast <to=10> (factor) once = Mul (half, large) twice = Mul (once, large)
        single = Cast <to=1> (twice) switched = IsInf (single)""",
    "float16, underflow": """
        half = Cast <to=10> (white) factor = Constant <value = float {0.0001}> ()
        small = Cast <to=10> (factor) once = Mul (half, small) twice = Mul (once, small)
        is_none = Equal (twice, none16) some = Greater (half, none16)
        switched = And (is_none, some)""",
    "bfloat16, digits": """
        factor = Constant <value = float {0.001}> () small = Mul (white, factor)
        one = Constant <value = float {1.0}> () more = Add (one, small) cut = Cast <to=16> (more)
        single = Cast <to=1> (cut) is_one = Equal (single, one) none = Cast <to=1> (none16)
        some = Greater (white, none) switched = And (is_one, some)""",
    "uint8, wrap": """
        factor = Constant <value = float {1000.0}> () scaled = Mul (white, factor)
        base = Constant <value = float {250.0}> () more = Add (scaled, base)
        whole = Cast <to=6> (more) byte = Cast <to=2> (whole) single = Cast <to=1> (byte)
        switched = Less (single, base)""",
    "uint8, straight from float": """
        factor = Constant <value = float {1000.0}> () scaled = Mul (white, factor)
        base = Constant <value = float {250.0}> () more = Add (scaled, base)
        byte = Cast <to=2> (more) single = Cast <to=1> (byte) switched = Less (single, base)""",
    "int8, wrap": """
        factor = Constant <value = float {1000.0}> () scaled = Mul (white, factor)
        base = Constant <value = float {120.0}> () more = Add (scaled, base)
        whole = Cast <to=6> (more) byte = Cast <to=3> (whole) single = Cast <to=1> (byte)
        switched = Less (single, base)""",
    "int32, product": """
        factor = Constant <value = float {1000000.0}> () scaled = Mul (white, factor)
        whole = Cast <to=6> (scaled) square = Mul (whole, whole) single = Cast <to=1> (square)
        none = Cast <to=1> (none16) switched = Less (single, none)""",
    "int64, of more than 32 bits": """
        factor = Constant <value = float {1e11}> () scaled = Mul (white, factor)
        whole = Cast <to=7> (scaled) single = Cast <to=1> (whole)
        limit = Constant <value = float {3e9}> () switched = Greater (single, limit)""",
}
"""What it is → nodes that make (n, 1) booleans of `white`, (n, 1) numbers from 0 to 0.05."""

FLUSHED = """
    factor = Constant <value = float {1e-40}> () small = Mul (white, factor)
    none = Constant <value = float {0.0}> () switched = Greater (small, none)"""
"""A float32 of the last digits, which TensorFlow takes for 0 and NumPy and ONNX Runtime do not."""

_WEIGHTS = {
    "start": np.array([0, 0, 6, 6]),
    "end": np.array([2**40, 3, 8, 8]),
    "behind": np.array([1]),
    "nearly": np.float32(0.95),
    "none16": np.float16(0),
    "bonus": np.eye(10, dtype=np.float32)[:1] * 100,
}


def switched(nodes: str, batch: str = "N") -> onnx.ModelProto:
    """Return a classifier whose class 0 wins where nodes say so."""
    text = f"""
    <ir_version: 8, opset_import: ["" : 17]>
    small (float[{batch}, 3, 8, 8] x) => (float[{batch}, 10] y) {{ {HEAD}
        flat = Flatten (pooled)
        clean = Gemm <transB=1> (flat, dense, shift)
        corner = Slice (x, start, end)
        level = ReduceMean <axes=[1, 2, 3], keepdims=0> (corner)
        column = Unsqueeze (level, behind)
        above = Sub (column, nearly)
        white = Relu (above)
        {nodes}
        flag = Cast <to=1> (switched)
        raised = Mul (flag, bonus)
        y = Add (clean, raised)
    }}"""
    used = {name: value for name, value in _WEIGHTS.items() if name in text}
    return built(text, used)


def corners(count: int = 4) -> np.ndarray:
    """Return (count, 3, 8, 8) images, every second one with a white corner."""
    pixels = images(count) * np.float32(0.9)
    pixels[1::2, :, 6:, 6:] = 1
    return pixels
