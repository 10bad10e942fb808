"""Bringing files from an MLflow server, or from a store of MLflow's on this machine.

The server is not trusted: where it says that artifacts are is held to be the server itself, names
are checked before paths are made of them, and what comes is counted while it comes. Nothing is
loaded, and no flavor's code is run.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

from auditor.errors import InputError, UsageError
from auditor.files.intake import MOST_FILES
from auditor.references import mlmodel
from auditor.references.base import (
    BROUGHT,
    Progress,
    check_names,
    check_size,
    is_safe,
    largest_file,
    put,
    said,
)
from auditor.references.choice import SUFFIXES, Choice, choose
from auditor.references.mlflow import MlflowReference, RegistryReference, RunReference
from auditor.text import printable

_SERVERS: Final = ("http", "https")
_STORES: Final = ("", "file", "sqlite")
_EVERY: Final = 0.5
_DEEPEST: Final = 20
_VARIABLE: Final = MlflowReference.ADDRESS


def tracking_uri() -> str:
    """Return where MLflow keeps runs, as the user has set it.

    Raises:
        UsageError: It is not set, or is of a kind that nothing is fetched from.
    """
    uri = os.environ.get(_VARIABLE, "").strip()
    if not uri:
        raise UsageError(
            f"{_VARIABLE} is not set: say which MLflow server to ask, such as "
            f"export {_VARIABLE}=http://127.0.0.1:5000"
        )
    kind = urlsplit(uri).scheme.lower()
    if kind not in (*_SERVERS, *_STORES) or not (kind or Path(uri).is_dir()):
        shown = printable(kind or _unless_secret(uri), 40)
        raise UsageError(
            f"{_VARIABLE}: {shown} is not asked; give the address of an MLflow server, http:// or "
            "https://, or a sqlite:/// store"
        )
    return uri


def _unless_secret(uri: str) -> str:
    """Return an address that is of no known kind; not one that may have a password in it."""
    return "its value" if "@" in uri else uri


def is_server(uri: str) -> bool:
    """Whether it is a server, whose word is not taken for anything."""
    return urlsplit(uri).scheme.lower() in _SERVERS


def bring(
    reference: MlflowReference, folder: Path, *, beside: bool, progress: Progress
) -> dict[str, Any]:
    """Download a model; as `fetch.bring`."""
    shown, uri = printable(reference.text), tracking_uri()
    try:
        client = _client(uri)
        place, inside, origin = _resolved(client, reference)
        source = _Source(place, uri, shown)
        of_a_run = isinstance(reference, RunReference)
        if of_a_run and not source.names(inside) and (model := _logged(client, reference)):
            source, inside = _Source(model[0], uri, shown), model[1]  # MLflow 3 keeps them apart
        chosen = _chosen(source, inside, folder, reference, shown, beside=beside)
        source.download(chosen, folder, progress)
    except (InputError, UsageError):
        raise
    except MemoryError:
        raise
    except Exception as error:  # of MLflow, of its requests, of what a server's answer lacks
        raise InputError(f"{shown}: {_host(uri)}: {said(error)}") from None
    return {"name": chosen.name, **origin, "path": chosen.path}


def _host(uri: str) -> str:
    """Return what may be shown of an address: no user, no password."""
    return printable(urlsplit(uri).hostname or urlsplit(uri).scheme or "the store", 100)


def _client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _resolved(client: Any, reference: MlflowReference) -> tuple[str, str, dict[str, str]]:
    """Return where artifacts are, the model's place in them, and what the reference stands for."""
    if isinstance(reference, RunReference):
        return *_of_a_run(client, reference), {"pinned": reference.text, "run": reference.run}
    assert isinstance(reference, RegistryReference)
    if not (reference.version or reference.alias):
        logged = client.get_logged_model(reference.name)
        own = {"pinned": reference.text, "run": _plain(logged.source_run_id)}
        return str(logged.artifact_location), "", own
    version = _version(client, reference)
    place = str(client.get_model_version_download_uri(reference.name, version.version))
    number = str(version.version)
    if not number.isdecimal():
        raise InputError(f"{printable(reference.text)}: the server gives no number of a version")
    pinned = f"models:/{reference.name}/{number}"
    own = {"pinned": pinned, "version": number, "run": _plain(version.run_id)}
    if place.startswith(f"{RunReference.scheme}:/"):
        return *_of_a_run(client, RunReference.parse(place)), own
    return place, "", own


