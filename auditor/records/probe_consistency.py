"""What probes found, held against the audit that it stands in."""

from collections.abc import Iterator

from auditor.errors import InputError
from auditor.figures.results import Measurement, Rate
from auditor.probe.consistency import check_margin, check_reactivation, same_network
from auditor.probe.result import BeforeRepair, PathPoint, Reactivation, Retuned, WeightPath
from auditor.records.certificate import Certificate

_Begins = tuple[str, float, Rate]
"""Where it is said, the share, and what the audit has of the same network and images."""


def check_probes(certificate: Certificate, found: Reactivation, where: str) -> None:
    """Refuse what was found of other files, images or networks than the audit's.

    Args:
        certificate: The audit.
        found: What it says that probes found.
        where: The JSON path of that.

    Raises:
        InputError: It contradicts itself or the audit; names the place.
    """
    check_reactivation(found, where)
    check_margin(found, certificate.trigger.mask_area == 1, where)
    if found.judged > certificate.data.images:
        raise InputError(f"{where}.judged: more images than there are")
    _check_before(certificate, found.before, where)
    if found.judged < certificate.data.images:
        return  # a sample: what it comes to is not what all come to
    for place, share, audited in _begins(certificate, found, where):
        if not same_network(share, audited.value, audited.n):
            raise InputError(f"{place}: is {share:.4g}, in the audit {audited.value:.4g}")


def _check_before(certificate: Certificate, before: BeforeRepair, where: str) -> None:
    """Refuse probes of no repaired file, and those that do not begin at the file before it."""
    digest, asr = before.sha256, before.asr
    repair, subject = certificate.repair, certificate.subject.sha256
    if repair is not None and repair.output is None:
        raise InputError(
            f"{where}: of a repair that handed nothing back, there is nothing to probe"
        )
    if not digest or (digest == subject) != (repair is not None):
        other = "another file than" if repair is None else "the same file as"
        raise InputError(f"{where}.before.sha256: must be of {other} the subject")
    if repair is not None and isinstance(asr, Rate) and asr != certificate.measurements.before.asr:
        raise InputError(f"{where}.before.asr: is not that of the audit before")


def _begins(certificate: Certificate, found: Reactivation, where: str) -> Iterator[_Begins]:
    """Give what the probes say of the networks that the audit is about."""
    for number, one in enumerate(found.retuning):
        if isinstance(one.outcome, Retuned):
            place, course = f"{where}.retuning[{number}].outcome.course", one.outcome.course
            audited = certificate.judged
            for line in ("asr", "clean_accuracy"):
                if isinstance(rate := getattr(audited, line), Rate):
                    yield f"{place}.{line}", getattr(course, line)[0], rate
    if isinstance(found.path, WeightPath):
        points, place = found.path.points, f"{where}.path.points"
        yield from _point(points[-1], certificate.judged, f"{place}[{len(points) - 1}]")
        if certificate.repair is not None:
            yield from _point(points[0], certificate.measurements.before, f"{place}[0]")


def _point(point: PathPoint, audited: Measurement, where: str) -> Iterator[_Begins]:
    for line in ("asr", "clean_accuracy"):
        if isinstance(rate := getattr(audited, line), Rate):
            yield f"{where}.{line}", getattr(point, line).value, rate
