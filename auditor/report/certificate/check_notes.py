"""What must be said of a check beside its figure: why it is open, or what would settle it."""

from collections.abc import Iterator

from auditor.figures.settling import images_to_settle
from auditor.figures.verdict import Check
from auditor.records.certificate import Certificate
from auditor.report.words import TITLES, headline_figures, in_its_unit
from auditor.text import printable


def check_notes(certificate: Certificate) -> Iterator[tuple[str, str]]:
    """Give a beginning and the rest of a sentence, without its full stop, for each such check.

    TAR that is open where it has no meaning is passed over.
    """
    for check in certificate.verdict.checks:
        if check.ok is None and not (check.metric == "tar" and covers_all(certificate)):
            yield f"{title(check)} was not judged", printable(check.reason).rstrip(".")
        elif settled := settling(certificate, check):
            yield f"{title(check)} might be beyond its limit", settled


def settling(certificate: Certificate, check: Check) -> str:
    """Say how many images would settle a check whose figure keeps to its limit; empty elsewhere."""
    needed = images_to_settle(check, certificate.judged)
    if needed is None:
        return ""
    assert check.value is not None and check.bound is not None
    value, bound, limit = (
        in_its_unit(check.metric, number) for number in (check.value, check.bound, check.limit)
    )
    end = "down to" if check.metric == "clean_accuracy" else "up to"
    return (
        f"{value} keeps to the limit of {limit}, but so few images leave {end} {bound} open; about "
        f"{needed:,} at the same rate would settle it"
    )


def title(check: Check) -> str:
    """Return a check's name for people."""
    return TITLES.get(check.metric, printable(check.metric, 60))


def covers_all(certificate: Certificate) -> bool:
    """Whether the trigger covers the whole image, so that the heatmap's shift stands for TAR."""
    return certificate.trigger.mask_area == 1 and (
        headline_figures(certificate)[1] == "heatmap_shift"
    )
