"""What is downloaded, by a process of its own that opens no model."""

import os
from pathlib import Path

from auditor.errors import InputError
from auditor.text import printable
from auditor.worker.tell import Job, Tell, progress

MEMORY_TO_DOWNLOAD = 2 << 30
"""Bytes: files are written as they come."""


def fetch(job: Job, folder: Path, tell: Tell) -> None:
    """Download one of the `keras.datasets`; no model is near."""
    from auditor.data.builtin import fetch as download
    from auditor.worker.exchange import write_result

    progress(tell)(f"downloading {job['data']}", 0, 0)
    write_result({"path": str(download(job["data"], folder))}, folder)


def download(job: Job, folder: Path, tell: Tell) -> None:
    """Download a model that is named by a reference; it is not opened."""
    from auditor.references import parse
    from auditor.references.fetch import bring, writes
    from auditor.worker.exchange import write_result
    from auditor.worker.sandbox import keep_download

    reference = parse(job["reference"])
    assert reference is not None
    os.chdir(job["here"])  # from where the user has named caches and stores
    progress(tell)(f"asking for {printable(job['reference'], 100)}", 0, 0)
    if (folders := writes(reference)) is not None:
        keep_download([folder, *folders], MEMORY_TO_DOWNLOAD)
    try:
        found = bring(reference, folder, beside=job["beside"], progress=progress(tell))
    except MemoryError:
        raise InputError(
            f"{printable(job['reference'])}: the server's answer does not end, or is far larger "
            "than such answers are"
        ) from None
    write_result(found, folder)
