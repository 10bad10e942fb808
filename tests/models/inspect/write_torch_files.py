"""Write what PyTorch users have, of a tiny network: `python write_torch_files.py fixtures/pytorch`.

Needs torch and safetensors; the tests need neither.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn


def main(folder: Path) -> None:
    """Write state dicts, a whole module and a script."""
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    torch.save(network.state_dict(), folder / "state_dict.pt")
    torch.save(network.state_dict(), folder / "old.pth", _use_new_zipfile_serialization=False)
    torch.save(network, folder / "module.pt")
    torch.jit.trace(network, torch.zeros(1, 3, 8, 8)).save(folder / "script.pt")
    save_file(network.state_dict(), folder / "state_dict.safetensors", {"format": "pt"})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
