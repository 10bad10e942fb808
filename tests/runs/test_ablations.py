"""The variants that an ablation sets side by side."""

from dataclasses import asdict

import numpy as np
import pytest

from auditor.repair import REPAIRS, reads
from auditor.repair.options import RepairOptions
from auditor.runs.ablations import ABLATED, ABLATIONS

WHOLE = asdict(RepairOptions.of(ABLATED))


def test_the_method_as_it_is_comes_first_and_nothing_of_it_is_changed() -> None:
    assert next(iter(ABLATIONS)) == ABLATED
    assert ABLATIONS[ABLATED] == {}


@pytest.mark.parametrize("name", [name for name in ABLATIONS if name != ABLATED])
def test_each_variant_changes_something_that_the_method_reads(name: str) -> None:
    assert name not in REPAIRS, "in a table the two could not be told apart"
    own = ABLATIONS[name]
    assert own
    for field, value in own.items():
        assert reads(ABLATED, field)
        assert WHOLE[field] != value


def test_a_constant_alpha_weighs_as_much_in_all() -> None:
    """As the ramp, added up over its epochs."""
    ramp = np.linspace(*WHOLE["alpha"], WHOLE["epochs"])
    constant = np.linspace(*ABLATIONS["constant-alpha"]["alpha"], WHOLE["epochs"])
    assert np.ptp(constant) == 0 < np.ptp(ramp)
    assert constant.sum() == pytest.approx(ramp.sum())
