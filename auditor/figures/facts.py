"""What was measured, and with what: the facts that stand beside the figures."""

from dataclasses import dataclass
from typing import Annotated

from auditor.figures.skipped import Skipped
from auditor.figures.values import MOST_CLASSES, ClassNames, Count, Sha256, Size, Some
from auditor.files.constraints import Range


@dataclass(frozen=True)
class ModelFacts:
    """What the loaded model is.

    Attributes:
        format: `keras` or `h5`.
        parameters: Number of weights.
        input_shape: (height, width, channels) that images were given in.
        classes: Number of outputs.
        softmax: Whether a final softmax was stepped behind to reach the scores.
        probabilities: Whether the model gives probabilities without one: their logarithms were
            taken for scores.
        log_odds: Whether it gives one number, which was taken for the log-odds of class 1.
        flattened: Whether it takes an image as one row of numbers.
        output: Name of the output that was audited, of a model that has several.
    """

    format: str
    parameters: Count
    input_shape: tuple[Size, Size, Size]
    classes: Annotated[int, Range(2, MOST_CLASSES)]
    softmax: bool
    probabilities: bool = False
    log_odds: bool = False
    flattened: bool = False
    output: str = ""


@dataclass(frozen=True)
class SkippedImage:
    """An image that could not be used, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class UnusedFiles:
    """Files among the images that are not taken for images.

    Attributes:
        suffix: Of their names, in small letters with its dot; empty for files without one.
        count: How many.
    """

    suffix: str
    count: Some


@dataclass(frozen=True)
class DataFacts:
    """Which images were used.

    Attributes:
        source: As the user gave it.
        sha256: Of the one file that the images are in, else of a `sha256sum` manifest: of the used
            images, of what lists them, or of the files that hold them; with the names of a part
            of it that the user chose, as of arrays or columns, of both.
        images: Number of images measured.
        skipped: Number of images that could not be read.
        skipped_images: The first of them.
        resized: Number of images resized to the model's input.
        resize_rule: How.
        class_names: One a class.
        class_order: Where their order comes from, in words; empty where it was never in question.
        unused: What else lies in the class folders, the most frequent suffix first.
        turned: Number of images with an EXIF orientation other than upright.
        exif: Whether they were turned as it says.
        taken: What of the source was taken, in words: which columns, arrays, split; empty where
            there was nothing to choose.
    """

    source: str
    sha256: Sha256
    images: Count
    skipped: Count
    skipped_images: tuple[SkippedImage, ...]
    resized: Count
    resize_rule: str
    class_names: ClassNames
    class_order: str = ""
    unused: tuple[UnusedFiles, ...] = ()
    turned: Count = 0
    exif: bool = False
    taken: str = ""


@dataclass(frozen=True)
class TriggerFacts:
    """Which trigger was stamped.

    Attributes:
        id: Its name.
        type: One of the trigger types.
        sha256: Of its canonical specification, the bytes of its picture included.
        mask_area: Share of the image's pixels that it changes, in (0, 1].
        summary: One plain phrase: "white 4×4 square, bottom right".
        inferred: Whether a search found it; nobody gave it.
    """

    id: str
    type: str
    sha256: Sha256
    mask_area: Annotated[float, Range(0, 1, above=True)]
    summary: str
    inferred: bool = False


@dataclass(frozen=True)
class AttentionFacts:
    """Where the heatmaps were read.

    Attributes:
        layer: Name of the layer, with the names of the models around it; or why there is none.
        grid: (height, width) of its output; or why there is none.
        object_region: `center`, `complement` or the mask file's name.
        input_range: The range that pixels were scaled to.
        instead_of: Which later layers were passed over, and why; empty where none was.
    """

    layer: str | Skipped
    grid: tuple[Size, Size] | Skipped
    object_region: str
    input_range: str
    instead_of: str = ""


@dataclass(frozen=True)
class Device:
    """What computes.

    Attributes:
        gpus: Names of the GPUs; empty for the CPU.
        unused: Why a GPU of this machine is not used; empty where there is none, or all are.
    """

    gpus: tuple[str, ...] = ()
    unused: str = ""


@dataclass(frozen=True)
class Engine:
    """What the measurement ran on.

    Attributes:
        python: Version.
        backend: Keras backend.
        versions: Package name → version.
        device: What computed, in words, as was found by having it compute.
    """

    python: str
    backend: str
    versions: dict[str, str]
    device: str
