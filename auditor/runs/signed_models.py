"""The model files at hand: hashed as an audit hashes them, and held against it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from auditor.errors import VerificationError
from auditor.records.audits import Audits
from auditor.records.certificate import Certificate
from auditor.records.statement import Descriptor, files, judged
from auditor.text import printable
from auditor.worker.supervisor import Guard, Supervisor


def check(
    paths: Sequence[Path], audited: Certificate | Audits, *, external_data: bool
) -> dict[Path, str]:
    """Hash model files and see that the audit is about each of them.

    Args:
        paths: The files.
        audited: The audit.
        external_data: Whether an ONNX file's numbers may be in files beside it.

    Returns:
        Each file's sha256.

    Raises:
        InputError: A file cannot be read.
        VerificationError: The audit is not about one of them.
    """
    about = files(audited)
    digests = {path: _digest(path, external_data=external_data) for path in paths}
    for path, sha256 in digests.items():
        if not any(file.digest["sha256"] == sha256 for file in about):
            beside = " (with numbers in files beside it: --allow-external-data)"
            raise VerificationError(
                f"{printable(str(path))}: another model: its sha256 is {sha256}"
                f"{beside if path.suffix == '.onnx' and not external_data else ''}, "
                f"the audit is about {named(about)}"
            )
    return digests


def check_judged(digests: Mapping[Path, str], audited: Certificate | Audits) -> None:
    """See that the verdict is about one of the models at hand, not only about what became of it.

    Args:
        digests: Each file and its sha256.
        audited: The audit.

    Raises:
        VerificationError: It is about none of them.
    """
    about = judged(audited)
    if not any(file.digest["sha256"] in digests.values() for file in about):
        shown = ", ".join(printable(str(path)) for path in digests)
        raise VerificationError(
            f"{shown}: the model as it came, before the repair; the verdict is about {named(about)}"
        )


def named(found: Sequence[Descriptor]) -> str:
    """Return files with their digests, in a phrase."""
    return " and ".join(f"{printable(f.name)} ({f.digest['sha256']})" for f in found)


def _digest(path: Path, *, external_data: bool) -> str:
    with Supervisor(Guard()) as workers:
        return workers.copy(path, external_data=external_data).sha256
