"""The valid files that mutations start from: `python -m tests.fuzz.seeds FOLDER` writes them.

Models are small and untrained. In a process of its own, so that who mutates has no TensorFlow.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.files import stand_ins
from tests.fuzz.formats import FORMATS

TRIGGERS = """
version: 1
reference: [32, 32]
triggers:
  - {id: square, type: patch, size: [4, 4], anchor: top-left, offset: [1, 0], color: [255, 0, 0],
     target: 3}
  - {id: grid, type: patch, size: [3, 3], pattern: checkerboard, other_color: [9, 9, 9]}
  - {id: logo, type: image, path: logo.png, size: [6, 6], anchor: center, alpha: 0.5, target: cat}
  - {id: mark, type: image, path: logo.png, mask: logo.png, transparent: [0, 0, 0], source: [5, x]}
  - {id: faint, type: blend, alpha: 0.2, seed: 3}
  - {id: stripes, type: sinusoid, delta: 40, frequency: 6, axis: y}
  - {id: bent, type: warp, k: 4, s: 0.5, seed: 7}
  - {id: hidden, type: lsb, bits: 2, message: open}
  - {id: sepia, type: color, matrix: [[1, 0, 0], [0, 0.5, 0], [0, 0, 1]], add: [0, 9, 0]}
  - {id: both, type: compose, of: [square, stripes, sig]}
  - {id: all, use: both, target: {all_to_all: 1}}
  - {id: some, use: square4, target: {map: {3: 7}}, source: [3]}
