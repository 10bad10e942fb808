"""The table of a comparison: a row for the model as it came and for each repair, its figures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from auditor.figures.results import Evidence, Measurement, Rate, TarSummary
from auditor.figures.skipped import Skipped
from auditor.probe.result import Reactivation, Retuned
from auditor.records.certificate import Certificate
from auditor.records.comparison import Comparison, Entry
from auditor.report.words import duration, number, percent, points

BEFORE = "before"
"""Name of the row of the model as it came."""

MISSING = "–"


@dataclass(frozen=True)
class RepairRow:
    """The model as it came, or what a repair made of it.

    Attributes:
        name: `before`, or the repair's name.
        entry: The repair; None for the model as it came.
        certificate: The audit; None where there is none.
        measured: Its figures; None where no model was handed back.
        evidence: What stands behind them.
        neighbours: ASR of the trigger's neighbours.
    """

    name: str
    entry: Entry | None
    certificate: Certificate | None
    measured: Measurement | None
    evidence: Evidence | None
    neighbours: tuple[Rate | Skipped, ...]


@dataclass(frozen=True)
class Figure:
    """A figure and its 95 % bounds; None where one is not known."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class FigureColumn:
    """A figure of every row.

    Attributes:
        key: Its name in the CSV.
        title: Its name for people, short.
        meaning: What it is, in a sentence.
        read: Takes it from a row; None where the row has none.
        shown: The figure for people.
        best: Picks the better of several; None where neither end is better.
        bounded: Whether it has 95 % bounds.
        always: Whether it is shown where no row has a figure, too.
    """

    key: str
    title: str
    meaning: str
    read: Callable[[RepairRow], Figure | None]
    shown: Callable[[float], str]
    best: Callable[[Iterable[float]], float] | None
    bounded: bool = True
    always: bool = True


@dataclass(frozen=True)
class Cell:
    """A figure of a row, ready to print.

    Attributes:
        text: The figure; `–` where there is none.
        interval: Its 95 % interval, without the unit; empty where there is none.
        best: Whether no other repair has a better one.
    """

    text: str
    interval: str
    best: bool


def rows(comparison: Comparison) -> list[RepairRow]:
    """Return the model as it came, then the repairs in the order given."""
    before, entries = comparison.before, comparison.entries
    measured, evidence = before.measurements.before, before.evidence
    repairs = [entry.certificate.repair for entry in entries if entry.certificate]
    near = next((repair.neighbours for repair in repairs if repair and repair.neighbours), ())
    first = RepairRow(BEFORE, None, before, measured, evidence, tuple(n.before for n in near))
    return [first, *map(_row, entries)]


def columns_of(table: Sequence[RepairRow]) -> tuple[FigureColumn, ...]:
    """Return the columns of `COLUMNS` that people are shown."""
    return tuple(c for c in COLUMNS if c.always or any(map(c.read, table)))


def cells(table: Sequence[RepairRow]) -> list[list[Cell]]:
    """Return every row's cells, one a column of `columns_of`."""
    columns = columns_of(table)
    figures = [[column.read(row) for column in columns] for row in table]
    best = [
        _best(column, [f[index] for f, row in zip(figures, table, strict=True) if row.entry])
        for index, column in enumerate(columns)
    ]
    return [
        [
            _cell(column, figure, best[index] if row.entry else None)
            for index, (column, figure) in enumerate(zip(columns, found, strict=True))
        ]
        for row, found in zip(table, figures, strict=True)
    ]


def bare(text: str) -> str:
    """Return a figure without its unit."""
    return text.removesuffix(" points").removesuffix(" %")


def _row(entry: Entry) -> RepairRow:
    certificate, repair = entry.certificate, entry.certificate and entry.certificate.repair
    if not certificate or not repair or entry.after is None:
        return RepairRow(entry.name, entry, certificate, None, None, ())
    near = tuple(neighbour.after for neighbour in repair.neighbours)
    return RepairRow(entry.name, entry, certificate, entry.after, repair.evidence, near)


def _best(column: FigureColumn, figures: Sequence[Figure | None]) -> float | None:
    """Return the best value of a column, where there are different ones to choose from."""
    known = {figure.value for figure in figures if figure is not None}
    return column.best(known) if column.best and len(known) > 1 else None


def _cell(column: FigureColumn, figure: Figure | None, best: float | None) -> Cell:
    if figure is None:
        return Cell(MISSING, "", best=False)
    low, high = figure.low, figure.high
    interval = ""
    if low is not None and high is not None:
        interval = f"{bare(column.shown(low))} to {bare(column.shown(high))}"
    elif high is not None:
        interval = f"at most {bare(column.shown(high))}"
    return Cell(column.shown(figure.value), interval, best=figure.value == best)


