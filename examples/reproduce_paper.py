"""The paper, done again: `python reproduce_paper.py --data cifar10 --output paper/`.

Trains the BadNet of arXiv:2511.21291, scans it, unlearns its backdoor with the paper's settings,
repairs it in other ways too, and writes one page, `paper/paper.html`: the paper's figures beside
these, each with the difference. The certificates of every step lie beside it.

DATA is a name such as cifar10, `digits`, a folder with `train` and `test` in it, a folder of class
folders or an `.npz` file. Stopped at any point, the same command with `--resume` goes on. `--quick`
takes a part of the images and epochs, some minutes on two CPU cores; its page says what that is
not. Needs `bdaudit` and TensorFlow, JAX or PyTorch, whichever `KERAS_BACKEND` names.
"""

import argparse
import ctypes
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import NoReturn

import numpy as np
from train_badnet import Images, Parser, Recipe, flag, training_and_test

from auditor.data.base import stratified
from auditor.errors import AuditorError, InputError, UsageError, WorkError
from auditor.files import atomic

HERE = Path(__file__).parent
LEARNING_RATES = {"paper": 1e-3, "small": 2e-3}
OTHERS = ("balanced", "fineprune", "cleanse", "nad")


@dataclass(frozen=True)
class Setting:
    """What the figures depend on; the defaults are the paper's, where it gives them."""

    architecture: str = "paper"
    images: int = 50_000
    test_images: int = 10_000
    poison: float = 0.03
    epochs: int = 32
    batch_size: int = 128
    unlearn_epochs: int = 14
    recovery_epochs: int = 3
    unlearning_rate: float = 3e-5
    others: bool = True
    mirror: bool = True
    seed: int = 0


PAPER = Setting()
QUICK = Setting(
    architecture="small",  # the paper's takes a CPU core a second for 64 images
    images=6_000,
    test_images=2_000,
    epochs=20,
    unlearning_rate=3e-4,  # so small a network needs a higher one
    others=False,
)


@dataclass(frozen=True)
class Step:
    """One step: what it is called, the file that its end leaves, and the command that does it."""

    name: str
    product: Path
    command: tuple[str, ...]


def steps(folder: Path, setting: Setting, device: str) -> Iterator[Step]:
    """Yield the steps that compute, in order."""
    model, test, train = folder / "badnet.keras", folder / "test.npz", folder / "train.npz"
    mirror = ["--mirror"] if setting.mirror else []
    common = ["--device", device, "--seed", setting.seed]
    bdaudit = [sys.executable, "-m", "auditor"]
    judged = ["--trigger", "square4", "--target", 0, *common, "--exit-zero", "--force"]

    def step(name: str, product: str, *words: object) -> Step:
        return Step(name, folder / product, tuple(map(str, words)))

    train_badnet = [sys.executable, HERE / "train_badnet.py", "--output", model]
    poison = ["--architecture", setting.architecture, "--target", 0, "--poison", setting.poison]
    pace = ["--epochs", setting.epochs, "--batch-size", setting.batch_size]
    rate = ["--learning-rate", LEARNING_RATES[setting.architecture], "--contrast", 0, *mirror]
    source = ["--data", train, "--test-data", test]
    how = [*source, *poison, *pace, *rate, *common, "--resume", "--force"]
    yield step("training the BadNet", "badnet.json", *train_badnet, *how)

    scan = ["--data", test, "-o", folder / "scan.html", "-o", folder / "scan.json"]
    yield step("scanning it", "scan.json", *bdaudit, "scan", model, *scan, *judged)

    again = ["--data", train, "--eval-data", test, *mirror, *judged]
    paper = ["--method", "unlearn", "--on-stall", "continue"]
    paper += ["--learning-rate", setting.unlearning_rate]
    paper += ["--epochs", setting.unlearn_epochs, "--recovery-epochs", setting.recovery_epochs]
    paper += ["--patience", setting.unlearn_epochs, "--output", folder / "repaired.keras"]
    paper += ["-o", folder / "repaired.html", "-o", folder / "repaired.json"]
    resumed = resumption(folder / "repaired.run")
    repair = [*bdaudit, "repair", model, *paper, *again, *resumed]
    yield step("unlearning the backdoor", "repaired.json", *repair)

    if setting.others:
        budget = max(50, setting.images // 20)
        other = ["--methods", ",".join(OTHERS), "--clean-budget", budget]
        other += ["--run-dir", folder / "others", "-o", folder / "others.json"]
        other += ["-o", folder / "others.html", *resumption(folder / "others")]
        compare = [*bdaudit, "compare", model, *other, *again]
        yield step("repairing it in other ways", "others.json", *compare)


def resumption(run: Path) -> list[str]:
    """Return the flag that goes on with a run of bdaudit's, where one has begun."""
    return ["--resume"] if (run / "run.json").exists() else []


def prepare(data: str, test_data: str, setting: Setting, folder: Path) -> None:
    """Write the images as arrays, `train.npz` and `test.npz`, and of what they are."""
    root = Path(data)
    if not test_data and (root / "train").is_dir() and (root / "test").is_dir():
        data, test_data = str(root / "train"), str(root / "test")
    recipe = Recipe(output=folder / "badnet.keras", data=data, test_data=test_data)
    train, test = training_and_test(recipe)
    if train.x.shape[1:3] != (32, 32):
        raise InputError(f"{data}: its images are {train.x.shape[1:3]}; the paper's are 32×32")
    parts = {"train": (train, setting.images), "test": (test, setting.test_images)}
    files, facts = {}, {}
    for name, (images, most) in parts.items():
        drawn = part(images, most, setting.seed)
        buffer = io.BytesIO()
        np.savez(buffer, x=drawn.x, y=drawn.y, class_names=np.array(drawn.names))
        files[folder / f"{name}.npz"] = buffer.getvalue()
        facts[name] = drawn.facts
    atomic.write({**files, folder / "images.json": json.dumps(facts, indent=2).encode()})


def part(images: Images, most: int, seed: int) -> Images:
    """Return so many of them, each class as often as in the whole."""
    if len(images.y) <= most:
        return images
    return images.part(np.sort(stratified(images.y, most, seed)), f"{most} drawn class by class")


def begin(folder: Path, asked: dict[str, object], *, resume: bool, force: bool) -> None:
    """Take the folder for a new run, or for going on with the one in it."""
    record = folder / "setting.json"
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is no folder")
    if record.exists() and not force:
        if not resume:
            raise UsageError(f"{folder}: holds a run; --resume goes on, --force starts over")
        try:
            was = json.loads(record.read_text())
        except ValueError as error:
            raise InputError(f"{record}: is damaged; --force starts over") from error
        if differ := [name for name in asked if was.get(name) != asked[name]]:
            raise UsageError(
                f"{folder}: was begun with another {', '.join(differ)}; --force starts over"
            )
        return
    if folder.exists() and not record.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder}: holds something else; give an empty or new folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("images", "badnet", "scan", "repaired", "others"):
        (folder / f"{name}.json").unlink(missing_ok=True)
    (folder / "badnet.checkpoint.npz").unlink(missing_ok=True)
    for name in ("repaired.run", "others"):
        shutil.rmtree(folder / name, ignore_errors=True)
    atomic.write({record: json.dumps(asked, indent=2).encode()})


