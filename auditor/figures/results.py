"""What was measured: frozen values, standard library and numpy only.

Field names are those of `audit.json` (a trailing underscore is dropped there). What was not
measured is `Skipped(reason)`, never None, 0 or a missing key.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from auditor.figures.facts import AttentionFacts, DataFacts, Engine, ModelFacts, TriggerFacts
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.figures.values import (
    MOST_AUDITS,
    MOST_BINS,
    MOST_CLASSES,
    MOST_SHOWN,
    Amount,
    Bits,
    Class,
    Count,
    Heat,
    Picture,
    Share,
    Some,
)
from auditor.files.constraints import Length, Range

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Rate:
    """A proportion of `n` images, a fraction in [0, 1], with its Wilson 95 % interval."""

    value: Share
    low: Share
    high: Share
    n: Some

    def __post_init__(self) -> None:
        """Refuse an interval that its rate is not in, but for the last digits.

        Raises:
            ValueError: It is not.
        """
        if not self.low - _ROUNDING <= self.value <= self.high + _ROUNDING:
            raise ValueError(f"the rate {self.value} is not from {self.low} to {self.high}")


@dataclass(frozen=True)
class TarSummary:
    """A per-image attention figure over `n` images.

    Attributes:
        mean: Mean over the defined images; None when none is defined.
        median: Median over the same.
        low: Lower end of the median's 95 % bootstrap interval.
        high: Upper end.
        n: Images looked at.
        undefined: Images whose heatmap is zero everywhere.
        ceiling: The largest value that the layer's grid can reach for this trigger.
    """

    mean: Amount | None
    median: Amount | None
    low: Amount | None
    high: Amount | None
    n: Count
    undefined: Count
    ceiling: Amount

    def __post_init__(self) -> None:
        """Refuse a summary of other images than it counts.

        Raises:
            ValueError: Figures of no image, none of some, or more undefined than there are.
        """
        if self.undefined > self.n:
            raise ValueError(f"{self.undefined} of {self.n} images are undefined")
        figures = (self.mean, self.median, self.low, self.high)
        if any((figure is None) != (self.undefined == self.n) for figure in figures):
            raise ValueError(f"{self.undefined} of {self.n} images are undefined, figures are not")


@dataclass(frozen=True)
class Controls:
    """The attention figures on the unstamped images, at the place where the trigger would be."""

    tar: TarSummary | Skipped
    tar_density: TarSummary | Skipped
    trigger_mass: TarSummary | Skipped


@dataclass(frozen=True)
class Balanced:
    """The mean of the classes' accuracies, however many images each has.

    A model that says one class whatever it sees comes to 1 ÷ `classes`, on any data.

    Attributes:
        value: The mean.
        low: Lower end of its 95 % interval.
        high: Upper end.
        classes: Of how many classes there are images.
    """

    value: Share
    low: Share
    high: Share
    classes: Annotated[int, Range(1, MOST_CLASSES)]


@dataclass(frozen=True)
class Measurement:
    """Every figure of one model under one trigger (README, "What the figures are").

    Attributes:
        clean_accuracy: Unstamped images, predicted = label.
        asr: Attack success rate: stamped images of other classes, predicted = target.
        robust_accuracy: The same stamped images, predicted = their own label.
        clean_target_rate: The same images unstamped, predicted = target.
        tar: Trigger Attention Ratio of the predicted class, stamped images.
        tar_target: The same for the target class.
        tar_density: Mean heat inside the trigger ÷ mean heat outside it.
        trigger_mass: Share of the heat on the trigger.
        heatmap_shift: 1 − cosine similarity of the clean and the stamped image's heatmaps.
        controls: The same on unstamped images.
        placebo_rate: The largest share of images that a change as strong as the trigger, but
            without its meaning, moves to one class: what ASR would be of mere fragility.
        balanced_accuracy: The mean of the classes' accuracies, unstamped.
    """

    clean_accuracy: Rate | Skipped
    asr: Rate | Skipped
    robust_accuracy: Rate | Skipped
    clean_target_rate: Rate | Skipped
    tar: TarSummary | Skipped
    tar_target: TarSummary | Skipped
    tar_density: TarSummary | Skipped
    trigger_mass: TarSummary | Skipped
    heatmap_shift: TarSummary | Skipped
    controls: Controls
    placebo_rate: Rate | Skipped = Skipped("it is not part of this audit")
    balanced_accuracy: Balanced | Skipped = Skipped("it is not part of this audit")


@dataclass(frozen=True)
class ClassRow:
    """One class: its images' accuracy, and how often the trigger turns them."""

    class_: Class
    name: str
    accuracy: Rate | Skipped
    asr: Rate | Skipped


