"""Networks from PyTorch, exported in a Python of their own: it and TensorFlow share no process."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from auditor.models import load_classifier
from tests.conftest import ROOT, bdaudit
from tests.test_backends import python

OWN = """
import torch
from torch import nn

class Small(nn.Module):
    def __init__(self, num_classes=4):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Linear(8, num_classes)

    def forward(self, x):
        features = self.features(x)
        return {"logits": self.head(features.mean((2, 3))), "features": features}
"""
SAVE = """
import torch, small
torch.manual_seed(1)
net = small.Small(3)
parallel = {"module." + name: value for name, value in net.state_dict().items()}
torch.save({"epoch": 3, "state_dict": parallel}, "w.pt")
from safetensors.torch import save_file
save_file(net.state_dict(), "w.safetensors")
class Planted:
    def __reduce__(self):
        return print, ("it ran",)
torch.save({"state_dict": Planted()}, "planted.pt")
"""


def run(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python("torch"), *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def exported(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return run(folder, ROOT / "examples" / "export_from_pytorch.py", *arguments)


def has(*packages: str) -> None:
    names = ", ".join(packages)
    if run(ROOT, "-c", f"import onnxscript, onnxruntime, {names}").returncode:
        pytest.skip(f"no Python with PyTorch has {names}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    has("safetensors")
    made = tmp_path_factory.mktemp("torch")
    (made / "small.py").write_text(OWN)
    (made / "save.py").write_text(SAVE)
    assert run(made, "save.py").returncode == 0
    for name in ("a", "b", "c"):
        (made / "photos" / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
            cv2.imwrite(str(made / "photos" / name / f"{number}.png"), pixels)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["w.pt", "w.safetensors"])
@pytest.mark.parametrize("exporter", [(), ("--old",)], ids=["dynamo", "torchscript"])
def test_a_network_of_ones_own(folder: Path, weights: str, exporter: tuple[str, ...]) -> None:
    target = folder / f"{weights}{len(exporter)}.onnx"
    asked = ("small.py:Small", target.name, "--weights", weights, "--classes", 3, "--size", 16)
    made = exported(folder, *asked, *exporter)
    assert made.returncode == 0, made.stderr
    assert f"{target.name}: 3 classes, images of 16×16" in made.stdout
    classifier = load_classifier(target)
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)
    pixels = (images.astype(np.float32) / 255).transpose(0, 3, 1, 2)
    (expected,) = onnxruntime.InferenceSession(target).run(None, {"images": pixels})
    found = classifier.outputs(np.asarray(classifier.scores(images)))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    printed = next(line for line in made.stdout.splitlines() if line.startswith("bdaudit "))
    words = shlex.split(printed.replace("PHOTOGRAPHS", "photos"))[1:]
    ran = bdaudit(*words, "--exit-zero", "-o", f"{target.name}.json", cwd=folder)
    assert ran.code == 0, ran.err


@pytest.mark.slow
def test_what_a_checkpoint_would_run_is_not_run(folder: Path) -> None:
    made = exported(folder, "small.py:Small", "no.onnx", "--weights", "planted.pt")
    assert made.returncode != 0
    assert "it ran" not in made.stdout
    assert not (folder / "no.onnx").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("torchvision/shufflenet_v2_x0_5", "mean=0.485,0.456,0.406,std=0.229,0.224,0.225"),
        ("timm/vit_tiny_patch16_224", "mean=0.5,0.5,0.5,std=0.5,0.5,0.5"),
    ],
)
def test_published_networks_say_their_range(network: str, expected: str, tmp_path: Path) -> None:
    has(network.partition("/")[0])
    made = exported(tmp_path, network, "m.onnx", "--classes", 5)
    assert made.returncode == 0, made.stderr
    assert f"--input-range {expected}" in made.stdout
    assert re.search(r"differ by \d\.\de-\d+ of the largest", made.stdout)
    assert load_classifier(tmp_path / "m.onnx").classes == 5
