"""Code that runs in the worker: what it can reach of the machine, with and without the sandbox."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pytest

from auditor.worker.supervisor import Guard
from tests.worker.sandbox.conftest import Attack, needs_the_kernel

FILES = """
    secret, outside = Path(job["secret"]), Path(job["outside"])
    tried("read", secret.read_text)
    tried("list", os.listdir, secret.parent)
    tried("write", outside.with_name("new").write_text, "x")
    tried("empty", os.open, outside, os.O_RDONLY | os.O_TRUNC)
    tried("truncate", os.truncate, outside, 0)
    tried("remove", os.remove, outside)
    tried("rename", os.rename, outside, "here")
    tried("link", os.link, outside, "hard")
    tried("symlink", os.symlink, secret, "soft")
    tried("pipe", os.mkfifo, "pipe")
    tried("device", os.mknod, "device", 0o666 | 0o60000, os.makedev(8, 0))
    tried("mode", os.chmod, outside, 0o777)
    tried("owner", os.chown, outside, 0, 0)
    tried("times", os.utime, outside, (0, 0))
    tried("attribute", os.setxattr, outside, "user.mark", b"x")
    tried("through /proc", Path("/proc/self/root" + str(secret)).read_text)
    tried("shared memory", Path("/dev/shm/bdaudit-escape").write_text, "x")
    tried("users", Path("/etc/passwd").read_text)
    tried("terminal", os.open, "/dev/tty", os.O_RDWR)
    tried("home", os.listdir, os.path.expanduser("~" + job["user"]))
