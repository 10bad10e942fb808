"""`--device`: never a silent CPU, where a GPU cannot be used and where there is none."""

import html
import json
from functools import partial
from pathlib import Path

import pytest

from auditor.worker.sandbox import gpu
from tests.cli.machines import with_devices
from tests.conftest import Ran, Workshop, assert_refusal, bdaudit

pytestmark = pytest.mark.skipif(gpu.on_this_machine(), reason="this machine has a GPU")


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Path, Path]:
    """Where the device files and the driver of a machine with a GPU would be."""
    dev, driver = tmp_path / "dev", tmp_path / "driver"
    dev.mkdir()
    (driver / "gpus" / "0000:01:00.0").mkdir(parents=True)
    (dev / "nvidia0").touch()
    return dev, driver


def on(machine: tuple[Path, Path], *arguments: object, **environment: str) -> Ran:
    """Run the command as on that machine, whose driver is missing."""
    return bdaudit(*arguments, prepare=partial(with_devices, *machine), **environment)


def scan(workshop: Workshop) -> list[object]:
    return ["scan", workshop.clean, "--trigger", workshop.trigger, "--data", workshop.data, "-q"]


@pytest.mark.parametrize("command", ["scan", "search", "repair", "compare"])
def test_a_gpu_that_is_not_there_is_refused(
    command: str, workshop: Workshop, tmp_path: Path
) -> None:
    own = {
        "scan": ["--trigger", workshop.trigger],
        "search": ["--output", tmp_path / "found.yaml"],
        "repair": ["--trigger", workshop.trigger, "--output", tmp_path / "r.keras"],
        "compare": ["--trigger", workshop.trigger, "--run-dir", tmp_path / "compared"],
    }[command]
    ran = bdaudit(command, workshop.poisoned, "--data", workshop.data, *own, "--device", "gpu")
    assert_refusal(ran, 2, "--device gpu: this machine has no NVIDIA GPU; run 'bdaudit doctor'")
    assert list(tmp_path.iterdir()) == []


def test_a_cpu_that_is_all_there_is_needs_no_word(workshop: Workshop, tmp_path: Path) -> None:
    ran = bdaudit(*scan(workshop), "-o", tmp_path / "audit.json")
    assert (ran.code, ran.err) == (0, "")
    environment = json.loads((tmp_path / "audit.json").read_text())["environment"]
    assert environment["device"].startswith("CPU, ")
    assert environment["unused_gpu"] == ""


WHY = {
    "asked": (["--device", "cpu"], {}, "--device cpu"),
    "hidden": ([], {"CUDA_VISIBLE_DEVICES": ""}, "CUDA_VISIBLE_DEVICES= hides it"),
    "no driver": ([], {}, "the driver's library libcuda.so.1 cannot be loaded"),
}


@pytest.mark.parametrize("why", WHY)
def test_a_gpu_that_is_not_used_is_said(
    why: str, machine: tuple[Path, Path], workshop: Workshop, tmp_path: Path
) -> None:
    flags, environment, reason = WHY[why]
    audit, page = tmp_path / "audit.json", tmp_path / "audit.html"
    ran = on(machine, *scan(workshop), *flags, "-o", audit, "-o", page, **environment)
    assert ran.code == 0, ran.err
    assert ran.err.startswith(f"bdaudit: computing on the CPU, not the GPU: {reason}")
    assert ran.err.count("\n") == 1
    said = json.loads(audit.read_text())["environment"]
    assert said["device"].startswith("CPU, ")
    assert said["unused_gpu"].startswith(reason)
    assert f"<dt>GPU not used</dt><dd>{reason}" in html.unescape(page.read_text())


def test_a_driver_without_device_files_is_said(
    machine: tuple[Path, Path], workshop: Workshop
) -> None:
    (machine[0] / "nvidia0").unlink()
    ran = on(machine, *scan(workshop))
    assert ran.code == 0
    assert "there are no device files /dev/nvidia0 and the like; run 'nvidia-modp" in ran.err
    refused = on(machine, *scan(workshop), "--device", "gpu")
    assert_refusal(refused, 2, "--device gpu: its driver is loaded but there are no device files")


def test_the_gpu_is_wanted_and_fails(machine: tuple[Path, Path], workshop: Workshop) -> None:
    ran = on(machine, *scan(workshop), "--device", "gpu")
    assert_refusal(ran, 2, "--device gpu: the driver's library libcuda.so.1 cannot be loaded")


def test_the_search_says_it_too(
    machine: tuple[Path, Path], workshop: Workshop, tmp_path: Path
) -> None:
    report = tmp_path / "search.json"
    ran = on(
        machine, "search", workshop.clean, "--data", workshop.data, "--output",
        tmp_path / "found.yaml", "--certificate", report, "--limit", "40", "--quiet",
        "--device", "cpu", "--exit-zero",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.err == "bdaudit: computing on the CPU, not the GPU: --device cpu\n"
    assert json.loads(report.read_text())["environment"]["unused_gpu"] == "--device cpu"


def test_doctor_says_it(machine: tuple[Path, Path]) -> None:
    ran = on(machine, "doctor", CUDA_VISIBLE_DEVICES="-1")
    assert "--    GPU          not used by tensorflow: CUDA_VISIBLE_DEVICES=-1 hides it" in ran.out
    ran = on(machine, "doctor")
    assert "not used by tensorflow, nor outside the sandbox: the driver's library lib" in ran.out
    assert "mend with: install NVIDIA's driver; a container: start it with its GPUs" in ran.out
