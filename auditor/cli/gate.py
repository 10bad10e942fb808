"""`bdaudit gate`: judge a finished audit again, by the limits and demands of a policy."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.audits import certificates_of
from auditor.cli import audit_file, options, repair_flags, signed_models
from auditor.cli.audit_file import Found
from auditor.cli.scan import EXIT
from auditor.cli.summary import COLOURS
from auditor.document import dumped
from auditor.errors import UsageError, VerificationError
from auditor.gate import Policy, gated
from auditor.report.words import TITLES, VERDICTS, number, percent, points
from auditor.text import printable
from auditor.verdict import Check, Verdict

_WIDTH = 100  # off a terminal
_HELD = {True: ("held", "green"), False: ("not held", "red"), None: ("not judged", "yellow")}
_TITLES = {
    "neighbour_asr": "Strongest neighbour's ASR",
    "images": "Images",
    "age": "Age in days",
    "sandboxed": "Opened in the whole sandbox",
    "repaired": "Of a repaired model",
    "model": "About the model at hand",
    "signed": "Signed by a trusted key",
}
_YES_OR_NO = ("sandboxed", "repaired", "model", "signed")
_SHOWN: dict[str, Callable[[float], str]] = {
    "tar": number,
    "accuracy_drop": points,
    "images": "{:,.0f}".format,
    "age": "{:.1f}".format,
}
"""How a figure is shown where it is no percentage."""


@click.command(
    epilog="Exit codes: 0 all of it holds · 1 something is exceeded or lacking · 2 wrong command "
    "line · 3 the audit was refused · 4 something could not be judged."
)
@click.argument("audit", type=click.Path(path_type=Path))
@options.limits
@repair_flags.max_accuracy_drop()
@options.option(
    "--max-neighbour-asr",
    type=options.Number(0, 1),
    metavar="FRACTION",
    help="Highest attack success rate of any of the trigger's neighbours after a repair; its upper "
    "bound is judged. Default: no limit.",
)
@options.option(
    "--min-images",
    type=click.IntRange(1),
    metavar="N",
    help="Fewest images that the audit was made with. Default: any number.",
)
@options.option(
    "--max-age",
    type=options.Number(0, 100_000),
    metavar="DAYS",
    help="Oldest that the audit may be. Default: any age.",
)
@options.option(
    "--require-sandbox",
    "sandboxed",
    is_flag=True,
    help="The model must have been opened in the whole sandbox.",
)
@options.option(
    "--require-repaired",
    "repaired",
    is_flag=True,
    help="The audit must be of a repaired model.",
)
@signed_models.models("The audit's verdict must be about it.", options.option)
@options.option(
    "--signed-by",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PUB",
    help="Public key that the audit must be signed by. Repeatable: one of them.",
)
@options.option(
    "--attestation",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What 'bdaudit sign' wrote of it, for --signed-by.",
)
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["json"]),
    help="Write JSON instead of the table.",
)
@click.option("-q", "--quiet", is_flag=True, help="No table.")
def command(
    audit: Path,
    model: tuple[Path, ...],
    allow_external_data: bool,
    signed_by: tuple[Path, ...],
    attestation: Path | None,
    exit_zero: bool,
    format_: str | None,
    quiet: bool,
    **flags: Any,
) -> int:
    """Judge AUDIT, an audit.json or a certificate in PDF, again; nothing is measured.

    Limits and demands come from the flags, or from the table [policy] of bdaudit.toml, whose keys
    are the flags without their dashes.
    """
    policy = Policy(**flags)
    if signed_by and attestation is None:
        raise UsageError("--signed-by needs --attestation FILE, which 'bdaudit sign' wrote")
    found = audit_file.read(audit)
    about = [_about(path, found, external_data=allow_external_data) for path in model]
    signed = [_signed(found, signed_by, attestation)] if attestation and signed_by else []
    certificates, now = certificates_of(found.audited), datetime.now(UTC)
    verdicts = [gated(c, policy, now) for c in certificates]
    verdicts[0] = Verdict.of((*verdicts[0].checks, *about, *signed))
    status = _worst(verdicts)
    names = [c.trigger.id for c in certificates]
    if format_:
        judged = [{"trigger": n, **asdict(v)} for n, v in zip(names, verdicts, strict=True)]
        click.echo(json.dumps({"status": status, "policy": asdict(policy), "audits": judged}))
    elif not quiet:
        _show(audit, status, dict(zip(names, verdicts, strict=True)))
    return 0 if exit_zero else EXIT[status]


def _about(path: Path, found: Found, *, external_data: bool) -> Check:
    """Say whether the verdict is about a model file at hand."""
    try:
        digests = signed_models.check([path], found.audited, external_data=external_data)
        signed_models.check_judged(digests, found.audited)
    except VerificationError as error:
        return Check("model", 1, 0, 0, False, reason=str(error))
    return Check("model", 1, 1, 1, True)


def _signed(found: Found, pinned: tuple[Path, ...], attestation: Path) -> Check:
    """Say whether a pinned key has signed the very audit."""
    from auditor.signing import bundle, keys  # late: all commands import this one, few sign

    trusted = [keys.pinned(path) for path in pinned]
    content = audit_file.read_bytes(attestation, bundle.MOST_BYTES)
    try:
        verified = bundle.verify(content, trusted)
    except VerificationError as error:
        return Check("signed", 1, 0, 0, False, reason=str(error))
    reason, beside = "", verified.certificates.values()
    if dumped(verified.document) != dumped(found.document):
        reason = f"{printable(str(attestation))} is of another audit"
    elif found.pdf and beside and found.pdf not in beside:
        reason = "the certificate is none of those that were signed along"
    held = not reason
    return Check("signed", 1, float(held), float(held), held, reason=reason)


def _worst(verdicts: list[Verdict]) -> str:
    statuses = {verdict.status for verdict in verdicts}
    return next(s for s in ("fail", "inconclusive", "pass") if s in statuses)


def _show(audit: Path, status: str, verdicts: dict[str, Verdict]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    said = f"{VERDICTS[status].upper()}  {printable(str(audit))}"
    console.print(Text(said, style=COLOURS[status]))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("trigger", "check", "limit", "value", "bound", ""):
        table.add_column(column, overflow="fold")
    for trigger, verdict in verdicts.items():
        for check in verdict.checks:
            held, style = _HELD[check.ok]
            cells = (printable(trigger, 40), *_cells(check))
            table.add_row(*map(Text, cells), Text(held, style=style))
    console.print(table)
    for verdict in verdicts.values():
        for check in verdict.checks:
            if check.reason:
                console.print(Text(f"{_title(check)}: {printable(check.reason)}."))


def _cells(check: Check) -> tuple[str, str, str, str]:
    """Return what was judged, its limit, its value and the bound that was held against it."""
    if check.metric in _YES_OR_NO:
        return _title(check), "required", "yes" if check.value else "no", ""
    shown = _SHOWN.get(check.metric, percent)
    least = "≥" if check.metric in ("clean_accuracy", "images") else "≤"
    value, bound = ("–" if v is None else shown(v) for v in (check.value, check.bound))
    return _title(check), f"{least} {shown(check.limit)}", value, bound


def _title(check: Check) -> str:
    return TITLES.get(check.metric) or _TITLES[check.metric]