"""


def at_home(folder: Path) -> tuple[Path, Path]:
    """Make two files that no worker is given."""
    home = folder / "home"
    home.mkdir()
    (home / "secret").write_text("secret")
    (home / "outside").write_text("as it was")
    return home / "secret", home / "outside"


@needs_the_kernel
def test_no_file_but_its_own_is_reached(attack: Attack, tmp_path: Path) -> None:
    secret, outside = at_home(tmp_path)
    before = outside.stat()
    done = attack(FILES, secret=str(secret), outside=str(outside), user="root").result
    assert set(done.values()) == {"refused"}, done
    assert outside.read_text() == "as it was"
    after = outside.stat()
    assert (after.st_mode, after.st_uid, after.st_mtime) == (
        before.st_mode, before.st_uid, before.st_mtime,
    )  # fmt: skip
    assert sorted(path.name for path in secret.parent.iterdir()) == ["outside", "secret"]


def test_without_the_sandbox_the_same_code_reaches_files(attack: Attack, tmp_path: Path) -> None:
    """The other tests would be worth nothing if what they try failed anyway."""
    secret, outside = at_home(tmp_path)
    done = attack(FILES, Guard("off"), secret=str(secret), outside=str(outside), user="root").result
    assert {k for k, v in done.items() if v == "done"} >= {"read", "list", "write", "empty",
        "truncate", "remove", "symlink", "pipe", "through /proc", "users"}  # fmt: skip
    Path("/dev/shm/bdaudit-escape").unlink(missing_ok=True)


@needs_the_kernel
def test_its_own_folder_and_its_inputs_are_there(attack: Attack, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "image.png").write_bytes(b"pixels")
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    code = """
        Path("new").write_text("x"); os.replace("new", "moved"); os.mkdir("d"); os.rmdir("d")
        Path(job["checkpoints"], "step").write_text("kept")
        result["image"] = Path(job["data"], "image.png").read_text()
        tried("data changed", Path(job["data"], "image.png").write_text, "other")
        thread = threading.Thread(target=lambda: result.update(thread="ran"))
        thread.start(); thread.join()
        result["environment"] = sorted(os.environ)
    """
    left = attack(code, data=str(data), checkpoints=str(checkpoints)).result
    assert left["image"] == "pixels"
    assert left["data changed"] == "refused"
    assert left["thread"] == "ran"
    assert (checkpoints / "step").read_text() == "kept"
    assert set(left["environment"]) <= {
        "PATH", "LANG", "LC_CTYPE", "HOME", "USER", "TMPDIR", "TF_CPP_MIN_LOG_LEVEL",
        "HDF5_PLUGIN_PRELOAD", "HDF5_USE_FILE_LOCKING", "JOBLIB_MULTIPROCESSING",
        "CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS", "KERAS_BACKEND",
        "OMP_NUM_THREADS", "LD_LIBRARY_PATH", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
    }  # fmt: skip


@needs_the_kernel
def test_the_users_variables_stay_outside(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    code = """
        result["own"] = open("/proc/self/environ").read()
        tried("parent's", Path(f"/proc/{os.getppid()}/environ").read_bytes)
        tried("parent's memory", os.open, f"/proc/{os.getppid()}/mem", os.O_RDONLY)
    """
    left = attack(code).result
    assert "hunter2" not in left["own"]
    assert {left["parent's"], left["parent's memory"]} == {"refused"}


@needs_the_kernel
def test_no_network_and_no_local_service(attack: Attack, tmp_path: Path) -> None:
    service = socket.socket(socket.AF_UNIX)
    service.bind(str(tmp_path / "service"))
    service.listen()
    listener = socket.create_server(("127.0.0.1", 0))
    code = """
        tried("tcp", lambda: socket.create_connection(("127.0.0.1", job["port"])))
        tried("udp", socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        tried("ipv6", socket.socket, socket.AF_INET6)
        tried("raw", socket.socket, socket.AF_PACKET, socket.SOCK_RAW)
        tried("netlink", socket.socket, 16, socket.SOCK_RAW)
        tried("service", socket.socket, socket.AF_UNIX)
        tried("pair", socket.socketpair)
        tried("pair over the network", socket.socketpair, socket.AF_INET)
        tried("vsock", socket.socket, 40)
    """
    with service, listener:
        left = attack(code, port=listener.getsockname()[1]).result
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert set(left.values()) == {"refused"}, left


@needs_the_kernel
def test_no_other_program_and_no_other_process(attack: Attack) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    code = """
        libc = ctypes.CDLL(None, use_errno=True)
        def call(*arguments):
            if libc.syscall(*map(ctypes.c_long, arguments)) < 0:
                raise OSError(ctypes.get_errno(), "")
        tried("run", subprocess.run, ["/bin/true"])
        tried("fork", os.fork)
        tried("spawn", os.posix_spawn, "/bin/true", ["true"], {})
        tried("exec", os.execv, "/bin/true", ["true"])
        tried("kill", os.kill, job["bystander"], signal.SIGKILL)
        tried("kill the parent", os.kill, os.getppid(), 0)
        tried("kill all", os.kill, -1, signal.SIGTERM)
        tried("kill the group", os.kill, 0, signal.SIGTERM)
        tried("its limits", __import__("resource").prlimit, job["bystander"], 7, (0, 0))
        tried("its turn", os.setpriority, os.PRIO_PROCESS, job["bystander"], 19)
        tried("pidfd", os.pidfd_open, job["bystander"])
        tried("trace", call, 101 if os.uname().machine == "x86_64" else 117, 16, job["bystander"])
        tried("outlive", lambda: libc.prctl(1, 0) and (_ for _ in ()).throw(OSError()))
        tried("change root", os.chroot, folder)
        tried("namespace", call, 272 if os.uname().machine == "x86_64" else 97, 0x10000000)
        tried("io_uring", call, 425, 1, 0)
        tried("bpf", call, 321 if os.uname().machine == "x86_64" else 280, 0, 0, 0)
        tried("unknown call", call, 999)
    """
    try:
        left = attack(code, bystander=bystander.pid).result
        assert set(left.values()) == {"refused"}, left
        time.sleep(0.1)
        assert bystander.poll() is None
    finally:
        bystander.send_signal(signal.SIGKILL)
        bystander.wait()


@needs_the_kernel
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has them")
def test_the_rights_of_root_are_gone(attack: Attack) -> None:
    code = """
        status = dict(line.split(":\\t") for line in open("/proc/self/status"))
        result["effective"] = int(status["CapEff"], 16)
        result["no new"] = int(status["NoNewPrivs"])
        result["filtered"] = int(status["Seccomp"])
        tried("become somebody", os.setuid, 1000)
        tried("raise a limit", __import__("resource").setrlimit, 9, (1 << 40, 1 << 40))
    """
    left = attack(code, Guard(memory=6 << 30)).result
    assert left["effective"] & ~0b110 == 0  # reading and writing whoever's files, within Landlock
    assert (left["no new"], left["filtered"]) == (1, 2)
    assert left["become somebody"] == "refused"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
@needs_the_kernel
def test_an_ordinary_user_is_confined_alike() -> None:
    """The same attempts, by a user who owns nothing but the folder it is given."""
    code = """
        import json, os, sys
        from pathlib import Path
        from auditor.worker import sandbox
        from auditor.worker.sandbox.probe import attempt

        os.setgroups([]), os.setgid(65534), os.setuid(65534)
        room, secret = map(Path, sys.argv[1:])
        secret.read_text()
        got = sandbox.confine([], [room], 4 << 30, gpu=False)
        (room / "mine").write_text("x")
        print(json.dumps([got.landlock, got.seccomp, attempt(secret)]))
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        room, secret = Path(folder, "room"), Path(folder, "secret")
        room.mkdir()
        secret.write_text("x")
        Path(folder).chmod(0o755)
        room.chmod(0o777)
        ran = subprocess.run(
            [sys.executable, "-I", "-c", textwrap.dedent(code), room, secret],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        landlock, seccomp, tried = json.loads(ran.stdout)
        assert landlock > 0 and seccomp
        assert set(tried.values()) == {"refused"}
        assert (room / "mine").read_text() == "x"
