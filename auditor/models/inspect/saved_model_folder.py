"""The files of a SavedModel's folder: those that TensorFlow writes, all inside it, all ordinary."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from auditor.errors import InputError
from auditor.models.inspect.inspection import Findings
from auditor.text import printable

GRAPH = "saved_model.pb"

_INDEX = "variables/variables.index"
_SHARD = re.compile(r"variables/variables\.data-(\d{5})-of-(\d{5})")
_FOLDERS = ("variables", "assets", "debug")
# The loader looks at the first two; the others are notes of Keras, TensorFlow Hub and people.
_OTHER_FILES = (
    "fingerprint.pb",
    "debug/saved_model_debug_info.pb",
    "keras_metadata.pb",
    "tfhub_module.pb",
    "README.md",
    "LICENSE",
)
_MAX_WEIGHT_BYTES = 8 * 2**30
_MAX_NOTE_BYTES = 256 * 2**20
_MAX_ENTRIES = 2000


def check_folder(folder: Path, findings: Findings, shown: str) -> int | None:
    """Account for every file of a SavedModel.

    Args:
        folder: The SavedModel.
        findings: Takes what does not belong there.
        shown: The folder's name for messages, already printable.

    Returns:
        How many bytes of weights there are; None without a whole `variables/`.

    Raises:
        InputError: The folder cannot be read.
    """
    weights: dict[str, int] = {}
    try:
        for name, entry in _entries(folder, ""):
            status = entry.stat(follow_symlinks=False)
            reason = _fault(name, status)
            if reason and name == GRAPH:
                raise InputError(f"{shown}: {name}: {reason}")
            if reason:
                findings.add(name, reason)
            elif name == _INDEX or _SHARD.fullmatch(name):
                weights[name] = status.st_size
    except OSError as error:
        raise InputError(
            f"{shown}: could not be read ({printable(error.strerror or '')})"
        ) from None
    if sum(weights.values()) > _MAX_WEIGHT_BYTES:
        findings.add("variables", f"{sum(weights.values())} bytes; {_MAX_WEIGHT_BYTES} are allowed")
    shards = [match.groups() for name in weights if (match := _SHARD.fullmatch(name))]
    complete = _INDEX in weights and shards and {int(of) for _, of in shards} == {len(shards)}
    return sum(weights.values()) if complete else None


def _entries(folder: Path, prefix: str) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Every file as (path inside the folder, entry), and every folder that does not belong."""
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries):
            if count > _MAX_ENTRIES:
                raise OSError(0, f"more than {_MAX_ENTRIES} files")
            name = f"{prefix}{entry.name}"
            if name in _FOLDERS and entry.is_dir(follow_symlinks=False):
                yield from _entries(folder / entry.name, f"{name}/")
            else:
                yield name, entry


def _fault(name: str, status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return "a symbolic link, which may lead out of the folder; put the file itself there"
    if not stat.S_ISREG(status.st_mode):
        return "not an ordinary file; a SavedModel has no folders, pipes or devices of this name"
    if name.startswith("assets/"):
        return "an asset, which only tables of text read; save the model without lookup layers"
    if name == GRAPH or name == _INDEX or _SHARD.fullmatch(name):
        return ""
    if name not in _OTHER_FILES:
        return f"does not belong in a SavedModel ({GRAPH}, variables/ and assets/ do); remove it"
    if status.st_size > _MAX_NOTE_BYTES:
        return f"{status.st_size} bytes; at most {_MAX_NOTE_BYTES} are allowed"
    return ""
