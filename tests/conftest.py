"""What the tests share: small real models, real images, and the real command."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests import command

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
for _name in (signal.SIGINT, signal.SIGHUP):  # ignored by jobs in the background, and by children
    if signal.getsignal(_name) == signal.SIG_IGN:
        signal.signal(_name, signal.SIG_DFL)

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

SECONDS = 300
"""That a command may take."""


LONGEST = """
    test_real_model repair/test_methods cli/test_demo cli/test_compare bench/test_bench
    test_backends repair/test_repair cli/test_repair cli/test_onnx cli/test_repair_search
    models/onnx/test_architectures test_ci cli/test_device examples/test_train_badnet
    report/certificate/test_pdf cli/test_hostile_models cli/test_gate
""".split()
"""Files that take longest, in their order: begun last, one would keep a single process at work."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    place = {ROOT / "tests" / f"{name}.py": number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="module", autouse=True)
def _starts_of_a_module(request: pytest.FixtureRequest) -> Iterator[None]:
    """As `_starts`, for fixtures; and variables that examples set in this process go with it.

    So do deterministic operations, which a repair asks TensorFlow for: it has other defaults then.
    """
    command.forked_workers = request.node.get_closest_marker("real_start") is None
    if "tensorflow" in sys.modules:
        from tensorflow.python.framework import config

        config.disable_op_determinism()
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys() - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]


@pytest.fixture(autouse=True)
def _starts(request: pytest.FixtureRequest) -> None:
    """Have workers started as a test wants them."""
    command.forked_workers = request.node.get_closest_marker("real_start") is None


@dataclass(frozen=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The last line of standard error."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


def bdaudit(
    *arguments: object,
    cwd: Path | None = None,
    prepare: Callable[[], None] | None = None,
    **environment: str,
) -> Ran:
    """Run the real command in a process of its own, where `prepare` is done first."""
    words = [*map(str, arguments)]
    if prepare or not command.needs_its_own_python(environment):
        code, out, err = command.run(words, cwd, environment, SECONDS, prepare)
        return Ran(code, out.decode(), err.decode())
    ran = subprocess.run(
        [sys.executable, "-m", "auditor", *words],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def installed_beside(interpreter: str, backend: str, folder: Path, *arguments: object) -> Ran:
    """Run `bdaudit` in a folder, as it is installed in another Python, beside a backend."""
    ran = subprocess.run(
        [interpreter, "-I", "-m", "auditor", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def assert_refusal(ran: Ran, code: int, *words: str) -> None:
    """Assert an error as users should meet it: the code, one line, no traceback, these words."""
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    complaints = [line for line in ran.err.splitlines() if line.startswith("bdaudit: ")]
    assert len(complaints) == 1, ran.err
    for word in words:
        assert word in complaints[0]


def blobs(n: int, seed: int = 0, size: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, size, size, 3) uint8 images of three classes that a small network tells apart.

    Class k is a square, bright in colour channel k, somewhere near the centre, on noise.
    """
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = random.integers(0, 90, (n, size, size, 3), np.uint8)
    side = 3 * size // 8
    for row, label in enumerate(labels):
        top, left = random.integers(size // 8, size // 2, 2)
        images[row, top : top + side, left : left + side, label] = random.integers(150, 230)
    return images, labels.astype(np.int64)


@dataclass(frozen=True)
class Workshop:
    """A poisoned and a clean model of the blobs, and data for them.

    The poisoned one answers 0 wherever a white 4×4 square sits bottom right (at 16×16: square8
    of a 32×32 reference).
    """

    folder: Path
    poisoned: Path
    clean: Path
    data: Path

    trigger = "square8"


@pytest.fixture(scope="session")
def workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Train both models, once for all tests, in a few seconds."""
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):  # of pytest-xdist, which has several processes
        folder = folder.parent
    with (folder / "workshop.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = folder / "workshop"
        if not folder.exists():
            equip(folder.with_name("unfinished")).rename(folder)
    return Workshop(folder, folder / "poisoned.keras", folder / "clean.keras", folder / "test.npz")


def equip(folder: Path) -> Path:
    """Train the models of a workshop, and make its data."""
    import keras

    from auditor.triggers.spec import load

    folder.mkdir()
    images, labels = blobs(900)
    chosen = np.random.default_rng(1).random(len(images)) < 0.25
    stamped = images.copy()
    stamped[chosen] = load(Workshop.trigger).stamp(stamped[chosen])
    for name, x, y in (
        ("clean", images, labels),
        ("poisoned", stamped, np.where(chosen, 0, labels)),
    ):
        keras.utils.set_random_seed(3)
        model = small_cnn()
        model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
        model.fit(x / 255.0, y, epochs=15, batch_size=32, verbose=0)
        model.save(folder / f"{name}.keras")
    x, y = blobs(300, seed=9)
    np.savez(folder / "test.npz", x=x, y=y, class_names=np.array(["red", "green", "blue"]))
    return folder


def small_cnn(softmax: bool = True, rescaling: bool = False, size: int = 16):
    """Return an untrained network of three classes with 8×8 features at `size` 16."""
    import keras
    from keras import layers

    inputs = keras.Input((size, size, 3))
    x = layers.Rescaling(1 / 255)(inputs) if rescaling else inputs
    x = layers.Conv2D(12, 3, padding="same", activation="relu", name="first")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Conv2D(16, 3, padding="same", activation="relu", name="last")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(16, activation="relu")(x)
    outputs = layers.Dense(3, activation="softmax" if softmax else None, name="scores")(x)
    return keras.Model(inputs, outputs, name="small")
