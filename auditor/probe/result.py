"""What the probes found: frozen values, standard library and numpy only.

Field names are those of `reactivation` in `audit.json`.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from auditor.figures.comeback import Difference
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.figures.values import Count, Seconds, Sha256, Share, Some
from auditor.files.constraints import Length, Matches, Range

NO_MARGIN: Final = "the trigger covers the whole image, so there is no margin around it"

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
