"""Models that must fail well: real files, the real command, the sandbox off.

With the sandbox off only the static check stands between a sample and what it would do. What else
must be refused is in test_bad_model.py (names, pipes, devices, damage) and, for weights that are
not numbers, in test_scan.py.
"""

import pickle
import random
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.conftest import Shelf, assert_refused_in
from tests.cli.hostile_files import FILES, HDF5
from tests.cli.hostile_graphs import NO_CLASSIFIER, ONNX, SAVED, save_models
from tests.cli.hostile_models import ARCHIVES, PLANTED, Bait, Sample
from tests.conftest import Ran, assert_refusal, bdaudit

pytestmark = pytest.mark.real_start

SAMPLES: dict[str, Sample] = {
    **NO_CLASSIFIER,
    **PLANTED,
    **ARCHIVES,
    **HDF5,
    **FILES,
    **ONNX,
    **SAVED,
}
FLIPS = range(12)
Check = Callable[[str], None]


def scan(model: Path | str, shelf: Shelf) -> list[object]:
    options = ["--trigger", "square8", "--data", shelf.data, "-o", "audit.json"]
    return ["scan", *options, "--sandbox", "off", "--", model]


class Trap:
    """A folder to run in, and everything that a model could give itself away by."""

    def __init__(self, folder: Path, shelf: Shelf) -> None:
        self.home, elsewhere = folder / "home", folder / "elsewhere"
        self.home.mkdir()
        elsewhere.mkdir()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        port = self.listener.getsockname()[1]
        self.bait = Bait(shelf, elsewhere, folder / "canary", port)

    def assert_untouched(self) -> None:
        assert not self.bait.canary.exists()
        with self.listener, pytest.raises(BlockingIOError):
            self.listener.accept()


@pytest.fixture(scope="module")
def check(
    shelf: Shelf, tmp_path_factory: pytest.TempPathFactory, pool: ThreadPoolExecutor
) -> Check:
    """Make and scan all samples, two at a time."""
    save_models(shelf.folder)

    def run(kind: str) -> None:
        trap = Trap(tmp_path_factory.mktemp("sample"), shelf)
        name, make, words = SAMPLES[kind]
        make(trap.home / name, trap.bait)
        assert_refused_in(trap.home, 3, *words, args=scan(name, shelf))
        trap.assert_untouched()

    futures = {kind: pool.submit(run, kind) for kind in SAMPLES}
    return lambda kind: futures[kind].result()


@pytest.mark.parametrize("kind", SAMPLES)
def test_refused(kind: str, check: Check) -> None:
    check(kind)


@pytest.mark.parametrize("kind", ["Lambda", "Lambda in nested Sequentials", "pickle"])
def test_it_acts_where_it_is_opened(kind: str, shelf: Shelf, tmp_path: Path) -> None:
    """The tests here would be worth nothing if it did nothing."""
    import keras

    trap = Trap(tmp_path, shelf)
    name, make, _ = SAMPLES[kind]
    make(trap.home / name, trap.bait)
    if kind == "pickle":
        pickle.loads((trap.home / name).read_bytes())
    else:
        keras.models.load_model(trap.home / name, safe_mode=False)
    assert trap.bait.canary.exists()
    with trap.listener:
        trap.listener.accept()[0].close()


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("Lambda", "config.layers[1]: class 'Lambda'"),
        ("custom domain", "planted: operator 'Evil'"),
        ("WriteFile in an initializer", "operator 'WriteFile'"),
    ],
)
@pytest.mark.usefixtures("check")
def test_inspect_lists_it(kind: str, found: str, shelf: Shelf, tmp_path: Path) -> None:
    trap = Trap(tmp_path, shelf)
    name, make, _ = SAMPLES[kind]
    make(trap.home / name, trap.bait)
    ran = bdaudit("inspect", name, "--sandbox", "off", cwd=trap.home)
    assert_refusal(ran, 3, f"{name}: refused")
    assert found in ran.out
    trap.assert_untouched()


def test_flipped_bytes_are_refused_or_harmless(
    shelf: Shelf, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    whole = (shelf / "poisoned.h5").read_bytes()

    def run(seed: int) -> Ran:
        content, chance = bytearray(whole), random.Random(seed)
        for _ in range(8):  # among what says how the file is laid out, and anywhere
            content[chance.randrange(chance.choice((100, 4000, len(whole))))] ^= 1 + seed
        path = tmp_path / f"{seed}.h5"
        path.write_bytes(content)
        return bdaudit("inspect", path, "--sandbox", "off")

    for seed, ran in zip(FLIPS, pool.map(run, FLIPS), strict=True):
        assert "Traceback" not in ran.err
        if ran.code:
            assert_refusal(ran, 3, f"{seed}.h5")


def test_a_file_that_is_being_written_is_called_truncated(shelf: Shelf, tmp_path: Path) -> None:
    trap, done = Trap(tmp_path, shelf), threading.Event()
    growing = trap.bait.elsewhere / "m.keras"
    growing.write_bytes((shelf / "clean.keras").read_bytes()[:5000])

    def write() -> None:
        with growing.open("ab", buffering=0) as file:
            while not done.wait(0.001):
                file.write(b"more")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert_refused_in(trap.home, 3, "m.keras", "truncated", args=scan(growing, shelf))
    finally:
        done.set()
        writer.join()
