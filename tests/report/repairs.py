"""A repair as it goes in reality: the figures of a real one, told in the test models' heatmaps."""

import dataclasses

import numpy as np

from auditor.figures import metrics
from auditor.figures.policy import Limits, judge
from auditor.figures.results import AuditResult, Example, Neighbour, Rate
from auditor.figures.skipped import Skipped
from auditor.records.certificate import Certificate, Output, with_repair
from auditor.repair.result import Epoch, Plan, RepairData, RepairResult, Watched

VALIDATION = 500
NEAR = 200
"""Images that the neighbours are tried on, where there are as many."""

COURSE = (  # α, accuracy, ASR, RA, TAR, density of the BadNet's epochs 0 to 18
    (None, 0.7475, 0.9429, 0.0455, 4.247, 6.19),
    (0.050, 0.7475, 0.9374, 0.0527, 4.259, 6.16),
    (0.061, 0.7470, 0.9340, 0.0565, 4.209, 6.12),
    (0.071, 0.7460, 0.9285, 0.0599, 4.157, 6.10),
    (0.082, 0.7460, 0.9196, 0.0671, 4.127, 6.08),
    (0.093, 0.7450, 0.9052, 0.0782, 4.073, 6.00),
    (0.104, 0.7440, 0.8681, 0.1075, 3.893, 5.86),
    (0.114, 0.7445, 0.7494, 0.1996, 2.732, 5.48),
    (0.125, 0.7110, 0.1147, 0.6269, 0.022, 0.50),
    (0.136, 0.6840, 0.0028, 0.6979, 0.015, 0.34),
    (0.146, 0.6960, 0.0022, 0.7012, 0.015, 0.34),
    (0.157, 0.7035, 0.0022, 0.7051, 0.016, 0.35),
    (0.168, 0.7085, 0.0028, 0.7084, 0.016, 0.34),
    (0.179, 0.7090, 0.0033, 0.7084, 0.017, 0.40),
    (0.189, 0.7085, 0.0028, 0.7134, 0.015, 0.35),
    (0.200, 0.7120, 0.0033, 0.7118, 0.017, 0.38),
    (None, 0.7225, 0.0089, 0.7068, 0.027, 0.61),
    (None, 0.7390, 0.0194, 0.7090, 0.029, 0.71),
    (None, 0.7370, 0.0216, 0.7134, 0.030, 0.78),
)


def rate(value: float) -> Rate | Skipped:
    return metrics.wilson(round(value * VALIDATION), VALIDATION)


def watched(before: AuditResult) -> Watched:
    shown = before.evidence.examples[:5]
    changed = np.logical_or.reduce([(e.clean != e.stamped).any(axis=2) for e in shown])
    return Watched(
        names=tuple(e.name for e in shown),
        labels=tuple(e.label for e in shown),
        stamped=np.stack([e.stamped for e in shown]),
        outline=changed.astype(np.uint8),
    )


def history(before: AuditResult, after: AuditResult) -> tuple[Epoch, ...]:
    """The course, the watched heatmaps moving from those before to those after as ASR falls."""
    old = before.evidence.examples[:5]
    by_name = {e.name: e for e in after.evidence.examples}
    new = [by_name[e.name] for e in old]
    return tuple(_epoch(index, old, new) for index in range(len(COURSE)))


def _epoch(index: int, old: tuple[Example, ...], new: list[Example]) -> Epoch:
    alpha, accuracy, asr, robust, tar, density = COURSE[index]
    moved = min(1.0, (COURSE[0][2] - asr) / 0.9)
    rows = new if moved > 0.5 else old
    blend = [
        (1 - moved) * a.stamped_heat / a.stamped_heat.max()
        + moved * b.stamped_heat / max(b.stamped_heat.max(), 1e-9)
        for a, b in zip(old, new, strict=True)
    ]
    return Epoch(
        epoch=index,
        phase="before" if not index else "unlearning" if index <= 15 else "recovery",
        step=20 * index,
        images=20 * 256 * min(index, 15) + 20 * 128 * max(0, index - 15),
        alpha=alpha,
        loss=None if not index else 0.9 - 0.02 * index,
        clean_accuracy=rate(accuracy),
        asr=rate(asr),
        robust_accuracy=rate(robust),
        clean_target_rate=rate(0.03),
        tar=tar,
        tar_density=density,
        target_loss=0.1 + 8 * moved,
        heat=np.stack(blend).astype(np.float32),
        predicted=tuple(e.stamped_predicted for e in rows),
        watched_tar=tuple(e.stamped_tar for e in rows),
        training_seconds=0.0 if not index else 9.5 if index <= 15 else 5.0,
        monitoring_seconds=0.11,
        evaluation_seconds=1.3,
        note="nothing has moved yet; raise --alpha" if index == 5 else "",
    )


