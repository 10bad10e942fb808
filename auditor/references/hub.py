"""Bringing files from the Hugging Face hub, through its own cache.

The hub is not trusted: commits and names are checked before its library makes paths of them, what
comes is counted while it comes, and each file must have the digest that it is listed with.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import huggingface_hub
from huggingface_hub import constants, errors
from tqdm import tqdm

from auditor.errors import InputError
from auditor.references.base import Progress, check_names, check_size, put, said
from auditor.references.choice import choose
from auditor.references.huggingface import COMMIT, HubReference
from auditor.text import printable

_SECONDS: Final = 30.0
"""For a silent hub."""

_CHUNK: Final = 1 << 20
_DIGESTS: Final = {40: "sha1", 64: "sha256"}
_LOGIN: Final = "for a private one, run 'hf auth login' or set HF_TOKEN"


@dataclass(frozen=True)
class _Entry:
    """A file of a repository.

    Attributes:
        size: Bytes, by what the hub says; not to be trusted.
        digest: Git's, or the SHA-256 of a large file; empty where none is known.
    """

    size: int
    digest: str

    @classmethod
    def kept(cls, cached: Path) -> "_Entry":
        """Return what the cache says of a file of its own: the digest is what it is a link to."""
        return cls(cached.stat().st_size, cached.resolve().name)


def cache() -> Path:
    """Return the folder that the hub's files are kept in, which downloads write to."""
    return Path(constants.HF_HUB_CACHE).absolute()


def bring(
    reference: HubReference, folder: Path, *, beside: bool, progress: Progress
) -> dict[str, Any]:
    """Download a model; as `fetch.bring`."""
    huggingface_hub.set_client_factory(_client)
    shown = printable(reference.text)
    commit, entries, offline = _listed(reference, shown)
    chosen = choose(
        entries, reference.file, shown, lambda path: _written(reference, path), beside=beside
    )
    check_names(chosen.files, shown)
    total = sum(entries[name].size for name in chosen.files)
    check_size(total, shown)
    counted = _counting(total, chosen.name, shown, progress)
    known = True
    for name, own in chosen.files.items():
        cached = _downloaded(reference, commit, name, shown, counted, offline=offline)
        known &= _check_digest(cached, entries[name].digest, shown, name)
        put(cached, folder, own)
    return {
        "name": chosen.name,
        "pinned": reference.at(commit, chosen.path),
        "commit": commit,
        "unchecked": bool(offline) or not known,
        "offline": offline,
    }


def _written(reference: HubReference, path: str) -> str:
    return reference.at(reference.revision, path)


def _client() -> Any:
    """Return the library's client, with a look at what it is answered."""
    from huggingface_hub.utils._http import default_client_factory

    client = default_client_factory()
    client.event_hooks["response"].append(_check_answer)
    return client


def _check_answer(response: Any) -> None:
    """Refuse commits and digests that the library would make paths of outside its cache.

    Raises:
        InputError: One is not written as a commit, or as a digest.
    """
    if response.request.method != "HEAD":
        return
    commit = response.headers.get("X-Repo-Commit", "0" * 40)
    tags = (response.headers.get(key, "") for key in ("ETag", "X-Linked-ETag"))
    if not COMMIT.fullmatch(commit) or any(set(tag.lstrip("W/")) & set("/\\\0") for tag in tags):
        raise InputError(
            "the hub's answer is not one of a Hugging Face hub: its commit or digest holds what "
            "neither may; check HF_ENDPOINT"
        )


def _listed(reference: HubReference, shown: str) -> tuple[str, Mapping[str, _Entry], str]:
    """Return the commit, its files, and why that is by the cache, if so."""
    try:
        found = huggingface_hub.HfApi().model_info(
            reference.repository,
            revision=reference.revision or None,
            timeout=_SECONDS,
            files_metadata=True,
        )
    except errors.GatedRepoError:
        raise InputError(
            f"{shown}: its owner gives access on request: ask for it on the model's page, then "
            "run 'hf auth login' or set HF_TOKEN"
        ) from None
    except errors.RevisionNotFoundError:
        raise InputError(
            f"{shown}: the repository has no revision {printable(reference.revision, 80)!r}"
        ) from None
    except (errors.RepositoryNotFoundError, errors.DisabledRepoError):
        raise InputError(f"{shown}: no such repository; {_LOGIN}") from None
    except InputError:
        raise
    except Exception as error:  # of the network, in whichever library's words
        return _in_cache(reference, shown, error)
    commit = str(found.sha)
    if not COMMIT.fullmatch(commit) or not (reference.moves or commit == reference.revision):
        raise InputError(
            f"{shown}: the hub answers with another commit, {printable(commit, 60)}; nothing was "
            "downloaded"
        )
    return commit, {str(s.rfilename): _entry(s) for s in found.siblings or []}, ""


