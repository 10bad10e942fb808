"""Audits that contradict themselves are read by nobody."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from auditor.errors import InputError
from auditor.figures.metrics import wilson
from auditor.figures.policy import Limits, judge
from auditor.figures.results import AuditResult, Controls, Measurement, Rate
from auditor.records.audit_json import from_document
from auditor.records.audits import joined
from auditor.records.canonical import to_document
from auditor.records.certificate import Certificate
from auditor.records.consistency import check
from tests import audited
from tests.report import repairs
from tests.report.past import NAMES, past

Document = dict[str, Any]


def document(made: Any) -> Document:
    return json.loads(json.dumps(to_document(made)))


def at(place: Any, path: str) -> Any:
    for key in path.split("."):
        place = place[int(key) if isinstance(place, list) else key]
    return place


def put(path: str, value: Any) -> Callable[[Document], None]:
    """Return what puts a value at its place in an audit."""
    parent, _, key = path.rpartition(".")

    def change(audit: Document) -> None:
        place = at(audit, parent) if parent else audit
        place[int(key) if isinstance(place, list) else key] = value

    return change


@pytest.mark.parametrize("name", NAMES)
def test_audits_of_earlier_versions_are_consistent(name: str) -> None:
    check(past(name))


@pytest.mark.parametrize("asr", [0.0, 0.02, 0.095, 0.1, 0.15, 0.5, 1.0])
@pytest.mark.parametrize("tar", [0.1, 1.4, 1.5, 4.0])
def test_what_is_measured_and_judged_is_consistent(asr: float, tar: float) -> None:
    for limits in (Limits(), Limits(max_asr=0.5, min_accuracy=0.97), Limits(max_tar=1e9)):
        made = audited.certificate(asr, tar)
        verdict = judge(made.measurements.before, limits, 3)
        check(dataclasses.replace(made, verdict=verdict))


WILSON = dataclasses.asdict(wilson(20, 200))
NO_FIGURE = {"skipped": "it was not measured"}
HISTOGRAM = {"edges": [0.1, 1.0, 10.0], "stamped": [0, 200], "unstamped": [200, 0]}

RED = {"class": 0, "name": "red", "chosen": "given", "inferred_from": 0, "leads": None}

SCAN: list[tuple[str, Any, str]] = [
    ("verdict.status", "pass", r"verdict.status: is pass, but the checks come to fail"),
    ("verdict.status", "inconclusive", r"verdict.status"),
    ("verdict.checks.0.ok", True, r"verdict.checks\[0\]"),
    ("verdict.checks.0.ok", None, r"verdict.checks\[0\]"),
    ("verdict.checks.0.value", 0.01, r"verdict.checks\[0\]"),
    ("verdict.checks.0.bound", 0.01, r"verdict.checks\[0\]"),
    ("verdict.checks.0.limit", 0.99, r"verdict.checks\[0\]"),
    ("verdict.checks.0.decisive", False, r"verdict.checks\[0\]"),
    ("verdict.checks.0.metric", "robust_accuracy", r"verdict.checks: none of asr"),
    ("verdict.checks.1.ok", True, r"verdict.checks\[1\]"),
    ("verdict.checks.1.limit", 9.0, r"verdict.checks\[1\]"),
    ("verdict.checks.2.limit", 0.1, r"verdict.checks\[2\]"),
    ("verdict.checks.0.limit", 1e300, r"verdict.checks\[0\].limit: is 1e\+300, but must be 0 to 1"),
    ("verdict.checks.0.limit", -0.1, r"verdict.checks\[0\].limit: is -0.1, but must be 0 to 1"),
    ("verdict.checks.1.limit", -1, r"verdict.checks\[1\].limit: is -1, but must be at least 0"),
    ("verdict.checks.0.reason", "waived", r"verdict.checks\[0\].reason: is why it could not be"),
    ("measurements.before.asr", WILSON, r"rows' asr does not add up"),
    ("measurements.before.asr.value", 0.01, r"before.asr: the rate 0.01 is not from 0.9"),
    ("measurements.before.asr.value", 0.9512, r"before.asr: 0.9512 is no number of 200 images"),
    ("measurements.before.asr.low", 0.97, r"before.asr: the rate 0.95 is not from 0.97"),
    ("measurements.before.asr.high", 0.99, r"before.asr: its interval is"),
    ("measurements.before.asr.n", 0, r"before.asr.n: is 0, but must be 1 to"),
    ("measurements.before.asr.n", 10**400, r"asr"),
    ("measurements.before.asr.n", 100, r"before.asr: its interval"),
    ("measurements.before.robust_accuracy", WILSON, r"come to more than all images"),
    ("measurements.before.clean_accuracy.n", 299, r"clean_accuracy"),
    ("measurements.before.clean_target_rate.n", 100, r"clean_target_rate"),
    ("measurements.before.placebo_rate", WILSON, None),
    ("measurements.before.tar.high", 0.2, r"before.tar: its interval does not hold its median"),
    ("measurements.before.tar.n", 100, r"before.tar: is of 100 images, asr of 200"),
    ("measurements.before.tar.undefined", 201, r"before.tar: 201 of 200 images are undefined"),
    ("measurements.before.tar.undefined", 200, r"before.tar: 200 of 200 images are undefined"),
    ("measurements.before.tar.median", None, r"before.tar: 0 of 200 images are undefined"),
    ("measurements.before.tar.ceiling", 1.0, r"before.tar: its interval"),
    ("measurements.before.tar.ceiling", 1e9, r"before.tar.ceiling: is 1e\+09, above 1e\+08"),
    ("measurements.before.trigger_mass.ceiling", 2.0, r"trigger_mass.ceiling: is 2, above 1"),
    ("measurements.before.controls.tar.n", 3, r"before.controls.tar: is of 3 images"),
    ("measurements.after", "before", r"repair: there is none, and there are figures after it"),
    ("data.images", 299, r"clean_accuracy: is of 300 images, the data of 299"),
    ("data.skipped", 3, None),
    ("data.skipped", 4, r"data: more images are skipped"),
    ("data.turned", 301, r"data: more images are skipped or turned"),
    ("data.resized", 301, r"data: more images than there are"),
    ("data.class_names", ["red", "green"], r"subject: not one name for each of 3 classes"),
    ("subject.classes", 4, r"subject: not one name for each of 4 classes"),
    ("target.class", 3, r"target: names a class that is none of 3"),
    ("target.class", 1, r"target.name: is not the name of class 1"),
    ("target.name", "green", r"target.name: is not the name of class 0"),
    ("target", {**RED, "class": 1, "name": "green"}, r"classes\[0\].asr: is skipped, and the"),
    ("target", {**RED, "leads": [1, 1, 0]}, r"classes\[0\].asr: is skipped, and the class has"),
    ("target", {**RED, "leads": [0, 1, 0]}, r"classes\[1\].asr: the target leads its images now"),
    ("target.inferred_from", 1, r"target.inferred_from: some images, and the target was given"),
    ("target", {**RED, "chosen": "inferred", "inferred_from": 300}, None),
    ("target", {**RED, "chosen": "inferred", "inferred_from": 301}, r"inferred_from: more images"),
    ("target.class", None, r"target: leads nowhere"),
    ("target.leads", [1, 2], r"target.leads: is for 2 classes, the model has 3"),
    ("evidence.classes", [], r"evidence.classes: are not the model's 3"),
    ("evidence.classes.1.accuracy", WILSON, r"rows' accuracy does not add up"),
    ("evidence.classes.1.asr", {"skipped": "x"}, r"rows' asr does not add up"),
    ("evidence.classes.1.class", 2, r"evidence.classes: are not the model's 3"),
    ("evidence.examples.0.stamped_tar", 1e5, None),
    ("evidence.examples.0.stamped_tar", 1e300, r"examples\[0\]: a TAR of 1e\+300, above the ceil"),
    ("evidence.examples.1.clean_tar", 1.1e6, r"examples\[1\]: a TAR of 1.1e\+06, above the ceil"),
    ("evidence.examples.0.clean_heat.shape", [-1, 4], r"whose shape is no list of sizes"),
    ("evidence.examples.0.clean_heat.shape", "44", r"whose shape is no list of sizes"),
    ("evidence.examples.0.label", 3, r"examples\[0\]: names a class that is none of 3"),
    ("evidence.histogram", HISTOGRAM, None),
    ("evidence.histogram", {**HISTOGRAM, "stamped": [0, 199]}, r"histogram.stamped: counts 199"),
    ("evidence.histogram", {**HISTOGRAM, "unstamped": [201, -1]}, r"histogram"),
    ("evidence.histogram", {**HISTOGRAM, "stamped": [200]}, r"histogram: not one count"),
    ("evidence.histogram", {**HISTOGRAM, "edges": [1, 1, 1]}, r"the edges .* do not rise"),
    (
        "evidence.placebos",
        [{"name": "noise", "class": 1, "rate": WILSON}],
        r"placebos: the strongest is not what placebo_rate says",
    ),
]
"""A place in a scan's audit, what stands there instead, and what is said; None where it may."""


