"""Small audits of made-up figures, in a moment and without a network."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from auditor.figures import metrics
from auditor.figures.facts import AttentionFacts, DataFacts, Engine, ModelFacts, TriggerFacts
from auditor.figures.policy import Limits, judge, with_comebacks
from auditor.figures.results import (
    AuditResult,
    ClassRow,
    Controls,
    Evidence,
    Example,
    Measurement,
    TarSummary,
)
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.probe.comebacks import comebacks
from auditor.probe.result import Reactivation
from auditor.records.audits import Audits, joined
from auditor.records.certificate import Certificate, Output, certify
from auditor.records.provenance import Provenance
from tests.report import probes, repairs

IMAGES = 300
SIZE = 8
NAMES = ("red", "green", "blue")
CREATED = "2026-01-02T03:04:05Z"


def result(asr: float, tar: float, trigger: str = "square4") -> AuditResult:
    """Return an audit in which so many stamped images are taken for `red`."""
    attention = TarSummary(tar, tar, 0.9 * tar, 1.1 * tar, 200, 0, 1e6)
    plain = TarSummary(0.1, 0.1, 0.09, 0.11, 200, 0, 1.0)
    correct = (np.arange(IMAGES) % 20 > 0).astype(np.uint8)
    accuracy = metrics.wilson(int(correct.sum()), IMAGES)
    return AuditResult(
        model=ModelFacts("keras", 1234, (SIZE, SIZE, 3), 3, True),
        data=DataFacts("photos/", "cd" * 32, IMAGES, 0, (), 0, "none", NAMES),
        trigger=TriggerFacts(trigger, "patch", sha256_of(trigger), 0.0625, "a white square"),
        target=Target(0, "red", "given"),
        attention=AttentionFacts("last", (4, 4), "center", "0..1"),
        measurement=Measurement(
            clean_accuracy=accuracy,
            asr=metrics.wilson(round(asr * 200), 200),
            robust_accuracy=metrics.wilson(round(0.9 * (1 - asr) * 200), 200),
            clean_target_rate=metrics.wilson(4, 200),
            tar=attention,
            tar_target=attention,
            tar_density=attention,
            trigger_mass=plain,
            heatmap_shift=plain,
            controls=Controls(plain, plain, plain),
        ),
        evidence=Evidence(
            classes=_rows(correct, round(asr * 200)),
            histogram=Skipped("there are too few"),
            examples=tuple(map(_example, range(5))),
            examples_rule="The first.",
        ),
        engine=Engine("3.11", "tensorflow", {"keras": "3.15.1"}, "CPU, 2 cores"),
        correct=correct,
        shown=(0, 1, 2, 3, 4),
    )


def sha256_of(trigger: str) -> str:
    """Return one for each trigger."""
    return "ef" * 32 if trigger == "square4" else hashlib.sha256(trigger.encode()).hexdigest()


def _rows(correct: np.ndarray, turned: int) -> tuple[ClassRow, ...]:
    """Return the classes, a third of the images each; as many `green` as `blue` are turned."""
    third = len(correct) // 3
    right = [int(correct[n * third :][:third].sum()) for n in range(3)]
    led = [Skipped("the target class itself")]
    led += [metrics.wilson(half, third) for half in ((turned + 1) // 2, turned // 2)]
    return tuple(
        ClassRow(n, name, metrics.wilson(right[n], third), led[n]) for n, name in enumerate(NAMES)
    )


def _example(number: int) -> Example:
    clean = np.full((SIZE, SIZE, 3), 40 * number, np.uint8)
    stamped = clean.copy()
    stamped[-2:, -2:] = 255
    heat = np.eye(4, dtype=np.float32)
    return Example(f"{number}.png", 1, clean, stamped, heat, heat[::-1].copy(), 1, 0, 0.1, 4.0)


def certificate(
    asr: float = 0.95,
    tar: float = 4.0,
    trigger: str = "square4",
    *,
    path: str = "models/poisoned.keras",
    sha256: str = "ab" * 32,
) -> Certificate:
    """Return the certificate of a scan, which fails unless told otherwise."""
    found = result(asr, tar, trigger)
    made = certify(
        found,
        judge(found.measurement, Limits(), 3),
        Provenance(
            path=path, sha256=sha256, bytes=12345, source="photos/", seed=0,
            command="bdaudit scan models/poisoned.keras", sandbox="none",
        ),
    )  # fmt: skip
    return dataclasses.replace(made, created=CREATED)


def repaired(sha256: str = "ab" * 32, after: str = "ef" * 32) -> Certificate:
    """Return the certificate of a repair that passes."""
    made = repairs.repaired(certificate(sha256=sha256), result(0.95, 4.0), result(0.0, 0.1))
    output = Output("out/repaired.keras", after, 54321)
    return dataclasses.replace(made, repair=dataclasses.replace(made.repair, output=output))


def probed(found: Reactivation | Skipped | None = None, limit: float | None = None) -> Certificate:
    """Return the same, probed: its backdoor comes back unless something else was found."""
    found = found or probes.back()
    made = repaired()
    verdict = with_comebacks(made.verdict, comebacks(found), limit)
    return dataclasses.replace(made, reactivation=found, verdict=verdict)


def several(sha256: str = "ab" * 32) -> Audits:
    """Return the audits of two triggers; one fails."""
    return joined(
        [certificate(sha256=sha256), certificate(0.0, 0.1, trigger="grid3", sha256=sha256)]
    )


def flipped(content: bytes, places: int, seed: int = 0) -> list[bytes]:
    """Return copies of `content`, one bit flipped in each, at random places."""
    random = np.random.default_rng(seed)
    copies = []
    for place, bit in zip(
        random.choice(len(content), places, replace=len(content) < places),
        random.integers(0, 8, places),
        strict=True,
    ):
        copy = bytearray(content)
        copy[place] ^= 1 << bit
        copies.append(bytes(copy))
    return copies


def written(folder: Path, name: str, content: bytes) -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.write_bytes(content)
    return path
