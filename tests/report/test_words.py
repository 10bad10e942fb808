"""Numbers in words."""

import pytest

from auditor.report.words import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.24, "0.2 s"), (9.96, "10 s"), (40, "40 s"), (99, "99 s"), (540, "9 min"),
        (5990, "1 h 40 min"), (7500, "2 h 5 min"),
    ],
)  # fmt: skip
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words
