"""What a search found is held against itself."""

import dataclasses

import pytest

from auditor.errors import InputError
from auditor.figures.metrics import wilson
from auditor.figures.results import Rate
from auditor.search.consistency import check
from tests.report import searches


def test_a_search_that_contradicts_itself_is_refused() -> None:
    found = searches.result("red", "green", "blue", flagged=(1,))
    check(found)
    red, green, blue = found.classes
    for classes in (
        (red, dataclasses.replace(green, flagged=False), blue),
        (dataclasses.replace(red, flagged=True), green, blue),
        (red, dataclasses.replace(green, success=wilson(10, 100)), blue),
        (red, dataclasses.replace(green, success=Rate(0.99, 0.99, 0.99, 100)), blue),
        (red, dataclasses.replace(green, norm=62.0), blue),
    ):
        with pytest.raises(InputError, match=r"\$\.classes\[[01]\]"):
            check(dataclasses.replace(found, classes=classes))
