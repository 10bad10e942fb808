"""A stretch of training with one loss: what a repair method is made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """Some epochs of training, compiled once.

    Attributes:
        name: `unlearning`, `recovery`.
        epochs: How many.
        alphas: Weight of the ascent on stamped rows, one an epoch; empty for clean rows alone.
        clean_weight: λ, the weight of the clean rows' cross-entropy.
    """

    name: str
    epochs: int
    alphas: tuple[float, ...]
    clean_weight: float

    @property
    def stamped(self) -> bool:
        """Whether stamped rows stand beside the clean ones."""
        return bool(self.alphas)