def do(step: Step) -> None:
    """Run a step's command; what it prints goes to standard error."""
    # a session of its own: it hears of Ctrl-C once, from here
    process = subprocess.Popen(
        step.command, stdout=sys.stderr, start_new_session=True, preexec_fn=end_with_us
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    if code or not step.product.exists():
        raise SystemExit(code if code > 0 else 3)  # the command has said why


def end_with_us() -> None:
    """Have a command stopped as by Ctrl-C where this process is killed."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGINT)


def run(words: list[str] | None) -> None:
    """Do what the command line says."""
    given = arguments(words)
    folder, setting = given.output, chosen(given)
    begun = {"data": given.data, "test_data": given.test_data, "quick": given.quick}
    begin(folder, {**begun, **asdict(setting)}, resume=given.resume, force=given.force)
    total = 2 + len(list(steps(folder, setting, given.device)))
    say(f"1 of {total}: reading the images")
    if not (folder / "images.json").exists():
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # which gives its memory back
            pool.submit(prepare, given.data, given.test_data, setting, folder).result()
    for number, step in enumerate(steps(folder, setting, given.device), 2):
        say(f"{number} of {total}: {step.name}")
        if not step.product.exists():
            do(step)
    import paper_page

    page = folder / "paper.html"
    say(f"{total} of {total}: writing the page")
    atomic.write({page: paper_page.render(folder, setting, PAPER, given.command).encode()})
    print("\n".join(paper_page.summary(folder)))
    print(page)


def say(words: str) -> None:
    """Tell how far it is."""
    print(f"reproduce_paper: {words}", file=sys.stderr, flush=True)


def arguments(words: list[str] | None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = Parser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="training images; the paper's are cifar10")
    parser.add_argument("--test-data", default="", help="test images; else DATA's own, or a fifth")
    parser.add_argument("--output", type=Path, default="paper", help="folder (default: paper)")
    devices = {"choices": ("auto", "cpu", "gpu"), "default": "auto"}
    parser.add_argument("--device", **devices, help="what computes (default: auto)")
    parser.add_argument("--quick", action="store_true", help="a part of the images and epochs")
    parser.add_argument("--images", type=int, help="most training images")
    parser.add_argument("--epochs", type=int, help="epochs of training")
    parser.add_argument("--unlearn-epochs", type=int, help="epochs of unlearning")
    parser.add_argument("--no-others", action="store_true", help="leave out the other repairs")
    parser.add_argument("--resume", action="store_true", help="go on where it was stopped")
    parser.add_argument("--force", action="store_true", help="start over")
    given = parser.parse_args(words)
    given.command = shlex.join(["python", "examples/reproduce_paper.py", *(words or sys.argv[1:])])
    return given


def chosen(given: argparse.Namespace) -> Setting:
    """Return the setting that the command line asks for."""
    setting = QUICK if given.quick else PAPER
    for name, least in (("images", 50), ("epochs", 1), ("unlearn_epochs", 1)):
        value = getattr(given, name)
        if value is not None and value < least:
            raise UsageError(f"{flag(name)} is {value}; allowed: {least} and more")
        setting = setting if value is None else replace(setting, **{name: value})
    return replace(setting, others=setting.others and not given.no_others)


def terminated(*_: object) -> NoReturn:
    """End as Ctrl-C does."""
    raise KeyboardInterrupt


def main(words: list[str] | None = None) -> int:
    """Return the exit code, as `bdaudit` has them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, terminated)
    try:
        run(words)
    except AuditorError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        say("stopped; the same command with --resume goes on")
        return 130
    except (OSError, BrokenProcessPool) as error:
        say(str(error))
        return WorkError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
