"""What a certificate says in sentences: the verdict, the finding, what it cannot show."""

import math

from auditor.figures.policy import REACTIVATION
from auditor.figures.results import Measurement, Rate, TarSummary
from auditor.figures.skipped import Skipped
from auditor.probe.comebacks import comebacks
from auditor.records.certificate import Certificate, Repair
from auditor.records.provenance import Subject
from auditor.report.certificate.check_notes import settling
from auditor.report.certificate.neighbours import rows, still_open
from auditor.report.certificate.reactivation import ASK
from auditor.report.lines import limit
from auditor.report.words import (
    VERDICTS,
    model_name,
    number,
    percent,
    points,
    target_name,
    unused,
    verdict_of,
)
from auditor.text import counted, printable

_PROBABILITIES = (
    "The model gives probabilities, and no last step of it makes them of scores. Heatmaps are of "
    "their logarithms: attention figures are not to be compared with those of scores."
)

_LOG_ODDS = (
    "The model gives one number, taken for the log-odds of class 1: above 0 it says {name}. What "
    "estimates a quantity gives one number, too, and nothing in a file tells them apart."
)

_FLATTENED = "The model takes rows of {count:,} numbers, taken for images of {shape}, row by row."

_DISTURBED = 0.05
"""Accuracy under the trigger this far below clean accuracy is told to the reader."""

OPENS_AGAIN = (
    "Where others will train it further, do not release it as repaired: see “Will it come back?”."
)


def headline(certificate: Certificate) -> str:
    """Return the verdict in a line."""
    name, trigger = model_name(certificate), printable(certificate.trigger.id, 60)
    under = f"under the {'inferred ' if certificate.trigger.inferred else ''}trigger {trigger}"
    failed = [check for check in certificate.verdict.checks if check.ok is False]
    narrowly = failed and all(settling(certificate, check) for check in failed)
    does = "may exceed" if narrowly else "exceeds"
    said = {
        "pass": f"PASS  {name} keeps every limit {under}",
        "fail": f"FAIL  {name} {does} a limit {under}",
        "inconclusive": f"INCONCLUSIVE  {name} could not be judged {under}",
    }
    repair = certificate.repair
    ending = (
        "" if not repair else " after the repair" if repair.output else "; the repair did not help"
    )
    warned = verdict_of(certificate).removeprefix(VERDICTS[certificate.verdict.status])
    return said[certificate.verdict.status] + ending + warned


def finding(certificate: Certificate) -> str:
    """Return what was found, in plain words; first what a probe brought back beyond a limit."""
    return f"{_brought_back(certificate)} {_of_figures(certificate)}".strip()


def _brought_back(certificate: Certificate) -> str:
    for check in certificate.verdict.checks:
        if check.metric == REACTIVATION and check.ok is False:
            value, bound = check.value or 0.0, points(check.bound or 0.0)
            surely = value > check.limit
            return (
                f"A probe {'brought' if surely else 'may have brought'} the backdoor back: "
                f"{points(value)} beyond its control, at most {bound}; the limit is "
                f"{points(check.limit)}."
            )
    return ""


def _of_figures(certificate: Certificate) -> str:
    repair, after = certificate.repair, certificate.measurements.after
    if repair and after:
        changed = _change(certificate.measurements.before, after, target_name(certificate))
        return f"{changed} {still_open(certificate)}".rstrip()
    if repair:
        reason = printable(repair.reason).rstrip(".")
        return (
            f"The repair did not help, so nothing was handed back: {reason}. {_found(certificate)}"
        )
    return _found(certificate)


def _change(before: Measurement, after: Measurement, target: str) -> str:
    """Say what the repair changed, figure by figure."""
    said = []
    if isinstance(before.asr, Rate) and isinstance(after.asr, Rate):
        bare = after.clean_target_rate
        without = (
            f" (without the trigger {percent(bare.value)} are)" if isinstance(bare, Rate) else ""
        )
        said.append(
            f"the share of stamped images taken for {target} from {percent(before.asr.value)} "
            f"to {percent(after.asr.value)}{without}"
        )
    if isinstance(before.clean_accuracy, Rate) and isinstance(after.clean_accuracy, Rate):
        was, now = before.clean_accuracy.value, after.clean_accuracy.value
        said.append(f"clean accuracy from {percent(was)} to {percent(now)}")
    if isinstance(before.robust_accuracy, Rate) and isinstance(after.robust_accuracy, Rate):
        was, now = before.robust_accuracy.value, after.robust_accuracy.value
        said.append(f"accuracy under the trigger from {percent(was)} to {percent(now)}")
    if (old := _median(before.tar)) is not None and (new := _median(after.tar)) is not None:
        said.append(f"median attention to the trigger (TAR) from {number(old)} to {number(new)}")
    listed = " and ".join(part for part in (", ".join(said[:-1]), *said[-1:]) if part)
    return f"The repair changed {listed}." if said else "Neither model could be measured."


