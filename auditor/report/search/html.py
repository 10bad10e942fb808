"""The report of a search as one self-contained page: no script, no outside request."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auditor.figures.skipped import Skipped
from auditor.records.search_report import SearchReport
from auditor.report import words
from auditor.report.pictures import data_uri, enlarged
from auditor.report.search.words import VERDICTS, finding, limits_of_search, model_name
from auditor.report.template import fill
from auditor.search.result import FoundStamp, stamped

MOST = 100
"""Classes that are shown, the smallest stamps first."""


@dataclass(frozen=True)
class StampRow:
    """One class: what was found of it, its pictures as data URIs, its bar in percent.

    Attributes:
        found: What was found.
        mask: How opaque the stamp is, white where it hides the image; empty where there is none.
        pattern: What is stamped, on gray where nothing is.
        example: An image with the stamp on.
        bar: The norm, as a share of the largest one shown, in percent.
    """

    found: FoundStamp
    mask: str
    pattern: str
    example: str
    bar: float


def render(report: SearchReport) -> bytes:
    """Return the page as UTF-8 HTML."""
    return page(report).encode("utf-8")


def page(report: SearchReport) -> str:
    """Return the page, everything inside it that it needs."""
    found, ranked = report.found, report.found.ranked
    largest = max([f.norm for f in ranked[:MOST] if isinstance(f.norm, float)], default=1.0)
    return fill(
        "search.html.j2",
        {
            "c": report,
            "found": found,
            "status": report.status,
            "verdict": VERDICTS[report.status],
            "model": model_name(report),
            "finding": finding(report),
            "rows": [_row(report, one, largest) for one in ranked[:MOST]],
            "hidden": len(ranked[MOST:]),
            "median": 100 * min(1.0, found.median / largest),
            "share": partial(_share, report),
            "limits_of_search": limits_of_search(report),
            "schema": report.schema,
            "class_name": words.class_name,
            "example": data_uri(enlarged(found.example)),
        },
    )


def _share(report: SearchReport, norm: float) -> str:
    height, width, _ = report.subject.input_shape
    return words.percent(norm / (height * width))


def _row(report: SearchReport, found: FoundStamp, largest: float) -> StampRow:
    norm = 0.0 if isinstance(found.norm, Skipped) else found.norm
    mask = pattern = example = ""
    if found.mask.size:
        mask = data_uri(enlarged(_gray(found.mask)))
        pattern = data_uri(enlarged(_shown(found)))
        laid = stamped(report.found.example[None], found.mask, found.pattern)[0]
        example = data_uri(enlarged(laid))
    return StampRow(found, mask, pattern, example, 100 * norm / largest)


def _gray(mask: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.repeat(np.rint(255 * mask)[..., None], 3, axis=2), np.uint8)


def _shown(found: FoundStamp) -> NDArray[np.uint8]:
    """Return the pattern as it shows on middle gray: as strong as its mask is opaque."""
    gray = np.full((1, *found.pattern.shape), 128, np.uint8)
    return np.asarray(stamped(gray, found.mask, found.pattern)[0])
