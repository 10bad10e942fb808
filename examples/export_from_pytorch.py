"""A network from PyTorch as ONNX, checked: `python export_from_pytorch.py NETWORK MODEL.onnx`.

NETWORK is one of torchvision or timm, or a class or function of your own that makes it:

    python export_from_pytorch.py torchvision/resnet18 model.onnx --weights best.pt --classes 10
    python export_from_pytorch.py timm/convnext_atto model.onnx --weights best.safetensors
    python export_from_pytorch.py networks.py:SmallNet model.onnx --weights best.pt --size 32

Weights are a state dict, alone or in a checkpoint; nothing in the file is run. The graph takes
(n, channels, h, w) pixels as `transforms.Normalize` leaves them and gives (n, classes) logits, for
any n; ONNX Runtime must agree with PyTorch. Needs torch, onnx, onnxscript and onnxruntime;
torchvision, timm or safetensors where they are used. Run it where you trust the network's code.
"""

import argparse
import importlib.util
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
ALLOWED = 1e-3
"""How far scores may be apart, as a share of the largest."""

INSIDE = ("state_dict", "model_state_dict", "model", "net", "weights")
"""Where checkpoints keep the state dict."""


class Logits(nn.Module):
    """A network that gives its scores alone, whatever else it gives beside them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return (n, classes) scores."""
        given = self.network(images)
        if isinstance(given, dict):
            given = given["logits"]
        given = getattr(given, "logits", given)
        return (given[0] if isinstance(given, tuple | list) else given).flatten(1)


def build(spec: str, classes: int | None) -> nn.Module:
    """Return the network of a name, without weights."""
    family, _, name = spec.partition("/")
    sized = {} if classes is None else {"num_classes": classes}
    if family == "timm":
        import timm

        network: nn.Module = timm.create_model(name, pretrained=False, **sized)
    elif family == "torchvision":
        from torchvision import models

        network = models.get_model(name, weights=None, **sized)
    else:
        network = own(spec)(**sized)
    return network


def own(spec: str) -> Callable[..., nn.Module]:
    """Return what makes a network of yours: `FILE.py:NAME`."""
    file, _, name = spec.rpartition(":")
    found = importlib.util.spec_from_file_location("network", file) if file else None
    if found is None or found.loader is None or not Path(file).is_file():
        raise SystemExit(f"{spec}: expected torchvision/NAME, timm/NAME or FILE.py:NAME")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    made: Callable[..., nn.Module] = getattr(module, name)
    return made


def state_dict(file: Path) -> dict[str, torch.Tensor]:
    """Return the weights in a file; one that holds more than numbers is refused by PyTorch."""
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        held: Any = load_file(file)
    else:
        held = torch.load(file, map_location="cpu", weights_only=True)
    for key in INSIDE:
        if isinstance(held.get(key), dict):
            held = held[key]
            break
    return {name.removeprefix("module."): value for name, value in held.items()}


def export(network: nn.Module, images: torch.Tensor, target: Path, *, old: bool) -> None:
    """Write a network that takes any number of such images."""
    named: dict[str, Any] = {"input_names": ["images"], "output_names": ["logits"]}
    if old:
        axes = {"images": {0: "batch"}, "logits": {0: "batch"}}
        torch.onnx.export(network, (images,), target, dynamo=False, dynamic_axes=axes, **named)
        return
    torch.onnx.export(
        network, (images,), target, dynamo=True, dynamic_shapes=({0: "batch"},),
        external_data=False, verbose=False, **named,
    )  # fmt: skip


def difference(network: nn.Module, target: Path, shape: tuple[int, ...]) -> tuple[float, int]:
    """Return how far ONNX Runtime's scores are from PyTorch's, as a share, and how many classes."""
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    worst, classes = 0.0, 0
    for count in (1, 3):
        images = torch.randn(count, *shape)
        with torch.no_grad():
            wanted = network(images).numpy()
        (found,) = session.run(["logits"], {"images": images.numpy()})
        worst = max(worst, float(np.abs(found - wanted).max() / np.abs(wanted).max()))
        classes = wanted.shape[1]
    return worst, classes


def input_range(spec: str, network: nn.Module) -> str:
    """Return what `--input-range` has to be, as far as the network says it."""
    said = getattr(network, "pretrained_cfg", None) or {}
    mean, std = said.get("mean"), said.get("std")
    if spec.startswith("torchvision/"):
        mean, std = IMAGENET
    if not mean or not std:
        return "0..1"
    numbers = (",".join(f"{value:g}" for value in each) for each in (mean, std))
    return "mean={},std={}".format(*numbers)


def main() -> None:
    """Export, compare, and say how to scan it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("network", help="torchvision/NAME, timm/NAME or FILE.py:NAME")
    parser.add_argument("target", type=Path, help="ONNX file to write")
    parser.add_argument("--weights", type=Path, help="state dict: .pt, .pth or .safetensors")
    parser.add_argument("--classes", type=int, help="number of classes")
    parser.add_argument("--size", type=int, default=224, help="height and width of the images")
    parser.add_argument("--channels", type=int, default=3, help="3, or 1 for gray images")
    parser.add_argument("--old", action="store_true", help="use the exporter of TorchScript")
    given = parser.parse_args()
    torch.manual_seed(0)
    network = build(given.network, given.classes)
    if given.weights:
        network.load_state_dict(state_dict(given.weights))
    whole = Logits(network).eval()
    shape = (given.channels, given.size, given.size)
    export(whole, torch.zeros(2, *shape), given.target, old=given.old)
    far, classes = difference(whole, given.target, shape)
    print(f"{given.target}: {classes} classes, images of {given.size}×{given.size}")
    print(f"ONNX Runtime and PyTorch differ by {far:.1e} of the largest score")
    if not far <= ALLOWED:
        given.target.unlink()
        raise SystemExit(f"more than {ALLOWED:g}: nothing was kept; try again with --old")
    expected = shlex.quote(input_range(given.network, network))
    print("Now, with the mean and std of your own transforms.Normalize, if they are others:")
    print(
        f"bdaudit scan {shlex.quote(str(given.target))} --data PHOTOGRAPHS --trigger grid3 "
        f"--input-range {expected}"
    )


if __name__ == "__main__":
    main()
