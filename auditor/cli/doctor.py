"""`bdaudit doctor`: what this machine can do, and the command that mends each lack."""

import click

from auditor.runs.doctor.machine import examine


@click.command()
def command() -> int:
    """Say what this machine can do: Python, images, PDF, sandbox, backends, GPU, extras.

    Every backend that is installed computes something inside the sandbox, on the GPU where there is
    one; where that fails, the walls are tried one by one, and the one in the way is named.

    Exits 0 when scans, repairs and every certificate format work, 3 otherwise.
    """
    signs, lacking = {True: "ok  ", False: "LACK", None: "--  "}, False
    for finding in examine(_notify):
        click.echo(f"{signs[finding.ok]}  {finding.name:12} {finding.text}")
        if finding.mend:
            click.echo(f"      {'':12} mend with: {finding.mend}")
        lacking |= finding.ok is False
    return 3 if lacking else 0


def _notify(line: str) -> None:
    click.echo(line, err=True)
