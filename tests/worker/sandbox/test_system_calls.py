"""What system calls reach past files and programs: others' sockets, turns, locks and attributes."""

import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.errors import WorkError
from tests.worker.sandbox.conftest import Attack, needs_the_kernel

pytestmark = needs_the_kernel

CALL = """
        libc = ctypes.CDLL(None, use_errno=True)
        column = 0 if os.uname().machine == "x86_64" else 1
        def call(numbers, *arguments):
            passed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
            if libc.syscall(ctypes.c_long(numbers[column]), *passed) < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
"""

GET_FLAGS, NO_DUMP = 0x80086601, 0x40


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen]:
    """A process of the user's that has nothing to do with it, with no more rights than it has."""
    code = (
        "from auditor.worker.sandbox.limits import drop_capabilities\n"
        "drop_capabilities()\nprint(flush=True)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """A file of the user's data, which a worker may read."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "image.png").write_bytes(b"pixels")
    return tmp_path / "data" / "image.png"


def flags(path: Path) -> int:
    """Return a file's attributes (`lsattr`)."""
    with path.open("rb") as file:
        try:
            return struct.unpack("l", fcntl.ioctl(file, GET_FLAGS, bytes(8)))[0]
        except OSError:
            pytest.skip("this file system has no attributes")


def test_no_descriptor_reaches_the_socket_of_another_process(
    attack: Attack, tmp_path: Path
) -> None:
    code = """
        def send(kind):
            own, _ = socket.socketpair(socket.AF_UNIX, kind)
            socket.send_fds(own, [b"x"], [0], 0, job["service"])
        def connect(kind):
            own, _ = socket.socketpair(socket.AF_UNIX, kind)
            own.connect(job["service"])
            own.send(b"x")
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
            tried(f"send {kind}", send, kind)
            tried(f"connect {kind}", connect, kind)
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
        service.bind(str(tmp_path / "service"))
        done = attack(code, service=str(tmp_path / "service")).result
        service.setblocking(False)
        with pytest.raises(BlockingIOError):
            service.recv(1)
    assert set(done.values()) == {"refused"}, done


def test_no_descriptor_signals_another_process(attack: Attack, bystander: subprocess.Popen) -> None:
    """Landlock keeps signals in since version 6 only."""
    code = """
        import fcntl, struct
        end, _ = os.pipe()
        tried("owner", fcntl.fcntl, end, fcntl.F_SETOWN, job["bystander"])
        tried("owner group", fcntl.fcntl, end, fcntl.F_SETOWN, -job["bystander"])
        tried("owner thread", fcntl.fcntl, end, 15, struct.pack("ii", 0, job["bystander"]))
        tried("signal", fcntl.fcntl, end, fcntl.F_SETSIG, signal.SIGKILL)
        tried("asynchronous", fcntl.fcntl, end, fcntl.F_SETFL, os.O_RDONLY | os.O_ASYNC)
        tried("by control", fcntl.ioctl, end, 0x5452, struct.pack("i", 1))
        result["plain"] = fcntl.fcntl(end, fcntl.F_SETFL, os.O_RDONLY | os.O_NONBLOCK)
    """
    done = attack(code, bystander=bystander.pid).result
    assert done.pop("plain") == 0
    assert set(done.values()) == {"refused"}, done
    assert bystander.poll() is None


def test_no_other_process_has_its_turn_changed(attack: Attack, bystander: subprocess.Popen) -> None:
    before = os.sched_getaffinity(bystander.pid)
    code = (
        CALL
        + """
        other, word = job["bystander"], ctypes.create_string_buffer(64)
        tried("processors", os.sched_setaffinity, other, {min(os.sched_getaffinity(0))})
        tried("policy", os.sched_setscheduler, other, os.SCHED_IDLE, os.sched_param(0))
        tried("priority", os.setpriority, os.PRIO_PROCESS, other, 19)
        tried("disk", call, (251, 30), 1, other, 3 << 13)
        tried("cookie", call, (157, 167), 62, 1, os.getpid(), 0, 0)
        tried("locks", call, (274, 100), other, word, word)
        tried("pages", call, (256, 238), other, 8, word, word)
        tried("limits", call, (302, 261), other, 7, 0, word)
        os.sched_setaffinity(0, os.sched_getaffinity(0))
    """
    )
    done = attack(code, bystander=bystander.pid).result
    assert set(done.values()) == {"refused"}, done
    assert os.sched_getaffinity(bystander.pid) == before


def test_the_users_data_is_not_touched_through_what_may_read_it(
    attack: Attack, photograph: Path
) -> None:
    before = flags(photograph)
    code = (
        CALL
        + """
        import fcntl, struct
        image = os.open(job["image"], os.O_RDONLY)
        own = os.open("own", os.O_RDWR | os.O_CREAT)
        def control(name, number, argument, descriptor=image):
            tried(name, fcntl.ioctl, descriptor, number, argument)
        control("flags", 0x40086602, struct.pack("l", job["flags"]))
        control("version", 0x40087602, struct.pack("l", 4711))
        control("project", 0x401c5820, bytes(28))
        control("clone", 0x40049409, image, own)
        control("thaw", 0xC0045878, 0)
        tried("lock", fcntl.flock, image, fcntl.LOCK_EX | fcntl.LOCK_NB)
        tried("record lock", fcntl.lockf, image, fcntl.LOCK_SH | fcntl.LOCK_NB)
        tried("lease", fcntl.fcntl, image, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        folder_ = os.open(os.path.dirname(job["image"]), os.O_RDONLY)
        tried("notice", fcntl.fcntl, folder_, fcntl.F_NOTIFY, fcntl.DN_ACCESS)
        tried("watch", call, (253, 26), 0)
        tried("mode", os.fchmod, image, 0o600)
        tried("times", os.utime, image)
        tried("hint", fcntl.fcntl, own, 1036, struct.pack("Q", 5))
        os.set_blocking(own, False), os.get_inheritable(own), os.isatty(own), os.dup(own)
    """
    )
    job = {"data": str(photograph.parent), "image": str(photograph), "flags": before | NO_DUMP}
    done = attack(code, **job).result
    assert set(done.values()) == {"refused"}, done
    assert flags(photograph) == before


def test_a_file_that_it_was_not_given_is_not_even_opened(attack: Attack, tmp_path: Path) -> None:
    """Access mode 3, neither to read nor to write, passes Landlock, and the file's control too."""
    (tmp_path / "home").mkdir()
    secret = tmp_path / "home" / "secret"
    secret.write_text("secret")
    before = flags(secret)
    code = """
        import fcntl, struct
        def change():
            descriptor = os.open(job["secret"], 3)
            fcntl.ioctl(descriptor, 0x40086602, struct.pack("l", job["flags"]))
        tried("open", os.open, job["secret"], 3)
        tried("change", change)
        tried("marks", os.listxattr, job["secret"])
    """
    done = attack(code, secret=str(secret), flags=before | NO_DUMP).result
    assert set(done.values()) == {"refused"}, done
    assert flags(secret) == before


def test_no_links_and_no_devices_in_its_own_folder(attack: Attack) -> None:
    """Whoever looks into it later must not follow them; a whiteout is a device."""
    code = (
        CALL
        + """
        for name in ("one", "two", "white"):
            Path(name).write_text("x")
        tried("hard link", os.link, "one", "linked")
        tried("link by descriptor", call, (265, 37), os.open("two", os.O_RDONLY), b"", -100,
              b"linked", 0x1000)
        tried("symbolic link", os.symlink, "one", "linked")
        tried("whiteout", call, (316, 276), -100, b"white", -100, b"moved", 4)
        tried("device", os.mknod, "device", 0o20666, 0)
        result["there"] = sorted(path.name for path in folder.iterdir())
    """
    )
    done = attack(code).result
    assert done.pop("there") == ["job.json", "one", "two", "white"]
    assert set(done.values()) == {"refused"}, done


def test_what_the_whole_machine_shares_is_not_used_up(attack: Attack) -> None:
    """Queues of signals, watches, asynchronous reads and timers are counted for the user."""
    code = (
        CALL
        + """
        word = ctypes.create_string_buffer(256)
        tried("reads", call, (206, 0), 60000, word)
        tried("timers", call, (222, 107), 0, 0, word)
        tried("own signals", call, (129, 138), os.getpid(), signal.SIGRTMIN, word)
        tried("flush", call, (162, 81)) if column else tried("flush", call, (306, 267), 1)
        tried("rules", call, (444, 444), word, 8, 0)
        tried("filters", call, (317, 277), 1, 0, word)
        tried("keys", call, (250, 219), 0, -3, 1)
        tried("faults", call, (323, 282), 1)
        tried("mounts", call, (458, 458), word, word, 1, 0)
        tried("accounts", call, (443, 443), 1, 0, 0, word)
        import resource
        result["descriptors"] = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        result["signals"] = resource.getrlimit(resource.RLIMIT_SIGPENDING)[1]
    """
    )
    done = attack(code).result
    assert done.pop("descriptors") <= 1024
    assert done.pop("signals") <= 1024
    assert set(done.values()) == {"refused"}, done


def test_a_thread_shares_all_that_is_watched(attack: Attack) -> None:
    """One with a table of descriptors of its own could hold files that nobody sees."""
    code = (
        CALL
        + """
        thread = 0x3D0F00
        for name, flags in {"its own descriptors": 0x400, "its own folder": 0x200}.items():
            tried(name, call, (56, 220), thread & ~flags, 0, 0, 0, 0)
        for name, flags in {"mounts": 0x20000, "traced": 0x2000, "network": 0x40000000}.items():
            tried(name, call, (56, 220), thread | flags, 0, 0, 0, 0)
        tried("name for tracers", call, (157, 167), 0x59616D61, -1, 0, 0, 0)
        tried("memory layout", call, (157, 167), 35, 1, 0, 0, 0)
    """
    )
    done = attack(code).result
    assert set(done.values()) == {"refused"}, done


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="has no calls of 32 bits")
def test_a_call_of_32_bits_ends_it(attack: Attack) -> None:
    code = """
        import mmap
        page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
        page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, getpid; int 0x80; ret
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    """
    with pytest.raises(WorkError, match="a system call of another machine and was stopped"):
        attack(code)


def test_no_memory_is_held_that_nobody_counts(attack: Attack) -> None:
    """Pages of memory files and of shared mappings stay when no process has them mapped."""
    code = (
        CALL
        + """
        import fcntl, mmap
        tried("memory file", call, (319, 279), b"hoard", 0)
        tried("secret memory", call, (447, 447), 0)
        tried("shared mapping", mmap.mmap, -1, 4096)
        tried("huge pages", mmap.mmap, -1, 2 << 20, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | 0x40000)
        tried("zeros", lambda: mmap.mmap(os.open("/dev/zero", os.O_RDONLY), 4096,
                                         access=mmap.ACCESS_READ))
        tried("segment", call, (29, 194), 0, 4096, 0o1600)
        tried("queue", call, (240, 180), b"queue", os.O_CREAT | os.O_RDWR, 0o600, 0)
        tried("pipe", fcntl.fcntl, os.pipe()[1], 1031, 1 << 20)
        tried("room of a file", os.posix_fallocate, os.open("f", os.O_RDWR | os.O_CREAT), 0, 1)
        tried("locked", call, (151, 230), 3)
    """
    )
    done = attack(code).result
    # What the C library does instead writes byte for byte, which can be watched.
    assert done.pop("room of a file") == "done"
    assert set(done.values()) == {"refused"}, done
