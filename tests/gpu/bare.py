"""What runs in a process of its own, isolated: the installed package, and bare computations.

`python -I bare.py WHAT ARGUMENTS`; the last line of standard output is JSON.

    compute WALL...                         a product of matrices behind these walls
    calls                                   the system calls that seccomp would have to allow
    measure MODEL DATA TRIGGER LIMIT        audits in one process, and bare forward passes
    train MODEL DATA STEPS                  bare training steps of 256 rows
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

BATCH, TARGET = 256, 0

WITHOUT = """
import runpy
from auditor.worker.sandbox import syscalls
for number in {numbers!r}:
    syscalls.ALLOWED[str(number)] = (number, number)
runpy.run_module("auditor.worker", run_name="__main__")
"""
"""A worker that is allowed some more system calls, whatever their arguments."""

LAST_CALL = 470


def compute(*walls: str) -> dict[str, Any]:
    """Let a worker behind some walls compute something."""
    from auditor.runs.doctor.backends import compute

    return asdict(compute(os.environ["KERAS_BACKEND"], walls))


def calls() -> list[str]:
    """Return the fewest system calls, by number, that leave the GPU alone once they are allowed."""
    from auditor.runs.doctor.backends import compute
    from auditor.worker import process
    from auditor.worker.sandbox import diagnosis, syscalls

    def works(numbers: Sequence[Any]) -> bool:
        code = WITHOUT.format(numbers=list(numbers))
        process.COMMAND = (sys.executable, "-I", "-c", code)
        return compute(os.environ["KERAS_BACKEND"], ("seccomp",)).on_gpu

    column = syscalls.MACHINES.index(os.uname().machine)
    allowed = {numbers[column] for numbers in syscalls.ALLOWED.values()}
    others: list[Any] = [number for number in range(LAST_CALL + 1) if number not in allowed]
    return [str(n) for n in diagnosis._smallest(works, others)] if works(others) else []


def measure(model: str, data: str, trigger: str, limit: str) -> dict[str, Any]:
    """Audit some images, then all of them, then let the network see as many and nothing else."""
    import auditor

    classifier, images = auditor.load_classifier(Path(model)), auditor.open_source(data)
    stamp = auditor.load_trigger(trigger)
    given = {"target": str(TARGET), "batch_size": BATCH}
    first = time.perf_counter()
    some = auditor.audit(classifier, images, stamp, auditor.Options(limit=int(limit), **given))
    told: list[tuple[str, float]] = []
    second = time.perf_counter()
    result = auditor.audit(
        classifier,
        images,
        stamp,
        auditor.Options(**given),
        progress=lambda phase, done, total: told.append((phase, time.perf_counter())),
    )
    end = time.perf_counter()
    phases = [phase for phase, _ in told]
    begins = phases.index("measuring")
    ends = len(phases) - 1 - phases[::-1].index("measuring")
    x, y = pixels(data)
    shown = np.concatenate([x, stamp.stamp(x[y != TARGET])])
    return {
        "some": figures(some),
        "all": figures(result),
        "first": second - first,
        "second": end - second,
        "measuring": told[ends][1] - told[max(0, begins - 1)][1],
        "images": len(shown),
        "bare": bare_forward(classifier.model, shown),
    }


def figures(result: Any) -> list[float]:
    """Return accuracy and ASR."""
    return [result.measurement.clean_accuracy.value, result.measurement.asr.value]


def pixels(data: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, h, w, 3) uint8 images and their labels."""
    with np.load(data) as arrays:
        return arrays["x"], arrays["y"]


def bare_forward(model: Any, images: np.ndarray) -> float:
    """Return the seconds of a pass over float32 batches that lie ready in the host's memory."""
    import keras

    images = np.resize(images, (-(-len(images) // BATCH) * BATCH, *images.shape[1:]))
    ready = np.split(images.astype(np.float32) / 255, len(images) // BATCH)
    forward = FORWARD[keras.backend.backend()](model)

    def see(batches: list[np.ndarray]) -> list[np.ndarray]:
        return [keras.ops.convert_to_numpy(scores) for scores in [*map(forward, batches)]]

    see(ready[:2])
    began = time.perf_counter()
    see(ready)
    return time.perf_counter() - began


def jax_forward(model: Any) -> Callable[[Any], Any]:
    import jax

    state = [[v.value for v in model.trainable_variables]]
    state += [[v.value for v in model.non_trainable_variables]]
    compiled = jax.jit(lambda own, other, x: model.stateless_call(own, other, x, training=False)[0])
    return lambda x: compiled(*state, x)


def torch_forward(model: Any) -> Callable[[Any], Any]:
    import torch

    return torch.no_grad()(lambda x: model(x, training=False))


def tensorflow_forward(model: Any) -> Callable[[Any], Any]:
    import tensorflow as tf

    return tf.function(lambda x: model(x, training=False), reduce_retracing=True)


FORWARD = {"jax": jax_forward, "torch": torch_forward, "tensorflow": tensorflow_forward}


def train(model: str, data: str, steps: str) -> dict[str, Any]:
    """Return the rows a second of plain training: Adam, cross-entropy, nothing beside it."""
    import keras

    network = keras.models.load_model(model, compile=False)
    x, y = pixels(data)
    order = np.random.default_rng(0).permutation(8 * BATCH) % len(x)
    rows = [(x[part].astype(np.float32) / 255, y[part]) for part in np.split(order, 8)]
    step = STEP[keras.backend.backend()](network)
    for number in range(3):
        float(step(*rows[number]))
    began = time.perf_counter()
    for number in range(int(steps)):
        loss = step(*rows[number % len(rows)])
    loss = float(loss)
    seconds = time.perf_counter() - began
    return {"rows_a_second": int(steps) * BATCH / seconds, "loss": loss}


def jax_step(model: Any) -> Callable[[Any, Any], Any]:
    import jax
    import keras

    optimizer = keras.optimizers.Adam(3e-5)
    optimizer.build(model.trainable_variables)
    crossed = keras.losses.SparseCategoricalCrossentropy()
    variables = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    state = tuple([v.value for v in group] for group in variables)

    def loss(own: Any, other: Any, x: Any, y: Any) -> Any:
        scores, other = model.stateless_call(own, other, x, training=True)
        return crossed(y, scores), other

    @jax.jit
    def step(state: Any, x: Any, y: Any) -> Any:
        own, other, moments = state
        (value, other), slope = jax.value_and_grad(loss, has_aux=True)(own, other, x, y)
        own, moments = optimizer.stateless_apply(moments, slope, own)
        return (own, other, moments), value

    def forward(x: Any, y: Any) -> Any:
        nonlocal state
        state, value = step(state, x, y)
        return value

    return forward


def torch_step(model: Any) -> Callable[[Any, Any], Any]:
    import keras
    import torch

    optimizer = torch.optim.Adam(model.parameters(), 3e-5)
    crossed = keras.losses.SparseCategoricalCrossentropy()

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = crossed(y, model(x, training=True))
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def tensorflow_step(model: Any) -> Callable[[Any, Any], Any]:
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(3e-5)
    optimizer.build(model.trainable_variables)
    crossed = keras.losses.SparseCategoricalCrossentropy()

    @tf.function(reduce_retracing=True)
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = crossed(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    return step


STEP = {"jax": jax_step, "torch": torch_step, "tensorflow": tensorflow_step}

WHAT = {"compute": compute, "calls": calls, "measure": measure, "train": train}

if __name__ == "__main__":
    name, *words = sys.argv[1:]
    print(json.dumps(WHAT[name](*words)))
