"""What probes find, of made-up counts that hold together."""

from auditor.figures import metrics
from auditor.figures.comeback import Difference
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.probe.comebacks import excess_of
from auditor.probe.result import (
    AtRest,
    BeforeRepair,
    PathPoint,
    Reactivation,
    Recipe,
    Retuned,
    Retuning,
    RetuningCourse,
    RetuningTrial,
    Strengthened,
    Strengthening,
    TuningData,
    WeightPath,
)

STAMPED, JUDGED = 200, 300
SEEDS = 2
NO_PATH = Skipped("the two files are of different architectures: their weights do not match")


def rate(hits: int, n: int = STAMPED) -> Rate:
    found = metrics.wilson(hits, n)
    assert isinstance(found, Rate)
    return found


def retuned(*hits: tuple[int, int], missing: str = "") -> Retuned:
    """Return a retuning of trials that led so many images, and so many in their controls."""
    trials = tuple(
        RetuningTrial(
            seed, rate(led), rate(other), max(led - other, 0), max(other - led, 0), rate(270, 300)
        )
        for seed, (led, other) in enumerate(hits)
    )
    asr, control = (sum(each) / len(hits) / STAMPED for each in zip(*hits, strict=True))
    course = RetuningCourse((0.01, asr / 2, asr), (0.01, control, control), (0.95, 0.91, 0.9))
    return Retuned(asr, control, 0.9, excess_of(trials), trials, course, missing)


def strengthened(hits: int, control: int) -> Strengthened:
    alone, other = max(hits - control, 0), max(control - hits, 0)
    excess = Difference.of(alone, other, STAMPED)
    return Strengthened(rate(hits), rate(control), alone, other, excess)


def reactivation(
    five: Retuned | Skipped,
    ten: Retuned | Skipped,
    image: Strengthened | Skipped | None = None,
    margin: Strengthened | Skipped | None = None,
    **changes: object,
) -> Reactivation:
    """Return what probes found: of 200 stamped images among 300 that judged."""
    turned = ((0.0, 190), (0.5, 60), (1.0, 2))
    points = tuple(PathPoint(share, rate(hits), rate(280, JUDGED)) for share, hits in turned)
    found: dict[str, object] = {
        "before": BeforeRepair("models/poisoned.keras", "ab" * 32, rate(190), rate(2)),
        "tuning": TuningData("photos/train", "cd" * 32, 50_000, 1_020),
        "judged": JUDGED,
        "seeds": SEEDS,
        "budget": 600.0,
        "clean": 500,
        "retuning": (Retuning(5, five), Retuning(10, ten)),
        "strengthened": (
            Strengthening("image", 8, image or strengthened(12, 10)),
            Strengthening("margin", 16, margin or strengthened(9, 8)),
        ),
        "path": WeightPath(points),
        "seconds": 412.0,
        "start": AtRest(rate(2), rate(2)),
        "recipe": Recipe(3e-4, False),
    }
    return Reactivation(**{**found, **changes})  # type: ignore[arg-type]


def back(**changes: object) -> Reactivation:
    """Return a backdoor that comes back: 41 % with 5 images, 86 % with 10, control 6 %."""
    return reactivation(
        retuned((80, 12), (84, 12)),
        retuned((170, 12), (174, 12)),
        **changes,  # type: ignore[arg-type]
    )


def gone(**changes: object) -> Reactivation:
    """Return one that does not: hardly beyond its control."""
    return reactivation(retuned((8, 7), (8, 7)), retuned((12, 11), (12, 11)), **changes)  # type: ignore[arg-type]