def repair_result(before: AuditResult, after: AuditResult, **changes: object) -> RepairResult:
    repair = RepairResult(
        method="unlearn",
        parameters={
            "epochs": 15, "recovery_epochs": 3, "learning_rate": 3e-5, "alpha": "0.05:0.20",
            "clean_weight": 1.0, "anchor_weight": 1e-4, "anchor": "l2", "batch_size": 128,
            "clean_budget": "5 %", "max_accuracy_drop": 0.02, "seed": 0, "patience": None,
        },
        data=RepairData("photos/train", "cd" * 32, 50_000, 2_000, VALIDATION, 0),
        watched=watched(before),
        history=history(before, after),
        kept=17,
        reason="Epoch 17 has the lowest ASR of those that lose at most 2 points of accuracy.",
        notes=(),
        seconds=196.2,
        monitoring_seconds=2.1,
        evaluation_seconds=24.7,
        engine=before.engine,
    )  # fmt: skip
    return dataclasses.replace(repair, **changes)


def repaired(
    certificate: Certificate, before: AuditResult, after: AuditResult, **changes: object
) -> Certificate:
    """Return the certificate of a repair that helped."""
    drop = metrics.paired_drop(before.correct, after.correct)
    near = min(NEAR, before.measurement.asr.n)
    limits, left = Limits(max_accuracy_drop=0.1), neighbours(0.025, 0.02, 0.03, near)
    was = _with(before, neighbours(0.93, 0.40, 0.03, near))
    return with_repair(
        dataclasses.replace(certificate, evidence=was.evidence),
        was,
        repair_result(before, after, **changes),
        _with(after, left),
        Output("out/repaired.keras", "ef" * 32, 6_543_210),
        judge(after.measurement, limits, after.model.classes, drop, neighbours=left),
        "photos/train",
    )


def _with(result: AuditResult, near: tuple[Neighbour, ...]) -> AuditResult:
    return dataclasses.replace(
        result, evidence=dataclasses.replace(result.evidence, neighbours=near)
    )


def neighbours(
    moved: float, faded: float, inverted: float, images: int = NEAR
) -> tuple[Neighbour, ...]:
    no_room = Skipped("it does not fit into the image")
    return (
        neighbour("moved by 1 pixel", moved, images=images),
        neighbour("faded to 25 %", faded, images=images),
        neighbour("colours inverted", inverted, images=images),
        Neighbour("moved by 8 pixels", no_room, no_room),
    )


def neighbour(name: str, asr: float, control: float = 0.02, images: int = NEAR) -> Neighbour:
    """Return a neighbour that leads the images that its control does, and others; or fewer."""
    own, other = (metrics.wilson(round(share * images), images) for share in (asr, control))
    more = round(own.value * own.n) - round(other.value * other.n)
    return Neighbour(name, own, other, max(more, 0), max(-more, 0))


def helpless(certificate: Certificate, before: AuditResult, after: AuditResult) -> Certificate:
    """Return the certificate of a repair that did not help: nothing was handed back."""
    repair = repair_result(
        before,
        after,
        kept=None,
        reason="No epoch lowered ASR within the allowed fall in accuracy.",
        notes=("TAR and ASR had not moved by epoch 6: raise --alpha.",),
    )
    return with_repair(certificate, before, repair, None, None, certificate.verdict, "photos/train")


def plan(before: AuditResult) -> Plan:
    return Plan(
        model="poisoned.keras",
        method="unlearn",
        trigger=before.trigger.id,
        target=before.target,
        class_names=before.data.class_names,
        phases=(("unlearning", 15), ("recovery", 3)),
        steps_per_epoch=20,
        batch_size=128,
        training=2_000,
        validation=VALIDATION,
        max_asr=0.10,
        max_tar=1.5,
        max_accuracy_drop=0.02,
        watched=watched(before),
    )
