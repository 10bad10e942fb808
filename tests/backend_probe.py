"""What one Keras backend makes of a model: run by the tests in a process of its own.

KERAS_BACKEND=jax python -m tests.backend_probe audited MODEL DATA FOLDER
"""

import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from unittest import mock

import numpy as np

from auditor.data import open_source
from auditor.figures.target import Target
from auditor.measure.attention import GradCam
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.models import load_classifier
from auditor.models.devices import find
from auditor.repair import callback
from auditor.repair.base import Task, repair
from auditor.repair.objective import values
from auditor.repair.observer import Observer
from auditor.repair.place import Place, place, together
from auditor.repair.result import RepairResult
from auditor.triggers.spec import load
from tests.repair.conftest import quick

Done = tuple[RepairResult, list[np.ndarray]]
"""A repair's result, and the weights that it left."""

FISHER = {"anchor": "fisher", "anchor_weight": 0.03, "clean_budget": 80}
"""A penalty that can be seen in what is left of the weights."""


def audited(model: Path, data: Path, folder: Path) -> None:
    """Audit a model twice, then look at it, change its weights and look again."""
    classifier, images = load_classifier(model), np.load(data)["x"]
    audits = _compilations()
    layers = [[found.path, found.grid] for found in classifier.spatial_layers()]
    rehearsed = len(audits)
    how = Options(target="0", batch_size=64, neighbours=60)
    result = audit(classifier, open_source(data), load("square8"), how)
    once = len(audits)
    again = audit(classifier, open_source(data), load("square8"), how)
    twice, seen = len(audits), {}
    looks = {name: GradCam(classifier, classifier.spatial_layer(name)) for name in ("last", "pool")}
    looks["none"] = GradCam(classifier, None)
    for name, look in looks.items():
        seen |= _arrays(f"{name}.before", look(images[:40], 1))
    compiled = _compilations()
    for look in looks.values():
        for n in (33, 21, 38):
            look(images[:n], 0)
    compiled_again = len(compiled)
    weights = classifier.model.get_weights()
    classifier.model.set_weights([w * np.float32(0.8) + np.float32(0.01) for w in weights])
    for name, look in looks.items():
        seen |= _arrays(f"{name}.after", look(images[:40], 1))
    np.savez(folder / "seen.npz", correct=result.correct, **seen)
    facts = {
        "measurement": asdict(result.measurement),
        "neighbours": [asdict(n) for n in result.evidence.neighbours],
        "engine": asdict(result.engine),
        "tensorflow": "tensorflow" in sys.modules,
        "compiled_again": compiled_again,
        "layers": layers,
        "compiled_to_find_layers": rehearsed,
        "compiled_looks": audits[:once].count("jit(look)"),
        "compiled_by_a_second_audit": audits[once:twice],
        "same_again": again.measurement == result.measurement,
    }
    (folder / "facts.json").write_text(json.dumps(facts))


def straight(model: Path, data: Path, folder: Path) -> None:
    """Repair a model on the CPU, without a halt, and with the other anchor."""
    with place(find("cpu")) as where:
        _repaired(model, data, folder, where, halting=False)


def repaired(model: Path, data: Path, folder: Path) -> None:
    """The same, and in pieces."""
    with place(find("cpu")) as where:
        _repaired(model, data, folder, where)


def shared(model: Path, data: Path, folder: Path) -> None:
    """The same, and in pieces, on two devices at once: the CPU, twice."""
    import keras

    names = ["cpu:0", "cpu:1"]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, halves)
        tf.config.experimental.enable_op_determinism()
        names = ["CPU:0", "CPU:1"]
    else:
        os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
    with together(names):
        _repaired(model, data, folder, Place(2, "auto"))


