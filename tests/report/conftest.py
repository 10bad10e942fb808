"""Real certificates to render, and a browser to look at them."""

import dataclasses

import pytest

from auditor.data import open_source
from auditor.figures.policy import Limits, judge
from auditor.figures.results import AuditResult
from auditor.measure.audit import audit, audit_all
from auditor.measure.options import Options
from auditor.models import load_classifier
from auditor.records.audits import Audits, joined
from auditor.records.certificate import Certificate, certify
from auditor.records.comparison import Comparison
from auditor.records.provenance import Provenance
from auditor.triggers.spec import load, load_each
from tests.conftest import Workshop
from tests.report import comparisons, repairs
from tests.report.browser import CHROMIUM, DRIVER


def certified(result: AuditResult, path: str = "models/poisoned.keras") -> Certificate:
    verdict = judge(result.measurement, Limits(), result.model.classes)
    certificate = certify(
        result,
        verdict,
        Provenance(
            path=path,
            sha256="ab" * 32,
            bytes=12345,
            source="photos/",
            seed=0,
            command="bdaudit scan models/poisoned.keras --trigger square8 --data photos/",
            sandbox="none",
        ),
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
def audits(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Audits:
    """Four triggers: one fails, two of these cover the whole image, the last leads by a rule."""
    rule = tmp_path_factory.mktemp("triggers") / "rule.json"
    rule.write_text(
        '{"version": 1, "triggers": [{"id": "a2a", "use": "lsb", "target": {"all_to_all": 1}}]}'
    )
    found = audit_all(
        load_classifier(workshop.poisoned),
        open_source(workshop.data),
        load_each([workshop.trigger, "lsb", "sig", str(rule)]),
    )
    return joined([certified(result) for result in found.audits])


@pytest.fixture(scope="session")
def hostile_audits(hostile: Certificate) -> Audits:
    """The triggers' own names attack too, and are all the same."""
    evil = "\x1b[31m<script>document.title='owned'</script>\" onload='1' \u202e{{ 7 * 7 }}"
    trigger = dataclasses.replace(hostile.trigger, id=evil, summary=evil)
    return joined([dataclasses.replace(hostile, trigger=trigger), hostile])


@pytest.fixture(scope="session")
def after(workshop: Workshop, result: AuditResult) -> AuditResult:
    """The clean model's audit, which stands for the repaired one's."""
    return audit(
        load_classifier(workshop.clean),
        open_source(workshop.data),
        load(workshop.trigger),
        Options(target="0", shown=result.shown),
    )


@pytest.fixture(scope="session")
def repaired(certificate: Certificate, result: AuditResult, after: AuditResult) -> Certificate:
    return repairs.repaired(certificate, result, after)


@pytest.fixture(scope="session")
def helpless(certificate: Certificate, result: AuditResult, after: AuditResult) -> Certificate:
    return repairs.helpless(certificate, result, after)


@pytest.fixture(scope="session")
def comparison(
    certificate: Certificate, repaired: Certificate, helpless: Certificate
) -> Comparison:
    return comparisons.comparison(certificate, repaired, helpless)


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


@pytest.fixture(scope="session")
def hostile_repair(hostile: Certificate, result: AuditResult, after: AuditResult) -> Certificate:
    """Every name that a repair adds is an attack as well."""
    evil = "\x1b[31m<script>document.title='owned'</script>\u202e"
    found = repairs.repaired(hostile, result, after, reason=evil, notes=(evil,), method=evil)
    repair = found.repair
    return dataclasses.replace(
        found,
        repair=dataclasses.replace(
            repair,
            parameters={evil: evil},
            output=dataclasses.replace(repair.output, path=f'{evil}" onload="1.keras'),
            data=dataclasses.replace(repair.data, source=evil),
            watched=dataclasses.replace(repair.watched, names=(evil,) * 5),
            neighbours=tuple(dataclasses.replace(n, name=evil) for n in repair.neighbours),
        ),
    )


@pytest.fixture(scope="session")
def browser():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-sync", "disable-quic",
        "disable-background-networking", "disable-component-update", "hide-scrollbars",
    ):  # fmt: skip
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()
