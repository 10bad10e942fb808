"""Two audits of a model, or of the model and its successor, held beside each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from auditor.errors import InputError
from auditor.figures.results import Rate, TarSummary
from auditor.figures.skipped import Skipped
from auditor.figures.verdict import Status
from auditor.records.audits import Audits, certificates_of
from auditor.records.certificate import Certificate

SCHEMA: Final = "bdaudit.history/v1"

Topic = Literal["verdict", "figures", "limits", "model", "data", "trigger", "attention", "run"]
Value = Rate | TarSummary | Skipped | str | int | float | None

FIGURES: Final = (
    "asr", "tar", "robust_accuracy", "clean_accuracy", "clean_target_rate", "placebo_rate",
    "tar_target", "tar_density", "trigger_mass", "heatmap_shift",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One thing that both audits say.

    Attributes:
        topic: What it belongs to.
        name: Its name there.
        old: What the earlier audit says; None where it says nothing.
        new: What the later one says.
        changed: Whether they differ; figures only where their intervals lie apart.
    """

    topic: Topic
    name: str
    old: Value
    new: Value
    changed: bool


@dataclass(frozen=True)
class TriggerDiff:
    """Both audits under one trigger: what changed first, then what is the same."""

    trigger: str
    changed: tuple[Item, ...]
    same: tuple[Item, ...]


@dataclass(frozen=True)
class Side:
    """One of the two audits.

    Attributes:
        created: When.
        path: The model that its verdict is about, as the user gave it.
        sha256: Of that file.
        status: What its verdict is.
    """

    created: str
    path: str
    sha256: str
    status: Status


@dataclass(frozen=True)
class Diff:
    """What became of a model between two audits.

    Attributes:
        schema: Its version.
        old: The earlier audit.
        new: The later one, as they were given.
        kinship: What they have in common, in words.
        pairs: Trigger by trigger, in the later audit's order.
        gone: Triggers that only the earlier audit tried.
        added: Triggers that only the later one tried.
    """

    schema: Literal["bdaudit.history/v1"]
    old: Side
    new: Side
    kinship: str
    pairs: tuple[TriggerDiff, ...]
    gone: tuple[str, ...]
    added: tuple[str, ...]


def diff(old: Certificate | Audits, new: Certificate | Audits) -> Diff:
    """Hold two audits beside each other.

    Raises:
        InputError: They have nothing in common.
    """
    before, after = certificates_of(old), certificates_of(new)
    kinship = _kinship(before[0], after[0])
    earlier = {c.trigger.id: c for c in before}
    if len(before) == len(after) == 1:  # the trigger itself may have been renamed
        earlier = {after[0].trigger.id: before[0]}
    both = [(earlier[c.trigger.id], c) for c in after if c.trigger.id in earlier]
    if not kinship or not both:
        raise InputError("these two audits have nothing in common: no model, images or trigger")
    ids = {c.trigger.id for c in after}
    return Diff(
        schema=SCHEMA,
        old=_side(before[0], old.verdict.status),
        new=_side(after[0], new.verdict.status),
        kinship=kinship,
        pairs=tuple(_pair(one, other) for one, other in both),
        gone=tuple(name for name in earlier if name not in ids),
        added=tuple(c.trigger.id for c in after if c.trigger.id not in earlier),
    )


def _side(certificate: Certificate, status: Status) -> Side:
    return Side(certificate.created, certificate.file.path, certificate.file.sha256, status)


def _kinship(old: Certificate, new: Certificate) -> str:
    if old.file.sha256 == new.file.sha256:
        return "the same model file"
    if new.subject.sha256 == old.file.sha256:
        return "the model and its repaired successor"
    if old.subject.sha256 == new.file.sha256:
        return "the repaired model and the one that it came from"
    if old.subject.sha256 == new.subject.sha256:
        return "two repairs of the same model"
    if old.file.path == new.file.path or old.subject.path == new.subject.path:
        return "two model files of the same name"
    if old.trigger.sha256 == new.trigger.sha256:
        return "two models under the same trigger"
    return "two models on the same images" if old.data.sha256 == new.data.sha256 else ""


