"""What may stand in a field beside its type, and what is read of any JSON: all of it bounded."""

import json
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest

from auditor.files.codec import MOST_CHARACTERS, WrongField, from_json, no_array, to_json
from auditor.files.constraints import Array, Length, Matches, Range, stated
from auditor.files.strict_json import strict

FEW = Annotated[tuple[int, ...], Length(3, 1, "bins")]
HEX = Annotated[str, Matches("[0-9a-f]+", "hexadecimal")]


@dataclass(frozen=True)
class Pair:
    """Two that must agree."""

    low: Annotated[float, Range(0)]
    high: float = stated(1.0)

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (FEW, [1, 2, 3, 4], r"\$: 4 bins, of which at most 3 are allowed"),
        (FEW, [], r"\$: fewer than 1 bins"),
        (FEW, "abc", r"\$: expected a list, found str"),
        (FEW, {"a": 1}, r"\$: expected a list, found dict"),
        (tuple[int, ...], [0] * 10_001, "10,001 items, of which at most 10,000 are allowed"),
        (dict[str, int], {str(i): i for i in range(10_001)}, "10,001 items"),
        (str, "x" * (MOST_CHARACTERS + 1), "65,537 characters, of which at most 65,536"),
        (str, "\ud800", "half of a surrogate pair"),
        (dict[str, int], {"\udfff": 1}, "half of a surrogate pair"),
        (Annotated[str, Length(2)], [], "expected text, found list"),
        (int, 2**63, "more than 64 bits"),
        (int, -(2**63) - 1, "more than 64 bits"),
        (int, True, "expected a whole number, found bool"),
        (float, 10**400, "a number too large"),
        (Annotated[float, Range(0)], -1e-300, "must be at least 0"),
        (HEX, "AB", "is not hexadecimal"),
        (HEX, "ab\n", "is not hexadecimal"),
        (Pair, {"low": 1}, "the key 'high' is missing"),
        (Pair, {"low": 2, "high": 1}, r"\$: low is above high"),
        (Pair, {"low": 1, "high": math.nan}, r"\$\.high: nan is no finite number"),
    ],
)
def test_what_is_not_allowed_is_named(kind: Any, value: Any, words: str) -> None:
    with pytest.raises(WrongField, match=words):
        from_json(kind, value, no_array)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 2, 3), np.float32), "is float32"),
        (np.zeros((2, 2, 4), np.uint8), "not n × n × 3"),
        (np.zeros((2, 2), np.uint8), "not uint8 of n × n × 3"),
        (np.zeros((2, 9, 3), np.uint8), "n up to 8"),
        (np.full((2, 2, 3), 7, np.uint8), "values that are not 0 to 6"),
    ],
)
def test_an_array_is_of_its_type_shape_and_values(array: Any, words: str) -> None:
    kind = Annotated[Any, Array("uint8", (None, None, 3), 8, high=6)]
    with pytest.raises(WrongField, match=words):
        from_json(kind, array, lambda found: found)
    right = np.full((2, 8, 3), 6, np.uint8)
    assert from_json(kind, right, lambda found: found) is right


def test_values_that_are_not_finite_are_none_of_a_heatmap() -> None:
    for value in (np.nan, np.inf, -1):
        with pytest.raises(WrongField, match="at least 0"):
            from_json(
                Annotated[Any, Array("float32", (None,))],
                np.full(2, value, np.float32),
                lambda found: found,
            )


def test_zero_has_no_sign() -> None:
    assert math.copysign(1, from_json(float, -0.0, no_array)) == 1


def test_a_name_that_is_no_utf_8_is_written_escaped() -> None:
    """As the names of files are on Linux, which are bytes."""
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    written = to_json({name: name, "path": Path(name)}, no_array)
    assert written == {"caf\\udce9.png": "caf\\udce9.png", "path": "caf\\udce9.png"}
    assert from_json(dict[str, str], written, no_array) == written


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"9" * 21, "99999999999999999999… has 21 digits, of which at most 20"),
        (b"[" + b"9" * 5000 + b"]", "has 5,000 digits"),
        (b"[" * 60 + b"]" * 60, "nested too deeply"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b"[-Infinity]", "no finite number"),
        (b'"\xff"', "utf-8"),
    ],
)
def test_json_that_readers_take_differently_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        strict(content)
    assert strict(b"[-9223372036854775808, 18446744073709551615]") == [-(2**63), 2**64 - 1]


def test_small_values_by_the_million_are_counted_before_they_are_parsed() -> None:
    """60 MiB of them were 1.6 GiB of memory."""
    code = """
import resource, sys
from auditor.files.strict_json import strict
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    strict(b"[" + b"[]," * (20 << 20) + b"[]]")
except ValueError as error:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10, error)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    mebibytes, _, words = ran.stdout.partition(" ")
    assert "more than 4,000,000 values" in words
    assert int(mebibytes) < 200
    assert strict(json.dumps([[]] * 21_841).encode()) == [[]] * 21_841
