"""The model files at hand: hashed as an audit hashes them, and held against it."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from auditor.errors import VerificationError
from auditor.files.intake import ModelCopy
from auditor.records.audits import Audits, certificates_of
from auditor.records.certificate import Certificate
from auditor.records.provenance import Subject
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
        Each file's sha256, as the audit has it.

    Raises:
        InputError: A file cannot be read.
        VerificationError: The audit is not about one of them.
    """
    return {path: _known_as(path, audited, external_data=external_data) for path in paths}


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


def _known_as(path: Path, audited: Certificate | Audits, *, external_data: bool) -> str:
    """Return the digest by which an audit knows a model."""
    with Supervisor(Guard()) as workers:
        model = workers.copy(path, external_data=external_data)
        folder = model.copy.is_dir()
    about = files(audited)
    if any(file.digest["sha256"] == model.sha256 for file in about):
        return model.sha256
    subject = certificates_of(audited)[0].subject
    if _known_to_version_0_1(model, subject, folder=folder):
        return subject.sha256
    beside = " (with numbers in files beside it: --allow-external-data)"
    raise VerificationError(
        f"{printable(str(path))}: another model: its sha256 is {model.sha256}"
        f"{beside if path.suffix == '.onnx' and not external_data else ''}, "
        f"the audit is about {named(about)}"
    )


def _known_to_version_0_1(model: ModelCopy, subject: Subject, *, folder: bool) -> bool:
    """Whether an audit by version 0.1 is about a model of several files.

    Its digests did not say what they were of, which the rest of the audit does. The size does for
    names: if another model's held newlines, and so seemed to be of more files, it had fewer bytes;
    as many where those are empty, so a folder that has one is `formerly` nothing.
    """
    same_kind = (subject.format == "savedmodel") == folder
    same_name = folder or PurePath(subject.path).name == model.path.name
    return (
        (subject.sha256, subject.bytes) == (model.formerly, model.bytes) and same_kind and same_name
    )
