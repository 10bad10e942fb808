"""How it is tried whether a backdoor comes back: every option, its default, and what it means."""

from dataclasses import dataclass

SEEDS = 3
BUDGET = 600.0


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """Options of the probes.

    A copy is retuned as hard as the network bears it: at the highest learning rate that keeps its
    accuracy. Plain stochastic gradient descent at 0.01 on labels costs 5 to 40 points of it.

    Attributes:
        seeds: How often each retuning is done, each time with other images in another order.
        budget: Seconds that all probes together may take; what does not fit is left out.
        stamped: With how many stamped images, labelled with the target, each retuning is done.
        clean: Clean images beside them, taught what the network itself says of them.
        epochs: Passes over these images.
        learning_rates: Of Adam, the lowest first; the highest that the network bears is used.
        most_lost: Accuracy that a network may lose by retuning and still bear it.
        batch_size: Images a step of the training.
        judged: Images, at most, that judge.
        watched: Those of them, at most, that judge between the first and the last epoch.
        judged_at_once: Of those, how many go through the model at a time.
        image_strength: Most that a perturbation over the whole image changes a value, of 255.
        margin_strength: The same of one in the trigger's place and a margin around it.
        steps: Steps of sign gradient that optimise a perturbation.
        points: Places on the straight path between both networks, its ends included.
        seed: Of every draw and shuffle.
    """

    seeds: int = SEEDS
    budget: float = BUDGET
    stamped: tuple[int, ...] = (5, 10)
    clean: int = 500
    epochs: int = 5
    learning_rates: tuple[float, ...] = (3e-4, 1e-3, 3e-3)
    most_lost: float = 0.03
    batch_size: int = 32
    judged: int = 1_000
    watched: int = 250
    judged_at_once: int = 256
    image_strength: int = 8
    margin_strength: int = 16
    steps: int = 40
    points: int = 9
    seed: int = 0

    @property
    def needed(self) -> int:
        """Images that it takes to tune with."""
        return self.clean + max(self.stamped)
