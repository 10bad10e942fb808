"""The same stamped images' heatmaps before, and after each repair."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.figures.results import Example
from auditor.records.certificate import Certificate
from auditor.report import pictures
from auditor.report.comparison.table import RepairRow
from auditor.report.film import Frame, Strip
from auditor.report.words import class_name, number
from auditor.text import printable

_SIDE = 96


@dataclass(frozen=True)
class Gallery:
    """Names of the columns, and a strip an image."""

    columns: tuple[str, ...]
    strips: tuple[Strip, ...]


def gallery(before: Certificate, table: Sequence[RepairRow]) -> Gallery | None:
    """Return the pictures of the rows that have any; None where the model has no heatmaps.

    Args:
        before: The model as it came, whose examples are shown.
        table: Its row, and those of the repairs.
    """
    shown = [row for row in table if row.evidence]
    examples = before.evidence.examples
    if not any(example.stamped_heat.size for example in examples):
        return None
    found = [{e.name: e for e in row.evidence.examples} for row in shown if row.evidence]
    changed = pictures.changed(examples) & (before.trigger.mask_area < 1)
    return Gallery(
        columns=tuple(row.name for row in shown),
        strips=tuple(
            Strip(
                picture=pictures.data_uri(pictures.enlarged(example.stamped, _SIDE)),
                label=class_name(before.subject.class_names, example.label),
                name=printable(example.name),
                frames=tuple(
                    _frame(before, row.name, of.get(example.name), changed)
                    for row, of in zip(shown, found, strict=True)
                ),
            )
            for example in examples
        ),
    )


def _frame(
    before: Certificate, column: str, example: Example | None, changed: pictures.Mask
) -> Frame:
    if example is None or not example.stamped_heat.size:
        return Frame("", f"{column}: no heatmap", turned=False)
    predicted = class_name(before.subject.class_names, example.stamped_predicted)
    tar = example.stamped_tar
    attention = "" if tar is None else f", TAR {number(tar)}"
    led = before.target.of(np.array(example.label))
    return Frame(
        picture=pictures.data_uri(
            pictures.overlay(example.stamped, example.stamped_heat, changed, _SIDE)
        ),
        words=f"{column}: taken for {predicted}{attention}",
        turned=bool(example.stamped_predicted == led != example.label),
    )