@pytest.mark.parametrize(("path", "value", "words"), SCAN)
def test_an_audit_that_contradicts_itself_is_refused(
    path: str, value: Any, words: str | None
) -> None:
    audit = document(audited.certificate())
    put(path, at(audit, "measurements.before") if value == "before" else value)(audit)
    if words is None:
        from_document(audit)
        return
    with pytest.raises(InputError, match=words) as refused:
        from_document(audit)
    assert "\n" not in str(refused.value)


REPAIR: list[tuple[str, Any, str]] = [
    ("repair", None, r"repair: there is none, and there are figures after it"),
    ("measurements.after", None, r"repair.output: a file, its figures"),
    ("repair.output", None, r"repair.output: a file, its figures"),
    ("repair.evidence", None, r"repair.output: a file, its figures"),
    ("repair.output.sha256", "ab" * 32, r"repair.output.sha256: is the subject's"),
    ("repair.data.overlap", 301, r"repair.data.overlap: 301 images, of 300"),
    ("repair.data.overlap", 10**9, r"repair.data.overlap"),
    ("repair.data.available", 2_499, r"repair.data: used more images than the 2499 available"),
    ("repair.history.3.step", 10, r"history\[3\]: is too late an epoch, or of fewer steps than"),
    ("repair.history.3.images", 10**9, r"history\[3\].images: is 1000000000; 60 steps of 128"),
    ("repair.history.18.epoch", 10**9, r"history\[18\]: is too late an epoch"),
    ("repair.history.0.step", 1, r"history\[0\].images: is 0; 1 steps of 128"),
    ("repair.kept", None, r"repair.kept: no epoch"),
    ("repair.der", 0.5, r"repair.der: is not what the figures come to"),
    ("repair.accuracy_retention", 0.5, r"repair.accuracy_retention"),
    ("repair.asr_reduction", None, r"repair.asr_reduction"),
    ("repair.neighbours.0.after.high", 1.0, r"repair.neighbours\[0\].after: its interval"),
    ("repair.history.3.asr.value", 0.123, r"repair.history\[3\].asr"),
    ("repair.history.3.epoch", 1, r"repair.history\[3\]: is epoch 1; the history is out of order"),
    ("repair.evidence.classes.1.asr", WILSON, r"repair.evidence.classes: the rows' asr"),
    ("verdict.checks.3.ok", None, r"verdict.checks\[3\]"),
    ("verdict.checks.4.value", -0.1, r"accuracy_drop is not what the accuracies come to"),
    ("verdict.checks.4.value", None, r"accuracy_drop was measured, and is missing"),
    ("verdict.checks.4.bound", 0.001, r"accuracy_drop has a bound that no images give"),
    ("verdict.checks.4.bound", 0.9, r"accuracy_drop has a bound that no images give"),
    ("verdict.checks.4.limit", 0.0, r"verdict.checks\[4\]"),
    ("verdict.checks.3.value", 0.2, r"verdict.checks\[3\]: is not what the figures"),
    ("verdict.checks.3.bound", 0.001, r"verdict.checks\[3\]: is not what the figures"),
    ("repair.evidence.neighbours.0.alone", 40, r"neighbours\[0\]: asr and control are not as far"),
    ("repair.evidence.neighbours.0.control", NO_FIGURE, r"neighbours\[0\]: is measured in part"),
    ("repair.evidence.neighbours.0.name", "x", r"repair.neighbours: are not those of the evidence"),
    ("repair.evidence.neighbours.0.name", "faded to 25 %", r"neighbours: two are of one name"),
    ("repair.evidence.neighbours", [], r"repair.neighbours: are not those of the evidence"),
    ("evidence.neighbours.0.name", "x", r"repair.neighbours: are not those of the evidence"),
    ("verdict.status", "fail", r"verdict.status: is fail, but the checks come to pass"),
]


