"""Which files of a repository, or of a run, are the model."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from auditor.errors import InputError
from auditor.text import printable

SUFFIXES: Final = (".keras", ".h5", ".hdf5", ".onnx", ".tflite")
"""Of model files that are taken."""

_GRAPH: Final = "saved_model.pb"
_PARTS: Final = (_GRAPH, "saved_model.pbtxt", "keras_metadata.pb", "fingerprint.pb")
_FOLDERS: Final = ("variables", "assets", "assets.extra")
_LISTED: Final = 10


@dataclass(frozen=True)
class Choice:
    """A model among files.

    Attributes:
        path: Its file, or the folder of its SavedModel; empty for the root.
        name: What it is called where it is put.
        files: Where each of its files is → what it is called where it is put.
    """

    path: str
    name: str
    files: dict[str, str]


def choose(
    names: Collection[str],
    wanted: str,
    shown: str,
    written: Callable[[str], str],
    *,
    beside: bool = False,
) -> Choice:
    """Return the model that is wanted, or the only one there is.

    Args:
        names: All the files, as the server names them. Not to be trusted.
        wanted: A file or a folder of them; empty for all.
        shown: The reference, safe to show.
        written: Returns the reference to a path.
        beside: Whether files whose names begin with an ONNX file's come along.

    Raises:
        InputError: There is no such file, no model, or several.
    """
    if wanted in names:
        return _file(names, wanted, beside=beside)
    inside = [n for n in names if not wanted or n.startswith(f"{wanted}/")]
    found = models(inside)
    if wanted in found:
        return _folder(inside, wanted)
    if len(found) == 1:
        path = found[0]
        return _folder(names, path) if path not in names else _file(names, path, beside=beside)
    if found:
        listed = ", ".join(printable(written(path), 200) for path in found[:_LISTED])
        more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        raise InputError(f"{shown}: {len(found)} models are there; give one: {listed}{more}")
    if wanted and not inside:
        near = models(names)[:_LISTED]
        listed = ", ".join(printable(written(path), 200) for path in near)
        there = f"; models there: {listed}" if near else "; nor is any other model file there"
        raise InputError(f"{shown}: there is no {printable(wanted, 100)!r}{there}")
    others = ", ".join(printable(name, 60) for name in sorted(inside)[:_LISTED])
    raise InputError(
        f"{shown}: no model file is there that can be audited ({', '.join(SUFFIXES)} or a "
        f"SavedModel); there are: {others or 'no files'}; export the model to ONNX"
    )


def models(names: Collection[str]) -> list[str]:
    """Return the model files among others, and the folders of SavedModels, by name."""
    folders = {str(PurePosixPath(n).parent) for n in names if PurePosixPath(n).name == _GRAPH}
    folders = {"" if folder == "." else folder for folder in folders}
    files = {n for n in names if PurePosixPath(n).suffix.lower() in SUFFIXES}
    return sorted(folders | files)


def _file(names: Collection[str], path: str, *, beside: bool) -> Choice:
    name = PurePosixPath(path).name
    folder = path.removesuffix(name)
    files = {path: name}
    if beside and path.lower().endswith(".onnx"):
        files |= {n: n.removeprefix(folder) for n in names if n.startswith(path) and n != path}
    return Choice(path, name, files)


def _folder(names: Collection[str], path: str) -> Choice:
    """Take a SavedModel's folder; of one at the root, only what is a SavedModel's."""
    name = PurePosixPath(path).name or "saved_model"
    before = f"{path}/" if path else ""
    inside = {n: n.removeprefix(before) for n in names if n.startswith(before)}
    if not path:
        inside = {n: n for n in inside if n in _PARTS or n.partition("/")[0] in _FOLDERS}
    return Choice(path, name, {n: f"{name}/{own}" for n, own in inside.items()})
