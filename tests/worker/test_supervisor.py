"""A worker that lies, floods, hangs or dies ends in one line; its parent lives on."""

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from auditor.errors import InputError, UsageError, WorkError
from auditor.figures.facts import Device
from auditor.worker import process, watchdog
from auditor.worker.supervisor import Guard, Supervisor
from tests.worker.sandbox.conftest import Attack, attack, needs_the_kernel

__all__ = ["attack"]

OFF = Guard("off")
"""What follows is the parent's own wall: it has to hold without the sandbox."""

SAY = """
    def say(text):
        os.write(channel, text if isinstance(text, bytes) else text.encode())
    channel = next(int(n) for n in os.listdir("/proc/self/fd")
                   if n not in "012" and os.readlink(f"/proc/self/fd/{n}").startswith("pipe:"))
"""


@pytest.mark.parametrize(
    "said",
    [
        "say('hello\\n')",
        "say(b'\\xff\\xfe\\n')",
        "say('[1, 2]\\n')",
        "say('{}\\n')",
        "say('{\"event\": 1}\\n' * 2 + '{')  or say('\\n')",
        'say(\'{"event": "progress"}\\n\')',
        'say(\'{"event": "progress", "phase": "x", "done": 1e999, "total": 1}\\n\')',
        'say(\'{"event": "progress", "phase": "", "total": 1, "done": \' + "9" * 5000 + "}\\n")',
        "say('[' * 60000 + '\\n')",
        'say(\'{"event": "error"}\\n\')',
        'say(\'{"event": "error", "code": []}\\n\')',
        "say('null\\n')",
    ],
)
def test_nonsense_is_refused(attack: Attack, said: str) -> None:
    with pytest.raises(WorkError, match="cannot be understood"):
        attack(SAY + f"\n    {said}\n    time.sleep(60)", OFF)


def test_a_message_without_end_is_refused(attack: Attack) -> None:
    with pytest.raises(WorkError, match="too long"):
        attack(SAY + "\n    while True: say('x' * 60000)", OFF)


def test_a_flood_of_messages_is_refused(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "MOST_SAID", 4 << 20)
    line = json.dumps({"event": "progress", "phase": "x", "done": 1, "total": 2}) + "\\n"
    with pytest.raises(WorkError, match="said more than 4 MiB"):
        attack(SAY + f"\n    while True: say({line!r}.replace('\\\\n', '\\n') * 500)", OFF)


def test_a_flood_of_lines_for_the_users_log_is_not_passed_on(attack: Attack) -> None:
    lines = "for n in range(12_000): tell(dict(event='progress', phase=str(n), done=0, total=0))"
    with pytest.raises(WorkError, match="cannot be understood"):
        attack(lines, OFF)


def test_a_flood_of_complaints_is_cut(attack: Attack) -> None:
    done = attack("for _ in range(400): os.write(2, b'x' * 99_999 + b'\\n')", OFF)
    assert len(done.log) < 1 << 17


def test_what_is_shown_of_a_worker_is_safe(attack: Attack) -> None:
    evil = """
        message = "\\x1b[2J\\u202e\\n" + "x" * 9999
        say(json.dumps({"event": "error", "code": 3, "message": message}) + "\\n")
        time.sleep(60)
    """
    with pytest.raises(InputError) as refused:
        attack(textwrap.dedent(SAY) + textwrap.dedent(evil), OFF)
    assert "\\x1b[2J\\u202e\\n" in str(refused.value)
    assert len(str(refused.value)) <= 1000


@pytest.mark.parametrize(
    ("code", "kind"), [(2, UsageError), (3, InputError), (0, InputError), ("2", InputError)]
)
def test_a_refusal_ends_in_2_or_3(attack: Attack, code: object, kind: type) -> None:
    said = f"say(json.dumps({{'event': 'error', 'code': {code!r}, 'message': 'no'}}) + '\\n')"
    with pytest.raises(kind, match="no") as refused:
        attack(SAY + f"\n    {said}\n    time.sleep(60)", OFF)
    assert refused.value.exit_code in (2, 3)


def test_silence_is_not_endless(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "SILENCE", 1)
    with pytest.raises(WorkError, match="said nothing"):
        attack("time.sleep(60)", OFF)


def test_no_work_is_endless(attack: Attack) -> None:
    said = json.dumps({"event": "progress", "phase": "x", "done": 1, "total": 2}) + "\\n"
    busy = SAY + f"\n    while True: say({said!r}.replace('\\\\n', '\\n')); time.sleep(0.05)"
    began = time.monotonic()
    with pytest.raises(WorkError, match="--time-limit"):
        attack(busy, Guard("off", seconds=1.5))
    assert time.monotonic() - began < 10


