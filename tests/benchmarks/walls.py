"""What the walls around a suspected model cost: the static check, and the sandbox."""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from auditor.models.inspect import examine
from auditor.worker.sandbox import offered
from auditor.worker.supervisor import Guard, Supervisor
from tests.benchmarks.common import Page, model_file, random_images, side_by_side

MEGABYTES = 100
TURNS, PROBES, SCANS = 7, 40, 7
GOAL_CHECK, GOAL_SANDBOX = 1.0, 0.1


def measure() -> Page:
    """Time the check of large files beside hashing them, and work with and without the sandbox."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checks = _checks(folder)
        boxed = [
            _boxed("a probe", _probe(), PROBES),
            _boxed("a scan of 512 images", _scan(folder), SCANS),
        ]
    most = max(float(row[2]) for row in checks)
    return Page(
        title="The walls around a suspected model",
        header=("", "hashing or without, s", "check or added, s"),
        rows=[*checks, *boxed],
        notes=[
            f"Files of {MEGABYTES} MB, read from the page cache; SHA-256 and the static check in "
            f"turns, {TURNS} each; median seconds on the clock.",
            f"Goal of the check: at most {GOAL_CHECK} s beyond hashing. Measured: at most "
            f"{most:.2f} s.",
            f"The sandbox, {offered()}: the same work with `--sandbox required` and `off` in "
            "turns; CPU seconds, median of the difference. A probe starts a worker that does "
            "nothing, so that the difference is not lost in the noise of a scan.",
            f"Goal of the sandbox: at most {GOAL_SANDBOX} s. Measured: {boxed[0][2]} s.",
        ],
    )


def _checks(folder: Path) -> list[tuple[str, ...]]:
    rows = []
    for path in _large_files(folder):
        contenders: dict[str, Callable[[int], object]] = {
            "hash": lambda _, path=path: hashlib.sha256(path.read_bytes()).digest(),
            "check": lambda _, path=path: _accepted(path),
        }
        times = side_by_side(contenders, TURNS)
        megabytes = path.stat().st_size / 1e6
        rows.append(
            (
                f"static check of a {path.suffix} of {megabytes:.0f} MB",
                f"{median(times['hash'].clock):.2f}",
                f"{median(times['check'].clock):.2f}",
            )
        )
    return rows


def _accepted(path: Path) -> None:
    assert examine(path, path.name).findings == ()


def _large_files(folder: Path) -> list[Path]:
    """Make the same network in three formats: a few large kernels and many small layers."""
    import keras
    import onnx
    from keras import layers

    inputs = keras.Input((32, 32, 3))
    x = inputs
    for _ in range(100):
        x = layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(x))
    x = layers.Flatten()(x)
    wide = MEGABYTES * 10**6 // 4 // (32 * 32 * 16)
    model = keras.Model(inputs, layers.Dense(10)(layers.Dense(wide)(x)))
    for suffix in (".keras", ".h5"):
        model.save(folder / f"large{suffix}")
    weights = np.zeros((32 * 32 * 3, MEGABYTES * 10**6 // 4 // (32 * 32 * 3)), np.float32)
    nodes = [onnx.helper.make_node("Flatten", ["x"], ["x0"])]
    nodes += [onnx.helper.make_node("Relu", [f"x{i}"], [f"x{i + 1}"]) for i in range(400)]
    nodes += [onnx.helper.make_node("MatMul", ["x400", "w"], ["y"])]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "large",
        [value("x", onnx.TensorProto.FLOAT, ["n", 32, 32, 3])],
        [value("y", onnx.TensorProto.FLOAT, ["n", weights.shape[1]])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    opset = [onnx.helper.make_opsetid("", 18)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset), folder / "large.onnx")
    return [folder / f"large{suffix}" for suffix in (".keras", ".h5", ".onnx")]


Work = Callable[[Supervisor], object]


def _probe() -> Work:
    def work(workers: Supervisor) -> object:
        job = {"kind": "probe", "secret": "/nothing", "device": "cpu"}
        return workers.run(job, workers.scratch(), lambda *_: None)

    return work


def _scan(folder: Path) -> Work:
    from dataclasses import asdict

    from auditor.measure.options import Options
    from auditor.triggers import build, spec

    images, labels = random_images(512)
    np.savez(folder / "data.npz", x=images, y=labels)
    job = {
        "kind": "scan",
        "name": "model.keras",
        "input_range": "0..1",
        "data": str(folder / "data.npz"),
        **build.job([spec.load("square4")]),
        "options": asdict(Options(target="0")),
        "device": "cpu",
    }
    model = model_file(folder)

    def work(workers: Supervisor) -> object:
        taken = workers.copy(model)
        return workers.run({**job, "model": str(taken.copy)}, workers.scratch(), lambda *_: None)

    return work


def _boxed(what: str, work: Work, turns: int) -> tuple[str, ...]:
    def kept(mode: str) -> Callable[[int], object]:
        def run(_: int) -> object:
            with Supervisor(Guard(mode)) as workers:
                return work(workers)

        return run

    times = side_by_side({"required": kept("required"), "off": kept("off")}, turns)
    pairs = zip(times["required"].cpu, times["off"].cpu, strict=True)
    added = median(on - off for on, off in pairs)
    return f"the sandbox, on {what}", f"{median(times['off'].cpu):.2f}", f"{added:+.3f}"
