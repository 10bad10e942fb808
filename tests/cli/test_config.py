"""`bdaudit.toml`, `pyproject.toml`, `BDAUDIT_*`: which wins, and what is refused.

There is no model, so "no such model file" says that everything before it was accepted.
"""

import os
import random
from pathlib import Path

import pytest

from auditor.cli.config import defaults
from auditor.errors import UsageError
from tests.cli.conftest import Refuse

SCAN: list[object] = ["scan", "m.keras", "--trigger", "square8", "-q"]
ACCEPTED = "m.keras: no such model file"

LEVELS = {
    "bdaudit.toml": {"toml": "0.02"},
    "variable": {"toml": "-7", "variable": "0.2"},
    "flag": {"toml": "-7", "variable": "8", "flag": "0.2"},
}


@pytest.mark.parametrize("level", LEVELS)
def test_the_nearest_wins(level: str, assert_refused: Refuse, tmp_path: Path) -> None:
    """A value that is not allowed would be refused: it is not even looked at."""
    given = LEVELS[level]
    (tmp_path / "pyproject.toml").write_text("[tool.bdaudit]\nmax-asr = -6\n")
    (tmp_path / "bdaudit.toml").write_text(f"max-asr = {given['toml']}\n")
    flag = ["--max-asr", given["flag"]] if "flag" in given else []
    variables = {"BDAUDIT_MAX_ASR": given["variable"]} if "variable" in given else {}
    assert_refused(3, ACCEPTED, args=[*SCAN, *flag], **variables)


@pytest.mark.parametrize("farthest", ["pyproject.toml", "bdaudit.toml"])
def test_every_level_is_read(farthest: str, assert_refused: Refuse, tmp_path: Path) -> None:
    table = "[tool.bdaudit]\n" if farthest == "pyproject.toml" else ""
    (tmp_path / farthest).write_text(f"{table}max-asr = -6\n")
    assert_refused(2, "--max-asr", "'-6'", "from 0 to 1", args=SCAN)
    assert_refused(2, "--max-asr", "'7'", args=SCAN, BDAUDIT_MAX_ASR="7")
    assert_refused(2, "--max-asr", "'8'", args=[*SCAN, "--max-asr", "8"], BDAUDIT_MAX_ASR="7")


def test_the_trigger_can_be_configured(assert_refused: Refuse, tmp_path: Path) -> None:
    (tmp_path / "bdaudit.toml").write_text('trigger = "square8"\noutput = ["a.json", "b.pdf"]\n')
    assert_refused(3, ACCEPTED, args=["scan", "m.keras", "-q"])
    assert_refused(2, "no such trigger", args=["scan", "m.keras", "-q"], BDAUDIT_TRIGGER="nosuch")


def test_a_pyproject_without_our_table(assert_refused: Refuse, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert_refused(3, ACCEPTED, args=SCAN)


LONG = {
    "a key": "a." * 120_000 + "b = 1",
    "spaced": "a . " * 60_000 + "b = 1",
    "quoted": '"a\\"".' * 30_000 + "b = 1",
    "literal": "'a.b' ." * 30_000 + "b = 1",
    "a header": "\n[" + "a." * 120_000 + "b]",
    "inside": "x = [\n {" + "a." * 120_000 + "b = 1}]",
}
"""Keys that tomllib reads for minutes."""


@pytest.mark.parametrize("kind", LONG)
def test_a_key_of_many_parts_is_refused_at_once(
    kind: str, assert_refused: Refuse, tmp_path: Path
) -> None:
    (tmp_path / "bdaudit.toml").write_text(LONG[kind])
    line = LONG[kind][:10].count("\n") + 1
    assert_refused(2, "bdaudit.toml", f"line {line}: a key of more than 20 parts", args=SCAN)


def test_a_file_too_large_for_options_is_refused_at_once(
    assert_refused: Refuse, tmp_path: Path
) -> None:
    (tmp_path / "bdaudit.toml").write_text("#" * (256 << 10) + "\n")
    assert_refused(2, "bdaudit.toml", "at most 262144 are allowed", args=SCAN)


def test_what_only_looks_like_a_long_key_is_read(assert_refused: Refuse, tmp_path: Path) -> None:
    """As the versions, numbers and sentences of large projects do."""
    versions = ", ".join(f'"package-{n} >= 1.{n}.3.dev4"' for n in range(900))
    numbers = ", ".join(f"{n}.25" for n in range(900))
    words = "One word. " * 15 + "and … " * 900
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\ndependencies = [{versions}]\n[tool."a.b.c".d.e]\nx.y."z.z".v = [{numbers}]\n'
        f'# {words}\ntext = """\n{words}"""\n[tool.bdaudit]\nmax-asr = -6\n'
    )
    assert_refused(2, "--max-asr", "'-6'", args=SCAN)


