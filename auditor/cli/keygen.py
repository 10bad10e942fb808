"""`bdaudit keygen`: a key that signs audits, and the other half that checks them."""

from pathlib import Path

import click

from auditor.cli import outputs
from auditor.cli.flags import common
from auditor.signing import keys
from auditor.text import printable


@click.command()
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="PREFIX",
    help="Write PREFIX, the private key, and PREFIX.pub, the public one.",
)
@click.option(
    "--type",
    "kind",
    type=click.Choice(list(keys.KINDS)),
    default="ed25519",
    show_default=True,
    help="Ed25519, or ECDSA on the curve P-256 with SHA-256.",
)
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Encrypt the private key with the password in FILE. Default: not encrypted, and "
    "readable by its owner only.",
)
@common.force
def command(output: Path, kind: str, password_file: Path | None, force: bool) -> None:
    """Make a pair of keys: one to sign audits with, one to give to those who check them.

    Both are PEM files, as OpenSSL, cosign and key stores read them.
    """
    public = Path(f"{output}.pub")
    inputs = [password_file] if password_file else []
    outputs.check_outputs([output, public], [], inputs, force=force)
    password = keys.password_in(password_file) if password_file else None
    key = keys.KINDS[kind]()
    outputs.write(
        {
            output: keys.private_pem(key, password),
            public: keys.public_pem(key.public_key()),
        },
        private=[output],
    )
    click.echo(f"{printable(str(output))}: private key, {kind}: keep it to yourself")
    click.echo(f"{printable(str(public))}: public key, for those who check")
    click.echo(f"key id {keys.key_id(key)}")
