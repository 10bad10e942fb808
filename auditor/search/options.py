"""How a search is done.

Wang et al.'s code makes a thousand passes over the images, from a cost of 1e-3 with a patience
of 5. Here a round is a hundred images and there are 80 of them, so the cost begins at 1e-2, near
where it ends, and moves sooner.
"""

from dataclasses import dataclass

from auditor.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """Every option that shapes a search.

    Attributes:
        limit: Images used, drawn class by class; None for all.
        batch_size: Images a step, each stamped for every class.
        steps: Steps a round: success is counted, and cost adapted, once a round.
        rounds: Rounds at most.
        learning_rate: Of Adam (β 0.5, 0.9), as Wang et al. have it.
        cost: First weight of the mask's L1 norm.
        patience: Rounds of success in a row that raise the cost, and of failure that lower it.
        success: Share of a round's stamped images that must be led to the class.
        held_out: Share of the images that only judge the finished stamps.
        early_stop: Whether classes whose part is settled leave, and all stop with the verdict.
        candidates: Classes that go on after a first pass, where the model has more; 0 for all.
        seed: Of the draw, the split, the first stamps and the order of the images.
    """

    limit: int | None = 1_000
    batch_size: int = 10
    steps: int = 10
    rounds: int = 80
    learning_rate: float = 0.1
    cost: float = 1e-2
    patience: int = 3
    success: float = 0.99
    held_out: float = 0.25
    early_stop: bool = True
    candidates: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be done.

        Raises:
            UsageError: A number outside its bounds.
        """
        for name in ("batch_size", "steps", "rounds", "patience"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("success", "held_out"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must lie between 0 and 1")
        if not (self.learning_rate > 0 and self.cost > 0):
            raise UsageError("learning_rate and cost must be above 0")
        if self.candidates < 0:
            raise UsageError(f"candidates is {self.candidates}; it must be at least 0")
