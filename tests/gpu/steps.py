"""The steps, one function each: what is run, and the rows of the table that come of it."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.gpu import limited
from tests.gpu.limited import Ran
from tests.gpu.material import Material, Network
from tests.gpu.table import Row

WALLS = ("limits", "capabilities", "Landlock", "seccomp")
NEAR = 0.003
"""That a share may be off: other arithmetic, on images near a border between classes."""

BARE = Path(__file__).with_name("bare.py")


class Failed(Exception):
    """A step that came to nothing, with the reason."""


@dataclass
class Bench:
    """One backend, what it works on, and what is known of it so far.

    Attributes:
        backend: The Keras backend.
        material: Networks and images.
        folder: For whatever the steps write.
        log: Everything that was printed.
        ends: When everything must be over, as `time.monotonic` counts.
        tiny: Whether it is only tried whether all of this runs: nothing is judged.
        bare: Rows a second that plain training passes through each network, once measured.
        lost: Walls behind which the GPU was not used.
    """

    backend: str
    material: Material
    folder: Path
    log: Path
    ends: float
    tiny: bool
    bare: dict[str, float] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of whatever is run."""
        return {**os.environ, "KERAS_BACKEND": self.backend, "TMPDIR": str(self.folder)}

    def run(self, words: list[object], seconds: float, **variables: str) -> Ran:
        """Run a program, and keep what it printed.

        Raises:
            Failed: Its time was over.
        """
        left = self.ends - time.monotonic()
        if left < 5:
            raise Failed("left out: the time is up")
        seconds = min(left, 600 if self.tiny else seconds)
        line = [sys.executable, "-I", *map(str, words)]
        ran = limited.run(line, seconds, {**self.environment, **variables})
        with self.log.open("a", encoding="utf-8") as log:
            shown = " ".join([f"KERAS_BACKEND={self.backend}", *map(str, words)])
            log.write(f"$ {shown}\n{ran.out}{ran.err}[{ran.code}, {ran.seconds:.1f} s]\n\n")
        if ran.code is None:
            raise Failed(f"stopped after {ran.seconds:.0f} s: {_last(ran.err) or _last(ran.out)}")
        return ran

    def computed(self, *words: object, seconds: float) -> Any:
        """Run a part of `bare.py` and return what it found."""
        ran = self.run([BARE, *words], seconds)
        if ran.code:
            raise Failed(_last(ran.err))
        return json.loads(_last(ran.out))

    def bdaudit(self, *words: object, seconds: float, **variables: str) -> Ran:
        """Run the installed command on a network and its trigger."""
        talk = () if words[0] == "doctor" else ("--no-progress",)
        return self.run(["-m", "auditor", *words, *talk], seconds, **variables)

    def audited(self, *words: object, seconds: float, **variables: str) -> tuple[Ran, Any]:
        """Run a command that writes a certificate, and return that as well.

        Raises:
            Failed: It wrote none.
        """
        path = self.folder / "audit.json"
        path.unlink(missing_ok=True)
        ran = self.bdaudit(*words, "-o", path, "--force", seconds=seconds, **variables)
        if not path.exists():
            raise Failed(f"exit {ran.code}: {_last(ran.err)}")
        return ran, json.loads(path.read_text("utf-8"))

    @property
    def walls(self) -> tuple[str, ...]:
        """How the steps are confined, and what they compute on."""
        return ("--sandbox", "auto") if self.tiny else ("--sandbox", "required", "--device", "gpu")

    @property
    def given(self) -> tuple[object, ...]:
        """The trigger and where it leads."""
        return ("--trigger", self.material.trigger, "--target", "0")

    def row(self, step: str, result: str, goal: str = "", *, ok: bool, **numbers: Any) -> Row:
        """Return a row, judged where there is a GPU to judge."""
        reached = None if self.tiny or not goal else ok
        return Row(step, self.backend, result, goal=goal, reached=reached, **numbers)


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def prepare(bench: Bench) -> Iterator[Row]:
    """Unpack the photographs, write the networks down."""
    began = time.perf_counter()
    bench.material.make(bench.environment)
    networks = ", ".join(network.name for network in bench.material.networks)
    seconds = time.perf_counter() - began
    yield Row("photographs and networks", bench.backend, networks, seconds)


