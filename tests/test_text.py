"""Hostile names are shown, not obeyed."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from auditor.text import printable


def test_escapes_are_shown() -> None:
    assert printable("a\x1b[31mb\nc\u202ed\u200b") == "a\\x1b[31mb\\nc\\u202ed\\u200b"
    assert printable("Größe 猫 ×") == "Größe 猫 ×"
    assert printable("x" * 400, 10) == "x" * 9 + "…"


@given(st.text(st.characters(codec=None), max_size=40))
def test_nothing_invisible_is_left(text: str) -> None:
    assert all(unicodedata.category(c)[0] != "C" for c in printable(text))
    printable(text).encode("utf-8")
