"""Bringing what a reference names, in a process that has the network and opens no model."""

from pathlib import Path
from typing import Any

from auditor.references.address import check_address
from auditor.references.base import Progress, Reference
from auditor.references.huggingface import HubReference
from auditor.references.mlflow import MlflowReference


def writes(reference: Reference) -> tuple[Path, ...] | None:
    """Return the folders that a download writes in besides its scratch folder.

    Returns:
        None where nobody else is asked, and the download need not be kept to folders: a store of
        the user's own, which SQLite writes beside.

    Raises:
        UsageError: It is not said whom to ask, or not in a way that can be read.
    """
    check_address(reference.ADDRESS)
    if isinstance(reference, HubReference):
        from auditor.references.hub import cache

        cache().mkdir(parents=True, exist_ok=True)
        return (cache(),)
    from auditor.references.registry import is_server, tracking_uri

    return () if is_server(tracking_uri()) else None


def bring(
    reference: Reference, folder: Path, *, beside: bool, progress: Progress
) -> dict[str, Any]:
    """Download a model into `folder/brought`.

    Args:
        reference: What names it.
        folder: The process' scratch folder.
        beside: Whether files that an ONNX file has its numbers in come along.
        progress: Told how many bytes of how many there are.

    Returns:
        `name` in that folder, the fields of `Origin` but for the reference, and `offline`: why
        the hub was not asked, where it was not.

    Raises:
        InputError: It cannot be brought.
        UsageError: It is not said whom to ask.
    """
    if isinstance(reference, HubReference):
        from auditor.references import hub

        return hub.bring(reference, folder, beside=beside, progress=progress)
    assert isinstance(reference, MlflowReference)
    from auditor.references import registry

    return registry.bring(reference, folder, beside=beside, progress=progress)
