"""`ftsam`: fine-tuning with sharpness-aware minimisation (Zhu et al. 2023, arXiv:2304.11823).

The gradient is taken at the sharpest point near the weights, which shrinks the large weights that a
backdoor hangs on:

    ε = ρ · T² ∇L(w) ÷ ‖T ∇L(w)‖₂,  T = diag |w|;   w ← w − η · ∇L(w + ε)

Both gradients are of the same batch, so each batch is shown twice: the first step climbs to w + ε,
the second goes back and descends.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

import keras
from keras import ops

from auditor.repair.finetune import FINETUNING
from auditor.repair.optimizers import CLIP, MOMENTUM, rate
from auditor.repair.options import RepairOptions
from auditor.repair.phase import Phase


def phases(options: RepairOptions) -> tuple[Phase, ...]:
    """Return fine-tuning, every batch shown twice."""
    return (
        Phase(
            name=FINETUNING,
            epochs=options.epochs,
            shown=2,
            optimizer=partial(_optimizer, options),
        ),
    )


def _optimizer(options: RepairOptions, steps: int) -> "SharpnessAware":
    return SharpnessAware(rate(options, steps), options.rho, options.weight_decay)


class SharpnessAware(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Stochastic gradient descent with momentum that climbs in every other step.

    After an even number of steps the weights are where the descent has brought them; in between
    they are at the sharpest point.
    """

    def __init__(self, learning_rate: Any, rho: float, decay: float = 0.0) -> None:
        """Take what it is made of.

        Args:
            learning_rate: η, a number or a schedule.
            rho: ρ.
            decay: Of the weights, added to the gradient as decay · w.
        """
        super().__init__(learning_rate=learning_rate, name="sharpness_aware")
        self._rho, self._decay = rho, decay

    def build(self, variables: Any) -> None:
        """Make room for how far each weight has climbed, and for its momentum."""
        if self.built:
            return
        super().build(variables)
        self._climbs = [self.add_variable_from_reference(v, name="climb") for v in variables]
        self._speeds = [self.add_variable_from_reference(v, name="speed") for v in variables]

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Scale the gradients of a climbing step to ε, clip the others, and go on as usual."""
        variables = (
            self._trainable_variables if trainable_variables is None else trainable_variables
        )
        pairs = [
            (ops.abs(ops.convert_to_tensor(v)), g) for v, g in zip(variables, grads, strict=True)
        ]
        reach = self._rho / (_length(size * g for size, g in pairs if g is not None) + 1e-12)
        clip = ops.minimum(1.0, CLIP / (_length(g for _, g in pairs if g is not None) + 1e-12))
        reach = reach / self._sharers()
        steps = [
            None if g is None else g * ops.where(self._climbing, reach * size * size, clip)
            for size, g in pairs
        ]
        super().apply(steps, trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Climb by ε, or go back and descend."""
        index = self._get_variable_index(variable)
        climbs, speeds = self._climbs[index], self._speeds[index]
        here, climb, speed = (ops.convert_to_tensor(v) for v in (variable, climbs, speeds))
        gradient, pace = ops.cast(gradient, here.dtype), ops.cast(learning_rate, here.dtype)
        start = here - climb
        descent = MOMENTUM * speed - pace * (gradient + self._decay * start)
        self.assign(speeds, ops.where(self._climbing, speed, descent))
        self.assign(variable, ops.where(self._climbing, here + gradient, start + descent))
        self.assign(climbs, ops.where(self._climbing, gradient, ops.zeros_like(gradient)))

    @property
    def _climbing(self) -> Any:
        return ops.equal(ops.mod(self.iterations, 2), 0)

    def _sharers(self) -> int:
        """Return over how many devices TensorFlow adds up the gradients of one batch."""
        strategy = getattr(self, "_distribution_strategy", None)
        return strategy.num_replicas_in_sync if strategy else 1


def _length(parts: Iterable[Any]) -> Any:
    """Return the length of a vector given in parts, a scalar."""
    return ops.sqrt(sum(ops.sum(ops.square(part)) for part in parts))
