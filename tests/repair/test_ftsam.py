"""The perturbed gradient of sharpness-aware minimisation, against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from auditor.repair.ftsam import SharpnessAware

RHO, RATE, DECAY = 0.5, 0.1, 0.01


def loss_gradient(w: np.ndarray) -> np.ndarray:
    """Of L(w) = Σ w⁴ / 4 + Σ w."""
    return w**3 + 1


def test_two_steps_are_one_of_the_papers() -> None:
    starts = [np.array([0.5, -2.0, 1.5], np.float32), np.array([[3.0], [-0.25]], np.float32)]
    weights = [keras.Variable(start) for start in starts]
    made = SharpnessAware(RATE, RHO, DECAY)
    made.build(weights)

    def step() -> None:
        made.apply([ops.convert_to_tensor(loss_gradient(w.numpy())) for w in weights], weights)

    speeds = [np.zeros_like(start) for start in starts]
    here = [start.astype(np.float64) for start in starts]
    for _ in range(2):
        gradients = [loss_gradient(w) for w in here]
        length = np.sqrt(
            sum(((np.abs(w) * g) ** 2).sum() for w, g in zip(here, gradients, strict=True))
        )
        climbs = [RHO * w**2 * g / length for w, g in zip(here, gradients, strict=True)]
        step()
        for weight, w, climb in zip(weights, here, climbs, strict=True):
            assert weight.numpy() == pytest.approx(w + climb, rel=1e-4, abs=1e-6)
        # ‖T⁻¹ ε‖ = ρ: the point lies on the ball's surface
        scaled = sum(((c / np.abs(w)) ** 2).sum() for c, w in zip(climbs, here, strict=True))
        assert np.sqrt(scaled) == pytest.approx(RHO, rel=1e-5)
        step()
        sharpest = [loss_gradient(w + climb) for w, climb in zip(here, climbs, strict=True)]
        clip = min(1.0, 1.0 / np.sqrt(sum((g**2).sum() for g in sharpest)))
        assert clip < 1, "the longest gradient is reached here"
        for i, w in enumerate(here):
            speeds[i] = 0.9 * speeds[i] - RATE * (clip * sharpest[i] + DECAY * w)
            here[i] = w + speeds[i]
            assert weights[i].numpy() == pytest.approx(here[i], rel=1e-4, abs=1e-6)


def test_both_steps_see_the_same_batch(workshop) -> None:
    from auditor.repair.options import RepairOptions
    from auditor.repair.place import here
    from auditor.repair.prepare import prepare
    from tests.repair.conftest import fresh

    task = fresh(workshop)
    ready = prepare(task, RepairOptions.of("ftsam", batch_size=16), here(), workshop.folder)
    (phase,) = ready.phases
    rows = ready.rows(phase, [])
    stream = rows.stream(1, 0)
    batches = [next(stream) for _ in range(4)]
    assert (batches[0][0] == batches[1][0]).all()
    assert (batches[0][0] != batches[2][0]).any()
    assert (batches[2][0] == batches[3][0]).all()
    assert rows.steps == 2 * ready.steps
    # labels smoothed by 0.1 over three classes
    assert set(np.unique(batches[0][1]).round(4)) == {
        np.float32(round(0.1 / 3, 4)), np.float32(round(0.9 + 0.1 / 3, 4)),
    }  # fmt: skip
