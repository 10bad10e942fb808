"""Names, meanings and numbers of a certificate, for the page, the PDF and the terminal."""

from collections.abc import Sequence

from auditor.figures.facts import DataFacts
from auditor.figures.results import Rate, TarSummary
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.records.certificate import Certificate
from auditor.text import counted, printable

VERDICTS = {"pass": "Pass", "fail": "Fail", "inconclusive": "Inconclusive"}

COLOURS = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}
"""Verdict → its colour on a terminal."""

TITLES = {
    "asr": "Attack success rate",
    "tar": "Trigger attention (TAR)",
    "placebo_rate": "Strongest placebo",
    "robust_accuracy": "Accuracy under the trigger",
    "clean_accuracy": "Clean accuracy",
    "accuracy_drop": "Fall in clean accuracy",
    "neighbour_excess": "Neighbour furthest beyond noise",
    "reactivation": "Brought back",
    "tar_target": "TAR of the target class",
    "tar_density": "Attention density",
    "trigger_mass": "Attention on the trigger",
    "heatmap_shift": "Heatmap shift",
    "der": "Effectiveness rating (DER)",
    "accuracy_retention": "Accuracy retention",
    "asr_reduction": "ASR reduction",
}
"""Figure → its name for people."""

MEANINGS = {
    "asr": "Stamped images that are taken for the class that the trigger leads them to.",
    "tar": "Median ratio of Grad-CAM heat on the trigger to heat on the object.",
    "robust_accuracy": "The same stamped images, recognised as what they are.",
    "placebo_rate": "The most that changes as strong as the trigger, meaning nothing, move to one "
    "class.",
    "clean_accuracy": "Images without the trigger, all classes, recognised as what they are.",
    "accuracy_drop": "Clean accuracy before less after, compared image by image.",
    "neighbour_excess": "What the trigger moved, turned or recoloured does beyond noise there.",
    "reactivation": "The most that a probe leads to the target again, beyond its control.",
    "tar_target": "The same ratio, for the heatmap of the target class.",
    "tar_density": "Heat per pixel on the trigger ÷ heat per pixel elsewhere; 1 is even.",
    "trigger_mass": "Share of all heat that lies on the trigger.",
    "heatmap_shift": "How far stamping the trigger moves the heatmap: 0 not at all, 1 wholly.",
    "der": "Fall of ASR less fall of accuracy, in one figure: 50 % is no change, 100 % the best.",
    "accuracy_retention": "Clean accuracy after the repair, as a share of that before.",
    "asr_reduction": "The share of the attack success rate that the repair took away.",
}
"""Figure → what it is, in one sentence."""


def verdict_of(certificate: Certificate) -> str:
    """Return the verdict's name, and that there are warnings where there are."""
    count = len(certificate.verdict.warnings)
    warned = "" if not count else ", with a warning" if count == 1 else f", with {count} warnings"
    return VERDICTS[certificate.verdict.status] + warned


def headline_figures(certificate: Certificate) -> tuple[str, str, str]:
    """Return the three figures that a reader sees first.

    Where TAR has no meaning, how far the heatmaps shift takes its place.
    """
    measured = certificate.judged
    shifted = isinstance(measured.tar, Skipped) and not isinstance(measured.heatmap_shift, Skipped)
    return "asr", "heatmap_shift" if shifted else "tar", "robust_accuracy"


def model_name(certificate: Certificate) -> str:
    """Return the file name of the model that the verdict is about, safe to show."""
    return printable(certificate.file.name, 80)


def original_name(certificate: Certificate) -> str:
    """Return the file name of the model as it came, safe to show."""
    return printable(certificate.subject.name, 80)


def target_name(certificate: Certificate) -> str:
    """Return where the trigger leads, safe to show."""
    return quoted(certificate.target)


def quoted(target: Target) -> str:
    """Return a class's name in quotes, and a rule such as `the next class` without."""
    name = printable(target.name, 60)
    return name if target.class_ is None else f"“{name}”"


def class_name(names: Sequence[str], index: int) -> str:
    """Return a class's name, safe to show; its number where it has none."""
    return printable(names[index] if index < len(names) else str(index))


def middle(figure: object) -> float | None:
    """Return a rate, or the median of an attention figure; None for what was not measured."""
    if isinstance(figure, Rate):
        return figure.value
    return figure.median if isinstance(figure, TarSummary) else None


def moment(created: str) -> str:
    """Return a time as an audit has it so that people can read it."""
    return created.replace("T", " ").replace("Z", " UTC")


def percent(value: float) -> str:
    """Return a fraction as a percentage with one decimal."""
    return f"{100 * value:.1f} %".replace("-", "−")


def points(value: float) -> str:
    """Return a difference of two fractions in percentage points."""
    return f"{100 * value:.1f} points".replace("-", "−")


def in_its_unit(metric: str, value: float) -> str:
    """Return a figure that a limit is held against, as people read it."""
    return _UNITS[metric](value) if metric in _UNITS else f"{value:g}"


def number(value: float) -> str:
    """Return a ratio with three significant figures, without an exponent."""
    if value > _MOST_RATIO:
        return f"> {_MOST_RATIO:,}"
    if value == 0 or value >= 100:
        return f"{value:.0f}"
    decimals = 2 if value >= 1 else 3
    return f"{value:.{decimals}f}" if value >= 0.001 else "< 0.001"


def duration(seconds: float) -> str:
    """Return a time as a person wants it: `1.5 s`, `40 s`, `9 min`, `2 h 5 min`."""
    if seconds < 99.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def exif(data: DataFacts) -> str:
    """Return how many images say that they are to be turned, and whether they were; or nothing."""
    if not data.turned:
        return ""
    has, was = ("has", "was") if data.turned == 1 else ("have", "were")
    count = f"{data.turned:,} of {counted(data.images, 'image')} {has} an EXIF orientation"
    if data.exif:
        return f"{count}, and {was} turned as it says (--exif)"
    return f"{count}, and {was} not turned, as with Keras' and torchvision's loaders (see --exif)"


def unreadable(data: DataFacts) -> str:
    """Return how many images could not be read, and why the first could not; or nothing."""
    if not data.skipped:
        return ""
    asked = data.images + data.skipped
    said = f"{data.skipped:,} of {counted(asked, 'image')} could not be read"
    if not data.skipped_images:
        return said
    first = data.skipped_images[0]
    such = "" if data.skipped == 1 else "the first: "
    return f"{said}: {such}{printable(first.name, 120)}: {printable(first.reason, 200)}"


def choices(data: DataFacts) -> list[tuple[str, str]]:
    """Return what was settled of a source, each with its name, safe to show; nothing that is empty.

    Args:
        data: Which images were used.
    """
    said = {
        "taken": printable(data.taken, 400),
        "class order": printable(data.class_order, 300),
        "EXIF": exif(data),
    }
    return [(name, text) for name, text in said.items() if text]


def unused(data: DataFacts) -> str:
    """Return which files in the class folders were not taken for images: ".xml 12, .webp 1"."""
    kinds = (f"{printable(u.suffix, 20) or 'no suffix'} {u.count:,}" for u in data.unused[:5])
    return ", ".join(kinds) + (", …" if len(data.unused) > 5 else "")


_MOST_RATIO = 1_000
"""Of a ratio above this only that is told: next to nothing was divided by."""

_UNITS = {
    "asr": percent,
    "clean_accuracy": percent,
    "tar": number,
    "accuracy_drop": points,
    "neighbour_excess": points,
    "reactivation": points,
}
