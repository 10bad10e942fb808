"""A comparison to look at: two repairs that helped, one that did not, one that failed."""

import dataclasses

from auditor.figures.metrics import (
    accuracy_retention,
    asr_reduction,
    balanced_of,
    der,
    hits,
    paired_interval,
    wilson,
)
from auditor.figures.policy import Limits, judge
from auditor.figures.results import Balanced, Rate
from auditor.figures.skipped import Skipped
from auditor.records.certificate import Certificate, Measurements, neighbours_of
from auditor.records.comparison import Comparison, Entry, compared

FAILED = "nad.keras: layer 'x' <b>has</b> no output; choose another"


def worse(repaired: Certificate, turned: int = 1) -> Certificate:
    """Return a repair that forgot as much, and recognises less."""
    before, old = repaired.measurements.before, repaired.measurements.after
    images, victims = old.clean_accuracy.n, old.asr.n
    right = hits(old.clean_accuracy) - 15
    after = dataclasses.replace(
        old,
        clean_accuracy=wilson(right, images),
        asr=wilson(turned, victims),
        robust_accuracy=wilson(min(hits(old.robust_accuracy), victims - turned), victims),
    )
    rights = _spread([row.accuracy for row in repaired.repair.evidence.classes], right)
    if isinstance(old.balanced_accuracy, Balanced):
        rates = [row for row in rights if isinstance(row, Rate)]
        each = balanced_of([hits(rate) for rate in rates], [rate.n for rate in rates])
        after = dataclasses.replace(after, balanced_accuracy=each)
    fall = hits(before.clean_accuracy) - right
    drop = fall / images, *paired_interval(max(fall, 0), max(-fall, 0), images)
    rows = zip(
        repaired.repair.evidence.classes,
        rights,
        _spread([row.asr for row in repaired.repair.evidence.classes], turned),
        strict=True,
    )
    repair = dataclasses.replace(
        repaired.repair,
        evidence=dataclasses.replace(
            repaired.repair.evidence,
            classes=tuple(
                dataclasses.replace(row, accuracy=accuracy, asr=asr) for row, accuracy, asr in rows
            ),
        ),
        der=der(before, after),
        accuracy_retention=accuracy_retention(before, after),
        asr_reduction=asr_reduction(before, after),
    )
    return dataclasses.replace(
        repaired,
        measurements=Measurements(before, after),
        repair=repair,
        verdict=judge(
            after,
            Limits(max_accuracy_drop=0.1),
            repaired.subject.classes,
            drop,
            neighbours=neighbours_of(repaired),
        ),
    )


def _spread(rows: list[Rate | Skipped], total: int) -> list[Rate | Skipped]:
    """Return rows of the same images that come to so many hits together."""
    found = []
    for row in rows:
        here = min(total, row.n) if isinstance(row, Rate) else 0
        found.append(wilson(here, row.n) if isinstance(row, Rate) else row)
        total -= here
    return found


def comparison(
    certificate: Certificate, repaired: Certificate, helpless: Certificate
) -> Comparison:
    return compared(
        certificate,
        [
            Entry("no-anchor", "unlearn", worse(repaired), "", 98.5, 40_000),
            Entry("unlearn", "unlearn", repaired, "", 196.2, 84_480),
            Entry("no-ascent", "unlearn", helpless, helpless.repair.reason, 150.0, 84_480),
            Entry("nad", "nad", None, FAILED, 3.0, 0),
        ],
    )
