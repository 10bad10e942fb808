"""Which operators an ONNX file may use: the standard's own, at the file's operator set."""

from functools import cache
from typing import Any

DOMAINS = ("", "ai.onnx.ml")
"""Domains whose operators turn numbers into numbers, as their specification says."""


def one_spelling(domain: str) -> str:
    """Return a domain as `DOMAINS` has it: files write ONNX' own as "" or as "ai.onnx"."""
    return "" if domain == "ai.onnx" else domain


def newest(domain: str) -> int:
    """Return the newest operator set that the installed onnx knows of one of `DOMAINS`."""
    from onnx import defs

    return int(defs.onnx_ml_opset_version() if domain else defs.onnx_opset_version())


@cache
def is_known(domain: str, op_type: str, opset: int) -> bool:
    """Whether an operator of one of `DOMAINS` exists, and is not withdrawn, at an operator set."""
    from onnx import defs

    try:
        return not defs.get_schema(op_type, opset, domain).deprecated
    except defs.SchemaError:
        return False


@cache
def attributes(domain: str, op_type: str, opset: int) -> dict[str, int]:
    """Return the attributes of a known operator, each with ONNX' number of its type."""
    from onnx import defs

    declared: Any = defs.get_schema(op_type, opset, domain).attributes
    return {name: int(attribute.type.value) for name, attribute in declared.items()}