WRONG = {
    "unknown key": ("max-asd = 1", ["'max-asd'", "max-asr"]),
    "underscore": ("max_asr = 1", ["'max_asr'", "max-asr"]),
    "broken": ("max-asr =", ["not readable as TOML"]),
    "out of range": ("limit = 0", ["--limit", "x>=1"]),
    "true for a number": ("max-asr = true", ["max-asr"]),
    "list for a number": ("max-asr = [0.1]", ["max-asr"]),
    "list for a text": ('data = ["a", "b"]', ["data"]),
    "numbers for files": ("output = [1]", ["output"]),
    "word for a switch": ('verbose = "perhaps"', ["--verbose", "perhaps"]),
    "table for a number": ("[max-asr]\na = 1", ["max-asr: expected one text or number"]),
    "nan": ("max-tar = nan", ["--max-tar", "at least 0"]),
    "sandbox": ('sandbox = "nonsense"', ["--sandbox", "'auto', 'required', 'off'"]),
    "controls in a key": (r'"\u001b[31m\u202e" = 1', [r"unknown key '\\x1b[31m\\u202e'"]),
    "nested": ("max-asr = " + "[" * 100_000, ["not readable as TOML", "recursion"]),
    "endless number": ("limit = " + "9" * 5000, ["not readable as TOML", "digits"]),
    "endless hexadecimal number": ("limit = 0x" + "f" * 5000, ["not readable as TOML", "digits"]),
    "large": ("#" * (2 << 20), ["bdaudit.toml: has 2097152 bytes"]),
    "not UTF-8": ("\udcff", ["not readable as TOML"]),
    "null in a name": (r'output = ["a\u0000.html"]', ["bdaudit.toml: output: holds a null"]),
    "null in a list": (r'trigger = "\u0000"', ["bdaudit.toml: trigger: holds a null"]),
    "null in a number": (r'max-tar = "\u00001"', ["bdaudit.toml: max-tar: holds a null"]),
    "date": ("seed = 2020-01-01", ["bdaudit.toml: seed: expected one text or number"]),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong(kind: str, assert_refused: Refuse, tmp_path: Path) -> None:
    text, words = WRONG[kind]
    (tmp_path / "bdaudit.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert_refused(2, *words, args=SCAN)


def test_a_file_that_is_none_is_not_passed_over(assert_refused: Refuse, tmp_path: Path) -> None:
    """Limits may be in it: to go on without them would be to judge by others."""
    path = tmp_path / "bdaudit.toml"
    os.mkfifo(path)
    assert_refused(2, "bdaudit.toml: is a special file, expected a file", args=SCAN)
    path.unlink()
    path.symlink_to(path.name)
    assert_refused(2, "bdaudit.toml: Too many levels of symbolic links", args=SCAN)
    path.unlink()
    path.mkdir()
    assert_refused(2, "bdaudit.toml: is a folder, expected a file", args=SCAN)


@pytest.mark.parametrize(
    "text", ["tool = 3", "[tool]\nbdaudit = 5", "[tool.bdaudit]\nnosuch = 1", "[tool"]
)
def test_wrong_pyproject(text: str, assert_refused: Refuse, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert_refused(2, "pyproject.toml", args=SCAN)


MUTATIONS = (
    *('"', "'", '"""', "[", "]", "{", "}", "=", ".", ",", "#", "\n", "\r", "\0", "\t", "\ufeff"),
    *("nan", "-inf", "0x", "1e999", "9" * 5000, "0b1", "1_0", "07", "1979-05-27", "07:32:00"),
    *("[policy]", "[[policy]]", "[max-asr]", "policy = 3", "{}", "[1]", '["a"]', "true", "a.b = 1"),
    *(r'"\u0000"', r'"\ud800"', r'"\UFFFFFFFF"', "[" * 200, "x" * 300, '"../a.html"', '"off"'),
)


@pytest.mark.parametrize("file", ["bdaudit.toml", "pyproject.toml"])
def test_mutated(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in it, it is taken or refused in one line."""
    monkeypatch.chdir(tmp_path)
    whole = 'trigger = "square8"\noutput = ["a.html", "b.json"]\nmax-asr = 0.05\nsandbox = "auto"\n'
    if file == "pyproject.toml":
        whole = f'[project]\nname = "x"\n[tool.bdaudit]\n{whole}'
    for seed in range(400):
        chance, text = random.Random(seed), whole
        for _ in range(chance.randint(1, 3)):
            at, cut = chance.randrange(len(text)), chance.choice((0, 0, 1, 5))
            text = text[:at] + chance.choice(MUTATIONS) + text[at + cut :]
        Path(file).write_text(text)
        for named in (None, Path(file)):
            try:
                defaults(named)
            except UsageError as error:
                assert str(error).startswith(file), (seed, error)
                assert str(error).isprintable(), (seed, error)