def _repaired(model: Path, data: Path, folder: Path, where: Place, *, halting: bool = True) -> None:
    def fresh() -> Task:
        return Task(
            classifier=load_classifier(model),
            data=open_source(data),
            trigger=load("square8"),
            target=Target(0, "red", "given"),
        )

    def done(changes=(), **how) -> Done:
        task = fresh()
        result = repair(task, quick(**dict(changes)), place=where, **how)
        return result, values(task.classifier.model.variables)

    task, witness = fresh(), Witness(fresh())
    witness.of = task
    start, compiled, began = values(task.classifier.model.variables), _compilations(), time.time()
    whole = repair(task, quick(), place=where, watcher=witness)
    seconds, compiled = time.time() - began, [name for name in compiled if "train_step" in name]
    end = values(task.classifier.model.variables)
    task.classifier.model.save(folder / "repaired.keras")
    saved = values(load_classifier(folder / "repaired.keras").model.variables)

    pieces = _halting(done, folder) if halting else (whole, end)
    few = {"epochs": 2, "recovery_epochs": 0}
    fisher = done(FISHER | few)[1]
    plain = done(FISHER | few | {"anchor": "plain"})[1]
    facts = {
        "backend": whole.engine.backend,
        "kept": whole.kept,
        "seconds": seconds,
        "compiled": compiled,
        "devices": _devices(task.classifier.model.variables[0].value),
        "history": {
            "whole": _figures(whole),
            "pieces": _figures(pieces[0]),
        },
        "same_bits": _bits(*pieces) == _bits(whole, end),
    }
    (folder / "facts.json").write_text(json.dumps(facts))
    groups = {"start": start, "end": end, "saved": saved, "fisher": fisher, "plain": plain}
    weights = {f"{group}/{i}": w for group, ws in groups.items() for i, w in enumerate(ws)}
    heats = {"heat": np.stack([e.heat for e in whole.history]), "witness": np.stack(witness.seen)}
    np.savez(folder / "seen.npz", **heats, **weights)


def _halting(done: Callable[..., Done], folder: Path) -> Done:
    """Repair in pieces, with a checkpoint after every step."""
    with mock.patch.object(callback, "SECONDS_BETWEEN_CHECKPOINTS", 0.0):
        for steps in (11, 26):  # from the start, then from where the one before stopped
            with suppress(callback.Interrupted):
                done(checkpoints=folder / "pieces", resume=True, stop=_after(steps))
        return done(checkpoints=folder / "pieces", resume=True)


class Witness(Observer):
    """Looks at the weights of every epoch with a model of its own."""

    of: Task

    def __init__(self, own: Task) -> None:
        self.own, self.seen = own.classifier, []
        self.look = GradCam(self.own, self.own.spatial_layer(None))

    def begin(self, plan) -> None:
        self.images = plan.watched.stamped

    def epoch(self, epoch) -> None:
        self.own.model.set_weights(values(self.of.classifier.model.variables))
        self.seen.append(self.look(self.images, 0).heat)


def _after(steps: int):
    calls = itertools.count(1)
    return lambda: next(calls) > steps


def _figures(result: RepairResult) -> list[dict]:
    """Everything of every epoch but its heatmaps and the clock's readings."""
    epochs = [asdict(epoch) for epoch in result.history]
    return [
        {k: v for k, v in e.items() if k != "heat" and not k.endswith("_seconds")} for e in epochs
    ]


def _bits(result: RepairResult, weights: list[np.ndarray]) -> list[bytes]:
    return [array.tobytes() for array in (*(epoch.heat for epoch in result.history), *weights)]


def _devices(value) -> int:
    """Return on how many devices a variable's value lies."""
    if hasattr(value, "devices"):  # of JAX
        return len(value.devices())
    mirrored = getattr(value, "values", None)  # of TensorFlow; PyTorch has a method of that name
    return len(mirrored) if isinstance(mirrored, tuple) else 1


def _arrays(name, seen):
    return {
        f"{name}.scores": seen.scores,
        f"{name}.heat": seen.heat,
        f"{name}.target_heat": seen.target_heat,
    }


def _compilations() -> list[str]:
    """Return a list that grows with everything JAX compiles from now on; empty elsewhere."""
    compiled: list[str] = []
    if "jax" in sys.modules:
        import jax

        def listen(event: str, *_, fun_name: str = "", **__) -> None:
            if "backend_compile" in event:
                compiled.append(fun_name)

        jax.monitoring.register_event_duration_secs_listener(listen)
    return compiled


if __name__ == "__main__":
    probes = {f.__name__: f for f in (audited, straight, repaired, shared)}
    probes[sys.argv[1]](*map(Path, sys.argv[2:]))