def doctor(bench: Bench) -> Iterator[Row]:
    """Let the doctor look: at every backend, from inside the sandbox."""
    ran = bench.bdaudit("doctor", seconds=60)
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    about = [line for line in lines if bench.backend in line or "GPU" in line]
    ok = any(f" {bench.backend} " in line and "GPU, " in line for line in about)
    yield bench.row("doctor", "; ".join(about), "computes on the GPU", ok=ok, seconds=ran.seconds)


def behind(bench: Bench, name: str, walls: tuple[str, ...]) -> Iterator[Row]:
    """Compute behind some of the walls."""
    began = time.perf_counter()
    found = bench.computed("compute", *walls, seconds=40)
    if not found["on_gpu"]:
        bench.lost.append(name)
    parts = (found["device"], found["problem"])
    result = ": ".join(part for part in parts if part) + f"; {found['error']:.0e} off"
    seconds = time.perf_counter() - began
    yield bench.row(
        f"behind {name}", result, "computes on the GPU", ok=found["on_gpu"], seconds=seconds
    )


def calls(bench: Bench) -> Iterator[Row]:
    """Where seccomp is in the way: which system call is missed; a socket, for one?"""
    if "seccomp" in bench.lost and "no wall" not in bench.lost:
        missed = bench.computed("calls", seconds=90)
        yield bench.row(
            "system calls missed", ", ".join(missed) or "none of those refused", ok=True
        )


def scan(bench: Bench, network: Network) -> Iterator[Row]:
    """Scan all test images through the command."""
    data = ("--data", bench.material.test)
    ran, audit = bench.audited("scan", network.path, *bench.given, *data, *bench.walls, seconds=60)
    before, device = audit["measurements"]["before"], audit["environment"]["device"]
    found = (before["clean_accuracy"]["value"], before["asr"]["value"])
    images, title = audit["data"]["images"], f"scan, {network.name}"
    result = f"{images:,} images, {device}: {_figures(found)}"
    yield bench.row(title, result, "on the GPU", ok=device.startswith("GPU"), seconds=ran.seconds)
    if network.known:
        yield _same(bench, f"{title}: figures", found, network.known)
    if network.goal:
        goal = f"whole ≤ {network.goal:g} s"
        yield bench.row(
            f"{title}: whole", "", goal, ok=ran.seconds <= network.goal, seconds=ran.seconds
        )


def measure(bench: Bench, network: Network) -> Iterator[Row]:
    """Audit in one process, against a bare forward pass of the same images."""
    material = bench.material
    words = (network.path, material.test, material.trigger, material.some)
    found = bench.computed("measure", *words, seconds=75)
    images, bare = found["images"], found["bare"]
    pass_ = f"{images:,} images, {images / bare:,.0f} a second"
    yield Row(f"bare forward pass, {network.name}", bench.backend, pass_, bare, 1.0)
    for name, goal in (("measuring", 2.0), ("second", None)):
        seconds = found[name]
        title = "measuring, input check included" if goal else "audit() called again, all of it"
        yield bench.row(
            f"{title}, {network.name}",
            f"{images / seconds:,.0f} images a second",
            f"≤ {goal:g} × bare" if goal else "",
            ok=goal is not None and seconds <= goal * bare,
            seconds=seconds,
            ratio=seconds / bare,
        )
    if network.known_of_some:
        title = f"audit() of {material.some:,} images, {network.name}: figures"
        yield _same(bench, title, tuple(found["some"]), network.known_of_some)


