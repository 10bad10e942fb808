"""What a certificate says of the trigger's neighbours: each beside what it is held against."""

from dataclasses import dataclass

from auditor.figures.excess import strongest
from auditor.figures.results import Neighbour, Rate
from auditor.figures.skipped import Skipped
from auditor.records.certificate import Certificate, neighbours_of
from auditor.report.words import percent, target_name
from auditor.text import counted, printable


@dataclass(frozen=True)
class Row:
    """A neighbour, ready for a table.

    Attributes:
        name: What is different about it.
        before: ASR before a repair; None where there was none.
        now: ASR of the model that the verdict is about.
        control: What noise at its place, or nothing, does; None in audits by versions that did not
            measure it.
    """

    name: str
    before: Rate | Skipped | None
    now: Rate | Skipped
    control: Rate | Skipped | None


def rows(certificate: Certificate) -> list[Row]:
    """Return every neighbour that was tried, in the order of the trials."""
    repair, near = certificate.repair, certificate.judged_evidence.neighbours
    if repair is None or not repair.output:
        return [Row(one.name, None, one.asr, one.control) for one in near]
    controls = {one.name: one.control for one in near}
    return [
        Row(one.name, one.before, one.after, controls.get(one.name)) for one in repair.neighbours
    ]


def question(certificate: Certificate) -> str:
    """Return what the neighbours answer."""
    return "Does the repair generalise?" if certificate.repair else "Where else is it open?"


def furthest(certificate: Certificate) -> str:
    """Return a sentence on the neighbour that leads furthest; empty where none was measured."""
    tried = rows(certificate)
    among = f"Of {counted(len(tried), 'neighbour')} of the trigger, the"
    found = strongest(certificate.judged_evidence.neighbours)
    if found is not None:
        return f"{among} furthest beyond noise: {_beyond(found.neighbour)}."
    rated = [(row.now.value, row) for row in tried if isinstance(row.now, Rate)]
    if not rated:
        return ""
    value, row = max(rated, key=lambda rate: rate[0])
    return f"{among} strongest: {printable(row.name, 60)}, {percent(value)}."


def still_open(certificate: Certificate) -> str:
    """Say which neighbour still opens a repaired model; empty where none does beyond its limit.

    Where the trigger itself does, a neighbour is no news.
    """
    failed = {check.metric for check in certificate.verdict.checks if check.ok is False}
    found = strongest(neighbours_of(certificate))
    if found is None or "neighbour_excess" not in failed or "asr" in failed:
        return ""
    one = found.neighbour
    assert isinstance(one.asr, Rate) and isinstance(one.control, Rate)
    return (
        f"But the trigger {printable(one.name, 60)} still turns {percent(one.asr.value)} of images "
        f"to {target_name(certificate)}; noise at its place, or nothing, "
        f"{percent(one.control.value)}."
    )


def _beyond(one: Neighbour) -> str:
    assert isinstance(one.asr, Rate) and isinstance(one.control, Rate)
    return (
        f"{printable(one.name, 60)}, {percent(one.asr.value)} "
        f"(noise at its place, or nothing: {percent(one.control.value)})"
    )
