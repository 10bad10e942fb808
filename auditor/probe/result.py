"""What the probes found: frozen values, standard library and numpy only.

Field names are those of `reactivation` in `audit.json`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal

from auditor.figures.comeback import WARNS, Comeback, Comebacks, Difference
from auditor.figures.excess import MOST_OF_CONTROL
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.figures.values import Count, Seconds, Sha256, Share, Some
from auditor.files.constraints import Length, Matches, Range

NO_MARGIN: Final = "the trigger covers the whole image, so there is no margin around it"

SCATTER: Final = 2
"""Trials that show how far they scatter: those missing beyond them leave nothing open."""

RUINED: Final = 0.2
"""Accuracy that a network loses which a retuning ruins."""

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


@dataclass(frozen=True)
class Recipe:
    """How copies were retuned: as hard as the network bears it.

    Attributes:
        learning_rate: Of Adam.
        as_in_training: Whether BatchNormalization took its statistics from each batch and learnt
            them, as in ordinary training; else it kept them.
    """

    learning_rate: Annotated[float, Range(0, 1, above=True)]
    as_in_training: bool


_COURSE = Length(1_000, 2, "epochs")


@dataclass(frozen=True)
class RetuningCourse:
    """Epoch by epoch, from 0, the network before any retuning; means over the trials.

    Between the first and the last, a part of the images judges.
    """

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
        excess: ASR beyond the control, image by image.
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


NOT_MEASURED: Final = Skipped("it is not part of this audit")
"""What stands for the figures at rest in audits by versions that did not take them."""


Sha256OrEmpty = Annotated[
    str, Matches("|[0-9a-f]{64}", "a sha256 in hexadecimal, lower case, or empty")
]


@dataclass(frozen=True)
class BeforeRepair:
    """The model before the repair.

    Attributes:
        path: Of its file; empty until whoever took it in has named it.
        sha256: The same.
        asr: Its attack success rate.
        clean_target_rate: The same images unstamped, taken for the target.
    """

    path: str
    sha256: Sha256OrEmpty
    asr: Rate | Skipped = NOT_MEASURED
    clean_target_rate: Rate | Skipped = NOT_MEASURED


@dataclass(frozen=True)
class AtRest:
    """What the repaired network does before any probe.

    Attributes:
        asr: Stamped images taken for the target.
        control: The same images with a stamp that the network has never met.
    """

    asr: Rate
    control: Rate


@dataclass(frozen=True)
class Reactivation:
    """What brought the backdoor of a repaired network back, and how far.

    Attributes:
        before: The model before the repair.
        tuning: The images that tuned; or why there are none.
        judged: Images that judged, clean ones of all classes.
        seeds: How many trials each retuning was to have.
        budget: Seconds that all might take.
        clean: Clean images in each retuning.
        retuning: With few stamped images, the fewest first.
        strengthened: With perturbations.
        path: Between both networks.
        seconds: That it took.
        start: The repaired network before any of it.
        recipe: Of the retuning; or why none was found.
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
    start: AtRest | Skipped = NOT_MEASURED
    recipe: Recipe | Skipped = NOT_MEASURED


def excess_of(trials: Sequence[RetuningTrial]) -> Difference:
    """Return what a retuning's trials come to beyond their controls: the mean.

    However far the controls scatter, it is no more than the highest ASR that a trial allows, and
    no less than the highest control taken away from nothing.
    """
    mean = Difference.mean([Difference.of(t.alone, t.control_alone, t.asr.n) for t in trials])
    most, least = max(t.asr.high for t in trials), -max(t.control.high for t in trials)
    return replace(mean, low=max(mean.low, least), high=min(mean.high, most))


def comebacks(found: Reactivation | Skipped | None) -> Comebacks | None:
    """Return what is judged of the probes: each by what it does beyond its control.

    The path is not: it shows where the backdoor lies, and nobody's doing. Where the model
    before the repair does not answer to the trigger, nothing could come back, and nothing is.

    Args:
        found: What was found; why nothing was; or None where nobody asked.
    """
    if found is None:
        return None
    if isinstance(found, Skipped):
        return Comebacks((), found.skipped)
    if reason := _unanswered(found.before, found.start):
        return Comebacks((), reason)
    each = [
        *map(_retuned, found.retuning),
        *(
            _strengthened(one, _start(found))
            for one in found.strengthened
            if not without_margin(one)
        ),
    ]
    unknown = [one.skipped for one in each if isinstance(one, Skipped)]
    unknown += [gap for one in found.retuning if (gap := _gap(one, found.seeds))]
    back = tuple(one for one in each if isinstance(one, Comeback))
    return Comebacks(back, "".join(unknown[:1]), _remains(found.start))


