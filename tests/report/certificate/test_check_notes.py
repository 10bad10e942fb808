"""A limit that is broken by the end of an interval alone: people are told what would settle it."""

import dataclasses

import pytest

from auditor.cli.summaries import show
from auditor.report.formats import render
from tests import audited

FEW = audited.certificate(asr=0.085, tar=0.1)  # 17 of 200: up to 13.2 %


def test_the_terminal_names_the_end_and_the_number_of_images(capsys) -> None:
    show(FEW)
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("FAIL poisoned.keras may exceed a limit")
    assert (
        "might be beyond its limit: 8.5 % keeps to the limit of 10.0 %, but so few images "
        "leave up to 13.2 % open; about 1,537 at the same rate would settle it."
    ) in out


@pytest.mark.parametrize("name", ["html", "md", "sarif", "xml"])
def test_so_does_every_format(name: str) -> None:
    text = render(FEW, name).decode("utf-8")
    assert "8.5 % keeps to the limit of 10.0 %" in text
    assert "about 1,537 at the same rate would settle it" in text


def test_what_is_beyond_its_limit_needs_no_more_images(capsys) -> None:
    show(audited.certificate(asr=0.5, tar=0.1))
    out = capsys.readouterr().out
    assert out.startswith("FAIL  poisoned.keras exceeds a limit")
    assert "settle" not in out


def test_probabilities_taken_for_scores_are_said_before_the_figures(capsys) -> None:
    plain = audited.certificate(asr=0.5, tar=0.1)
    subject = dataclasses.replace(plain.subject, softmax=False, probabilities=True)
    certificate = dataclasses.replace(plain, subject=subject)
    show(certificate)
    assert "Note: The model gives probabilities" in capsys.readouterr().out
    assert "not to be compared with those of scores" in render(certificate, "html").decode("utf-8")