@dataclass(frozen=True)
class Histogram:
    """Counts of TAR over logarithmic bins.

    Attributes:
        edges: (b + 1,) bin edges; the first bin holds everything below, the last above.
        stamped: (b,) images.
        unstamped: (b,) images.
    """

    edges: Annotated[tuple[Amount, ...], Length(MOST_BINS + 1, 2, "edges")]
    stamped: Annotated[tuple[Count, ...], Length(MOST_BINS, 1, "bins")]
    unstamped: Annotated[tuple[Count, ...], Length(MOST_BINS, 1, "bins")]

    def __post_init__(self) -> None:
        """Refuse bins that are none.

        Raises:
            ValueError: There is not one count a bin, or an edge is not above the one before.
        """
        if not len(self.edges) - 1 == len(self.stamped) == len(self.unstamped):
            raise ValueError("not one count for each bin of the histogram")
        if any(one >= other for one, other in pairwise(self.edges)):
            raise ValueError("the edges of the histogram do not rise")


@dataclass(frozen=True)
class Example:
    """One image before and after the stamp.

    Attributes:
        name: Its name in the data.
        label: Its class.
        clean: (h, w, 3) uint8 RGB.
        stamped: (h, w, 3) uint8 RGB.
        clean_heat: (gh, gw) float32 Grad-CAM of the clean image; (0, 0) where there is none.
        stamped_heat: The same of the stamped image.
        clean_predicted: Class predicted for the clean image.
        stamped_predicted: Class predicted for the stamped image.
        clean_tar: TAR at the trigger's place on the clean image; None when undefined.
        stamped_tar: TAR of the stamped image; None when undefined.
    """

    name: str
    label: Class
    clean: Picture
    stamped: Picture
    clean_heat: Heat
    stamped_heat: Heat
    clean_predicted: Class
    stamped_predicted: Class
    clean_tar: Amount | None
    stamped_tar: Amount | None


@dataclass(frozen=True)
class Placebo:
    """A change as strong as the trigger that means nothing, and what it does.

    Attributes:
        name: What it is, in words.
        class_: The class that it moves most images to; None where the trigger leads to several.
        rate: Share of the images of other classes that it moves there.
    """

    name: str
    class_: Class | None
    rate: Rate | Skipped


@dataclass(frozen=True)
class Neighbour:
    """A trigger close to the given one, moved, turned, faded, recoloured, and what it does.

    Attributes:
        name: What is different, in words: `moved by 2 pixels`.
        asr: Share of a sample of the images that it leads to the target; skipped where it does not
            fit, and then the rest says nothing.
        control: The same of what it is held against: noise at its place, a placebo of a trigger
            over the whole image, or nothing at all, whichever leads most images there.
        alone: Images that the neighbour leads there, and the control does not.
        control_alone: Images that the control leads there, and the neighbour does not.
    """

    name: str
    asr: Rate | Skipped
    control: Rate | Skipped
    alone: Count = 0
    control_alone: Count = 0


@dataclass(frozen=True)
class Evidence:
    """What stands behind the figures, for people to look at."""

    classes: Annotated[tuple[ClassRow, ...], Length(MOST_CLASSES, of="classes")]
    histogram: Histogram | Skipped
    examples: Annotated[tuple[Example, ...], Length(MOST_SHOWN, of="examples")]
    examples_rule: str
    placebos: Annotated[tuple[Placebo, ...], Length(MOST_SHOWN, of="placebos")] = ()
    neighbours: Annotated[tuple[Neighbour, ...], Length(MOST_SHOWN, of="neighbours")] = ()


@dataclass(frozen=True)
class AuditResult:
    """What `audit` returns: one model, one data set, one trigger.

    Attributes:
        correct: (n,) uint8, 1 where a clean image was recognised, in the data's order: with it two
            models are compared image by image.
        shown: Positions in the data of the example images, in their order: with it a second audit
            shows the same ones.
    """

    model: ModelFacts
    data: DataFacts
    trigger: TriggerFacts
    target: Target
    attention: AttentionFacts
    measurement: Measurement
    evidence: Evidence
    engine: Engine
    correct: Bits
    shown: Annotated[tuple[Count, ...], Length(MOST_SHOWN, of="examples")]


@dataclass(frozen=True)
class AuditResults:
    """What `audit_all` returns: one model and data set, several triggers, in their order."""

    audits: Annotated[tuple[AuditResult, ...], Length(MOST_AUDITS, 1, "audits")]
