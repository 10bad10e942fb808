"""The page of `reproduce_paper.py`: the paper's tables and figures beside those computed here.

What stands as the paper's (arXiv:2511.21291) is from its abstract, or was noted from its text for
this tool. Its tables and figures themselves were not at hand: a cell of which neither tells says
`not available to us`, and nothing is guessed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from auditor.figures.results import Measurement, Rate, TarSummary
from auditor.figures.skipped import Skipped
from auditor.files.strict_json import strict
from auditor.records import comparison_json
from auditor.records.audit_file import read
from auditor.records.certificate import Certificate
from auditor.records.comparison import Entry
from auditor.report import template
from auditor.report.certificate import html
from auditor.report.words import duration, number, percent
from auditor.text import printable

UNKNOWN = "not available to us"
OWN_RULE = "this tool's own rule"
BEFORE = {"clean_accuracy": 0.8249, "asr": 0.9651, "tar": 1.876}
AFTER = {"clean_accuracy": 0.8206, "asr": 0.0552, "tar": 0.604}
RETENTION, REDUCTION = 0.9948, 0.9428
"""The paper's figures before and after its repair; as fractions, TAR as a ratio."""

NAMES = {
    "balanced": "balanced, this tool's own",
    "fineprune": "Fine-Pruning (Liu et al. 2018)",
    "cleanse": "Neural Cleanse (Wang et al. 2019)",
    "nad": "Attention distillation (Li et al. 2021)",
}


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        name: What it is of.
        paper: The paper's.
        here: That of this run.
        difference: Here less the paper's, or in words; empty where there is none to tell.
        differs: Whether a setting is not the paper's.
    """

    name: str
    paper: str
    here: str
    difference: str = ""
    differs: bool = False


@dataclass(frozen=True)
class Run:
    """What a run has left in its folder."""

    folder: Path
    card: dict[str, Any]
    facts: dict[str, Any]
    scan: Certificate
    repaired: Certificate
    others: tuple[Entry, ...]

    @classmethod
    def of(cls, folder: Path) -> "Run":
        """Read it."""
        card, facts = (json.loads((folder / f"{n}.json").read_text()) for n in ("badnet", "images"))
        scan, repaired = (read(folder / f"{name}.json").audited for name in ("scan", "repaired"))
        assert isinstance(scan, Certificate)
        assert isinstance(repaired, Certificate)
        others: tuple[Entry, ...] = ()
        if (folder / "others.json").exists():
            found = strict((folder / "others.json").read_bytes())
            others = comparison_json.from_document(found).entries
        return cls(folder, card, facts, scan, repaired, others)

    @property
    def before(self) -> Measurement:
        """The BadNet's figures."""
        return self.scan.measurements.before

    @property
    def after(self) -> Measurement | None:
        """Those of the network handed back; None where none was."""
        return self.repaired.measurements.after


