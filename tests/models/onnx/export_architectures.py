"""Export what people classify images with, by both of PyTorch's exporters, without the weights.

Run from the repository with PyTorch, torchvision and onnxscript installed (the tests need none):

    python tests/models/onnx/export_architectures.py tests/models/onnx/architectures [NAME...]

A graph is what differs between architectures and exporters, not its numbers: of every tensor of
more than 64 floats, type and shape are kept, and the tests fill it. Ten classes; images of 64×64
(WideResNet: 32×32), which is enough for more than one row and column before the last pooling.
"""

import gzip
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.nn import functional as F
from torchvision import models

KEPT = 64
FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE}


class Block(nn.Module):
    """Two convolutions, each after its BatchNorm, as in "Identity Mappings"."""

    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = nn.BatchNorm2d(width), nn.BatchNorm2d(out)
        self.enter = nn.Conv2d(width, out, 3, stride, padding=1, bias=False)
        self.leave = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.past = nn.Conv2d(width, out, 1, stride, bias=False) if width != out else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = F.relu(self.first(x))
        past = self.past(inner) if self.past else x
        return past + self.leave(F.relu(self.second(self.enter(inner))))


def wide_resnet_16_2() -> nn.Module:
    """Zagoruyko and Komodakis 2016, for 32×32 images."""
    groups = ((16, 32, 1), (32, 64, 2), (64, 128, 2))
    body = [block for a, b, s in groups for block in (Block(a, b, s), Block(b, b, 1))]
    stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
    tail = [nn.BatchNorm2d(128), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(stem, *body, *tail, nn.Linear(128, 10))


def vgg11() -> nn.Module:
    """VGG-11 with layers of 512 behind the convolutions: its own hold 120 million numbers."""
    network = models.vgg11(num_classes=10)
    network.avgpool = nn.AdaptiveAvgPool2d(2)
    hidden = [nn.Linear(2048, 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, 512), nn.ReLU()]
    network.classifier = nn.Sequential(*hidden, nn.Dropout(), nn.Linear(512, 10))
    return network


NETWORKS = {
    "resnet18": lambda: models.resnet18(num_classes=10),
    "resnet50": lambda: models.resnet50(num_classes=10),
    "wide_resnet_16_2": wide_resnet_16_2,
    "vgg11": vgg11,
    "mobilenet_v2": lambda: models.mobilenet_v2(num_classes=10),
    "mobilenet_v3_small": lambda: models.mobilenet_v3_small(num_classes=10),
    "efficientnet_b0": lambda: models.efficientnet_b0(num_classes=10),
    "densenet121": lambda: models.densenet121(num_classes=10),
    "convnext_tiny": lambda: models.convnext_tiny(num_classes=10),
    "vit_b_16": lambda: models.vit_b_16(image_size=64, num_classes=10),
}
FIXED = ("resnet18", "mobilenet_v2", "vit_b_16")
"""Exported for one image as well, and in operators of 2021."""


def export(name: str, folder: Path) -> None:
    """Write one architecture's files."""
    torch.manual_seed(0)
    network = as_if_trained(NETWORKS[name]().eval())
    side = 32 if name.startswith("wide") else 64
    images = (torch.zeros(2, 3, side, side),)
    named = {"input_names": ["images"], "output_names": ["logits"]}
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.onnx"
        axes = {"images": {0: "batch"}, "logits": {0: "batch"}}
        torch.onnx.export(network, images, path, dynamo=False, dynamic_axes=axes, **named)
        store(path, folder / f"torchscript_{name}.onnx.gz")
        if name in FIXED:
            one = (images[0][:1],)
            torch.onnx.export(network, one, path, dynamo=False, opset_version=14, **named)
            store(path, folder / f"fixed_{name}.onnx.gz")
        shapes = ({0: torch.export.Dim("batch")},)
        torch.onnx.export(
            network, images, path, dynamo=True, dynamic_shapes=shapes, external_data=False,
            verbose=False, **named,
        )  # fmt: skip
        store(path, folder / f"dynamo_{name}.onnx.gz")


def as_if_trained(network: nn.Module) -> nn.Module:
    """Make all numbers differ; the exporters store equal tensors once, and training leaves none."""
    with torch.no_grad():
        for each in (*network.parameters(), *network.buffers()):
            if each.is_floating_point():
                each.add_(torch.rand_like(each) / 10)
    return network


def store(source: Path, target: Path) -> None:
    """Keep what is computed: no weights, no notes of where in whose folder it came from."""
    model = onnx.load(source)
    for tensor in tensors(model.graph):
        if tensor.data_type in FLOATS and torch.Size(tensor.dims).numel() > KEPT:
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.ClearField("metadata_props")
        value.ClearField("doc_string")
    for place in (model, model.graph):
        place.ClearField("metadata_props")
        place.ClearField("doc_string")
    model.graph.ClearField("value_info")
    target.write_bytes(gzip.compress(model.SerializeToString(deterministic=True), 9, mtime=0))
    print(
        f"{target.name}: {len(model.graph.node)} nodes, {target.stat().st_size} bytes", flush=True
    )


def tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Give every tensor of a graph without subgraphs, those of Constant nodes too."""
    yield from graph.initializer
    for node in graph.node:
        yield from (a.t for a in node.attribute if a.type == onnx.AttributeProto.TENSOR)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(exist_ok=True)
    for each in sys.argv[2:] or NETWORKS:
        export(each, Path(sys.argv[1]))
