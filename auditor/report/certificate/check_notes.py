"""What must be said of a check beside its figure: why it is open, or what would settle it."""

from collections.abc import Iterator

from auditor.figures.comeback import Difference
from auditor.figures.excess import NEIGHBOUR_IMAGES, strongest
from auditor.figures.policy import REACTIVATION, drop_of
from auditor.figures.results import Rate
from auditor.figures.settling import Pairs, images_to_settle
from auditor.figures.verdict import Check
from auditor.probe.comebacks import comebacks
from auditor.probe.options import ProbeOptions
from auditor.probe.result import Reactivation
from auditor.records.certificate import Certificate, neighbours_of
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
    pairs = _pairs(certificate, check)
    needed = images_to_settle(check, certificate.judged, pairs)
    if needed is None:
        return ""
    assert check.value is not None and check.bound is not None
    value, bound, limit = (
        in_its_unit(check.metric, number) for number in (check.value, check.bound, check.limit)
    )
    end = "down to" if check.metric == "clean_accuracy" else "up to"
    opened = f"{value} keeps to the limit of {limit}, but so few images leave {end} {bound} open"
    most = _most(certificate, check, pairs)
    if most is not None and needed > most:
        return f"{opened}; more would be needed to settle it than the {most:,} that are ever judged"
    same = "at the same rates" if pairs else "at the same rate"
    return f"{opened}; about {needed:,} {same} would settle it"


def _pairs(certificate: Certificate, check: Check) -> Pairs | None:
    """Return what a check of a difference of shares is of; None for one of another figure."""
    if check.metric == "neighbour_excess":
        near = strongest(neighbours_of(certificate))
        one = near and near.neighbour
        return Pairs(one.alone, one.control_alone, near.n, near.z) if near and one else None
    if check.metric == REACTIVATION:
        back = comebacks(certificate.reactivation)
        return Pairs.of(back.strongest.excess) if back and back.strongest else None
    accuracy = certificate.judged.clean_accuracy
    if check.metric == "accuracy_drop" and isinstance(accuracy, Rate):
        drop = drop_of(check, accuracy)
        return Pairs.of(Difference(*drop, accuracy.n)) if drop else None
    return None


def _most(certificate: Certificate, check: Check, pairs: Pairs | None) -> int | None:
    """Return on how many images a figure can be judged; None where on as many as there are.

    Of a sample, as many count as of this one, in proportion: those that the trigger can turn.
    """
    probed = certificate.reactivation
    if pairs is not None and check.metric == "neighbour_excess":
        return pairs.n * NEIGHBOUR_IMAGES // min(NEIGHBOUR_IMAGES, certificate.data.images)
    if pairs is not None and isinstance(probed, Reactivation) and check.metric == REACTIVATION:
        return pairs.n * max(ProbeOptions.judged, probed.judged) // probed.judged
    return None


def title(check: Check) -> str:
    """Return a check's name for people."""
    return TITLES.get(check.metric, printable(check.metric, 60))


def covers_all(certificate: Certificate) -> bool:
    """Whether the trigger covers the whole image, so that the heatmap's shift stands for TAR."""
    return certificate.trigger.mask_area == 1 and (
        headline_figures(certificate)[1] == "heatmap_shift"
    )