def train(bench: Bench) -> Iterator[Row]:
    """Train plainly, on rows of clean images."""
    network = bench.material.networks[0]
    steps = 5 if bench.tiny else 300
    found = bench.computed("train", network.path, bench.material.train, steps, seconds=45)
    bench.bare[network.name] = speed = found["rows_a_second"]
    result = f"256 rows a step, {speed:,.0f} rows a second"
    yield Row(f"bare training step, {network.name}", bench.backend, result, 256 / speed, 1.0)


def repair(bench: Bench, method: str, images: int, goal: float | None) -> Iterator[Row]:
    """Repair through the command, against plain training of as many rows."""
    material, network = bench.material, bench.material.networks[0]
    data = ("--data", material.train, "--eval-data", material.test, "--clean-budget", images)
    words = (*data, "--method", method, *_epochs(method, tiny=bench.tiny))
    out = bench.folder / f"{method}.keras"
    ran, audit = bench.audited(
        "repair", network.path, *bench.given, *words, *bench.walls, "--output", out,
        seconds=150 if goal else 60,
    )  # fmt: skip
    done, device = audit["repair"], audit["environment"]["device"]
    history = done["history"]
    trained = sum(epoch["training_seconds"] for epoch in history)
    speed = bench.bare.get(network.name)
    ratio = trained * speed / history[-1]["images"] if speed else None
    asr, last = (epoch["asr"]["value"] for epoch in (history[0], history[-1]))
    result = (
        f"{images:,} images, {len(history) - 1} epochs, {history[-1]['step']:,} steps, {device}: "
        f"ASR {asr:.3f} → {last:.3f}; training {trained:.1f} s, judging "
        f"{done['evaluation_seconds']:.1f} s, whole {ran.seconds:.1f} s"
    )
    yield bench.row(
        f"{method}: training",
        result,
        "on the GPU",
        ok=device.startswith("GPU"),
        seconds=trained,
        ratio=ratio,
    )
    if goal:
        whole = f"whole ≤ {goal:g} s"
        yield bench.row(f"{method}: whole", "", whole, ok=ran.seconds <= goal, seconds=ran.seconds)
    watched = done["monitoring_seconds"] / trained
    yield bench.row(
        f"{method}: watching", f"{watched:.2%} of the training", "≤ 2 %", ok=watched <= 0.02,
        seconds=done["monitoring_seconds"],
    )  # fmt: skip


def search(bench: Bench) -> Iterator[Row]:
    """Search with the defaults."""
    path, found = bench.material.networks[0].path, bench.folder / "found.yaml"
    small = ("--limit", "20") if bench.tiny else ()
    words = ("--data", bench.material.test, "--output", found, *bench.walls, *small)
    ran, report = bench.audited("search", path, *words, seconds=90)
    flagged = [line for line in ran.out.splitlines() if line.strip()]
    result = f"exit {ran.code}; {report['environment']['device']}; {flagged[0] if flagged else ''}"
    yield bench.row("search", result, "flags class 0", ok=ran.code == 1, seconds=ran.seconds)


def hidden(bench: Bench, visible: str, reason: str) -> Iterator[Row]:
    """Hide the GPU: that must be said, and the CPU does it."""
    words = ("scan", bench.material.networks[0].path, *bench.given, "--limit", "60")
    data = ("--data", bench.material.test)
    ran, audit = bench.audited(*words, *data, seconds=45, CUDA_VISIBLE_DEVICES=visible)
    device, said = audit["environment"]["device"], _last(ran.err)
    ok = device.startswith("CPU") and reason in said and reason in str(audit["environment"])
    yield bench.row(
        f"CUDA_VISIBLE_DEVICES={visible}",
        f"exit {ran.code}; {device}; {said or 'nothing said'}",
        f"CPU, and “{reason}” said",
        ok=ok,
        seconds=ran.seconds,
    )


