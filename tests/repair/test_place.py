"""Where a repair runs."""

import pytest

from auditor.errors import UsageError
from auditor.models.devices import find, gpus_in_use
from auditor.repair.place import Place, here, place


def test_the_cpu_is_a_place() -> None:
    with place(find("cpu")) as where:
        assert where.gpus == 0
    assert here().gpus == min(1, len(gpus_in_use()))


def test_a_batch_that_gpus_cannot_share() -> None:
    with pytest.raises(UsageError, match="--batch-size 128: .* by 3 GPUs; try 129"):
        Place(3, "auto").check(128)
    for gpus in (0, 1, 2, 4, 8):
        Place(gpus, "auto").check(128)
