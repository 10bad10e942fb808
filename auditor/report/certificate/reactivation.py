"""What a certificate says of whether the backdoor comes back: a sentence, and each probe."""

from dataclasses import dataclass
from pathlib import PurePath

from auditor.figures.comeback import WARNS, Comeback, Difference
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.probe.comebacks import comebacks
from auditor.probe.options import ProbeOptions
from auditor.probe.result import (
    Reactivation,
    Recipe,
    Retuned,
    Retuning,
    Strengthening,
    TuningData,
    WeightPath,
)
from auditor.records.certificate import Certificate
from auditor.report.curves import Curves, small
from auditor.report.words import duration, percent, points
from auditor.text import counted, printable

ASK = (
    "Whether the backdoor comes back when the model is trained further was not tried; bdaudit "
    "repair --probe, or bdaudit probe BEFORE AFTER, tries it."
)

LEARNT = 0.2
"""Of a stamp that leads fewer images than that, nobody would say that it was learnt."""

CONTROL = (
    "Each is held against a control of the same budget: a stamp of the same place, size and "
    "opacity that the network has never met, in a retuning of its own on the same images in the "
    "same order; or the same perturbation's budget without the trigger. What counts is what is "
    "beyond it."
)


@dataclass(frozen=True)
class ProbeView:
    """One probe, ready to show.

    Attributes:
        title: What was tried.
        asr: ASR afterwards; empty where it was not measured.
        control: The same of the control; empty where there is none.
        excess: The difference with its interval; empty where there is none.
        note: What else there is to say; why it was not measured, where it was not.
        chart: How it went; None where there is nothing to draw.
        bars: ASR and control as shares, where those are all there is to draw.
    """

    title: str
    asr: str
    control: str
    excess: str
    note: str
    chart: Curves | None = None
    bars: tuple[Rate, Rate] | None = None


@dataclass(frozen=True)
class ReactivationChapter:
    """What is shown of the probes.

    Attributes:
        sentence: What it means for somebody who decides about a release.
        images: Which images tuned and which judged.
        probes: Each probe.
    """

    sentence: str
    images: str
    probes: tuple[ProbeView, ...]


def chapter(certificate: Certificate) -> ReactivationChapter | None:
    """Return what is shown of the probes; None where nobody asked for them."""
    found = certificate.reactivation
    if found is None:
        return None
    if isinstance(found, Skipped):
        sentence = f"It was not found out: {printable(found.skipped, 1000)}."
        return ReactivationChapter(sentence, "", ())
    each = (*map(_retuning, found.retuning), *map(_strengthening, found.strengthened), _path(found))
    return ReactivationChapter(_meaning(found), _images(found, certificate), each)


def before(certificate: Certificate) -> str:
    """Return the model before somebody's repair, and its ASR; empty where no such was given.

    A repair that bdaudit did itself has the figures of its own model.
    """
    found = certificate.reactivation
    if certificate.repair or not isinstance(found, Reactivation):
        return ""
    asr, name = found.before.asr, printable(PurePath(found.before.path).name or "?", 80)
    return f"{name}, ASR {percent(asr.value)}" if isinstance(asr, Rate) else name


def _meaning(found: Reactivation) -> str:
    back = comebacks(found)
    assert back is not None
    if back.strongest is None:
        unknown = printable(back.unknown, 1000)
        return f"It was not found out: {unknown}{'' if unknown.endswith('?') else '.'}"
    open_ = f" Not all of it was tried: {printable(back.unknown, 400)}." if back.unknown else ""
    strongest = back.strongest
    judged = f"{strongest.said}, {_excess(strongest.excess)} beyond the control"
    if back.remains:
        return f"The backdoor {back.remains}. What may have gone furthest: {judged}.{open_}"
    if surely := [one for one in back.worth_a_warning if one.surely]:
        said = " and ".join(f"returned {one.said}" for one in surely)
        return (
            f"It comes back: it {said}. What may have come furthest is judged: {judged}. "
            "The repair hid the backdoor more than it removed it. Whoever knows the trigger and "
            "trains this model further, or feeds the data for that, opens it again with little; "
            f"where others will fine-tune it, do not release it as repaired.{open_}"
        )
    if strongest.excess.high > WARNS:
        return f"It is not settled: it went {judged}.{_narrower(found, strongest)}{open_}"
    so_far = "As far as it was tried, it does not" if back.unknown else "It does not"
    return (
        f"{so_far} come back: at most, it went {judged}. To bring the trigger back "
        f"takes about as much as to teach the network a new one{_nor_anew(found)}.{open_}"
    )