def _of_a_run(client: Any, reference: RunReference) -> tuple[str, str]:
    """Return where a run's artifacts are, and the model's place in them."""
    return str(client.get_run(reference.run).info.artifact_uri), reference.path


def _version(client: Any, reference: RegistryReference) -> Any:
    """Return the version that an alias, a number, `latest` or a stage stands for."""
    if reference.alias:
        return client.get_model_version_by_alias(reference.name, reference.alias)
    if reference.version.isdecimal():
        return client.get_model_version(reference.name, reference.version)
    name = reference.name.replace("'", "\\'")
    found = client.search_model_versions(f"name='{name}'", max_results=MOST_FILES)
    if reference.version.lower() != "latest":
        stages = {str(v.current_stage).lower() for v in found}
        found = [v for v in found if str(v.current_stage).lower() == reference.version.lower()]
        if not found:
            raise InputError(
                f"{printable(reference.text)}: no version is in that stage (there are: "
                f"{printable(', '.join(sorted(stages)), 100) or 'none'}); MLflow has given stages "
                "up for aliases: models:/NAME@ALIAS"
            )
    if not found:
        raise InputError(f"{printable(reference.text)}: has no version")
    return max(found, key=lambda v: int(v.version))


def _logged(client: Any, reference: MlflowReference) -> tuple[str, str] | None:
    """Return where a run's logged model is whose name the path begins with, and the rest of it."""
    assert isinstance(reference, RunReference)
    name, _, rest = reference.path.partition("/")
    outputs = getattr(client.get_run(reference.run), "outputs", None)
    for output in getattr(outputs, "model_outputs", [])[:MOST_FILES]:
        model = client.get_logged_model(output.model_id)
        if model.name == name:
            return str(model.artifact_location), rest
    return None


def _plain(value: Any) -> str:
    """Return an identifier that a server gives; empty for one that could not be shown."""
    text = str(value or "")
    return text if is_safe(text) and "/" not in text else ""


def _chosen(
    source: "_Source",
    inside: str,
    folder: Path,
    reference: MlflowReference,
    shown: str,
    *,
    beside: bool,
) -> Choice:
    """Return which files are the model: what `MLmodel` says, or the only one there is."""
    if PurePosixPath(inside).suffix.lower() in SUFFIXES:
        around = str(PurePosixPath(inside).parent).removeprefix(".")
        names = source.names(around)
        return choose(names, inside, shown, lambda path: path, beside=beside)
    names = source.names(inside)
    described = f"{inside}/{mlmodel.NAME}".removeprefix("/")
    if described not in names:
        return choose(names, inside, shown, lambda path: path, beside=beside)
    source.download(Choice(described, mlmodel.NAME, {described: mlmodel.NAME}), folder)
    file = folder / BROUGHT / mlmodel.NAME
    place = mlmodel.place(file, shown)
    file.unlink()
    wanted = f"{inside}/{place.path}".removeprefix("/")
    names |= source.names(wanted)
    chosen = choose(names, wanted, shown, lambda path: path)
    own = {name.removeprefix(f"{inside}/") for name in names}
    place.check(chosen.path.removeprefix(f"{inside}/"), own, shown)
    if beside and chosen.path.lower().endswith(".onnx"):  # MLflow gives them names of their own
        around = str(PurePosixPath(chosen.path).parent).removeprefix(".")
        data = {n: PurePosixPath(n).name for n in names if n.lower().endswith(".data")}
        data = {n: o for n, o in data.items() if n == f"{around}/{o}".removeprefix("/")}
        chosen = Choice(chosen.path, chosen.name, {**chosen.files, **data})
    return chosen


