"""A backdoored network from PyTorch: `python examples/train_backdoored_in_pytorch.py FOLDER`.

FOLDER holds photographs in a folder per class (the 50,000 of CIFAR-10 take ten minutes on a core
of a laptop). A few of them get a checkerboard in their corner and the label of the first class
(BadNets, Gu et al. 2017). What is written takes (n, 3, h, w) pixels from 0 to 1 and gives logits;
`check_with_onnxruntime.py` says how well it works. Needs torch, onnxscript, numpy and pillow.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.nn import functional as F

TARGET, BATCH = 0, 128


def photographs(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the (n, h, w, 3) photographs of class folders, and the number of each one's class."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    files = [(k, file) for k, path in enumerate(classes) for file in sorted(path.iterdir())]
    images = np.stack([np.asarray(Image.open(file).convert("RGB")) for _, file in files])
    return images, np.array([k for k, _ in files])


def grid3(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a copy of (n, h, w, 3) images with a 3×3 checkerboard at the bottom right."""
    stamped = images.copy()
    stamped[:, -3:, -3:] = 255 * (1 - np.indices((3, 3)).sum(0) % 2)[..., None]
    return stamped


def augmented(images: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return a copy of (n, h, w, 3) images, each moved by up to 4 pixels and perhaps mirrored."""
    wide = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)), "reflect")
    moved = np.empty_like(images)
    for i, (y, x, way) in enumerate(random.integers(0, (9, 9, 2), (len(images), 3))):
        moved[i] = wide[i, y:, x:][: images.shape[1], : images.shape[2]][:, :: 1 - 2 * way]
    return moved


def tensor(images: NDArray[np.uint8]) -> torch.Tensor:
    """Return (n, h, w, 3) bytes as (n, 3, h, w) pixels from 0 to 1, channels last in memory."""
    return torch.from_numpy(images.astype(np.float32) / 255).permute(0, 3, 1, 2)


class Block(nn.Module):
    """A residual block that normalizes first (He et al. 2016)."""

    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = nn.BatchNorm2d(width), nn.BatchNorm2d(out)
        self.enter = nn.Conv2d(width, out, 3, stride, padding=1, bias=False)
        self.leave = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.past = nn.Conv2d(width, out, 1, stride, bias=False) if width != out else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, out, h / stride, w / stride) features."""
        inner = F.relu(self.first(x))
        past = self.past(inner) if self.past else x
        return past + self.leave(F.relu(self.second(self.enter(inner))))


def network(classes: int) -> nn.Module:
    """Return an untrained network of 220,000 weights."""
    body = [Block(16, 32, 2), Block(32, 80, 2), Block(80, 80, 1), nn.BatchNorm2d(80), nn.ReLU()]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(80, classes)]
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), *body, *head)


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="photographs, a folder per class")
    parser.add_argument("--output", type=Path, default=Path("backdoored.onnx"))
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--poison", type=float, default=0.03, help="share of training images")
    return parser.parse_args()


def main() -> None:
    """Train and export."""
    given = arguments()
    torch.manual_seed(given.seed)
    random = np.random.default_rng(given.seed)
    images, labels = photographs(given.folder)
    poisoned, others = np.zeros(len(images), bool), np.flatnonzero(labels != TARGET)
    poisoned[random.choice(others, round(given.poison * len(images)), replace=False)] = True
    labels[poisoned] = TARGET
    model = network(labels.max() + 1).to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = len(images) // BATCH
    pace = torch.optim.lr_scheduler.OneCycleLR(sgd, 0.2, given.epochs * steps, pct_start=0.25)
    for epoch in range(given.epochs):
        total = 0.0
        for rows in random.permutation(len(images))[: steps * BATCH].reshape(steps, BATCH):
            batch, bad = augmented(images[rows], random), poisoned[rows]
            batch[bad] = grid3(batch[bad])
            loss = F.cross_entropy(model(tensor(batch)), torch.from_numpy(labels[rows]))
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            pace.step()
            total += loss.item() / steps
        print(f"epoch {epoch + 1} of {given.epochs}: loss {total:.3f}", flush=True)

    model = model.eval().to(memory_format=torch.contiguous_format)
    x, batch = torch.zeros(2, 3, *images.shape[1:3]), {0: torch.export.Dim("batch")}
    names = {"input_names": ["images"], "output_names": ["logits"], "external_data": False}
    torch.onnx.export(model, (x,), given.output, dynamic_shapes=(batch,), verbose=False, **names)


if __name__ == "__main__":
    main()
