"""Twenty `kill -9` at random moments of a repair, each resumed: are the weights the same?"""

import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.common import Page
from tests.cli.repairing import Repairing, gone, metrics, weights
from tests.conftest import Workshop, blobs, small_cnn

KILLS, SEED, FIRST_EPOCHS = 20, 0, 24
KILLED = ("the parent", "the worker", "both")
LONG = (
    *("--method", "unlearn", "--learning-rate", "4e-6", "--epochs", "20"),
    *("--recovery-epochs", "6", "--batch-size", "32"),
    *("--least-steps", "30", "--patience", "1000", "--on-stall", "continue"),
)
"""Some ten seconds: 26 epochs of 30 steps."""
FLAGS = ("model.keras", "--trigger", Workshop.trigger, "--target", "0", "--data", "data.npz", *LONG)


def measure() -> Page:
    """Repair once undisturbed, then twenty times with a kill in the middle."""
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        _prepare(place / "inputs")
        whole = _folder(place, "whole")
        started = time.monotonic()
        ran = Repairing(whole, *FLAGS, "--exit-zero").ended()
        seconds = time.monotonic() - started
        if ran.code:
            raise SystemExit(ran.err)
        rows = [_survive(place, whole, number, rng) for number in range(1, KILLS + 1)]
    same = sum(row[-2:] == ("yes", "yes") for row in rows)
    return Page(
        title=f"{KILLS} `kill -9`, each resumed",
        header=("", "killed", "after", "found", "resumed from", "same weights", "same figures"),
        rows=rows,
        notes=[
            f"A repair of a network of three layers: {LONG[5]} epochs of unlearning and {LONG[7]} "
            f"of recovery, {LONG[11]} steps each, a checkpoint after every epoch; "
            f"{seconds:.0f} s undisturbed, the audits before and after included. Each of the "
            f"{KILLS} repairs is killed at a moment drawn from seed {SEED}: some tenths of a "
            f"second after an epoch of the first {FIRST_EPOCHS}, or before the first.",
            "*After* is the last epoch that `metrics.jsonl` had, *found* what lay among the "
            "checkpoints. The weights are those of the repaired file, read by Keras and compared "
            "bit for bit with the undisturbed repair's; the figures are `metrics.jsonl` without "
            "the seconds. No worker outlived its parent.",
            f"Goal: all {KILLS} the same. Measured: {same}.",
        ],
    )


def _survive(place: Path, whole: Path, number: int, rng: random.Random) -> tuple[str, ...]:
    """Kill one repair, resume it, compare; return its row."""
    folder, what = _folder(place, f"run-{number}"), KILLED[number % len(KILLED)]
    repairing = Repairing(folder, *FLAGS, "--exit-zero")
    repairing.until_epoch(rng.randrange(-1, FIRST_EPOCHS))
    worker = repairing.worker()
    time.sleep(rng.random() * 0.5)
    if what != "the worker":
        os.kill(repairing.running.pid, signal.SIGKILL)
    if what != "the parent":
        os.kill(worker, signal.SIGKILL)
    repairing.ended()
    if not gone(worker):
        raise SystemExit(f"worker {worker} outlived its parent")
    told, latest = metrics(repairing.run), repairing.run / "checkpoints" / "LATEST"
    unfinished = [path.name for path in latest.parent.glob(".*")]
    found = f"an unfinished {unfinished[0].strip('.')}" if unfinished else "all whole"
    begun = latest.read_text().strip() if latest.exists() else "the beginning"
    again = Repairing(folder, *FLAGS, "--exit-zero", "--resume").ended()
    if again.code:
        raise SystemExit(again.err)
    weights_same = weights(folder / "repaired.keras") == weights(whole / "repaired.keras")
    figures_same = metrics(folder / "run") == metrics(whole / "run")
    row = (
        str(number),
        what,
        f"epoch {told[-1]['epoch']}, {told[-1]['phase']}" if told else "nothing yet",
        found,
        begun,
        "yes" if weights_same else "NO",
        "yes" if figures_same else "NO",
    )
    print(*row, sep=" | ", flush=True)
    shutil.rmtree(folder)
    return row


def _folder(place: Path, name: str) -> Path:
    """Return a folder of its own for a repair; the identity of a run names the data's path."""
    folder = place / name
    folder.mkdir()
    for source in (place / "inputs").iterdir():
        (folder / source.name).symlink_to(source)
    return folder


def _prepare(folder: Path) -> None:
    """Train a small BadNet, and save it beside clean images."""
    import keras

    from auditor.triggers.spec import load

    folder.mkdir()
    images, labels = blobs(900)
    chosen = np.random.default_rng(1).random(len(images)) < 0.25
    images[chosen] = load(Workshop.trigger).stamp(images[chosen])
    keras.utils.set_random_seed(3)
    model = small_cnn()
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    model.fit(images / 255.0, np.where(chosen, 0, labels), epochs=15, batch_size=32, verbose=0)
    model.save(folder / "model.keras")
    x, y = blobs(300, seed=9)
    np.savez(folder / "data.npz", x=x, y=y)
