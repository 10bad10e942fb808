"""What a search says in sentences: the verdict, what was found, what it cannot see."""

from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.records.search_report import SearchReport
from auditor.report.words import number, percent
from auditor.search.outliers import FEWEST, TWO
from auditor.search.result import FoundStamp
from auditor.text import counted, printable

VERDICTS = {"pass": "No trigger found", "fail": "Trigger found", "inconclusive": "Inconclusive"}

BLIND = (
    "A trigger that changes the whole image (blended pictures, waves, warping, single bits): the "
    "search looks for a small, strong stamp that always sits in one place.",
    "A trigger that is different, or elsewhere, on every image.",
    "More than one trigger for a class: the search finds one stamp a class, the easiest.",
    "A backdoor for images of some classes only: the stamp must lead those of all others.",
    "A backdoor into so many classes that small stamps are what is usual.",
    "What the trigger looks like: a found stamp does what it does, but seldom looks the same.",
)


def model_name(report: SearchReport) -> str:
    """Return the file's name, safe to show."""
    return printable(report.subject.name, 80)


def headline(report: SearchReport) -> str:
    """Return the verdict in a line."""
    name, flagged = model_name(report), report.found.flagged
    if flagged:
        which = ", ".join(f"“{printable(found.name, 60)}”" for found in flagged)
        return f"FAIL  {name} has a trigger for {which}{_by_thumb(report)}"
    if report.found.inconclusive:
        return f"INCONCLUSIVE  {name} could not be searched"
    return f"PASS  no trigger was found in {name}{_by_thumb(report)}"


def finding(report: SearchReport) -> str:
    """Return what was found, in plain words."""
    found = report.found
    if found.flagged:
        return " ".join(_flagged(report, one) for one in found.flagged) + _caution(report)
    if found.inconclusive:
        return f"No verdict can be given: {printable(found.inconclusive)}."
    smallest = found.ranked[0]
    return (
        f"No class has a stamp much smaller than the others'. The smallest leads to "
        f"“{printable(smallest.name, 60)}”: {_size(report, smallest)}{_against(smallest)}."
        + _caution(report)
    )


def _is_by_thumb(report: SearchReport) -> bool:
    """Whether so few classes say what is usual that no anomaly index tells anything."""
    return TWO < report.subject.classes < FEWEST


def _by_thumb(report: SearchReport) -> str:
    return ", by a rule of thumb" if _is_by_thumb(report) else ""


def _caution(report: SearchReport) -> str:
    if not _is_by_thumb(report):
        return ""
    return (
        f" With {report.subject.classes} classes no anomaly index can tell: a class is flagged "
        "whose stamp is below half of the next smallest, a rule of thumb with no level of "
        "confidence. Where a trigger is suspected, give it to scan."
    )


def _flagged(report: SearchReport, found: FoundStamp) -> str:
    assert isinstance(found.success, Rate)
    return (
        f"A stamp of {_size(report, found)} leads {percent(found.success.value)} of the held-out "
        f"images to “{printable(found.name, 60)}”{_against(found)}. The median of all classes is "
        f"{number(report.found.median)} pixels."
    )


def _size(report: SearchReport, found: FoundStamp) -> str:
    height, width, _ = report.subject.input_shape
    assert isinstance(found.norm, float)
    return f"{number(found.norm)} pixels ({percent(found.norm / (height * width))} of the image)"


def _against(found: FoundStamp) -> str:
    return (
        "" if isinstance(found.index, Skipped) else f"; its anomaly index is {number(found.index)}"
    )


def limits_of_search(report: SearchReport) -> list[str]:
    """Return what this search could not see, a sentence each."""
    left_out = sum(not found.rounds for found in report.found.classes)
    said = list(BLIND)
    if left_out and not report.found.inconclusive:
        said.append(
            f"{counted(left_out, 'class')} that a first, brief pass left out because of stamps "
            "that were not among the smallest by then; a backdoor there is missed."
        )
    return said
