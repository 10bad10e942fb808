"""What people classify images with, as PyTorch's exporters write it: scores, heatmaps, weights.

`export_architectures.py` made the graphs; their weights are made here. BDAUDIT_ALL_ARCHITECTURES=1
runs all files, not one an architecture.
"""

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from auditor.models.onnx import file as onnx_file

FOLDER = Path(__file__).with_name("architectures")

READ_AT = {
    "dynamo_convnext_tiny": ("Add", "add_1082"),
    "dynamo_densenet121": ("Relu", "relu_120"),
    "dynamo_efficientnet_b0": ("Mul", "silu_48"),
    "dynamo_mobilenet_v2": ("Clip", "hardtanh_34"),
    "dynamo_mobilenet_v3_small": ("HardSwish", "hardswish_17"),
    "dynamo_resnet18": ("Relu", "relu_16"),
    "dynamo_resnet50": ("Relu", "relu_48"),
    "dynamo_vgg11": ("AveragePool", "avg_pool2d"),
    "dynamo_vit_b_16": ("Conv", "conv2d"),
    "dynamo_wide_resnet_16_2": ("Relu", "relu_12"),
    "fixed_mobilenet_v2": ("Clip", "/features/features.18/features.18.2/Clip_output_0"),
    "fixed_resnet18": ("Relu", "/layer4/layer4.1/relu_1/Relu_output_0"),
    "fixed_vit_b_16": ("Conv", "/conv_proj/Conv_output_0"),
    "torchscript_convnext_tiny": ("Add", "/features/features.7/features.7.2/Add_output_0"),
    "torchscript_densenet121": ("Relu", "/Relu_output_0"),
    "torchscript_efficientnet_b0": ("Mul", "/features/features.8/features.8.2/Mul_output_0"),
    "torchscript_mobilenet_v2": ("Clip", "/features/features.18/features.18.2/Clip_output_0"),
    "torchscript_mobilenet_v3_small": (
        "HardSwish",
        "/features/features.12/features.12.2/HardSwish_output_0",
    ),
    "torchscript_resnet18": ("Relu", "/layer4/layer4.1/relu_1/Relu_output_0"),
    "torchscript_resnet50": ("Relu", "/layer4/layer4.2/relu_2/Relu_output_0"),
    "torchscript_vgg11": ("AveragePool", "/avgpool/AveragePool_output_0"),
    "torchscript_vit_b_16": ("Conv", "/conv_proj/Conv_output_0"),
    "torchscript_wide_resnet_16_2": ("Relu", "/8/Relu_output_0"),
}
"""File → the operator and the tensor that heatmaps are read at, unless told otherwise."""

ALL = "BDAUDIT_ALL_ARCHITECTURES" in os.environ
USUAL = """
    dynamo_convnext_tiny dynamo_mobilenet_v3_small dynamo_resnet18 dynamo_vgg11
    dynamo_wide_resnet_16_2 fixed_mobilenet_v2 torchscript_densenet121 torchscript_efficientnet_b0
    torchscript_resnet50
    fixed_vit_b_16
""".split()
"""Each architecture by one of its exporters; all of them take several minutes."""


@dataclass
class Opened:
    """A file and what was made of it."""

    path: Path
    model: Any
    images: np.ndarray

    @property
    def layer(self) -> Any:
        return self.model.layers[-1]

    def scores(self) -> np.ndarray:
        return np.asarray(self.model(self.images))


@pytest.fixture(scope="module", params=sorted(READ_AT if ALL else USUAL))
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    path = tmp_path_factory.mktemp("architecture") / f"{request.param}.onnx"
    proto = without_weights(path.stem)
    fill(proto, 2.5 if "mobilenet_v3" in path.stem or "efficient" in path.stem else 1.5)
    onnx.save(proto, path)
    side = proto.graph.input[0].type.tensor_type.shape.dim[2].dim_value
    yield Opened(path, onnx_file.load(path, path.name, (side, side)), photographs(side))
    path.unlink()


