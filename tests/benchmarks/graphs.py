"""ONNX graphs: scans against bare ONNX Runtime, the interpreted layer against Keras' layers."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.common import TRIGGER, Page, side_by_side

SCAN_GOAL, LAYER_GOAL = 1.15, 1.3
TURNS = 9
BARE, SCAN = "bare ONNX Runtime", "scan: ASR, robust accuracy, TAR"
FORWARD, STEP = "forward pass", "training step"


@dataclass(frozen=True)
class Network:
    """A network in Keras, and the same one as an ONNX file.

    Attributes:
        name: What it is.
        model: The Keras model, scores before softmax out.
        path: The ONNX file.
        size: Batches and columns of its images.
        batch: Images a batch.
    """

    name: str
    model: Any
    path: Path
    size: int
    batch: int


def measure() -> Page:
    """Time both networks, a batch a turn, all contenders in turn."""
    rows, worst = [], {SCAN: 0.0, FORWARD: 0.0, STEP: 0.0}
    with tempfile.TemporaryDirectory() as name:
        for network in (_wide_resnet(Path(name)), _resnet_50(Path(name))):
            for what, (clock, cpu), against in _measured(network):
                worst[what] = max(worst[what], clock)
                rows.append((network.name, what, against, f"{clock:.3f}", f"{cpu:.3f}"))
    return Page(
        title="ONNX graphs",
        header=("network", "what", "against", "time", "CPU time"),
        rows=rows,
        notes=[
            f"WRN-16-1 with 32×32 images, 128 a batch; ResNet-50 with 224×224, 8 a batch; random "
            f"weights and images, exported by tf2onnx. {TURNS} turns, interleaved; medians of the "
            "ratio to the other contender's same turn. Bare ONNX Runtime scales bytes and runs the "
            "whole graph; a scan adds Grad-CAM of two classes and the attention figures of both.",
            "The layer interprets the graph's nodes inside a compiled function; Keras runs the "
            "network that the graph was exported from. A training step is Adam on the "
            "cross-entropy, BatchNormalization in inference form in both. tf2onnx merges "
            "BatchNormalization into convolutions where it can.",
            f"Goal of a scan: at most {SCAN_GOAL} times bare ONNX Runtime. Measured: at most "
            f"{worst[SCAN]:.3f}.",
            f"Goal of the layer: at most {LAYER_GOAL} times the same network in Keras. Measured: "
            f"forward at most {worst[FORWARD]:.3f}, a training step at most {worst[STEP]:.3f}.",
        ],
    )


def _measured(network: Network) -> list[tuple[str, tuple[float, float], str]]:
    from auditor.models.onnx.file import load

    images = np.random.default_rng(0).integers(
        0, 256, (network.batch, network.size, network.size, 3), np.uint8
    )
    graph = load(network.path, network.path.name, (network.size, network.size))
    scan = _timed({BARE: _bare(network, images), SCAN: _scan(graph, network, images)})
    forward = _timed({"Keras": _forward(network.model, images), FORWARD: _forward(graph, images)})
    step = _timed({"Keras": _step(network.model, images), STEP: _step(graph, images)})
    return [
        (SCAN, scan[SCAN].over(scan[BARE]), BARE),
        (FORWARD, forward[FORWARD].over(forward["Keras"]), "the same in Keras"),
        (STEP, step[STEP].over(step["Keras"]), "the same in Keras"),
    ]


def _timed(contenders: dict[str, Callable[[int], object]]) -> Any:
    for contender in contenders.values():
        contender(0)
        contender(0)
    return side_by_side(contenders, TURNS)


def _bare(network: Network, images: np.ndarray) -> Callable[[int], object]:
    import onnxruntime

    session = onnxruntime.InferenceSession(network.path)
    name = session.get_inputs()[0].name
    return lambda turn: session.run(None, {name: images.astype(np.float32) / 255})[0].argmax(axis=1)


def _scan(graph: Any, network: Network, images: np.ndarray) -> Callable[[int], object]:
    from auditor.figures.metrics import Attention
    from auditor.measure.attention import GradCam
    from auditor.measure.regions import regions
    from auditor.models.input_range import InputRange
    from auditor.models.wrap import wrap
    from auditor.triggers.spec import load

    size = (network.size, network.size)
    range_ = InputRange.parse("0..1")
    classifier = wrap(graph, range_, network.name, size, "onnx", network.path)
    layer = classifier.spatial_layer(None)
    look = GradCam(classifier, layer, frozen=True)
    assert look._forward is not None, "ONNX Runtime is not used"
    compared = regions(load(TRIGGER), "center", size, layer.grid)

    def scan(turn: int) -> object:
        seen = look(images, 0)
        return [Attention.of(heat, compared) for heat in (seen.heat, seen.target_heat)]

    return scan


def _forward(model: Any, images: np.ndarray) -> Callable[[int], object]:
    import tensorflow as tf

    pixels = tf.constant(images / np.float32(255))
    run = tf.function(
        lambda x: model(x, training=False),
        input_signature=[tf.TensorSpec((None, *images.shape[1:]), tf.float32)],
    )
    return lambda turn: run(pixels).numpy()


def _step(model: Any, images: np.ndarray) -> Callable[[int], object]:
    """Return a step of `fit`, the network in its form for inference as in a repair."""
    import keras

    inputs = keras.Input(images.shape[1:])
    trained = keras.Model(inputs, model(inputs, training=False))
    trained.compile(
        keras.optimizers.Adam(1e-6),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    pixels, labels = images / np.float32(255), np.arange(len(images)) % 10
    return lambda turn: trained.train_on_batch(pixels, labels)


def _exported(name: str, model: Any, folder: Path, size: int, batch: int) -> Network:
    from auditor.models.to_onnx import from_keras

    path = folder / f"{name}.onnx"
    from_keras(model, path)
    return Network(name, model, path, size, batch)


def _resnet_50(folder: Path) -> Network:
    import keras

    keras.utils.set_random_seed(0)
    model = keras.applications.ResNet50(weights=None, classes=10, classifier_activation=None)
    return _exported("ResNet-50", model, folder, 224, 8)


def _wide_resnet(folder: Path) -> Network:
    """WRN-16-1 (Zagoruyko and Komodakis 2016): BatchNormalization and ReLU before convolutions."""
    import keras
    from keras import layers

    def before(x: Any) -> Any:
        return layers.ReLU()(layers.BatchNormalization()(x))

    def conv(x: Any, width: int, stride: int = 1, side: int = 3) -> Any:
        return layers.Conv2D(width, side, stride, padding="same", use_bias=False)(x)

    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3))
    x = conv(inputs, 16)
    for width, stride in ((16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)):
        ready = before(x)
        short = x if x.shape[-1] == width else conv(ready, width, stride, side=1)
        x = layers.Add()([short, conv(before(conv(ready, width, stride)), width)])
    scores = layers.Dense(10)(layers.GlobalAveragePooling2D()(before(x)))
    return _exported("WRN-16-1", keras.Model(inputs, scores), folder, 32, 128)
