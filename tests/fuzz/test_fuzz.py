"""Mutated files of every format: nothing but a refusal or a result, and nothing gets out.

Dozens of HDF5, which costs most, to hundreds of graphs; `python -m tests.fuzz` goes on for as long
as it is told.
"""

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.errors import InputError, UsageError
from auditor.records.audit_json import from_document
from auditor.records.canonical import canonical
from auditor.report.formats import render
from auditor.triggers import Trigger
from auditor.triggers.build import build, fields
from auditor.triggers.file import read
from tests.fuzz import documents, seeds
from tests.fuzz.campaign import COMMAND, Campaign

pytestmark = pytest.mark.long

COUNTS = {
    "keras": 100,
    "h5": 30,
    "onnx": 100,
    "semantics": 100,
    "savedmodel": 500,
    "tflite": 200,
    **dict.fromkeys(("npz", "hdf5", "parquet", "listed", "tfds"), 100),
}
LEFT = {"scanned": 60, "repaired": 60, "searched": 60, "comparison": 60, "checkpoint": 100}
SEED = 1
BAITS = ("/etc/hostname", "/nowhere/new", "http://127.0.0.1:9/model.keras")

_STAND_IN = """
import os, runpy
from auditor.worker import __main__ as worker
confine = worker._confine
def confined(*args):
    confine(*args)
    change()
def change():
    {change}
worker._confine = confined
runpy.run_path({worker!r}, run_name="__main__")
"""
_BROKEN = """
    from auditor.models import inspect
    examine = inspect.examine
    def broken(path, name, *more):
        if path.stem.endswith("-2"):
            {code}
        return examine(path, name, *more)
    inspect.examine = broken
"""
_MISTAKEN = """
    from auditor.models.onnx.operators import OPERATORS
    OPERATORS["Floor"] = OPERATORS["Ceil"]
"""

fuzzed = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
chance = st.integers(0, 2**32).map(Random)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeds")
    seeds.make(folder)
    return folder


@pytest.mark.slow
def test_models_are_refused_or_known_and_nothing_gets_out(seeded: Path, tmp_path: Path) -> None:
    with Campaign(seeded, SEED, tmp_path / "kept") as campaign:
        for name, count in COUNTS.items():
            campaign.round(name, 0, count)
    assert campaign.findings == []
    for name, count in COUNTS.items():
        assert sum(campaign.counts[name].judged.values()) == count
        seen = {"passed"} if name == "semantics" else {"refused", "passed"}
        assert seen <= campaign.counts[name].judged.keys()
    for name in ("keras", "h5", "onnx"):
        assert campaign.counts[name].loaded["loaded"]


def test_what_workers_leave_is_refused_or_shown(seeded: Path, tmp_path: Path) -> None:
    """Forged results of a scan, a repair and a search; comparisons; checkpoints to go on from."""
    with Campaign(seeded, SEED, tmp_path / "kept") as campaign:
        for name, count in LEFT.items():
            campaign.round(name, 0, count)
    assert campaign.findings == []
    for name, count in LEFT.items():
        assert sum(campaign.counts[name].judged.values()) == count
        assert {"refused", "passed"} <= campaign.counts[name].judged.keys()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("os.abort()", "signal 6"),
        ("while True: pass", f"signal {signal.SIGPROF:d}"),
        ("raise KeyError('x')", "KeyError"),
    ],
)
def test_what_must_not_happen_is_found(
    seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    """A worker that dies, hangs or raises for one file: found, and the others are judged."""
    monkeypatch.setattr("tests.fuzz.campaign.CHECK_SECONDS", 1.0)
    _stand_in(tmp_path, monkeypatch, _BROKEN.format(code=code))
    with Campaign(seeded, SEED, tmp_path / "kept") as campaign:
        campaign.round("onnx", 0, 5)
    assert [finding.name for finding in campaign.findings] == [f"onnx-{SEED}-2.onnx"]
    assert words in campaign.findings[0].words
    assert sum(campaign.counts["onnx"].judged.values()) == 5
    assert (tmp_path / "kept" / f"onnx-{SEED}-2.onnx").exists()


def test_an_operator_that_others_compute_otherwise_is_found(
    seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is rounded up, not down."""
    _stand_in(tmp_path, monkeypatch, _MISTAKEN)
    with Campaign(seeded, SEED, tmp_path / "kept") as campaign:
        campaign.round("semantics", 0, 60)
    assert campaign.findings
    assert all("other scores than everybody" in found.words for found in campaign.findings)


@settings(fuzzed, max_examples=400)
@given(rng=chance)
def test_trigger_files_are_refused_or_read(seeded: Path, tmp_path: Path, rng: Random) -> None:
    file = tmp_path / "triggers.yaml"
    data = (seeded / "trigger" / "triggers.yaml").read_bytes()
    file.write_bytes(_changed(documents.trigger, data, rng))
    try:
        triggers = read(file)
    except (InputError, UsageError) as error:
        assert str(error).isprintable()
        return
    assert triggers
    for trigger in triggers:
        assert isinstance(trigger, Trigger)
        assert build(fields(trigger)) == trigger


@settings(fuzzed, max_examples=150)
@given(rng=chance, seed=st.sampled_from(["scan", "repair"]))
def test_certificates_are_refused_or_shown(seeded: Path, rng: Random, seed: str) -> None:
    data = _changed(documents.audit, (seeded / "audit" / f"{seed}.json").read_bytes(), rng)
    try:
        certificate = from_document(json.loads(data))
    except InputError:
        return
    except (ValueError, RecursionError):  # no JSON
        with pytest.raises((ValueError, RecursionError)):
            json.loads(data)
        return
    assert canonical(certificate)
    assert render(certificate, "html").startswith(b"<!")


def _changed(mutate: Callable[..., bytes], data: bytes, rng: Random) -> bytes:
    try:
        return mutate(data, rng, BAITS)
    except RecursionError:  # nested deeper than Python can write
        return data


def _stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """Have files judged by workers that are changed once they are confined."""
    worker = folder / "worker.py"
    worker.write_text(_STAND_IN.format(worker=COMMAND[-1], change=change.strip()))
    monkeypatch.setattr("tests.fuzz.campaign.COMMAND", (sys.executable, "-I", str(worker)))
