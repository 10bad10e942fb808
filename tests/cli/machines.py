"""What makes this machine another one, for a command in a process of its own."""

from pathlib import Path

from auditor.worker.sandbox import gpu


def with_devices(dev: Path, driver: Path) -> None:
    """Have the device files and the driver of GPUs elsewhere."""
    gpu._DEV, gpu._DRIVER = dev, driver
