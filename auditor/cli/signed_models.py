"""The model files beside an attestation: hashed as an audit hashes them, and held against it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from auditor.audits import Audits
from auditor.certificate import Certificate
from auditor.cli import options
from auditor.errors import VerificationError
from auditor.signing.statement import Descriptor, files, judged
from auditor.supervisor import Guard, Supervisor
from auditor.text import printable


def models(more: str, option: Callable[..., options.Decorator] = click.option) -> options.Decorator:
    """The options that name model files.

    Args:
        more: What the command does with them.
        option: How an option is made: `options.option` for one that a policy may have.
    """
    return options.stack(
        option(
            "--model",
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="FILE",
            help=f"Model file, or SavedModel folder. {more} Repeatable.",
        ),
        options.external_data,
    )


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
        return workers.take(path, external_data=external_data).sha256