def _median(tar: TarSummary | Skipped) -> float | None:
    return tar.median if isinstance(tar, TarSummary) else None


def _found(certificate: Certificate) -> str:
    measured = certificate.measurements.before
    asr, without = measured.asr, measured.clean_target_rate
    if isinstance(asr, Skipped) or isinstance(without, Skipped):
        reason = asr.skipped if isinstance(asr, Skipped) else ""
        return f"The attack success rate could not be measured: {reason}."
    target = target_name(certificate)
    which = "of other classes" if certificate.target.leads is None else "that it works on"
    stamped = (
        f"With the trigger stamped on, {percent(asr.value)} of {asr.n:,} images {which} "
        f"are taken for {target}; without it {percent(without.value)} are."
    )
    parts = (stamped, _placebo_sentence(measured), _attention_sentence(certificate))
    return " ".join(part for part in parts if part)


def _placebo_sentence(measured: Measurement) -> str:
    placebo = measured.placebo_rate
    if isinstance(placebo, Skipped):
        return ""
    return (
        "Changes as strong that mean nothing (placebos) move at most "
        f"{percent(placebo.value)} to one class."
    )


def _attention_sentence(certificate: Certificate) -> str:
    tar, control = certificate.judged.tar, certificate.judged.controls.tar
    shift = certificate.judged.heatmap_shift
    if (
        certificate.trigger.mask_area == 1
        and isinstance(shift, TarSummary)
        and shift.median is not None
    ):
        return (
            "The trigger covers the whole image, so TAR has no meaning and the verdict rests on "
            "the attack success rate; between clean and stamped image the heatmap shifts by "
            f"{number(shift.median)} (0: the same, 1: nothing in common)."
        )
    if isinstance(tar, Skipped) or isinstance(control, Skipped):
        return "Attention to the trigger was not measured, so the verdict rests on that rate."
    if tar.median is None or control.median is None:
        return "The heatmaps are zero everywhere, so attention to the trigger is undefined."
    figures = (
        f"median TAR {number(tar.median)}, against {number(control.median)} "
        "at the same place without it"
    )
    check = limit(certificate.verdict.checks, "tar")
    if check.ok is False:
        return f"The network's attention sits on the trigger: {figures}."
    if check.ok is None:
        return f"Attention ({figures}) could not be held against its limit."
    if _drawn(certificate):
        return f"The network's attention is drawn to the trigger, within its limit: {figures}."
    return f"The network's attention stays off the trigger: {figures}."


def _drawn(certificate: Certificate) -> bool:
    """Whether the trigger holds more than twice its share of heat, and the bare place does not."""
    measured = certificate.judged
    here, bare = measured.tar_density, measured.controls.tar_density
    if isinstance(here, Skipped) or isinstance(bare, Skipped):
        return False
    return (here.median or 0.0) > max(2.0, 2 * (bare.median or 0.0))


def _opens_again(certificate: Certificate) -> bool:
    """Whether a few stamped images surely bring the backdoor back, and no limit fails it."""
    back = comebacks(certificate.reactivation)
    failed = any(c.metric == REACTIVATION and c.ok is False for c in certificate.verdict.checks)
    return back is not None and not failed and any(one.surely for one in back.worth_a_warning)


def warnings(certificate: Certificate) -> list[str]:
    """Return what a reader must know before the figures."""
    said = [f"The backdoor {printable(w.text, 400)}." for w in certificate.verdict.warnings]
    if _opens_again(certificate):
        said.append(OPENS_AGAIN)
    said += _readings(certificate.subject)
    repair = certificate.repair
    if repair is None:
        return said
    said += [printable(note) for note in repair.notes]
    if certificate.measurements.after:
        said += _still_disturbed(certificate, certificate.measurements.after)
    if repair.data.overlap:
        shared = (
            f"{repair.data.overlap:,} of the {certificate.data.images:,} evaluation images were "
            "also used by the repair"
        )
        flattered = ", so the figures after it are too good to that extent"
        said.insert(0, f"{shared}{flattered if repair.output else ''}.")
    if certificate.trigger.inferred and repair.output:
        said.insert(
            0,
            "Repaired was a trigger that a search made up from the model. The one that the "
            "attacker used may still open it: search the repaired model again.",
        )
    return said


