"""What moves the weights."""

import keras
import numpy as np
import pytest
from keras import ops

from auditor.repair.optimizers import optimizer, rate
from auditor.repair.options import RepairOptions


@pytest.mark.parametrize(("method", "length"), [("finetune", 0.01), ("nad", 0.01)])
def test_no_gradient_however_long_throws_the_network_out(method: str, length: float) -> None:
    """The first step is the rate times a gradient of at most 1, all weights together."""
    weights = [keras.Variable(np.ones(3, np.float32)), keras.Variable(np.ones(4, np.float32))]
    made = optimizer(RepairOptions.of(method, weight_decay=0.0), 100)
    made.apply(
        [ops.convert_to_tensor(np.full(w.shape, 80.0, np.float32)) for w in weights], weights
    )
    moved = np.concatenate([1 - w.numpy() for w in weights])
    assert np.linalg.norm(moved) == pytest.approx(length, rel=1e-3)


def test_a_short_gradient_is_taken_as_it_is() -> None:
    weight = keras.Variable(np.ones(2, np.float32))
    made = optimizer(RepairOptions.of("finetune", weight_decay=0.0), 100)
    made.apply([ops.convert_to_tensor(np.array([0.3, 0.0], np.float32))], [weight])
    assert weight.numpy() == pytest.approx([1 - 0.003, 1], rel=1e-6)


def test_the_rate_falls_as_the_schedule_says() -> None:
    for schedule, expected in (("cosine", [0.01, 0.005, 0.0]), ("steps", [0.01, 1e-4, 1e-6])):
        falling = rate(RepairOptions.of("finetune", schedule=schedule), 100)
        found = [float(falling(step)) for step in (0, 50, 99)]
        assert found == pytest.approx(expected, abs=1e-5), schedule
    assert rate(RepairOptions.of("unlearn"), 100) == 3e-5