"""
_ONNX = ROOT / "tests" / "models" / "inspect" / "fixtures"
_MLFLOW = ROOT / "tests" / "references" / "mlflow_model"
_OLD_KERAS = ROOT / "tests" / "models" / "old_keras"
_ONNX_NAMES = ("torchscript_convnet", "torchscript_attention", "dynamo_residual")


def make(folder: Path) -> None:
    """Write the seeds of every format, each in a folder of its name."""
    command = [sys.executable, "-m", "tests.fuzz.seeds", str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(ran.stderr)


def _write(folder: Path) -> None:
    for name in FORMATS:
        (folder / name).mkdir(parents=True)
    import keras

    keras.utils.set_random_seed(0)
    models = {"functional": _functional(), "attention": _attention(), "nested": _nested()}
    for name, model in models.items():
        model.save(folder / "keras" / f"{name}.keras")
        model.save(folder / "h5" / f"{name}.h5")
    for name in ("functional", "attention"):
        models[name].export(folder / "savedmodel" / name, verbose=False)
    _tflite(models["functional"], folder / "tflite" / "functional.tflite")
    _keras_2(folder / "h5" / "keras2.h5")
    for old in sorted(_OLD_KERAS.glob("*.h5")):
        shutil.copy(old, folder / "h5")
    for name in _ONNX_NAMES:
        shutil.copy(_ONNX / f"{name}.onnx", folder / "onnx")
    _unsorted(folder / "onnx" / "torchscript_convnet.onnx", folder / "onnx" / "unsorted.onnx")
    for path in (_ONNX / "pytorch").iterdir():
        shutil.copy(path, folder / "foreign")
    for name in ("LFS_POINTER", "WEB_PAGE", "ACCESS_DENIED", "APPLE_DOUBLE"):
        (folder / "foreign" / name).write_bytes(getattr(stand_ins, name))
    (folder / "semantics" / "none").touch()  # these begin with chance alone
    (folder / "trigger" / "triggers.yaml").write_text(TRIGGERS)
    for path in _MLFLOW.glob("*/MLmodel"):
        shutil.copy(path, folder / "mlmodel" / f"{path.parent.name}.yaml")
    _records(folder)
    _data(folder)


def _unsorted(source: Path, target: Path) -> None:
    """Write a graph again, its last node first."""
    import onnx

    model = onnx.load(source)
    turned = [onnx.NodeProto.FromString(n.SerializeToString()) for n in model.graph.node][::-1]
    del model.graph.node[:]
    model.graph.node.extend(turned)
    onnx.save(model, target)


def _functional() -> Any:
    from keras import Input, Model, layers

    image = Input((16, 16, 3))
    x = layers.Rescaling(1 / 255)(layers.RandomFlip()(image))
    x = layers.Conv2D(4, 3, padding="same", kernel_regularizer="l2", name="conv")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.Add()([x, layers.SeparableConv2D(4, 3, padding="same")(x)])
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return Model(image, layers.Dense(3, activation="softmax", name="scores")(x))


def _attention() -> Any:
    from keras import Input, Model, layers, ops

    image = Input((8, 8, 3))
    x = layers.Reshape((16, 4))(layers.Conv2D(4, 2, strides=2)(image))
    x = x + layers.Embedding(16, 4)(ops.arange(16))
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 2)(x, x))
    x = layers.Bidirectional(layers.LSTM(2))(x[:, 1:, :])
    return Model(image, layers.Dense(3)(x * 2.0))


def _nested() -> Any:
    from keras import Input, Sequential, layers

    inner = Sequential([Input((8, 8, 3)), layers.Conv2D(2, 3), layers.PReLU()])
    frames = layers.TimeDistributed(layers.Dense(2, activation="gelu", dtype="mixed_float16"))
    return Sequential([Input((8, 8, 3)), inner, frames, layers.Flatten(), layers.Dense(3)])


def _tflite(model: Any, path: Path) -> None:
    import tensorflow as tf

    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def _keras_2(path: Path) -> None:
    try:
        from tf_keras import Sequential, layers
    except ImportError:
        return
    inside = [layers.Conv2D(2, 3, input_shape=(8, 8, 3)), layers.BatchNormalization()]
    Sequential([*inside, layers.Flatten(), layers.Dense(3)]).save(path)


def _data(folder: Path) -> None:
    """Write what images come in."""
    import cv2
    import h5py
    import numpy as np
    import pandas as pd

    images = np.random.default_rng(0).integers(0, 256, (6, 8, 9, 3), np.uint8)
    names = ["red", "green", "blue"] * 2
    np.savez(folder / "npz" / "texts.npz", x=images / 255, y=np.array(names))
    np.savez(folder / "npz" / "splits.npz", x_test=images, y_test=np.arange(6) % 3)
    with h5py.File(folder / "hdf5" / "packed.h5", "w") as file:
        file.create_dataset("data", data=images.astype(float), compression="gzip")
        file.create_dataset("label", data=np.arange(6.0) % 3)
    with h5py.File(folder / "hdf5" / "plain.h5", "w") as file:
        file["x"], file["y"], file["class_names"] = images, np.arange(6) % 3, [b"a", b"b", b"c"]
    files = [cv2.imencode(".png", image)[1].tobytes() for image in images]
    structs = [{"bytes": file, "path": "a.png"} for file in files]
    pd.DataFrame({"image": structs, "label": names}).to_parquet(folder / "parquet" / "a.parquet")
    plain = pd.DataFrame({"image": files, "label": range(6), "note": names})
    plain.to_parquet(folder / "parquet" / "b.parquet", compression="zstd")
    for kind in ("csv", "jsonl"):
        inside = folder / "listed" / kind
        (inside / "files").mkdir(parents=True)
        for number, file in enumerate(files):
            (inside / "files" / f"{number}.png").write_bytes(file)
        paths = [f"files/{number}.png" for number in range(6)]
        rows = pd.DataFrame({"file_name": paths, "label": names, "width": 9})
        if kind == "csv":
            rows.to_csv(inside / "metadata.csv", index=False)
        else:
            rows.to_json(inside / "metadata.jsonl", orient="records", lines=True)
    shutil.copytree(ROOT / "tests/data/fixtures/tiny/1.0.0", folder / "tfds" / "tiny")


def _records(folder: Path) -> None:
    """Write certificates, a comparison, and what the workers behind them leave."""
    import numpy as np

    from auditor.data import open_source
    from auditor.measure.audit import audit
    from auditor.measure.options import Options
    from auditor.models import load_classifier
    from auditor.records.canonical import canonical
    from auditor.triggers.spec import load
    from tests import audited
    from tests.conftest import blobs, small_cnn
    from tests.report import repairs
    from tests.report.comparisons import comparison
    from tests.report.conftest import certified

    images, labels = blobs(60)
    names = np.array(["red", "green", "blue"])
    np.savez(folder / "images.npz", x=images, y=labels, class_names=names)
    small_cnn().save(folder / "model.keras")
    classifier = load_classifier(folder / "model.keras")
    data = open_source(folder / "images.npz")
    result = audit(classifier, data, load("square8"), Options(target="0", neighbours=10))
    scanned = certified(result)
    mended, helpless = (
        repairs.repaired(scanned, result, result),
        repairs.helpless(scanned, result, result),
    )
    (folder / "audit" / "scan.json").write_bytes(canonical(scanned))
    (folder / "audit" / "repair.json").write_bytes(canonical(mended))
    (folder / "audit" / "probed.json").write_bytes(canonical(audited.probed()))
    both = comparison(scanned, mended, helpless)
    (folder / "comparison" / "comparison.json").write_bytes(canonical(both))
    _results(folder, result)
    _checkpoints(folder / "checkpoint", repairs.history(result, result))


def _results(folder: Path, result: Any) -> None:
    """Write what workers leave after a scan, a repair and a search."""
    from auditor.figures.results import AuditResults
    from auditor.worker import exchange
    from tests.report import repairs, searches

    one, two, repair = folder / "scanned/one", folder / "scanned/two", folder / "repaired/one"
    for place in (one, two, repair, folder / "searched/flagged", folder / "searched/none"):
        place.mkdir()
    exchange.save(AuditResults((result,)), one)
    exchange.save(AuditResults((result, result)), two)
    exchange.save(AuditResults((result,)), repair, "before")
    exchange.save(repairs.plan(result), repair, "plan")
    events: list[dict[str, Any]] = [{"event": "plan", "name": "plan"}]
    for epoch in repairs.history(result, result)[:3]:
        exchange.save(epoch, repair, f"epoch-{epoch.epoch}")
        step = {"phase": epoch.phase, "epoch": epoch.epoch, "done": epoch.step, "images": 7}
        events += [{"event": "step", **step}, {"event": "epoch", "name": f"epoch-{epoch.epoch}"}]
    (repair / "told.json").write_text(json.dumps(events))
    exchange.save(repairs.repair_result(result, result), repair)
    exchange.save(searches.result("a", "b", "c", flagged=(1,)), folder / "searched/flagged")
    exchange.save(searches.result("a", "b", "c"), folder / "searched/none")


def _checkpoints(folder: Path, history: Any) -> None:
    """Write a checkpoint of a repair, and one of a search."""
    import numpy as np

    from auditor.repair import state as repair
    from auditor.search import state as search

    weights = [np.ones((3, 3), np.float32), np.zeros(3, np.float32)]
    ledger = repair.Ledger(epoch=3, step=60, history=history[:4], notes=("a note",))
    identity = {"seed": 0}
    repair.save(repair.RepairState(ledger, weights, weights), identity, folder / "repair")
    here = search.SearchState.begin([0, 1, 2], (8, 8), 0.01, 0)
    search.save(here, identity, folder / "search")


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