def _pair(old: Certificate, new: Certificate) -> TriggerDiff:
    items = [*_verdict(old, new), *_figures(old, new), *_limits(old, new), *_facts(old, new)]
    return TriggerDiff(
        new.trigger.id,
        tuple(item for item in items if item.changed),
        tuple(item for item in items if not item.changed),
    )


def _verdict(old: Certificate, new: Certificate) -> Iterator[Item]:
    was, now = old.verdict.status, new.verdict.status
    yield Item("verdict", "status", was, now, was != now)


def _figures(old: Certificate, new: Certificate) -> Iterator[Item]:
    for name in FIGURES:
        was, now = getattr(old.judged, name), getattr(new.judged, name)
        yield Item("figures", name, was, now, apart(was, now))


def apart(old: Value, new: Value) -> bool:
    """Whether two figures differ by more than chance: their 95 % intervals do not meet."""
    if isinstance(old, Skipped) or isinstance(new, Skipped):
        return isinstance(old, Skipped) != isinstance(new, Skipped)
    assert isinstance(old, Rate | TarSummary) and isinstance(new, Rate | TarSummary)
    if old.low is None or old.high is None or new.low is None or new.high is None:
        return (old.low is None) != (new.low is None)
    return old.high < new.low or new.high < old.low


def _limits(old: Certificate, new: Certificate) -> Iterator[Item]:
    was, now = _limits_of(old), _limits_of(new)
    for name in dict.fromkeys([*now, *was]):
        yield Item("limits", name, was.get(name), now.get(name), was.get(name) != now.get(name))


def _limits_of(certificate: Certificate) -> dict[str, float]:
    """Return each limit by name; of two on one figure the later, which the user has set."""
    return {check.metric: check.limit for check in certificate.verdict.checks}


def _facts(old: Certificate, new: Certificate) -> Iterator[Item]:
    was, now = dict(_facts_of(old)), dict(_facts_of(new))
    for topic, name in dict.fromkeys([*now, *was]):
        one, other = was.get((topic, name)), now.get((topic, name))
        yield Item(topic, name, one, other, one != other)


def _facts_of(c: Certificate) -> Iterator[tuple[tuple[Topic, str], Value]]:
    yield ("model", "file"), c.file.path
    yield ("model", "SHA-256"), c.file.sha256
    yield ("model", "format"), c.subject.format
    yield ("model", "weights"), c.subject.parameters
    yield ("model", "classes"), c.subject.classes
    yield ("model", "repaired with"), c.repair.method if c.repair and c.handed_back else None
    yield ("data", "source"), c.data.source
    yield ("data", "SHA-256"), c.data.sha256
    yield ("data", "images"), c.data.images
    yield ("trigger", "name"), c.trigger.id
    yield ("trigger", "kind"), c.trigger.summary
    yield ("trigger", "SHA-256"), c.trigger.sha256
    yield ("trigger", "target"), c.target.name
    yield ("trigger", "target chosen"), c.target.chosen
    layer = c.attention.layer
    yield ("attention", "layer"), layer
    yield ("attention", "object region"), c.attention.object_region
    yield ("attention", "input range"), c.attention.input_range
    yield ("run", c.tool.name), c.tool.version
    yield ("run", "Python"), c.environment.python
    yield ("run", "backend"), c.environment.backend
    for name, version in c.environment.versions.items():
        yield ("run", name), version
    yield ("run", "device"), c.environment.device
    yield ("run", "GPU not used"), c.environment.unused_gpu
    yield ("run", "seed"), c.environment.seed
    yield ("run", "loaded in"), c.safety.sandbox
    yield ("run", "command"), c.environment.command