@pytest.mark.parametrize(("path", "value", "words"), REPAIR)
def test_a_repairs_audit_that_contradicts_itself_is_refused(
    path: str, value: Any, words: str
) -> None:
    audit = document(audited.repaired())
    put(path, value)(audit)
    with pytest.raises(InputError, match=words):
        from_document(audit)


def measured_with(images: int) -> Callable[[Document], None]:
    return lambda near: near.update(
        asr=dataclasses.asdict(wilson(0, images)),
        control=dataclasses.asdict(wilson(0, images)),
        alone=0,
        control_alone=0,
    )


def left_out(why: str) -> Callable[[Document], None]:
    reason = {"skipped": why}
    return lambda near: near.update(asr=reason, control=reason, alone=0, control_alone=0)


BROKEN = "the model's scores are NaN or infinite for 3 images"


@pytest.mark.parametrize(
    ("change", "which", "words"),
    [
        (measured_with(10**9), slice(3), r"neighbours: are of 1000000000 images, asr of 200"),
        (measured_with(201), slice(3), r"neighbours: are of 201 images, asr of 200"),
        (measured_with(100), slice(1), r"neighbours: are not all of the same images"),
        (left_out("no image to count"), slice(1), r"neighbours: are not all of the same images"),
        (left_out("x"), slice(1), r"neighbours\[0\]: was left out, for no reason"),
        (left_out("it does not fit into the image"), slice(1), r"no repair changes"),
        (left_out(BROKEN), slice(1), r"verdict.checks\[3\]: is not what the figures"),
    ],
)
def test_neighbours_that_no_audit_tries_are_refused(
    change: Callable[[Document], None], which: slice, words: str
) -> None:
    audit = document(audited.repaired())
    rows = zip(
        audit["repair"]["neighbours"], audit["repair"]["evidence"]["neighbours"], strict=True
    )
    for row, near in list(rows)[which]:
        change(near)
        row["after"] = near["asr"]
    with pytest.raises(InputError, match=words):
        from_document(audit)


