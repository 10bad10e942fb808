"""What a worker that uses a GPU is given, and what it can do with it; no GPU is needed here."""

import os
from pathlib import Path

import pytest

from auditor.worker.sandbox import gpu
from tests.worker.sandbox.conftest import Attack, needs_the_kernel

WITHOUT_PTXAS = "--xla_gpu_unsafe_fallback_to_driver_on_ptxas_not_found=true"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with two GPUs, as far as its device files say."""
    folder = tmp_path / "dev"
    (folder / "nvidia-caps").mkdir(parents=True)
    names = ("nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "nvidia-caps/nvidia-cap1", "null")
    for name in names:
        (folder / name).touch()
    monkeypatch.setattr(gpu, "_DEV", folder)
    monkeypatch.setattr(gpu, "_DRIVER", tmp_path / "driver")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return folder


def test_device_files(machine: Path) -> None:
    names = [str(path.relative_to(machine)) for path in gpu.devices()]
    expected = ["nvidia2", "nvidia10", "nvidiactl", "nvidia-uvm"]
    assert names == expected
    for path in machine.glob("nvidia*[0-9]"):
        path.unlink()
    assert gpu.devices() == []  # control files alone make no GPU
    assert not gpu.on_this_machine()


def test_of_what_rules_over_slices_nothing_is_given(machine: Path, tmp_path: Path) -> None:
    """`nvidia-cap1` may divide GPUs anew; a slice has a device file of its own."""
    for place, minor in (
        ("mig/config", 1),
        ("gpu2/mig/gi1/access", 12),
        ("gpu2/mig/gi1/ci0/access", 13),
    ):
        said = tmp_path / "driver" / "capabilities" / place
        said.parent.mkdir(parents=True, exist_ok=True)
        said.write_text(f"DeviceFileMinor: {minor}\nDeviceFileMode: 438\n")
    given = [path.name for path in gpu.devices() if "nvidia-cap" in path.name]
    assert sorted(given) == ["nvidia-cap12", "nvidia-cap13"]


HIDDEN = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


@pytest.mark.parametrize("visible", ["", "-1", " ", "NoDevFiles", "-1,0", ",0"])
def test_a_user_hides_it(machine: Path, visible: str) -> None:
    granted = gpu.grant("auto", confined=True, environment={"CUDA_VISIBLE_DEVICES": visible})
    assert (granted.usable, granted.variables) == (False, HIDDEN)
    assert granted.hidden == f"CUDA_VISIBLE_DEVICES={visible.strip()} hides it"


def test_the_cpu_is_asked_for(machine: Path) -> None:
    assert gpu.grant("cpu", confined=True, environment={}) == gpu.Grant(
        False, "--device cpu", variables=HIDDEN
    )


@pytest.mark.parametrize(
    ("visible", "first", "count"),
    [(None, "2", 2), ("1, 0", "1", 2), ("GPU-5a,GPU-6b,x", "GPU-5a", 3), ("1,0,-1,2", "1", 2)],
)
def test_of_several_the_sandbox_has_one(
    machine: Path, visible: str | None, first: str, count: int
) -> None:
    given = {"XLA_FLAGS": "--xla_dump=no", **({"CUDA_VISIBLE_DEVICES": visible} if visible else {})}
    granted = gpu.grant("gpu", confined=True, environment=given)
    assert granted.usable
    assert granted.variables["CUDA_VISIBLE_DEVICES"] == first
    assert granted.variables["XLA_FLAGS"] == f"--xla_dump=no {WITHOUT_PTXAS}"
    assert granted.partly.startswith(f"one of {count} works: several need sockets")
    assert gpu.grant("gpu", confined=False, environment=given) == gpu.Grant(True)


def test_the_only_one_is_given_as_it_is(machine: Path) -> None:
    granted = gpu.grant("auto", confined=True, environment={"CUDA_VISIBLE_DEVICES": "10,"})
    assert granted == gpu.Grant(True, variables={"XLA_FLAGS": WITHOUT_PTXAS})


def test_a_driver_without_device_files(machine: Path, tmp_path: Path) -> None:
    for path in machine.glob("nvidia*[0-9]"):
        path.unlink()
    (tmp_path / "driver" / "gpus" / "0000:01:00.0").mkdir(parents=True)
    assert gpu.on_this_machine()
    granted = gpu.grant("auto", confined=True, environment={})
    assert not granted.usable
    assert "no device files /dev/nvidia0 and the like; run 'nvidia-modprobe" in granted.hidden


def test_no_gpu_is_no_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gpu, "_DEV", tmp_path)
    monkeypatch.setattr(gpu, "_DRIVER", tmp_path / "driver")
    assert gpu.grant("auto", confined=True, environment={}) == gpu.Grant(False)


REACHED = """
    def own(name, text="x"):
        Path(f"/proc/self/task/{threading.get_native_id()}/{name}").write_text(text)

    def named():
        tried("name of a thread", own, "comm")

    def other(name):
        Path(f"/proc/{os.getppid()}/task/{os.getppid()}/{name}").write_text("x")

    if job.get("forget"):  # what the kernel does when memory is scarce
        result["before"] = Path("/proc/self/status").read_text()[:5]
        Path("begin").touch()
        while not Path("forgotten").exists():
            time.sleep(0.05)
    late = threading.Thread(target=named)
    late.start()
    late.join()
    tried("own status", Path("/proc/self/status").read_text)
    tried("lowest address", Path("/proc/sys/vm/mmap_min_addr").read_text)
    tried("kinds of devices", Path("/proc/devices").read_text)
    tried("name of the parent", other, "comm")
    tried("status of the parent", Path(f"/proc/{os.getppid()}/status").read_text)
    tried("score of the parent", other, "oom_score_adj")
    tried("a setting of the machine", Path("/proc/sys/vm/mmap_min_addr").write_text, "1")
    tried("a file", Path("/proc/self/task/new").write_text, "x")
    tried("a secret", Path(job["secret"]).read_text)
    tried("less easily killed", own, "oom_score_adj", "-1000")
    tried("the network", socket.socket)
    tried("a program", os.posix_spawn, "/bin/true", ["true"], {})
"""
NEEDED = {"name of a thread", "own status", "lowest address", "kinds of devices"}


@needs_the_kernel
def test_what_the_driver_needs_is_reached_and_nothing_else(
    attack: Attack, machine: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    done = attack(REACHED, device="auto", secret=str(tmp_path / "secret")).result
    assert {name for name, what in done.items() if what == "done"} == NEEDED, done


@needs_the_kernel
def test_without_a_gpu_it_is_not(attack: Attack, machine: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    done = attack(REACHED, device="cpu", secret=str(tmp_path / "secret")).result
    assert {name for name, what in done.items() if what == "done"} == {"own status"}, done


@needs_the_kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have the kernel forget")
def test_what_the_kernel_forgets_of_proc_stays_allowed(
    attack: Attack, machine: Path, tmp_path: Path
) -> None:
    """Files in /proc are made anew when memory is scarce; a rule is for the file that there was."""
    import threading
    import time

    def forget() -> None:
        scratch = tmp_path / "scratch"
        while not (begun := list(scratch.rglob("begin"))):
            time.sleep(0.05)
        Path("/proc/sys/vm/drop_caches").write_text("2")
        (begun[0].parent / "forgotten").touch()

    threading.Thread(target=forget, daemon=True).start()
    (tmp_path / "secret").write_text("secret")
    done = attack(REACHED, device="auto", secret=str(tmp_path / "secret"), forget=True).result
    assert done.pop("before") == "Name:"
    assert {name for name, what in done.items() if what == "done"} == NEEDED, done
