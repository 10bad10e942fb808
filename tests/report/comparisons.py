"""A comparison to look at: two repairs that helped, one that did not, one that failed."""

import dataclasses

from auditor.figures.metrics import wilson
from auditor.records.certificate import Certificate
from auditor.records.comparison import Comparison, Entry, compared

FAILED = "nad.keras: layer 'x' <b>has</b> no output; choose another"


def worse(repaired: Certificate, turned: int = 1) -> Certificate:
    """Return a repair that forgot as much, and recognises less."""
    after = repaired.measurements.after
    less = dataclasses.replace(
        after,
        clean_accuracy=wilson(after.clean_accuracy.n - 30, after.clean_accuracy.n),
        asr=wilson(turned, after.asr.n),
    )
    return dataclasses.replace(
        repaired, measurements=dataclasses.replace(repaired.measurements, after=less)
    )


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
