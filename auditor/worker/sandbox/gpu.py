"""This machine's NVIDIA GPUs: their device files, and what a worker that uses one must reach.

What the driver reads and writes: NVIDIA/OpenShell issues 1486 and 1628, nolabs-ai/nono pull request
652 and issue 924, snapd's interface `opengl`. That it makes files in memory and maps memory that is
shared: NVIDIA/OpenShell issue 1696 and pull request 1702.
"""

import itertools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_CONTROL = (
    "nvidiactl",
    "nvidia-uvm",
    "nvidia-uvm-tools",
)
_DEV = Path("/dev")
_DRIVER = Path("/proc/driver/nvidia")
_MINOR = re.compile(r"^DeviceFileMinor:\s*(\d+)", re.MULTILINE)
_READ = (
    "/dev/zero",
    "/proc/devices",
    "/proc/driver/nvidia",
    "/proc/driver/nvidia-caps",
    "/proc/driver/nvidia-nvlink",
    "/proc/driver/nvidia-uvm",
    "/proc/modules",
    "/proc/sys/vm/mmap_min_addr",
    "/run/nvidia-persistenced",
    "/sys/bus/node",
    "/sys/bus/pci",
    "/sys/class",
    "/sys/devices",
    "/sys/module/nvidia",
    "/sys/module/nvidia_uvm",
)
_HIDDEN = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
_WITHOUT_PTXAS = "--xla_gpu_unsafe_fallback_to_driver_on_ptxas_not_found=true"
_OWN_THREADS = "/proc/self/task"
"""The driver gives each of its threads a name, which is written to `<thread>/comm`."""


def devices() -> list[Path]:
    """Return the device files of this machine's GPUs; empty where there are none."""
    gpus = _numbered() or [path for path in [_DEV / "dxg"] if path.exists()]  # Windows' Linux
    control = [_DEV / name for name in _CONTROL if (_DEV / name).exists()]
    return [*gpus, *control, *_slices()] if gpus else []


def _slices() -> list[Path]:
    """Return the device files that give access to a GPU's slices (MIG), and not to their division.

    The driver says which they are: `DeviceFileMinor: 12` in `gpu0/mig/gi1/access`.
    """
    said = [path.read_text() for path in sorted(_DRIVER.glob("capabilities/gpu*/mig/**/access"))]
    numbers = [found[1] for text in said if (found := _MINOR.search(text))]
    return [_DEV / "nvidia-caps" / f"nvidia-cap{number}" for number in numbers]


def readable() -> list[Path]:
    """Return what a worker that uses a GPU must read besides."""
    return [Path(path) for path in _READ]


def writable() -> list[Path]:
    """Return the folders whose files, all of them the worker's own, it must write to."""
    return [Path(_OWN_THREADS)]


def on_this_machine() -> bool:
    """Whether there is a GPU, reachable or not."""
    return bool(devices()) or any((_DRIVER / "gpus").glob("*"))


@dataclass(frozen=True)
class Grant:
    """What a worker is given of this machine's GPUs.

    Attributes:
        usable: Whether it may use one.
        hidden: Why it may use none of those that there are; empty where it may, or there is none.
        partly: Why it may not use all of them; empty where it may use all, or none.
        variables: What its libraries must be told through the environment.
    """

    usable: bool
    hidden: str = ""
    partly: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def grant(device: str, *, confined: bool, environment: Mapping[str, str] = os.environ) -> Grant:
    """Settle which GPUs a worker may use.

    Args:
        device: `auto`, `cpu` or `gpu`.
        confined: Whether it may start no programs and open no sockets. Then it has one GPU, since
            several talk to each other through sockets (NCCL), and XLA has the driver finish its
            code, since the assembler that it would start (ptxas) cannot be started.
        environment: The user's variables.
    """
    if (reason := _hidden(device, environment)) or device == "cpu":
        return Grant(False, reason, variables=_HIDDEN)
    if not devices() or not confined:
        return Grant(bool(devices()))
    variables = {"XLA_FLAGS": f"{environment.get('XLA_FLAGS', '')} {_WITHOUT_PTXAS}".strip()}
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    names = [path.name[6:] for path in _numbered()] if visible is None else _named(visible)
    if len(names) <= 1:
        return Grant(True, variables=variables)
    reason = (
        f"one of {len(names)} works: several need sockets, which the sandbox refuses; "
        "--sandbox off has them all"
    )
    one = {"CUDA_VISIBLE_DEVICES": names[0]}
    return Grant(True, partly=reason, variables={**variables, **one})


def _named(visible: str) -> list[str]:
    """Return the GPUs that `CUDA_VISIBLE_DEVICES` names: those before the first that is none."""
    names = [name.strip() for name in visible.split(",")]
    return list(itertools.takewhile(lambda name: name and not name.startswith("-"), names))


def _hidden(device: str, environment: Mapping[str, str]) -> str:
    """Say why no GPU of this machine may be used; empty where one may, or there is none."""
    if not on_this_machine():
        return ""
    if device == "cpu":
        return "--device cpu"
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and _named(visible) in ([], ["NoDevFiles"]):
        return f"CUDA_VISIBLE_DEVICES={visible.strip()} hides it"
    if not devices():
        return (
            "its driver is loaded but there are no device files /dev/nvidia0 and the like; run "
            "'nvidia-modprobe -u -c 0', or start the container with its GPUs"
        )
    return ""


def _numbered() -> list[Path]:
    """Return the device files of the GPUs themselves, in their order."""
    found = [path for path in _DEV.glob("nvidia[0-9]*") if path.name[6:].isdecimal()]
    return sorted(found, key=lambda path: int(path.name[6:]))