def _remains(start: AtRest | Skipped) -> str:
    """Return that the repaired model answers to the trigger as it is; empty where it does not."""
    if isinstance(start, Skipped) or start.asr.low - start.control.high <= WARNS:
        return ""
    asr = _whole(start.asr.value)
    return f"was not removed by the repair (ASR {asr}); there is nothing to bring back"


def _start(found: Reactivation) -> str:
    """Return where a perturbation begins, `from 1 % `; nothing of an audit that does not say."""
    if isinstance(found.start, AtRest):
        return f"from {_whole(found.start.asr.value)} "
    known = (one.outcome for one in found.retuning if isinstance(one.outcome, Retuned))
    return next((f"from {_whole(one.course.asr[0])} " for one in known), "")


def _unanswered(before: BeforeRepair, start: AtRest | Skipped) -> str:
    """Return why nothing can be said to come back; empty where BEFORE answers to the trigger.

    It does where its ASR is surely above that of the repaired model, and above what it takes for
    the target without the trigger. Of older audits that is not known, and not asked.
    """
    asr, bare = before.asr, before.clean_target_rate
    if isinstance(asr, Skipped):
        unknown = f"whether BEFORE answers to the trigger is not known: {asr.skipped}"
        return "" if asr == NOT_MEASURED else unknown
    if isinstance(start, AtRest) and asr.low <= start.asr.high:
        return (
            f"BEFORE answers to the trigger no more than AFTER: {_whole(asr.value)} against "
            f"{_whole(start.asr.value)}; were the two given in the wrong order?"
        )
    if isinstance(bare, Rate) and asr.low <= bare.high:
        return (
            "BEFORE takes no more images for the target with the trigger than without it: "
            f"{_whole(asr.value)} against {_whole(bare.value)}; is it another trigger, or target?"
        )
    return ""


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
    lost = outcome.course.clean_accuracy[0] - outcome.clean_accuracy
    if lost > RUINED:
        return (
            f"tuned with {one.images} images, the network lost {100 * lost:.0f} points of "
            "accuracy, and what a ruined network answers tells nothing"
        )
    if not outcome.missing or len(outcome.trials) >= SCATTER:
        return ""
    return f"{len(outcome.trials)} of {seeds} seeds with {one.images} images: {outcome.missing}"


def _retuned(one: Retuning) -> Comeback | Skipped:
    if isinstance(one.outcome, Skipped):
        return one.outcome
    start, to = _whole(one.outcome.course.asr[0]), _whole(one.outcome.asr)
    control = _whole(one.outcome.control)
    said = f"from {start} to {to} with {one.images} images (control {control})"
    trials, excess = one.outcome.trials, one.outcome.excess
    each = [Difference.of(t.alone, t.control_alone, t.asr.n) for t in trials]
    scatters = excess.high > Difference.by_images(each).high
    furthest = max(trials, key=lambda trial: trial.asr.value).asr
    once = furthest.low - max(trial.control.high for trial in trials)
    if scatters and once > WARNS >= excess.low:
        said += (
            f" on average, and to {_whole(furthest.value)} in the strongest of {len(trials)} trials"
        )
    return Comeback(said, excess, "retuning", scatters, once)


def _strengthened(one: Strengthening, start: str) -> Comeback | Skipped:
    if isinstance(one.outcome, Skipped):
        return one.outcome
    to, control = _whole(one.outcome.asr.value), _whole(one.outcome.control.value)
    where = "over the image" if one.where == "image" else "around the trigger"
    perturbed = f"a perturbation of {one.strength}/255 {where}"
    said = f"{start}to {to} with {perturbed} (control {control})"
    return Comeback(said, one.outcome.excess, "strengthened")


def _whole(share: float) -> str:
    return f"{100 * share:.0f} %"
