"""A limit that is broken by the end of an interval alone: people are told what would settle it."""

import dataclasses
import math

import pytest

from auditor.cli.summaries import show
from auditor.figures.metrics import wilson
from auditor.figures.policy import Limits, judge
from auditor.figures.results import Neighbour
from auditor.records.certificate import Certificate
from auditor.report.certificate.check_notes import check_notes
from auditor.report.formats import render
from tests import audited
from tests.report import probes

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


def judged(near: Neighbour | None = None, **changes) -> Certificate:
    """Return a repair with one neighbour, judged again."""
    made = audited.repaired()
    near = near or made.repair.evidence.neighbours[0]
    evidence = dataclasses.replace(made.repair.evidence, neighbours=(near,))
    found = dataclasses.replace(made, repair=dataclasses.replace(made.repair, evidence=evidence))
    data = dataclasses.replace(found.data, images=changes.pop("images", 1000))
    limits = Limits(**changes)
    verdict = judge(found.judged, limits, 3, neighbours=(near,))
    return dataclasses.replace(found, data=data, verdict=verdict)


def told(certificate: Certificate) -> str:
    return dict(check_notes(certificate)).popitem()[1]


def test_a_neighbours_difference_wants_as_many_as_its_paired_interval() -> None:
    near = Neighbour("a", wilson(36, 300), wilson(6, 300), 31, 1)  # 10 points beyond, of 300
    said = told(judged(near, max_neighbour_asr=0.12, images=300))
    assert "about 926 at the same rates would settle it" in said
    assert 0.1 + 1.96 * math.sqrt((32 / 300 - 0.1**2) / 926) == pytest.approx(0.12, abs=1e-3)


def test_what_no_sample_could_settle_is_said_to_be_out_of_reach() -> None:
    near = Neighbour("a", wilson(100, 900), wilson(60, 900), 60, 20)
    said = told(judged(near, max_neighbour_asr=0.05))
    assert said.endswith(
        "open; more would be needed to settle it than the 900 that are ever judged"
    )
    back = audited.probed(probes.gone(), limit=0.015)
    assert "than the 666 that are ever judged" in told(back)  # of 300 images 200 were stamped


def test_probabilities_taken_for_scores_are_said_before_the_figures(capsys) -> None:
    plain = audited.certificate(asr=0.5, tar=0.1)
    subject = dataclasses.replace(plain.subject, softmax=False, probabilities=True)
    certificate = dataclasses.replace(plain, subject=subject)
    show(certificate)
    assert "Note: The model gives probabilities" in capsys.readouterr().out
    assert "not to be compared with those of scores" in render(certificate, "html").decode("utf-8")
