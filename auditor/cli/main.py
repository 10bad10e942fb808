"""The command line: parse, one call into `runs`, write, exit.

Commands are imported when they are run, so that `bdaudit --help` answers at once.
"""

import io
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

import auditor
from auditor.cli import COMMANDS
from auditor.errors import AuditorError, UsageError, not_installed
from auditor.text import printable

INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Commands(click.Group):
    """A group that imports a command only when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"auditor.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 every limit held · 1 a limit was exceeded · 2 wrong command line · "
    "3 an input was refused or the work failed · 4 inconclusive · "
    "5 verification failed · 130 interrupted.",
)
@click.version_option(auditor.__version__, prog_name="bdaudit")
def cli() -> None:
    """Audit a suspected image classifier for a backdoor.

    bdaudit scan model.keras --trigger square4 --data photos/ -o certificate.html
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; never raises, never prints a traceback."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # None where the shell has closed it
    sys.stderr = sys.stderr or Path(os.devnull).open("w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show “ or →
    for name in _SIGNALS:
        if signal.getsignal(name) != signal.SIG_IGN:  # as under nohup
            signal.signal(name, _interrupt)
    try:
        code = cli.main(arguments, prog_name="bdaudit", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except AuditorError as error:
        return _complain(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return UsageError.exit_code
    except click.ClickException as error:
        return _complain(error.format_message(), UsageError.exit_code, _hint(error))
    except (KeyboardInterrupt, click.Abort):
        return _complain("interrupted; no partial file was left", INTERRUPTED)
    except (BrokenPipeError, SystemExit) as error:
        if isinstance(error, SystemExit) and error.code == 0:  # click's completion for shells
            return 0
        _forget(sys.stdout)  # so click and rich say that nobody reads any more
        return AuditorError.exit_code
    except ImportError as error:
        return _complain(not_installed(error), AuditorError.exit_code)
    except MemoryError:
        return _complain("not enough memory", AuditorError.exit_code)
    except OSError as error:  # files are handled where they are used: what is left is the output
        _forget(sys.stdout)
        return _complain(f"standard output: {error.strerror or error}", AuditorError.exit_code)
    except Exception as error:
        if "BDAUDIT_TRACEBACK" in os.environ:
            raise
        hint = "; this is a defect in bdaudit; set BDAUDIT_TRACEBACK=1 to see where"
        return _complain(f"{type(error).__name__}: {error}", AuditorError.exit_code, hint)


def _complain(message: str, code: int, hint: str = "") -> int:
    """Say what is wrong in one line, names in it made safe to show."""
    try:
        click.echo(f"bdaudit: {printable(message, 1000)}{hint}", err=True)
    except OSError:
        _forget(sys.stderr)
    return code


def _forget(stream: Any) -> None:
    """Let what is still buffered for a reader that has gone go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _hint(error: click.ClickException) -> str:
    context: Any = getattr(error, "ctx", None)
    return f" (see '{context.command_path} --help')" if context else ""


def _interrupt(*_: object) -> None:
    for name in _SIGNALS:  # cleaning up is not to be interrupted again
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt
