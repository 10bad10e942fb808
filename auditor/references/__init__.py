"""Models named by a reference: on Hugging Face, in MLflow's registry, or in a run of MLflow.

Nothing here opens a model. `parse` reads what the user wrote; `fetch`, in a process that has the
network and never sees a model from within, brings the files.
"""

import re
from typing import Final

from auditor.errors import UsageError
from auditor.files.regular_file import exists
from auditor.references.base import Reference
from auditor.references.huggingface import HubReference
from auditor.references.mlflow import RegistryReference, RunReference
from auditor.text import printable

__all__ = ["HubReference", "Reference", "RegistryReference", "RunReference", "parse"]

KINDS: Final[tuple[type[Reference], ...]] = (HubReference, RegistryReference, RunReference)
"""Every kind of reference; their `FORM` is how they are written."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")
_NO_SLASH: Final = re.compile(r"(hf|models|runs):(?!/)")


def parse(text: str) -> Reference | None:
    """Return the reference that a text is; None for a path.

    Raises:
        UsageError: It looks like an address and is no reference that is known.
    """
    scheme = _SCHEME.match(text) or (None if exists(text) else _NO_SLASH.match(text))
    if scheme is None:
        return None
    for kind in KINDS:
        if kind.scheme == scheme[1].lower():
            return kind.parse(text)
    forms = ", ".join(kind.FORM for kind in KINDS)
    raise UsageError(
        f"{printable(text)}: {printable(scheme[1])}: is not fetched; give a file, a SavedModel "
        f"folder, or one of {forms}"
    )