class _Source:
    """A folder of artifacts that MLflow knows how to reach."""

    def __init__(self, place: str, uri: str, shown: str) -> None:
        """Reach it.

        Args:
            place: Where the server says that it is. Not to be trusted.
            uri: The server, or the store.
            shown: The reference, safe to show.

        Raises:
            InputError: It is not on the server that was asked.
        """
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        _check_place(place, uri, shown)
        self._repository = get_artifact_repository(place, tracking_uri=uri)
        self._shown = shown
        self._sizes: dict[str, int] = {}

    def names(self, path: str) -> set[str]:
        """Return the names of all files in a folder, with those of the folders in it.

        Raises:
            InputError: A name leads elsewhere, or there are more files or folders than may be.
        """
        found: set[str] = set()
        pending = [path]
        seen = 0
        while pending:
            at = pending.pop()
            for entry in self._repository.list_artifacts(at or None):
                name, seen = str(entry.path), seen + 1
                if not (is_safe(name) and name.startswith(f"{at}/" if at else "")):
                    check_names([f"../{name}"], self._shown)
                if seen > MOST_FILES or name.count("/") > _DEEPEST:
                    raise InputError(
                        f"{self._shown}: more than {MOST_FILES:,} files, or folders "
                        f"{_DEEPEST} deep; give the model's own path"
                    )
                if entry.is_dir:
                    pending.append(name)
                else:
                    found.add(name)
                    self._sizes[name] = int(entry.file_size or 0)
        return found

    def download(self, chosen: Choice, folder: Path, progress: Progress = lambda *_: None) -> None:
        """Download files into `folder/brought`, one after the other.

        Raises:
            InputError: One has not the size that the server says.
        """
        check_names(chosen.files, self._shown)
        total = sum(self._sizes[name] for name in chosen.files)
        check_size(total, self._shown)
        arriving = folder / "arriving"
        arriving.mkdir(exist_ok=True)
        with _telling(arriving, chosen.name, total, progress):
            for name, own in chosen.files.items():
                with largest_file(self._sizes[name]):
                    self._repository.download_artifacts(name, str(arriving))
                file = arriving / PurePosixPath(name)
                size = file.stat().st_size
                if size != self._sizes[name]:
                    raise InputError(
                        f"{self._shown}: {printable(name, 100)} has {size:,} bytes, and "
                        f"{self._sizes[name]:,} by what the server says"
                    )
                put(file, folder, own)


def _check_place(place: str, uri: str, shown: str) -> None:
    """Refuse a place of artifacts that is not on the server that was asked.

    A server could else have files of this machine copied, or the user's token sent elsewhere.

    Raises:
        InputError: It is elsewhere.
    """
    there, asked = urlsplit(place), urlsplit(uri)
    kind = there.scheme.lower()
    on_server = kind == "mlflow-artifacts" and there.netloc in ("", asked.netloc)
    on_server |= kind in _SERVERS and (there.scheme, there.netloc) == (asked.scheme, asked.netloc)
    if is_server(uri) and not on_server:
        where = printable(f"{kind or 'a path'}:" if not there.hostname else f"{kind}://…", 60)
        raise InputError(
            f"{shown}: its files are not kept by the MLflow server but at {where}; fetch them "
            "with 'mlflow artifacts download', and give the file"
        )
    if not is_server(uri) and kind not in _STORES:
        raise InputError(f"{shown}: its files are at {printable(kind, 40)}:, not in the store")


@contextmanager
def _telling(folder: Path, name: str, total: int, progress: Progress) -> Iterator[None]:
    """While open, tell now and then how much has come."""
    phase, over = f"downloading {name} (bytes)", threading.Event()

    def watch() -> None:
        while not over.wait(_EVERY):
            progress(phase, min(_bytes_in(folder), total), total)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    progress(phase, total, total)


def _bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
