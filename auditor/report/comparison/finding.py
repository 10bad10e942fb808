"""What a comparison says in sentences: which repair serves best, by what rule, what it hides."""

from auditor.figures.results import Rate
from auditor.figures.verdict import Check
from auditor.records.comparison import Comparison, Entry, Outcome, verdict_among
from auditor.report.certificate.finding import limits_of_audit
from auditor.report.certificate.joint import listed
from auditor.report.words import TITLES, in_its_unit, model_name, percent, points, target_name
from auditor.text import printable

RULE = (
    "Forgotten is the trigger where the lower bound of ASR is at most that model's clean target "
    "rate and half a point. Of the repairs that have forgotten it, the best is the one with the "
    "highest sum of clean accuracy and accuracy under the trigger."
)


def headline(comparison: Comparison) -> str:
    """Return the outcome in a line."""
    outcome, name = comparison.outcome, model_name(comparison.before)
    if not comparison.entries:
        said = {
            "pass": f"PASS  {name} needs no repair",
            "fail": f"FAIL  {name} exceeds a limit, but does not answer to the trigger",
            "inconclusive": f"INCONCLUSIVE  {name} could not be judged",
        }
        return f"{said[outcome.status]}; none was tried"
    count, passed = len(comparison.entries), outcome.passed
    if count == 1:
        return _headline_of_one(outcome, printable(comparison.entries[0].name, 60))
    if passed:
        keep = "keeps" if len(passed) == 1 else "keep"
        return f"PASS  {listed(passed)}, of {count} repairs, {keep} every limit"
    if outcome.status == "fail":
        return f"FAIL  none of {count} repairs keeps every limit"
    return f"INCONCLUSIVE  none of {count} repairs could be shown to keep every limit"


def _headline_of_one(outcome: Outcome, name: str) -> str:
    said = {
        "pass": "keeps every limit",
        "fail": "does not keep every limit",
        "inconclusive": "could not be shown to keep every limit",
    }
    return f"{outcome.status.upper()}  {name}, the only repair, {said[outcome.status]}"


def finding(comparison: Comparison) -> str:
    """Return which repair serves best, in a sentence or two."""
    if not comparison.entries:
        return "The model does not answer to the trigger, so there is nothing to compare."
    best = next((e for e in comparison.entries if e.name == comparison.outcome.best), None)
    if best is not None:
        return f"{_named(best)} serves best: {_figures(best, target_name(comparison.before))}."
    handed_back = [e for e in comparison.entries if _asr(e) is not None]
    if not handed_back:
        if all(e.certificate is None for e in comparison.entries):
            return "Every repair failed before it was done, so none handed back a model."
        return "No repair helped, so none handed back a model."
    nearest = min(handed_back, key=lambda e: _asr(e) or 0.0)
    return (
        f"No repair made the model forget the trigger. {_named(nearest)} comes nearest: "
        f"{_figures(nearest, target_name(comparison.before))}."
    )


def exceeded(comparison: Comparison) -> dict[str, list[Check]]:
    """Return of each repair that handed back a model the limits that it does not keep."""
    among = comparison.outcome.among
    return {
        e.name: [check for check in verdict_among(e, among).checks if check.ok is False]
        for e in comparison.entries
        if e.after
    }


def broken(comparison: Comparison) -> list[tuple[str, str]]:
    """Return the repairs that do not keep every limit, and which ones, in words."""
    return [
        (printable(name, 60), "; ".join(map(_broken, checks)))
        for name, checks in exceeded(comparison).items()
        if checks
    ]


def _broken(check: Check) -> str:
    value, bound, limit = (
        in_its_unit(check.metric, number) if number is not None else "not known"
        for number in (check.value, check.bound, check.limit)
    )
    return f"{TITLES.get(check.metric, check.metric)} {value}, judged by {bound}, limit {limit}"


def failures(comparison: Comparison) -> list[tuple[str, str]]:
    """Return the repairs that handed back no model, and why."""
    return [
        (printable(e.name, 60), printable(e.failed, 1000)) for e in comparison.entries if e.failed
    ]


def limits(comparison: Comparison) -> list[str]:
    """Return what a comparison does not show, each in a sentence or two."""
    said = limits_of_audit(comparison.before)
    if comparison.entries:
        said[1:1] = [
            _chosen(comparison),
            "Each repair ran once, with one seed and the defaults of its method where nothing else "
            "was asked for. Tuned, or with other data, the order may change.",
        ]
    return said


def _chosen(comparison: Comparison) -> str:
    """Return what choosing does to the figures of what was chosen."""
    outcome = comparison.outcome
    said = (
        "The best repair was chosen by the figures that are shown here, so its own look a little "
        "too good"
    )
    if outcome.flattery is not None:
        said += (
            f": the sum of its two accuracies by up to {points(outcome.flattery)} on average, had "
            f"the {len(outcome.forgotten)} that forgot the trigger been equally good"
        )
    said += "; differences smaller than the intervals are no differences."
    if outcome.among > 1:
        said += (
            f" That a repair keeps every limit was judged among {outcome.among}: with intervals "
            f"that hold for all of them together at 95 %, so wider than those shown."
        )
    return said


def _named(entry: Entry) -> str:
    return printable(entry.name, 60).capitalize()


def _asr(entry: Entry) -> float | None:
    asr = entry.after.asr if entry.after else None
    return asr.value if isinstance(asr, Rate) else None


def _figures(entry: Entry, target: str) -> str:
    assert entry.after is not None
    after = entry.after
    said = []
    if isinstance(after.asr, Rate):
        bare = after.clean_target_rate
        without = f" (without it {percent(bare.value)} are)" if isinstance(bare, Rate) else ""
        said.append(f"{percent(after.asr.value)} of stamped images are taken for {target}{without}")
    if isinstance(after.clean_accuracy, Rate):
        said.append(f"clean accuracy is {percent(after.clean_accuracy.value)}")
    if isinstance(after.robust_accuracy, Rate):
        said.append(f"accuracy under the trigger {percent(after.robust_accuracy.value)}")
    return ", ".join(said)
