"""Export small networks from PyTorch by both of its exporters: how the fixtures were made.

Run from the repository with PyTorch and onnxscript installed (neither is needed by the tests):

    python tests/models/inspect/export_from_torch.py tests/models/inspect/fixtures
"""

import sys
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1, groups=2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class SqueezeExcite(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 4, 1), nn.SiLU(), nn.Conv2d(4, width, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.gate(x))


class Attention(nn.Module):
    """Patches, learned positions and one transformer block, as in a ViT."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 8, stride=8)
        self.positions = nn.Parameter(torch.zeros(1, 17, 8))
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.block = nn.TransformerEncoderLayer(
            8, 2, 16, activation="gelu", batch_first=True, norm_first=True
        )
        self.head = nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        return self.head(self.block(x)[:, 0])


def head(width: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(width, 10)]


def stem(width: int) -> list[nn.Module]:
    return [nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]


NETWORKS = {
    "convnet": lambda: nn.Sequential(
        *stem(8), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.LeakyReLU(), nn.AvgPool2d(2), *head(16)
    ),
    "residual": lambda: nn.Sequential(*stem(8), Residual(8), Residual(8), *head(8)),
    "mobile": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.Hardswish(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.ReLU6(),
        SqueezeExcite(8),
        nn.Hardsigmoid(),
        *head(8),
    ),
    "attention": Attention,
    "upsampling": lambda: nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.ReflectionPad2d(1),
        *stem(4),
        nn.GroupNorm(2, 4),
        nn.GELU("tanh"),
        nn.PReLU(),
        nn.Softmax2d(),
        *head(4),
    ),
}


def write(name: str, folder: Path, **options: Any) -> None:
    """Export one network by both exporters."""
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    image = torch.zeros(2, 3, 32, 32)
    if options.pop("half", False):
        name, network, image = f"{name}_half", network.half(), image.half()
    script, dynamo = folder / f"torchscript_{name}.onnx", folder / f"dynamo_{name}.onnx"
    axes = {"x": {0: "batch"}}
    torch.onnx.export(network, (image,), script, dynamo=False, dynamic_axes=axes, input_names=["x"])
    shapes = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(
        network, (image,), dynamo, dynamo=True, external_data=False, dynamic_shapes=shapes
    )
    without_paths(dynamo)


def without_paths(path: Path) -> None:
    """Drop the stack traces, most of such a small file, and with them this machine's paths."""
    model = onnx.load(path)
    for node in model.graph.node:
        kept = [p for p in node.metadata_props if p.key != "pkg.torch.onnx.stack_trace"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    onnx.save(model, path)


if __name__ == "__main__":
    for each in NETWORKS:
        write(each, Path(sys.argv[1]))
    write("residual", Path(sys.argv[1]), half=True)