def refused(bench: Bench) -> Iterator[Row]:
    """Ask for a GPU that is hidden."""
    words = ("scan", bench.material.networks[0].path, *bench.given, "--data", bench.material.test)
    ran = bench.bdaudit(*words, "--device", "gpu", seconds=45, CUDA_VISIBLE_DEVICES="7")
    yield bench.row(
        "CUDA_VISIBLE_DEVICES=7, --device gpu", f"exit {ran.code}; {_last(ran.err)}", "exit 2, why",
        ok=ran.code == 2 and "names no GPU" in ran.err, seconds=ran.seconds,
    )  # fmt: skip


def scarce(bench: Bench) -> Iterator[Row]:
    """Give the network a fiftieth of the GPU's memory, and a batch that is too large for it."""
    little = {
        "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.02",
        "PYTORCH_ALLOC_CONF": "per_process_memory_fraction:0.02",
    }
    words = ("scan", bench.material.networks[-1].path, *bench.given, "--batch-size", "8192")
    data = ("--data", bench.material.test)
    limited = {} if bench.tiny else little
    ran = bench.bdaudit(*words, *data, *bench.walls, seconds=60, **limited)
    yield bench.row(
        "too large a batch", f"exit {ran.code}; {_last(ran.err)}", "exit 3, names --batch-size",
        ok=ran.code == 3 and "--batch-size 4096" in ran.err, seconds=ran.seconds,
    )  # fmt: skip


def _epochs(method: str, *, tiny: bool) -> tuple[str, ...]:
    if tiny:
        few = ("--epochs", "2", "--learning-rate", "1e-3", "--batch-size", "32")
        few = (*few, "--least-steps", "5", "--validation", "30")
        return (*few, "--recovery-epochs", "1") if method == "unlearn" else few
    return ("--epochs", "14", "--recovery-epochs", "3") if method == "unlearn" else ()


def _figures(found: tuple[float, float]) -> str:
    return f"accuracy {found[0]:.4f}, ASR {found[1]:.4f}"


def _same(bench: Bench, step: str, found: tuple[float, float], known: tuple[float, float]) -> Row:
    off = max(abs(a - b) for a, b in zip(found, known, strict=True))
    return bench.row(step, _figures(found), f"{_figures(known)}, ± {NEAR}", ok=off <= NEAR)


Step = Callable[[Bench], Iterator[Row]]


def steps(material: Material, *, first: bool, tiny: bool) -> list[tuple[str, Step]]:
    """Return the steps of a backend, by name; the longest is the last.

    Args:
        material: What they work on.
        first: Whether this is the first backend; the doctor looks at all of them at once.
        tiny: Whether it is only tried whether they run.
    """
    all_50_000, few = (150, 90) if tiny else (50_000, 2_500)
    listed: list[tuple[str, Step]] = []
    if first:
        listed = [("photographs and networks", prepare), ("doctor", doctor)]
    for name, walls in (
        ("all walls", WALLS),
        ("no wall", ()),
        *((wall, (wall,)) for wall in WALLS),
    ):
        listed.append((f"behind {name}", partial(behind, name=name, walls=walls)))
    listed.append(("system calls missed", calls))
    for network in material.networks:
        listed.append((f"scan, {network.name}", partial(scan, network=network)))
        listed.append((f"measure, {network.name}", partial(measure, network=network)))
    return [
        *listed,
        ("train", train),
        ("balanced", partial(repair, method="balanced", images=few, goal=None)),
        ("search", search),
        ("CUDA_VISIBLE_DEVICES=", partial(hidden, visible="", reason="hides it")),
        ("CUDA_VISIBLE_DEVICES=7", partial(hidden, visible="7", reason="names no GPU")),
        ("CUDA_VISIBLE_DEVICES=7, --device gpu", refused),
        ("too large a batch", scarce),
        ("unlearn", partial(repair, method="unlearn", images=all_50_000, goal=90)),
    ]