def test_a_worker_closes_its_end_and_stays(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.worker.process.SECONDS_TO_STOP", 1)
    with pytest.raises(WorkError, match="closed its end"):
        attack(SAY + "\n    os.close(channel); time.sleep(60)", OFF)


def test_children_that_hold_the_line_are_ended(attack: Attack, tmp_path: Path) -> None:
    code = """
        child = subprocess.Popen(["sleep", "600"], close_fds=False)
        result["child"] = child.pid
    """
    began = time.monotonic()
    left = attack(code, OFF).result
    assert time.monotonic() - began < 15
    state = Path(f"/proc/{left['child']}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


@pytest.mark.parametrize(
    ("death", "words"),
    [
        ("os._exit(7)", "status 7"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
        ("os.abort()", "signal 6"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed"),
        ("print('last words', file=sys.stderr, flush=True); os._exit(1)", "last words"),
    ],
)
def test_death_is_explained(attack: Attack, death: str, words: str) -> None:
    with pytest.raises(WorkError, match=words):
        attack(death, OFF)


def test_a_library_that_goes_round_for_ever_is_ended(attack: Attack) -> None:
    code = """
        from auditor.worker.sandbox.limits import computing
        tell({"event": "progress", "phase": "checking the model file", "done": 0, "total": 0})
        with computing(1):
            pass
        with computing(1):
            while True:
                pass
    """
    with pytest.raises(WorkError, match="m.h5: .* without end while checking the model file"):
        attack(code, OFF, name="m.h5")


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ("", "no readable result|No such file"),
        ("Path('result.json').symlink_to(job['secret'])", "symbolic link"),
        ("os.mkfifo('result.json')", "special file"),
        ("os.mkdir('result.json')", "a folder"),
        ("open('result.json', 'wb').truncate(1 << 40)", "are allowed"),
        ("Path('result.json').write_text('[' * 100_000)", "no readable result"),
        ("Path('result.json').write_text('[]')", "not an object"),
        ("Path('result.json').write_text('{\"a\": NaN}')", "no readable result"),
    ],
)
def test_what_lies_in_its_folder_is_no_trap(
    attack: Attack, left: str, words: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"secret": "hunter2"}')
    with pytest.raises(WorkError, match=words) as refused:
        attack(f"{left}\nos._exit(0)", OFF, secret=str(secret))
    assert "hunter2" not in str(refused.value)


def test_the_scratch_folder_goes_whatever_was_made_of_it(attack: Attack, tmp_path: Path) -> None:
    keep = tmp_path / "keep"
    keep.mkdir()
    (keep / "file").write_text("kept")
    code = """
        os.symlink(job["keep"], "link")
        os.mkdir("locked"); open("locked/file", "w").close(); os.chmod("locked", 0)
        for _ in range(1500):
            os.mkdir("deeper"); os.chdir("deeper")
        os.chdir(folder)
    """
    attack(code, OFF, keep=str(keep))
    assert list((tmp_path / "scratch").iterdir()) == []
    assert (keep / "file").read_text() == "kept"


@needs_the_kernel
def test_memory_has_a_limit(attack: Attack) -> None:
    guard = Guard(memory=1 << 30)
    with pytest.raises((WorkError, InputError), match="memory"):
        attack("hoard = [bytearray(64 << 20) for _ in range(100)]", guard)


HOARD = """
    import mmap
    hoard = mmap.mmap(-1, 3 << 30)
    for at in range(0, 3 << 30, 4096):
        hoard[at] = 1
    time.sleep(5)
"""
TABLES = """
    import mmap
    zeros = mmap.mmap(-1, 1 << 40, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
    for at in range(0, 1 << 40, 2 << 20):
        zeros[at]
    time.sleep(5)
"""


@pytest.mark.parametrize(
    ("mode", "code"), [("off", HOARD), pytest.param("auto", TABLES, marks=needs_the_kernel)]
)
def test_memory_that_no_limit_of_the_kernel_counts_is_watched(
    attack: Attack, mode: str, code: str
) -> None:
    with pytest.raises(WorkError, match="1.0 GiB of memory.*--memory-limit"):
        attack(code, Guard(mode, memory=1 << 30))


@pytest.mark.parametrize(
    "busy",
    [
        "os.close(channel)",  # while its end is waited for
        "say(json.dumps({'event': 'plan', 'name': 'plan'}) + '\\n')",  # while it is listened to
    ],
)
def test_what_it_uses_is_watched_whatever_its_parent_does(
    attack: Attack, monkeypatch: pytest.MonkeyPatch, busy: str
) -> None:
    monkeypatch.setattr("auditor.worker.process.SECONDS_TO_STOP", 8)
    code = f"""
    {busy}
    hoard = bytearray(800 << 20)
    time.sleep(2)
    del hoard
    time.sleep(3)
    os._exit(0)
    """

    def listen(event: dict) -> None:
        time.sleep(4)

    with pytest.raises(WorkError, match="0.5 GiB of memory"):
        attack(SAY + code, Guard("off", memory=512 << 20), listen=listen)


def test_threads_without_number_are_stopped(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_MOST_THREADS", 200)
    code = """
        threading.stack_size(1 << 16)
        for _ in range(400):
            threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
        time.sleep(9)
    """
    with pytest.raises(WorkError, match="threads"):
        attack(code, OFF)


@needs_the_kernel
def test_a_file_has_a_largest_size(attack: Attack) -> None:
    left = attack("tried('grow', os.truncate, os.open('f', os.O_CREAT | os.O_RDWR), 1 << 40)")
    assert left.result == {"grow": "refused"}


def test_a_worker_cannot_change_what_it_said_of_its_confinement(attack: Attack) -> None:
    """It counts only as the first word, said before the worker has seen a model."""
    with pytest.raises(WorkError, match="cannot be understood"):
        attack(SAY + '\n    say(\'{"event": "confined", "landlock": 7}\\n\'); time.sleep(9)', OFF)


def test_required_refuses_where_a_wall_is_missing(tmp_path: Path) -> None:
    """A kernel without Landlock is played by a filter that is there already."""
    code = """
import ctypes, runpy, sys
sys.argv = ["bdaudit", *sys.argv[1:]]
from auditor.worker.sandbox import landlock
landlock.version = lambda: 0
from auditor.worker import process
process.COMMAND = (sys.executable, "-I", "-c", '''
import sys
from auditor.worker.sandbox import landlock
landlock.version = lambda: 0
from auditor.worker.__main__ import main
sys.exit(main())
''')
from auditor.cli.main import main
sys.exit(main())
"""
    script = tmp_path / "old_kernel.py"
    script.write_text(code)
    model = tmp_path / "m.onnx"
    model.write_bytes(b"x")
    ran = subprocess.run(
        [sys.executable, script, "inspect", str(model), "--sandbox", "required"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 3
    assert "--sandbox required: this machine has no Landlock" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_two_workers_do_not_share_a_folder(tmp_path: Path) -> None:
    with Supervisor(OFF) as workers:
        rooms = {workers.scratch() for _ in range(3)}
        assert len(rooms) == 3
        assert all(room.stat().st_mode & 0o077 == 0 for room in rooms)
        assert all(os.access(room, os.W_OK) for room in rooms)


def test_a_worker_may_call_itself_anything(attack: Attack) -> None:
    """Its name stands in the file that its memory is read from, byte for byte."""
    evil = """
        libc = ctypes.CDLL(None)
        for name in (b"\\xff\\xfe", b"VmRSS:\\t1 kB", b"a\\nThreads:\\t9999"):
            libc.prctl(15, name)
            time.sleep(0.7)
            say(json.dumps({"event": "progress", "phase": "x", "done": 1, "total": 2}) + "\\n")
        result["lived"] = "yes"
    """
    assert attack(textwrap.dedent(SAY) + textwrap.dedent(evil), OFF).result == {"lived": "yes"}


def test_of_what_it_computes_on_a_worker_speaks_once() -> None:
    said: list[str] = []
    with Supervisor(OFF, said.append) as workers:
        for unused in ("", "no driver", "", "another reason"):
            workers._computes_on(Device((), unused))
    assert said == ["computing on the CPU, not the GPU: no driver"]


def test_what_it_computes_on_cannot_be_said_again(attack: Attack) -> None:
    line = json.dumps({"event": "device", "gpus": [], "unused": "x"}) + "\\n"
    with pytest.raises(WorkError, match="cannot be understood"):
        attack(SAY + f"\n    say({line!r}.replace('\\\\n', '\\n') * 2); time.sleep(9)", OFF)


@pytest.mark.real_start
def test_a_python_that_may_not_be_executed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n")
    monkeypatch.setattr(process, "COMMAND", (str(python), "-I"))
    with Supervisor(OFF) as workers, pytest.raises(WorkError) as caught:
        workers.run({"kind": "probe", "secret": "/"}, workers.scratch(), lambda *_: None)
    assert str(caught.value) == f"the worker cannot be started: {python}: Permission denied"