def _entry(sibling: Any) -> _Entry:
    digest = sibling.lfs.sha256 if sibling.lfs else sibling.blob_id
    return _Entry(int(sibling.size or 0), str(digest or ""))


def _in_cache(
    reference: HubReference, shown: str, error: Exception
) -> tuple[str, Mapping[str, _Entry], str]:
    """Return what of a repository is in the cache, where the hub cannot be asked.

    Raises:
        InputError: Nothing is, of that revision.
    """
    why = f"the hub could not be asked ({said(error)})"
    if isinstance(error, errors.OfflineModeIsEnabled):
        why = "HF_HUB_OFFLINE is set"
    try:
        snapshot = huggingface_hub.snapshot_download(
            reference.repository, revision=reference.revision or None, local_files_only=True
        )
    except Exception:
        what = "which commit that is, is not known" if reference.moves else "it is not"
        raise InputError(
            f"{shown}: {why}, and the cache has no such revision: {what} there; go online, or "
            f"name a commit that is in the cache: {_commits(reference)}"
        ) from None
    root = Path(snapshot)
    files = {str(p.relative_to(root)): p for p in root.rglob("*") if p.is_file()}
    return root.name, {name: _Entry.kept(path) for name, path in files.items()}, why


def _commits(reference: HubReference) -> str:
    """Return the commits of a repository that are in the cache, for a message."""
    kept = cache() / f"models--{reference.owner}--{reference.name}" / "snapshots"
    names = sorted(path.name for path in kept.glob("*") if COMMIT.fullmatch(path.name))
    return ", ".join(names[:5]) or "there is none"


def _downloaded(
    reference: HubReference,
    commit: str,
    name: str,
    shown: str,
    counted: type[Any],
    *,
    offline: str,
) -> Path:
    """Return a file's place in the cache.

    Raises:
        InputError: It cannot be downloaded, or is of another commit.
    """
    try:
        path = huggingface_hub.hf_hub_download(
            reference.repository,
            name,
            revision=commit,
            etag_timeout=_SECONDS,
            tqdm_class=counted,
            local_files_only=bool(offline),
        )
    except InputError as error:
        raise InputError(f"{shown}: {error}") from None
    except Exception as error:
        raise InputError(
            f"{shown}: {printable(name, 100)} could not be downloaded: {said(error)}"
        ) from None
    if Path(path).relative_to(cache()).parts[1:3] != ("snapshots", commit):
        raise InputError(f"{shown}: the hub gave {printable(name, 100)} of another commit")
    return Path(path)


def _check_digest(cached: Path, wanted: str, shown: str, name: str) -> bool:
    """Refuse a file that has not its digest: Git's, or that of a large one.

    Returns:
        Whether there is one.

    Raises:
        InputError: It is not.
    """
    blob = cached.resolve(strict=True)
    kind = _DIGESTS.get(len(wanted))
    if kind is None or set(wanted) - set("0123456789abcdef"):
        return False  # where links cannot be made, caches keep files by their names
    digest = hashlib.new(kind, usedforsecurity=False)
    if kind == "sha1":
        digest.update(b"blob %d\0" % blob.stat().st_size)
    with blob.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != wanted:
        raise InputError(
            f"{shown}: {printable(name, 100)} in the cache is not what the hub has: remove {blob} "
            "and run again"
        )
    return True


def _counting(total: int, name: str, shown: str, progress: Progress) -> type[Any]:
    """Return a progress bar for the library that tells `progress`, and stops what does not end."""
    phase, done = f"downloading {name} (bytes)", 0

    class Counted(tqdm):  # type: ignore[misc]
        """Counts the bytes of all files together."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            """Count what has come.

            Raises:
                InputError: It is more than the files have.
            """
            nonlocal done
            done += int(n or 0)
            if done > total:
                raise InputError(f"more comes than the {total:,} bytes that the hub speaks of")
            progress(phase, done, total)

    return Counted
