"""The steps, one function each: what is run, and the rows of the table that come of it."""

import time
from collections.abc import Callable, Iterator
from functools import partial

from tests.gpu.bench import Bench, last_line
from tests.gpu.material import Material, Network
from tests.gpu.table import Row

WALLS = ("limits", "capabilities", "Landlock", "seccomp")
NEAR = 0.003
"""That a share may be off: other arithmetic, on images near a border between classes."""


def prepare(bench: Bench) -> Iterator[Row]:
    """Unpack the photographs, write the networks down."""
    began = time.perf_counter()
    bench.material.make(bench.environment)
    networks = ", ".join(network.name for network in bench.material.networks)
    seconds = time.perf_counter() - began
    yield Row("photographs and networks", bench.backend, networks, seconds)


def doctor(bench: Bench) -> Iterator[Row]:
    """Let the doctor look: at every backend, from inside the sandbox."""
    ran = bench.bdaudit("doctor", seconds=100)
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
    pass_ = f"{images:,} images out of the host's memory, {images / bare:,.0f} a second"
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
    before, after = audit["measurements"]["before"], audit["measurements"]["after"]
    came_of_it = f"→ {after['asr']['value']:.3f}" if after else "and nothing handed back"
    result = (
        f"{images:,} images, {len(history) - 1} epochs, {history[-1]['step']:,} steps, {device}: "
        f"ASR {before['asr']['value']:.3f} {came_of_it}; training {trained:.1f} s, judging "
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
    looking = done["monitoring_seconds"]
    began = history[0]["monitoring_seconds"]
    said = f"{looking / trained:.2%} of the training; {began:.1f} s of it before the first epoch"
    ok = looking <= 0.02 * trained
    yield bench.row(f"{method}: watching", said, "≤ 2 %", ok=ok, seconds=looking)


def search(bench: Bench) -> Iterator[Row]:
    """Search with the defaults."""
    path, found = bench.material.networks[0].path, bench.folder / "found.yaml"
    small = ("--limit", "60") if bench.tiny else ()
    words = ("--data", bench.material.test, "--output", found, *bench.walls, *small)
    ran, report = bench.audited("search", path, *words, seconds=90)
    flagged = [line for line in ran.out.splitlines() if line.strip()]
    result = f"exit {ran.code}; {report['environment']['device']}; {flagged[0] if flagged else ''}"
    yield bench.row("search", result, "flags a class", ok=ran.code == 1, seconds=ran.seconds)


def hidden(bench: Bench, visible: str, reason: str) -> Iterator[Row]:
    """Hide the GPU: that must be said, and the CPU does it."""
    words = ("scan", bench.material.networks[0].path, *bench.given, "--limit", "60")
    data = ("--data", bench.material.test)
    ran, audit = bench.audited(*words, *data, seconds=45, CUDA_VISIBLE_DEVICES=visible)
    device, said = audit["environment"]["device"], last_line(ran.err)
    written = audit["environment"].get("unused_gpu", "")
    ok = device.startswith("CPU") and reason in ran.err and reason in written
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
    ok = ran.code == 2 and "names no GPU" in ran.err
    said, step = f"exit {ran.code}; {last_line(ran.err)}", "CUDA_VISIBLE_DEVICES=7, --device gpu"
    yield bench.row(step, said, "exit 2, why", ok=ok, seconds=ran.seconds)


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
    ok = ran.code == 3 and "--batch-size 4096" in ran.err
    said, goal = f"exit {ran.code}; {last_line(ran.err)}", "exit 3, names --batch-size"
    yield bench.row("too large a batch", said, goal, ok=ok, seconds=ran.seconds)


def _epochs(method: str, *, tiny: bool) -> tuple[str, ...]:
    if tiny:
        few = ("--epochs", "2", "--learning-rate", "5e-3", "--batch-size", "32")
        few = (*few, "--least-steps", "5", "--validation", "30")
        return (*few, "--recovery-epochs", "1") if method == "unlearn" else few
    return ("--epochs", "14", "--recovery-epochs", "3") if method == "unlearn" else ()


def _figures(found: tuple[float, float]) -> str:
    return f"accuracy {found[0]:.4f}, ASR {found[1]:.4f}"


def _same(bench: Bench, step: str, found: tuple[float, float], known: tuple[float, float]) -> Row:
    off = max(abs(a - b) for a, b in zip(found, known, strict=True))
    return bench.row(step, _figures(found), f"{_figures(known)}, ± {NEAR}", ok=off <= NEAR)


Step = Callable[[Bench], Iterator[Row]]


def short(material: Material, *, first: bool, tiny: bool) -> list[tuple[str, Step]]:
    """Return a backend's steps but the long one, by name.

    Args:
        material: What they work on.
        first: Whether this is the first backend; the doctor looks at all of them at once.
        tiny: Whether it is only tried whether they run.
    """
    listed: list[tuple[str, Step]] = []
    if first:
        listed = [("photographs and networks", prepare), ("doctor", doctor)]
    some = {"all walls": WALLS, "no wall": (), **{wall: (wall,) for wall in WALLS}}
    for name, walls in some.items():
        listed.append((f"behind {name}", partial(behind, name=name, walls=walls)))
    listed.append(("system calls missed", calls))
    for network in material.networks:
        listed.append((f"scan, {network.name}", partial(scan, network=network)))
        listed.append((f"measure, {network.name}", partial(measure, network=network)))
    few = 90 if tiny else 2_500
    return [
        *listed,
        ("train", train),
        ("balanced", partial(repair, method="balanced", images=few, goal=None)),
        ("search", search),
        ("CUDA_VISIBLE_DEVICES=", partial(hidden, visible="", reason="hides it")),
        ("CUDA_VISIBLE_DEVICES=7", partial(hidden, visible="7", reason="names no GPU")),
        ("CUDA_VISIBLE_DEVICES=7, --device gpu", refused),
        ("too large a batch", scarce),
    ]


def long(*, tiny: bool) -> list[tuple[str, Step]]:
    """Return the step that may take what time is left."""
    images = 150 if tiny else 50_000
    return [("unlearn", partial(repair, method="unlearn", images=images, goal=90))]
