"""A real certificate to render."""

import dataclasses

import pytest

from auditor.certificate import Certificate, certify
from auditor.data import open_source
from auditor.measure.audit import Options, audit
from auditor.models import load_classifier
from auditor.policy import Limits, judge
from auditor.results import AuditResult
from auditor.triggers.spec import load
from tests.conftest import Workshop


def certified(result: AuditResult, path: str = "models/poisoned.keras") -> Certificate:
    verdict = judge(result.measurement, Limits(), result.model.classes)
    certificate = certify(
        result,
        verdict,
        path=path,
        sha256="ab" * 32,
        size=12345,
        source="photos/",
        seed=0,
        command="bdaudit scan models/poisoned.keras --trigger square8 --data photos/",
        sandbox="none",
    )
    return dataclasses.replace(certificate, created="2026-01-02T03:04:05Z")


@pytest.fixture(scope="session")
def result(workshop: Workshop) -> AuditResult:
    return audit(
        load_classifier(workshop.poisoned),
        open_source(workshop.data),
        load(workshop.trigger),
        Options(target="0"),
    )


@pytest.fixture(scope="session")
def certificate(result: AuditResult) -> Certificate:
    return certified(result)


@pytest.fixture(scope="session")
def hostile(result: AuditResult) -> Certificate:
    """Every name that an attacker chooses is an attack."""
    names = (
        "<script>document.title='owned'</script>",
        '"><img src=x onerror="document.title=\'owned\'">',
        "\x1b[31m\u202ereversed{{ 7 * 7 }}",
    )
    evil = dataclasses.replace(
        result,
        data=dataclasses.replace(result.data, class_names=names),
        target=dataclasses.replace(result.target, name=names[0]),
        attention=dataclasses.replace(result.attention, layer="</code><script>1</script>"),
        evidence=dataclasses.replace(
            result.evidence,
            classes=tuple(
                dataclasses.replace(row, name=name)
                for row, name in zip(result.evidence.classes, names, strict=True)
            ),
        ),
    )
    return certified(evil, path='x" onload="document.title=1<b>.keras')