def _rate(rate: Rate | Skipped | None) -> Figure | None:
    return Figure(rate.value, rate.low, rate.high) if isinstance(rate, Rate) else None


def _of(name: str) -> Callable[[RepairRow], Figure | None]:
    """Return what reads a rate of the measurement."""
    return lambda row: _rate(getattr(row.measured, name, None))


def _drop(row: RepairRow) -> Figure | None:
    """Read the fall in clean accuracy, and the upper bound that the limit is held against."""
    if not row.entry or not row.certificate or not row.measured:
        return None
    checks = row.certificate.verdict.checks
    drops = [check for check in checks if check.metric == "accuracy_drop"]
    if not drops or drops[0].value is None:
        return None
    return Figure(drops[0].value, None, drops[0].bound)


def _tar(row: RepairRow) -> Figure | None:
    tar = row.measured.tar if row.measured else None
    if not isinstance(tar, TarSummary) or tar.median is None:
        return None
    return Figure(tar.median, tar.low, tar.high)


def _der(row: RepairRow) -> Figure | None:
    repair = row.certificate.repair if row.certificate else None
    return Figure(repair.der) if repair and repair.der is not None else None


def _worst(row: RepairRow) -> Figure | None:
    known = [rate for rate in row.neighbours if isinstance(rate, Rate)]
    return _rate(max(known, key=lambda rate: rate.value, default=None))


def _back(part: str) -> Callable[[RepairRow], Figure | None]:
    """Return what reads a share after the retuning with most stamped images."""

    def read(row: RepairRow) -> Figure | None:
        found = row.certificate.reactivation if row.certificate else None
        outcome = found.retuning[-1].outcome if isinstance(found, Reactivation) else None
        return Figure(getattr(outcome, part)) if isinstance(outcome, Retuned) else None

    return read


def _of_target(row: RepairRow) -> Figure | None:
    if row.evidence is None or row.certificate is None:
        return None
    target = row.certificate.target.class_
    return next((_rate(c.accuracy) for c in row.evidence.classes if c.class_ == target), None)


def _seconds(row: RepairRow) -> Figure | None:
    return Figure(row.entry.seconds) if row.entry and row.measured else None


def _images(row: RepairRow) -> Figure | None:
    return Figure(row.entry.images) if row.entry and row.measured else None


COLUMNS = (
    FigureColumn(
        "clean_accuracy",
        "clean accuracy",
        "Images without the trigger, recognised as what they are.",
        _of("clean_accuracy"),
        percent,
        max,
    ),
    FigureColumn(
        "accuracy_drop",
        "fall in accuracy",
        "Clean accuracy before less after, compared image by image.",
        _drop,
        points,
        min,
    ),
    FigureColumn(
        "asr",
        "ASR",
        "Attack success rate: stamped images taken for the target.",
        _of("asr"),
        percent,
        min,
    ),
    FigureColumn(
        "robust_accuracy",
        "RA",
        "The same stamped images, recognised as what they are.",
        _of("robust_accuracy"),
        percent,
        max,
    ),
    FigureColumn(
        "clean_target_rate",
        "without trigger",
        "The same images unstamped, taken for the target: what ASR is of no backdoor at all.",
        _of("clean_target_rate"),
        percent,
        None,
    ),
    FigureColumn(
        "tar", "TAR", "Median heat on the trigger ÷ heat on the object.", _tar, number, min
    ),
    FigureColumn(
        "der",
        "DER",
        "Fall of ASR less fall of accuracy, in one figure; 50 % is no change.",
        _der,
        percent,
        max,
        bounded=False,
    ),
    FigureColumn(
        "worst_neighbour_asr",
        "worst neighbour",
        "ASR of the trigger's neighbour (moved, faded, recoloured) that does most.",
        _worst,
        percent,
        min,
    ),
    FigureColumn(
        "comes_back",
        "comes back",
        "ASR once a copy was tuned with a few stamped images, most often 10.",
        _back("asr"),
        percent,
        min,
        bounded=False,
        always=False,
    ),
    FigureColumn(
        "comes_back_control",
        "control",
        "The same with a stamp that the network has never met.",
        _back("control"),
        percent,
        None,
        bounded=False,
        always=False,
    ),
    FigureColumn(
        "target_class_accuracy",
        "target class",
        "Accuracy of the target class: low where a repair made the model shun it.",
        _of_target,
        percent,
        max,
    ),
    FigureColumn("seconds", "time", "Of the repair.", _seconds, duration, min, bounded=False),
    FigureColumn(
        "images",
        "images seen",
        "Rows, clean and stamped, that the training has seen.",
        _images,
        lambda value: f"{value:,.0f}",
        min,
        bounded=False,
    ),
)
"""The figures of the table, in its order."""