def test_rows_of_neighbours_alone_are_of_an_older_version() -> None:
    """It did not know the device, and judged no neighbours; today's has what stands behind them."""
    audit = document(audited.repaired())
    audit["repair"]["evidence"]["neighbours"] = audit["evidence"]["neighbours"] = []
    audit["verdict"]["checks"].pop(3)
    with pytest.raises(InputError, match=r"repair.neighbours: are not those of the evidence"):
        from_document(audit)
    audit["repair"]["device"] = ""
    from_document(audit)


def of_half_the_images(found: AuditResult) -> AuditResult:
    """Return an audit of which every figure of stamped images is of half as many."""

    def halved(figure: Any) -> Any:
        if isinstance(figure, Rate):
            return wilson(round(figure.value * figure.n / 2), figure.n // 2)
        return dataclasses.replace(figure, n=figure.n // 2)

    kept = ("clean_accuracy", "balanced_accuracy", "controls", "placebo_rate")
    measured = {k: v if k in kept else halved(v) for k, v in vars(found.measurement).items()}
    measured["controls"] = Controls(*map(halved, vars(found.measurement.controls).values()))
    rows = (
        dataclasses.replace(row, asr=halved(row.asr) if row.class_ else row.asr)
        for row in found.evidence.classes
    )
    return dataclasses.replace(
        found,
        measurement=Measurement(**measured),
        evidence=dataclasses.replace(found.evidence, classes=tuple(rows)),
    )


def test_a_repair_measured_with_other_images_than_before_is_refused() -> None:
    """Each worker's result fits together, and the two do not."""
    before, after = audited.result(0.95, 4.0), audited.result(0.0, 0.1)
    check(repairs.repaired(audited.certificate(), before, after))
    with pytest.raises(InputError, match=r"measurements\.after\.asr: is of other images than"):
        check(repairs.repaired(audited.certificate(), before, of_half_the_images(after)))


def test_a_verdict_lent_to_the_model_as_it_came_is_refused() -> None:
    """The figures before the repair exceed every limit, whatever those after it keep."""
    audit = document(audited.repaired())
    audit["measurements"]["after"] = audit["repair"] = None
    with pytest.raises(InputError, match=r"verdict.checks\[0\]"):
        from_document(audit)


def test_a_limit_too_few_or_too_many_is_refused() -> None:
    for change in (list.pop, lambda checks: checks.append(checks[1])):
        audit = document(audited.repaired())
        change(audit["verdict"]["checks"])
        with pytest.raises(InputError, match=r"verdict.checks\[[45]\]"):
            from_document(audit)


def test_a_limit_of_neighbours_is_not_left_out() -> None:
    audit = document(audited.repaired())
    checks = audit["verdict"]["checks"]
    checks.remove(next(one for one in checks if one["metric"] == "neighbour_excess"))
    with pytest.raises(InputError, match="none of neighbour_excess, and neighbours were tried"):
        from_document(audit)


def test_one_of_several_that_contradicts_itself_is_refused_with_its_place() -> None:
    audit = document(audited.several())
    audit["audits"][0]["verdict"]["status"] = "pass"
    audit["verdict"] = {"status": "pass", "fail": [], "inconclusive": []}
    with pytest.raises(InputError, match=r"^\$\.audits\[0\]\.verdict\.status: is pass"):
        from_document(audit)


def test_two_audits_of_one_trigger_say_the_same() -> None:
    """What passes beside what fails, under one name or two, is about two models."""
    failed = audited.certificate(0.95, 4.0)
    passed = audited.certificate(0.0, 0.1)
    with pytest.raises(InputError, match=r"^\$\.audits: two are of triggers of one id"):
        from_document(document(joined([passed, failed])))
    renamed = dataclasses.replace(
        passed, trigger=dataclasses.replace(passed.trigger, id="another name")
    )
    with pytest.raises(InputError, match=r"^\$\.audits: .* two figures of asr"):
        from_document(document(joined([renamed, failed])))
    again = dataclasses.replace(failed, trigger=renamed.trigger)
    assert from_document(document(joined([again, failed])))


def judged_by(limits: Limits) -> Certificate:
    """Return an audit whose figures are what they are, and whose limits are these."""
    made = audited.certificate(trigger="lenient")
    verdict = judge(made.measurements.before, limits, 3)
    return dataclasses.replace(made, verdict=verdict)


@pytest.mark.parametrize(
    "limits", [Limits(max_asr=1.0), Limits(max_tar=9.0), Limits(min_accuracy=0.1)], ids=str
)
def test_audits_shown_as_one_are_judged_by_the_same_limits(limits: Limits) -> None:
    """What is said of them all names the limits once."""
    strict = audited.certificate(0.0, 0.1)
    check(judged_by(limits))
    with pytest.raises(InputError, match=r"^\$\.audits: are not all judged by the same limits"):
        from_document(document(joined([strict, judged_by(limits)])))
    assert from_document(document(joined([strict, judged_by(Limits())])))


def test_a_repairs_verdict_does_not_stand_for_the_model_as_it_came() -> None:
    """Beside a scan that passes, it would: the scan is about the model as it came."""
    passed = audited.certificate(0.0, 0.1)
    audit = document(joined([passed, audited.repaired()]))
    assert audit["verdict"]["status"] == "pass"
    with pytest.raises(InputError, match=r"^\$\.audits: one is of a repair"):
        from_document(audit)


def test_asr_is_judged_as_it_was_before_there_were_placebos() -> None:
    """Then a limit that is exceeded was so without regard to what comes without the trigger."""
    made = audited.certificate(0.5, 0.1)
    before = made.measurements.before
    rate = before.asr
    assert isinstance(rate, Rate)
    measured = dataclasses.replace(before, clean_target_rate=rate)
    verdict = judge(measured, Limits(), 3)
    assert verdict.checks[0].ok is None
    checks = (dataclasses.replace(verdict.checks[0], ok=False, reason=""), *verdict.checks[1:])
    old: Certificate = dataclasses.replace(
        made,
        measurements=dataclasses.replace(made.measurements, before=measured),
        verdict=dataclasses.replace(verdict, status="fail", checks=checks),
    )
    check(old)
    audit = document(joined([old]))["audits"][0]
    audit["measurements"]["before"]["placebo_rate"] = {"skipped": "the trigger is local"}
    with pytest.raises(InputError, match=r"verdict.checks\[0\]"):
        from_document(audit)