def render(folder: Path, setting: Any, paper: Any, command: str) -> str:
    """Return the page.

    Args:
        folder: Where the run's files are.
        setting: What this run was told.
        paper: The same as the paper has it.
        command: That makes the page again.
    """
    run = Run.of(folder)
    here = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([here, template.templates()]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sheets = ((template.templates() / sheet).read_text("utf-8") for sheet in template.SHEETS)
    environment.globals |= {"fonts": template.fonts(), "css": Markup("".join(sheets))}
    settings = list(_settings(run, setting, paper))
    return environment.get_template("paper_page.html.j2").render(
        status="finished",
        settings=settings,
        unlike=[row for row in settings if row.differs and row.difference != OWN_RULE],
        quick=setting.images < paper.images,
        results=list(_results(run)),
        defences=list(_defences(run)),
        others_run=bool(run.others),
        cards=_cards(run),
        figures=_figures(run),
        reason=_reason(run),
        handed_back=run.after is not None,
        device=run.card["environment"]["device"],
        backend=_backend(run),
        times=_times(run),
        command=printable(command),
        created=run.repaired.created,
        unknown=UNKNOWN,
    )


def _reason(run: Run) -> str:
    """Return why the network handed back is that one, or why there is none."""
    if run.repaired.repair:
        return run.repaired.repair.reason
    status = run.repaired.verdict.status
    return f"No repair was tried: before it, the verdict on the BadNet was “{status}”."


def summary(folder: Path) -> list[str]:
    """Return the results in lines of text."""
    return [f"{r.name}: paper {r.paper}; here {r.here}" for r in _results(Run.of(folder))][:3]


def _settings(run: Run, setting: Any, paper: Any) -> Iterator[Row]:
    """Yield Table I: what was done."""

    def same(name: str, there: object, here: object) -> Row:
        differs = there != here
        shown = (f"{v:,}" if isinstance(v, int) else str(v) for v in (there, here))
        return Row(name, *shown, "not the paper's" if differs else "same", differs)

    card, repair = run.card, run.repaired.repair
    source = f"{run.facts['train']['source']}, tested on {run.facts['test']['source']}"
    yield Row("Photographs", "CIFAR-10", source)
    yield same("Training images", paper.images, run.facts["train"]["images"])
    yield Row("Test images", UNKNOWN, f"{run.facts['test']['images']:,}")
    yield same("Weights of the network", 623_690, card["model"]["parameters"])
    yield same("Trigger", "white square, 4×4, rows and columns 28–31", _trigger(run))
    yield same("Poisoned", percent(paper.poison), percent(setting.poison))
    yield same("Target", "class 0", f"class {run.scan.target.class_}")
    yield same("Epochs of training", paper.epochs, setting.epochs)
    yield same("Batch", paper.batch_size, setting.batch_size)
    augmented = ", mirrored at random" if setting.mirror else ""
    rate = run.card["recipe"]["learning_rate"]
    yield Row("How it is trained", UNKNOWN, f"Adam, {rate:g} by a cosine to 0{augmented}")
    yield Row("What TAR compares with", "left open", "the central half, less the trigger")
    if repair is None:
        return
    told, epochs = repair.parameters, _epochs(run)
    used = f"{repair.data.training:,} train, {repair.data.validation:,} judge the epochs"
    differs = repair.data.training + repair.data.validation != paper.images
    gap = "not the paper's" if differs else "same"
    yield Row("Images to unlearn with", f"{paper.images:,}", used, gap, differs)
    yield same("Epochs of unlearning", paper.unlearn_epochs, epochs.get("unlearning", 0))
    yield same("Epochs of recovery", paper.recovery_epochs, epochs.get("recovery", 0))
    yield same("α, first to last epoch", "0.05 to 0.2", f"{told['alpha']}".replace(":", " to "))
    yield same("λ, β", "1, 0.0001", f"{told['clean_weight']:g}, {told['anchor_weight']:g}")
    yield same("Learning rate of unlearning", "0.00003", f"{told['learning_rate']:.5f}")
    leaves = f"where the target's chance is below {percent(float(told['unlearned_below'] or 0))}"
    yield Row("A stamped image leaves the ascent", "never", leaves, OWN_RULE, True)
    kept = (
        "none" if repair.kept is None else f"epoch {repair.kept}, chosen by the validation images"
    )
    yield Row("Epoch handed back", UNKNOWN, kept)


def _trigger(run: Run) -> str:
    fields = run.card["trigger"]["fields"]
    height, width = fields["size"]
    return f"white square, {height}×{width}, rows and columns {32 - height}–31"


def _epochs(run: Run) -> dict[str, int]:
    """Return how many epochs each phase of the repair had."""
    assert run.repaired.repair is not None
    phases = groupby(run.repaired.repair.history[1:], lambda epoch: epoch.phase)
    return {phase: len(list(epochs)) for phase, epochs in phases}


def _results(run: Run) -> Iterator[Row]:
    """Yield Table II: what came of it, before → after."""
    yield _rate("Clean accuracy", "clean_accuracy", run)
    yield _rate("Attack success rate (ASR)", "asr", run)
    tars = [_mean(run.before.tar), _mean(run.after.tar if run.after else None)]
    there = [BEFORE["tar"], AFTER["tar"]]
    gaps = [_signed(a - b, 3) if a is not None else "–" for a, b in zip(tars, there, strict=True)]
    shown = _arrow("–" if tar is None else f"{tar:.3f}" for tar in tars)
    yield Row("TAR, mean", _arrow(f"{t:.3f}" for t in there), shown, _arrow(gaps))
    medians = [_median(m.tar if m else None) for m in (run.before, run.after)]
    yield Row("TAR, median", UNKNOWN, _arrow(medians))
    for name, field in (
        ("Accuracy under the trigger", "robust_accuracy"),
        ("ModelCopy for the target without it", "clean_target_rate"),
    ):
        yield Row(name, UNKNOWN, _arrow(_percent(getattr(m, field, None)) for m in _both(run)))
    repair = run.repaired.repair
    known = (
        ("Accuracy kept", RETENTION, repair.accuracy_retention if repair else None),
        ("Fall of ASR", REDUCTION, repair.asr_reduction if repair else None),
    )
    for name, there_, ours in known:
        gap = "" if ours is None else f"{_signed(100 * (ours - there_), 2)} points"
        yield Row(name, _two(there_), "–" if ours is None else _two(ours), gap)
    paper = _paper_der()
    ours = repair.der if repair else None
    gap = "" if ours is None else _signed(ours - paper, 3)
    yield Row("DER", f"{paper:.3f}, from its rates", "–" if ours is None else f"{ours:.3f}", gap)
    if repair:
        share = percent(repair.monitoring_seconds / max(repair.seconds, 1e-9))
        yield Row("Time that watching takes", "15 to 20 %, its estimate", share)


def _both(run: Run) -> tuple[Measurement, Measurement | None]:
    return run.before, run.after


def _rate(name: str, field: str, run: Run) -> Row:
    ours = [getattr(m, field, None) for m in _both(run)]
    there = [BEFORE[field], AFTER[field]]
    gaps = (
        _signed(100 * (rate.value - paper), 2) if isinstance(rate, Rate) else "–"
        for rate, paper in zip(ours, there, strict=True)
    )
    return Row(
        name, _arrow(map(_two, there)), _arrow(map(_percent, ours)), f"{_arrow(gaps)} points"
    )


def _defences(run: Run) -> Iterator[tuple[str, str, tuple[str, ...] | str]]:
    """Yield Table III: name, whose figures, the figures; or why there are none.

    The figures: clean accuracy, ASR, accuracy under the trigger, mean TAR, DER.
    """
    rates = (_two(AFTER["clean_accuracy"]), _two(AFTER["asr"]))
    own = (*rates, UNKNOWN, f"{AFTER['tar']:.3f}", f"{_paper_der():.3f}")
    yield "unlearn, the paper's method", "paper", own
    yield "other defences, as quoted", "paper", UNKNOWN
    repair = run.repaired.repair
    yield "unlearn, the paper's method", "here", _figures_of(run.after, repair and repair.der)
    for entry in run.others:
        found = entry.certificate.repair if entry.certificate else None
        figures = _figures_of(entry.after, found and found.der)
        yield NAMES.get(entry.name, entry.name), "here", figures


def _figures_of(after: Measurement | None, der: float | None) -> tuple[str, ...] | str:
    if after is None:
        return "handed back nothing"
    rates = (after.clean_accuracy, after.asr, after.robust_accuracy)
    mean = _mean(after.tar)
    shown = ["–" if value is None else f"{value:.3f}" for value in (mean, der)]
    return (*map(_percent, rates), *shown)


def _paper_der() -> float:
    falls = {name: BEFORE[name] - AFTER[name] for name in ("asr", "clean_accuracy")}
    return (max(0.0, falls["asr"]) - max(0.0, falls["clean_accuracy"]) + 1) / 2


def _cards(run: Run) -> list[dict[str, str]]:
    """Return the three figures that stand first."""
    rows = list(_results(run))
    return [vars(rows[i]) for i in (1, 0, 2)]


def _figures(run: Run) -> dict[str, Markup]:
    """Return the parts of the repair's certificate that show what the figures do."""
    view = html.view(run.repaired) | {"prefix": "f-", "level": 3}
    names = ["looks", "spread"] + ["course"] * (run.repaired.repair is not None)
    return {"course": Markup(), **{n: template.part(f"{n}.html.j2", view) for n in names}}


def _backend(run: Run) -> str:
    found = run.card["environment"]
    return f"{found['backend']} {found[found['backend']]}, Keras {found['keras']}"


def _times(run: Run) -> list[tuple[str, str, str]]:
    """Return what took how long, on what."""
    repair, device = run.repaired.repair, run.card["environment"]["device"]
    taken = [("training", duration(run.card["training"]["seconds"]), device)]
    taken.append(("scan", "", run.scan.environment.device))
    if repair:
        taken.append(("unlearning and recovery", duration(repair.seconds), repair.device))
    for entry in run.others:
        found = entry.certificate.repair if entry.certificate else None
        taken.append((entry.name, duration(entry.seconds), found.device if found else ""))
    return taken


def _mean(tar: TarSummary | Skipped | None) -> float | None:
    return tar.mean if isinstance(tar, TarSummary) else None


def _median(tar: TarSummary | Skipped | None) -> str:
    known = isinstance(tar, TarSummary) and tar.median is not None
    return number(tar.median) if known else "–"


def _percent(rate: Rate | Skipped | None) -> str:
    return _two(rate.value) if isinstance(rate, Rate) else "–"


def _two(value: float) -> str:
    return f"{100 * value:.2f} %"


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def _arrow(values: Any) -> str:
    return " → ".join(values)
