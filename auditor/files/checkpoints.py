"""Where long work stands, on disk: whole or not at all, two kept, each with its digests.

    checkpoints/step-00000120/facts.json  arrays.npz  digests.json
    checkpoints/LATEST

A checkpoint is written into a hidden folder, synced, and renamed; only then `LATEST` names it.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from auditor.errors import InputError, WorkError
from auditor.files.own_file import replace_own
from auditor.files.regular_file import open_regular, read_regular
from auditor.text import printable

Arrays = dict[str, np.ndarray[Any, Any]]

KEPT = 2
_MOST_NAME, _MOST_FACTS, _MOST_ARRAYS = 100, 256 << 20, 1 << 40
_FACTS, _ARRAYS, _DIGESTS, _LATEST = "facts.json", "arrays.npz", "digests.json", "LATEST"


@dataclass(frozen=True)
class Checkpoint:
    """What was read back.

    Attributes:
        facts: JSON values.
        arrays: Arrays by name.
        note: What is wrong with newer ones; empty when the newest was good.
    """

    facts: dict[str, Any]
    arrays: Arrays
    note: str


def save(folder: Path, step: int, facts: dict[str, Any], arrays: Arrays) -> None:
    """Write the state after `step` steps, then forget all but the newest two.

    Raises:
        WorkError: It cannot be written, the disk being full perhaps; the last good one stands.
    """
    final = folder / f"step-{step:08d}"
    unfinished = folder / f".{final.name}.tmp"
    try:
        for killed in folder.glob(".step-*.tmp"):
            shutil.rmtree(killed, ignore_errors=True)
        unfinished.mkdir(parents=True)
        (unfinished / _FACTS).write_text(json.dumps(facts, allow_nan=False), "utf-8")
        with (unfinished / _ARRAYS).open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        digests = {name: _sha256(unfinished / name) for name in (_FACTS, _ARRAYS)}
        (unfinished / _DIGESTS).write_text(json.dumps(digests), "utf-8")
        for name in (_FACTS, _ARRAYS, _DIGESTS):
            _sync(unfinished / name)
        _sync(unfinished)
        shutil.rmtree(final, ignore_errors=True)
        unfinished.rename(final)
        _sync(folder)
        _point(folder, final.name)
        kept = sorted(p.name for p in folder.glob("step-*") if p.name <= final.name)[-KEPT:]
        for other in folder.glob("step-*"):  # later ones are damaged: it went on before them
            if other.name not in kept:
                shutil.rmtree(other, ignore_errors=True)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise WorkError(
            f"{printable(str(folder))}: no checkpoint could be written: {error.strerror}; the last "
            "good one is kept: make room, then go on with --resume"
        ) from error


def load(folder: Path) -> Checkpoint | None:
    """Return the newest checkpoint whose digests hold; None when there is none at all.

    Raises:
        InputError: There are some, and none is good; or the newest good one holds no state.
    """
    spoilt: list[str] = []
    for path in _newest_first(folder):
        try:
            digests = json.loads(read_regular(path / _DIGESTS, _MOST_FACTS))
            if any(_sha256(path / name) != digests[name] for name in (_FACTS, _ARRAYS)):
                raise ValueError("a digest does not hold")
            facts = json.loads(read_regular(path / _FACTS, _MOST_FACTS))
            with (
                open_regular(path / _ARRAYS, _MOST_ARRAYS, follow=False) as file,
                np.load(file, allow_pickle=False) as opened,
            ):
                arrays = {name: opened[name] for name in opened.files}
        except Exception:  # nonsense makes json, zipfile, zlib and numpy raise errors of many kinds
            spoilt.append(path.name)
            continue
        if not (isinstance(facts, dict) and isinstance(facts.get("identity", {}), dict)):
            raise damaged()
        note = f"the checkpoint {' and '.join(spoilt)} is damaged; went on from {path.name}"
        return Checkpoint(facts, arrays, note if spoilt else "")
    if spoilt:
        shown = printable(str(folder))
        raise InputError(f"{shown}: every checkpoint is damaged; start over with --force")
    return None


def damaged() -> InputError:
    """Return what is said of a checkpoint whose digests hold and whose content cannot be."""
    return InputError(
        "--resume: the checkpoint is damaged, or of another kind of work; start over with --force"
    )


def check_same(now: dict[str, Any], then: dict[str, Any], work: str) -> None:
    """Refuse to go on with other work.

    Args:
        now: What is asked for, by name.
        then: What the checkpoint is of.
        work: What it is called: `repair`, `search`.

    Raises:
        InputError: They differ; names the first difference.
    """
    for key in now:
        if then.get(key) != now[key]:
            raise InputError(
                f"--resume: {key} was {str(then.get(key)):.60}, now {str(now[key]):.60}; "
                f"resume with what the {work} was begun with, or start over with --force"
            )


def _newest_first(folder: Path) -> list[Path]:
    """Return the checkpoints, the one that `LATEST` names first, then by falling step."""
    there = (p for p in folder.glob("step-*") if p.is_dir() and not p.is_symlink())
    found = sorted(there, reverse=True)
    try:
        latest = read_regular(folder / _LATEST, _MOST_NAME).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return found
    return sorted(found, key=lambda path: path.name != latest)


def _point(folder: Path, name: str) -> None:
    replace_own(folder / _LATEST, f"{name}\n".encode())
    _sync(folder)


def _sha256(path: Path) -> str:
    with open_regular(path, _MOST_ARRAYS, follow=False) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
