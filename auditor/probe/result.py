"""What the probes found: frozen values, standard library and numpy only.

Field names are those of `reactivation` in `audit.json`.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from auditor.figures.comeback import Comeback, Comebacks, Difference
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.figures.values import Count, Seconds, Sha256, Share, Some
from auditor.files.constraints import Length, Matches, Range

NO_MARGIN: Final = "the trigger covers the whole image, so there is no margin around it"

MOST_OF_CONTROL: Final = 0.5
"""A retuning in which a stamp that the network has never met goes beyond it tells nothing."""

Where = Literal["image", "margin"]


@dataclass(frozen=True)
class RetuningTrial:
    """One retuning with the trigger, and the same with a stamp that the network has never met.

    Attributes:
        seed: Of its images and their order.
        asr: Stamped images taken for the target by the network retuned with the trigger.
        control: The same images with the other stamp, by the network retuned with that.
        alone: Images that only the trigger leads there.
        control_alone: Images that only the other stamp leads there.
        clean_accuracy: Of the network retuned with the trigger.
    """

    seed: Count
    asr: Rate
    control: Rate
    alone: Count
    control_alone: Count
    clean_accuracy: Rate


_COURSE = Length(1_000, 2, "epochs")


@dataclass(frozen=True)
class RetuningCourse:
    """Epoch by epoch, from 0, the network before any retuning; means over the trials."""

    asr: Annotated[tuple[Share, ...], _COURSE]
    control: Annotated[tuple[Share, ...], _COURSE]
    clean_accuracy: Annotated[tuple[Share, ...], _COURSE]

    def __post_init__(self) -> None:
        """Refuse lines of different length.

        Raises:
            ValueError: They are.
        """
        if not len(self.asr) == len(self.control) == len(self.clean_accuracy):
            raise ValueError("the course's lines are not of the same epochs")


@dataclass(frozen=True)
class Retuned:
    """What a retuning came to; means over its trials.

    Attributes:
        asr: Stamped images taken for the target afterwards.
        control: The same with the other stamp, in its own retuning.
        clean_accuracy: What the retuning left of accuracy.
        excess: ASR beyond the control, image by image; of its interval, too, the ends are means.
        trials: One a seed.
        course: How it went.
        missing: Why there are fewer trials than were asked for; empty where there are not.
    """

    asr: Share
    control: Share
    clean_accuracy: Share
    excess: Difference
    trials: Annotated[tuple[RetuningTrial, ...], Length(100, 1, "trials")]
    course: RetuningCourse
    missing: str


@dataclass(frozen=True)
class Retuning:
    """Fine-tuning of a copy with so many stamped images that are labelled with the target."""

    images: Some
    outcome: Retuned | Skipped


@dataclass(frozen=True)
class Strengthened:
    """What a perturbation adds to the trigger.

    Attributes:
        asr: Images with trigger and perturbation taken for the target.
        control: The same images with a perturbation alone that had the same budget.
        alone: Images that only the former leads there.
        control_alone: Images that only the latter leads there.
        excess: The former beyond the latter.
    """

    asr: Rate
    control: Rate
    alone: Count
    control_alone: Count
    excess: Difference


@dataclass(frozen=True)
class Strengthening:
    """One perturbation for all images, optimised towards the target.

    Attributes:
        where: Over the whole image, or in the trigger's place and a margin around it.
        strength: Most that it changes a value, of 255.
        outcome: What it came to.
    """

    where: Where
    strength: Annotated[int, Range(1, 255)]
    outcome: Strengthened | Skipped


@dataclass(frozen=True)
class PathPoint:
    """A place on the straight path from the weights as they came (0) to the repaired ones (1)."""

    share: Share
    asr: Rate
    clean_accuracy: Rate


@dataclass(frozen=True)
class WeightPath:
    """The places, from one end to the other."""

    points: Annotated[tuple[PathPoint, ...], Length(100, 2, "points")]


@dataclass(frozen=True)
class TuningData:
    """Which images tuned the copies; none of them judged.

    Attributes:
        source: As the user gave it.
        sha256: Of the images, as in `DataFacts`.
        available: Images that could have been drawn.
        images: How many were.
    """

    source: str
    sha256: Sha256
    available: Count
    images: Count


@dataclass(frozen=True)
class BeforeRepair:
    """The model file before the repair; empty until whoever took it in has named it."""

    path: str
    sha256: Annotated[str, Matches("([0-9a-f]{64})?", "a sha256 in hexadecimal, lower case")]


@dataclass(frozen=True)
class Reactivation:
    """What brought the backdoor of a repaired network back, and how far.

    Attributes:
        before: The model file before the repair.
        tuning: The images that tuned; or why there are none.
        judged: Images that judged, clean ones of all classes.
        seeds: How many trials each retuning was to have.
        budget: Seconds that all might take.
        clean: Clean images in each retuning.
        retuning: With few stamped images, the fewest first.
        strengthened: With perturbations.
        path: Between both networks.
        seconds: That it took.
    """

    before: BeforeRepair
    tuning: TuningData | Skipped
    judged: Count
    seeds: Some
    budget: Seconds
    clean: Some
    retuning: Annotated[tuple[Retuning, ...], Length(20, 1, "retunings")]
    strengthened: Annotated[tuple[Strengthening, ...], Length(2, 2, "perturbations")]
    path: WeightPath | Skipped
    seconds: Seconds


def comebacks(found: Reactivation | Skipped | None) -> Comebacks | None:
    """Return what is judged of the probes: each by what it does beyond its control.

    The path is not: it shows where the backdoor lies, and nobody's doing.

    Args:
        found: What was found; why nothing was; or None where nobody asked.
    """
    if found is None:
        return None
    if isinstance(found, Skipped):
        return Comebacks((), found.skipped)
    strengthened = [one for one in found.strengthened if not without_margin(one)]
    each = [*map(_retuned, found.retuning), *map(_strengthened, strengthened)]
    unknown = [one.skipped for one in each if isinstance(one, Skipped)]
    unknown += [gap for one in found.retuning if (gap := _gap(one, found.seeds))]
    return Comebacks(tuple(one for one in each if isinstance(one, Comeback)), "".join(unknown[:1]))


def without_margin(one: Strengthening) -> bool:
    """Whether it is of the margin of a trigger that has none: there, nothing is missing."""
    outcome = one.outcome
    return one.where == "margin" and isinstance(outcome, Skipped) and outcome.skipped == NO_MARGIN


def _gap(one: Retuning, seeds: int) -> str:
    """Return what a retuning that was done leaves open; nothing where nothing is."""
    outcome = one.outcome
    if isinstance(outcome, Skipped):
        return ""
    if outcome.control > MOST_OF_CONTROL:
        return (
            f"with {one.images} images any stamp comes to {_whole(outcome.control)}, so a backdoor "
            "cannot be told from one that is taught anew"
        )
    if not outcome.missing:
        return ""
    return f"{len(outcome.trials)} of {seeds} seeds with {one.images} images: {outcome.missing}"


def _retuned(one: Retuning) -> Comeback | Skipped:
    if isinstance(one.outcome, Skipped):
        return one.outcome
    to, control = _whole(one.outcome.asr), _whole(one.outcome.control)
    said = f"returned to {to} with {one.images} images (control {control})"
    return Comeback(said, one.outcome.excess, "retuning")


def _strengthened(one: Strengthening) -> Comeback | Skipped:
    if isinstance(one.outcome, Skipped):
        return one.outcome
    to, control = _whole(one.outcome.asr.value), _whole(one.outcome.control.value)
    where = "over the image" if one.where == "image" else "around the trigger"
    said = f"returned to {to} with a perturbation of {one.strength}/255 {where} (control {control})"
    return Comeback(said, one.outcome.excess, "strengthened")


def _whole(share: float) -> str:
    return f"{100 * share:.0f} %"