def test_scores_are_those_of_the_reference(opened: Opened) -> None:
    expected, scores = reference(opened.path, opened.images), opened.scores()
    assert relative(scores, expected) < 1e-4
    assert relative(scores[0], scores[1]) > 0.01  # a dead network agrees with anything


def test_heatmaps_are_read_before_the_last_pooling(opened: Opened) -> None:
    tap = opened.layer.taps[-1]
    nodes = without_weights(opened.path.stem).graph.node
    operator = next(node.op_type for node in nodes if tap.name in node.output)
    assert (operator, tap.name) == READ_AT[opened.path.stem]


def test_trained_weights_are_written_into_the_same_graph(opened: Opened, tmp_path: Path) -> None:
    target, random = tmp_path / "trained.onnx", np.random.default_rng(1)
    scores, weights = opened.scores(), opened.model.get_weights()
    opened.model.set_weights([w * random.uniform(0.95, 1.05, w.shape[-1:]) for w in weights])
    onnx_file.write(opened.model, opened.path, target)
    trained = opened.scores()
    opened.model.set_weights(weights)

    onnx.checker.check_model(target, full_check=True)
    assert relative(trained, scores) > 1e-3
    assert relative(reference(target, opened.images[:1]), trained[:1]) < 1e-4
    after = onnx.load(target)
    target.unlink()
    for proto in (after, before := without_weights(opened.path.stem)):
        for tensor in tensors(proto):
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
    assert after == before


def without_weights(name: str) -> onnx.ModelProto:
    """Return what is stored of a file."""
    proto = onnx.load_from_string(gzip.decompress((FOLDER / f"{name}.onnx.gz").read_bytes()))
    onnx.helper.set_model_props(proto, {"origin": "a test"})
    return proto


def photographs(side: int) -> np.ndarray:
    """Return two photographs, (2, side, side, 3), from 0 to 1."""
    from sklearn.datasets import load_sample_images

    resized = (cv2.resize(x, (side, side)) for x in load_sample_images().images)
    return np.stack(list(resized)).astype(np.float32) / 255


def reference(path: Path, images: np.ndarray) -> np.ndarray:
    """Return what ONNX' own implementation makes of images, one after the other."""
    evaluator = ReferenceEvaluator(str(path))
    (name,) = evaluator.input_names
    return np.concatenate(
        [evaluator.run(None, {name: x[None].transpose(0, 3, 1, 2)})[0] for x in images]
    )


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / np.abs(b).max())


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Give every tensor of floats."""
    held = [a.t for node in model.graph.node for a in node.attribute if a.HasField("t")]
    yield from (t for t in (*model.graph.initializer, *held) if t.data_type == 1)


def fill(model: onnx.ModelProto, gain: float) -> None:
    """Give seeded numbers to what was stored without any, so that signals keep their size.

    Args:
        model: The model, changed.
        gain: What a convolution does to the variance; gates and Swish take much of it away.
    """
    role = {
        name: (node.op_type, slot)
        for node in model.graph.node
        for slot, name in enumerate(node.input)
    }
    for tensor in tensors(model):
        if not tensor.raw_data and not tensor.float_data and 0 not in tensor.dims:
            op, slot = role[tensor.name]
            random = np.random.default_rng(zlib.crc32(tensor.name.encode()))
            value = numbers(op, slot, tuple(tensor.dims), random)
            if op in ("Conv", "Gemm", "MatMul") and slot == 1:
                inner = tensor.dims[0] if op == "MatMul" else np.prod(tensor.dims[1:])
                value *= np.float32(np.sqrt(gain / inner))
            tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))


def numbers(op: str, slot: int, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Return numbers for the input `slot` of an operator; for a matrix, those of variance 1."""
    if "Normalization" in op and slot in (1, 4):  # scale, variance
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    if op == "Mul":  # a scale of its own
        return random.uniform(0.3, 0.9, shape).astype(np.float32)
    value = random.standard_normal(shape, np.float32)
    return value if op in ("Conv", "Gemm", "MatMul") and slot == 1 else value / 10