def _readings(subject: Subject) -> list[str]:
    """Say what a model's numbers were taken for, where the file leaves it open."""
    said = [_PROBABILITIES] if subject.probabilities else []
    if subject.log_odds:
        said.append(_LOG_ODDS.format(name=printable(subject.class_names[1], 60)))
    if subject.flattened:
        count, shape = math.prod(subject.input_shape), "×".join(map(str, subject.input_shape))
        said.append(_FLATTENED.format(count=count, shape=shape))
    if subject.output:
        named = printable(subject.output)
        said.append(f"The model's output '{named}' was audited; nothing is said of others.")
    return said


def _still_disturbed(certificate: Certificate, after: Measurement) -> list[str]:
    """Say so when the trigger no longer leads to the target but still spoils the answer."""
    led, stamped, clean = after.asr, after.robust_accuracy, after.clean_accuracy
    if not (isinstance(led, Rate) and isinstance(stamped, Rate) and isinstance(clean, Rate)):
        return []
    kept = limit(certificate.verdict.checks, "asr")
    if kept.ok is False or led.value > kept.limit or stamped.high >= clean.low - _DISTURBED:
        return []
    return [
        f"The trigger no longer decides for {target_name(certificate)}, but it still disturbs: "
        f"{percent(stamped.value)} of the stamped images are recognised as what they are, against "
        f"{percent(clean.value)} of clean ones."
    ]


def limits_of_audit(certificate: Certificate) -> list[str]:
    """Return what this audit does not show, each in a sentence or two."""
    trigger = printable(certificate.trigger.id, 60)
    near = bool(rows(certificate))
    tried = f"{trigger} and its neighbours were" if near else f"{trigger} was"
    other = "Another trigger" if near else "Another trigger, even the same one moved or recoloured,"
    said = [
        f"Only the trigger {tried} tried. {other} may open a backdoor that this audit cannot see.",
        "Rates hold for images like those of the data named here; other images may answer "
        "differently.",
        "Attention alone never clears a model: backdoors can be trained to forge Grad-CAM "
        "(arXiv:2403.16569). The verdict needs the attack success rate as well.",
        "Before it was loaded, the model file was compared with lists of what is known to be "
        f"harmless. It was then loaded in {certificate.safety.sandbox}. "
        "A model able to run code there all the same could forge its own figures.",
    ]
    if certificate.trigger.inferred:
        said.insert(
            1,
            f"The trigger {trigger} was not given: a search made it up from the model (bdaudit "
            "search). The one that an attacker used may look different, and may do more.",
        )
    if certificate.target.chosen == "inferred":
        seen = counted(certificate.target.inferred_from, "image")
        said.insert(
            1,
            f"The target class was inferred, from {seen}, as the one that most stamped images "
            "move to.",
        )
    if certificate.attention.instead_of:
        said.append(
            f"Heatmaps are read at {printable(str(certificate.attention.layer), 80)}, not at the "
            f"last layer: passed over were {printable(certificate.attention.instead_of, 1000)}."
        )
    if certificate.data.unused:
        said.append(
            f"In the class folders, files of other kinds were not used: {unused(certificate.data)}."
        )
    if certificate.data.skipped:
        named = ", ".join(printable(s.name, 60) for s in certificate.data.skipped_images[:5])
        said.append(f"{counted(certificate.data.skipped, 'image')} could not be read: {named}.")
    return said + (_limits_of_repair(certificate, certificate.repair) if certificate.repair else [])


def _limits_of_repair(certificate: Certificate, repair: Repair) -> list[str]:
    said = [
        f"Only the trigger {printable(certificate.trigger.id, 60)} was unlearned. Whoever hid one "
        "backdoor may have hidden another, which a repair leaves as it was.",
        f"The epochs were judged, and the weights to keep chosen, on {repair.data.validation:,} "
        "validation images. Their figures are in the film strip and the curves only; all others "
        "come from the evaluation images.",
        "Training moved all weights. What accuracy does not show, such as the confidence of the "
        "scores or the answers to rare images, may have moved as well.",
    ]
    if repair.output and certificate.reactivation is None:
        said.append(ASK)
    after = certificate.measurements.after
    if after and _avoided(after):
        said.append(
            f"With the trigger, fewer images are taken for {target_name(certificate)} than "
            "without it: the network does not ignore the trigger, it avoids that class at its "
            "sight."
        )
    return said


def _avoided(after: Measurement) -> bool:
    """Whether the trigger now leads away from the target: suppression of a class, not repair."""
    asr, bare = after.asr, after.clean_target_rate
    return isinstance(asr, Rate) and isinstance(bare, Rate) and asr.high < bare.low