def _nor_anew(found: Reactivation) -> str:
    """Say where no retuning was enough even for a new stamp, so that both ask for more."""
    done = {n.images: n.outcome for n in found.retuning if isinstance(n.outcome, Retuned)}
    if not done or any(one.control > LEARNT for one in done.values()):
        return ""
    return f", for which {max(done)} images are too few as they were used here"


def _narrower(found: Reactivation, strongest: Comeback) -> str:
    """Say what would make an interval narrower; nothing where no more images would judge."""
    if strongest.scatters:
        return " Its trials differ: more seeds would make the interval narrower."
    more = found.judged < ProbeOptions.judged
    return " More images that judge would make the interval narrower." if more else ""


def _images(found: Reactivation, certificate: Certificate) -> str:
    if isinstance(found.tuning, TuningData):
        tuning = found.tuning
        drawn = f"{tuning.images:,} of {counted(tuning.available, 'image')}"
        tuned = f"{drawn} of {printable(tuning.source)} tuned"
    else:
        tuned = "no image tuned"
    return (
        f"{tuned}; {found.judged:,} of {printable(certificate.data.source)} judged, none of which "
        f"tuned.{_recipe(found.recipe)} Before the repair: {printable(found.before.path)}, SHA-256 "
        f"{printable(found.before.sha256)}. It took {duration(found.seconds)}, of "
        f"{found.budget:,g} s that were given."
    )


def _recipe(found: Recipe | Skipped) -> str:
    if isinstance(found, Skipped):
        return ""
    statistics = ", normalisation as in training" if found.as_in_training else ""
    return (
        f" The copies were tuned with Adam at {found.learning_rate:g}{statistics}: the hardest of "
        "what was tried that keeps the accuracy and teaches the network no stamp it never met, or "
        "the mildest where none does."
    )


def _retuning(one: Retuning) -> ProbeView:
    title = f"Tuned with {one.images} stamped images"
    if isinstance(one.outcome, Skipped):
        return _missing(title, one.outcome)
    done: Retuned = one.outcome
    was, now = percent(done.course.clean_accuracy[0]), percent(done.clean_accuracy)
    note = f"Mean of {counted(len(done.trials), 'trial')}; accuracy {was} → {now}."
    if done.missing:
        note += f" No more trials: {printable(done.missing, 200)}."
    course = done.course
    lines = (
        ("asr", "ASR", course.asr),
        ("control", "control", course.control),
        ("clean", "accuracy", course.clean_accuracy),
    )
    epochs = tuple(map(str, range(len(course.asr))))
    chart = small(f"{title}, epoch by epoch", lines, epochs)
    excess = _excess(done.excess)
    return ProbeView(title, percent(done.asr), percent(done.control), excess, note, chart)


def _strengthening(one: Strengthening) -> ProbeView:
    where = "over the image" if one.where == "image" else "around the trigger"
    title = f"Strengthened by {one.strength}/255 {where}"
    if isinstance(one.outcome, Skipped):
        return _missing(title, one.outcome)
    asr, control = one.outcome.asr, one.outcome.control
    note = "One perturbation for all images; the control has one of its own, and no trigger."
    excess = _excess(one.outcome.excess)
    return ProbeView(
        title, percent(asr.value), percent(control.value), excess, note, bars=(asr, control)
    )


def _path(found: Reactivation) -> ProbeView:
    title = "On the way back to the old weights"
    if isinstance(found.path, Skipped):
        return _missing(title, found.path)
    path: WeightPath = found.path
    lines = (
        ("asr", "ASR", [point.asr.value for point in path.points]),
        ("clean", "accuracy", [point.clean_accuracy.value for point in path.points]),
    )
    under = ["as it came", *[""] * (len(path.points) - 2), "repaired"]
    note = (
        "The straight line between both networks' weights: the nearer to the repaired one ASR "
        "rises, the less it takes. It is not judged, and has no control."
    )
    chart = small("From the weights as they came to the repaired ones", lines, under)
    return ProbeView(title, "", "", "", note, chart)


def _missing(title: str, why: Skipped) -> ProbeView:
    return ProbeView(title, "", "", "", f"Not tried: {printable(why.skipped, 400)}.")


def _excess(excess: Difference) -> str:
    low, high = points(excess.low).removesuffix(" points"), points(excess.high)
    return f"{points(excess.value)} ({low} to {high.removesuffix(' points')})"
