"""Help: for every command, at once, and without the heavy libraries."""

import subprocess
import sys

import pytest

import auditor
from auditor.cli import COMMANDS
from tests.conftest import ROOT, bdaudit


@pytest.mark.parametrize(
    "command", [*([name] for name in COMMANDS), ["triggers", "list"], ["triggers", "show"]]
)
def test_of_a_command(command: list[str]) -> None:
    ran = bdaudit(*command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: bdaudit {' '.join(command)} ")


def test_names_every_command_and_exit_code() -> None:
    ran = bdaudit("--help")
    assert (ran.code, ran.err) == (0, "")
    for name, what in COMMANDS.items():
        assert f"  {name} " in ran.out
        assert what in ran.out
    for code in (
        "0 every limit held",
        "4 inconclusive",
        "5 verification failed",
        "130 interrupted",
    ):
        assert code in " ".join(ran.out.split())


def test_without_a_command() -> None:
    """As in other tools: the help, unprefixed, and exit 2."""
    ran = bdaudit()
    assert ran.code == 2
    assert "Usage: bdaudit " in ran.err + ran.out
    assert "bdaudit: Usage" not in ran.err
    assert not ran.err.rstrip().endswith("(see 'bdaudit --help')")


def test_version() -> None:
    ran = bdaudit("--version")
    assert (ran.code, ran.err) == (0, "")
    assert auditor.__version__ in ran.out


def test_imports_nothing_heavy() -> None:
    code = (
        "import sys; from auditor.cli.main import main; code = main(['--help']); "
        "print(code, sorted({'tensorflow', 'keras', 'numpy', 'cv2', 'rich'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "0 []"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_for_shells(shell: str) -> None:
    script = bdaudit(_BDAUDIT_COMPLETE=f"{shell}_source")
    assert (script.code, script.err) == (0, "")
    assert f"_BDAUDIT_COMPLETE={shell}_complete" in script.out
    assert f"_BDAUDIT_COMPLETE={shell}_source bdaudit" in (ROOT / "README.md").read_text("utf-8")


def test_the_shell_completes_commands_flags_and_choices() -> None:
    def completed(words: str, at: int) -> set[str]:
        ran = bdaudit(_BDAUDIT_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(at))
        assert ran.code == 0
        return {line.partition(",")[2] for line in ran.out.splitlines()}

    assert completed("bdaudit sc", 1) == {"scan"}
    assert completed("bdaudit scan m.keras --max-t", 3) == {"--max-tar"}
    assert "unlearn" in completed("bdaudit repair m.keras --method ", 4)
