"""Command lines that are wrong: exit 2, one line that says how to write it."""

import pytest

from tests.cli.conftest import Refuse, Shelf

SCAN = ["scan", "m.keras", "--trigger", "square8"]

WRONG: dict[str, tuple[list[object], list[str]]] = {
    "limit 0": ([*SCAN, "--limit", "0"], ["--limit", "0 is not in the range x>=1"]),
    "batch size 0": ([*SCAN, "--batch-size", "0"], ["--batch-size", "1<=x<=65536"]),
    "seed -1": ([*SCAN, "--seed", "-1"], ["--seed", "0<=x<=4294967295"]),
    "max asr nan": ([*SCAN, "--max-asr", "nan"], ["--max-asr", "from 0 to 1"]),
    "max asr 2": ([*SCAN, "--max-asr", "2"], ["--max-asr", "from 0 to 1"]),
    "max tar inf": ([*SCAN, "--max-tar", "inf"], ["--max-tar", "at least 0"]),
    "time limit 0": ([*SCAN, "--time-limit", "0"], ["--time-limit", "at least 0.01"]),
    "time limit nan": ([*SCAN, "--time-limit", "nan"], ["--time-limit", "at least 0.01"]),
    "memory limit 0": ([*SCAN, "--memory-limit", "0"], ["--memory-limit", "from 1 to"]),
    "sandbox": ([*SCAN, "--sandbox", "nonsense"], ["--sandbox", "'auto', 'required', 'off'"]),
    "format": ([*SCAN, "-f", "docx"], ["--format", "'html', 'pdf', 'json'"]),
    "no trigger": (["scan", "m.keras"], ["Missing option '--trigger'", "bdaudit scan --help"]),
    "no model": (["scan", "--trigger", "square8"], ["Missing argument 'MODEL'"]),
    "misspelt option": ([*SCAN, "--batchsize", "9"], ["--batchsize", "--batch-size"]),
    "two models": ([*SCAN, "a\n\u202eb.keras"], ["extra argument", r"a\n\u202eb.keras"]),
    "unknown command": (["scam"], ["'scam'", "bdaudit --help"]),
    "unknown subcommand": (["triggers", "shaw"], ["'shaw'", "bdaudit triggers --help"]),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong(kind: str, assert_refused: Refuse) -> None:
    args, words = WRONG[kind]
    assert_refused(2, *words, args=args)


def test_wrong_in_a_variable(assert_refused: Refuse) -> None:
    hostile = "\x1b[31m\u202e"
    assert_refused(2, "--sandbox", r"\x1b[31m\u202e", args=SCAN, BDAUDIT_SANDBOX=hostile)
    assert_refused(2, "--time-limit", r"\x1b[31m", args=SCAN, BDAUDIT_TIME_LIMIT=hostile)


@pytest.mark.parametrize("option", [["--input-range", "banana"], ["--object-region", "banana"]])
def test_a_misspelt_word_is_told_before_the_model_is_opened(
    option: list[object], assert_refused: Refuse, shelf: Shelf
) -> None:
    assert_refused(2, option[0], "banana", args=[*SCAN, "--data", shelf.data, *option])
