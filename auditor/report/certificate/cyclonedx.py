"""CycloneDX 1.7 (ECMA-424): a bill of materials of the model, its figures in the model card.

A repaired model has the model as it came as its ancestor, with figures of its own.
"""

import hashlib
import json
import uuid
from typing import Any, Final

from auditor.figures.results import Measurement
from auditor.records.audits import Audits, certificates_of
from auditor.records.canonical import canonical
from auditor.records.certificate import Certificate, Output
from auditor.records.diff import FIGURES
from auditor.records.provenance import Subject
from auditor.report.certificate.checks import told
from auditor.report.certificate.finding import limits_of_audit
from auditor.report.certificate.joint import joint_limits
from auditor.report.words import TITLES, choices, middle, model_name, original_name
from auditor.text import printable

SCHEMA: Final = "http://cyclonedx.org/schema/bom-1.7.schema.json"


def render(audited: Certificate | Audits) -> bytes:
    """Return the bill of materials; the same audit gives the same one, serial number included."""
    first = certificates_of(audited)[0]
    digest = hashlib.sha256(canonical(audited)).digest()
    bill = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": uuid.UUID(bytes=digest[:16], version=4).urn,
        "version": 1,
        "metadata": {
            "timestamp": first.created,
            "tools": {
                "components": [
                    {
                        "type": "application",
                        "name": printable(first.tool.name),
                        "version": printable(first.tool.version),
                    }
                ]
            },
        },
        "components": [_model(audited, first), _data(first)],
    }
    return json.dumps(bill, indent=2, allow_nan=False).encode("ascii") + b"\n"


def _model(audited: Certificate | Audits, first: Certificate) -> dict[str, Any]:
    """Return the model that the verdict is about."""
    output = first.handed_back
    component = _component(model_name(first), first.file, first)
    component["modelCard"] = _card(first, _metrics(audited, after=output is not None)) | {
        "considerations": {
            "technicalLimitations": [
                printable(sentence, 2000)
                for sentence in (
                    joint_limits(audited)
                    if isinstance(audited, Audits)
                    else limits_of_audit(audited)
                )
            ]
        }
    }
    component["properties"] = _properties(audited)
    if output:
        came = _component(original_name(first), first.subject, first)
        came["modelCard"] = _card(first, _metrics(audited, after=False))
        component["pedigree"] = {"ancestors": [came]}
    return component


def _component(name: str, file: Subject | Output, first: Certificate) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:sha256:{file.sha256}",
        "name": name,
        "version": f"sha256:{file.sha256[:12]}",
        "description": f"Image classifier of {first.subject.classes:,} classes",
        "hashes": [{"alg": "SHA-256", "content": file.sha256}],
    }


def _card(first: Certificate, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    shape = "×".join(map(str, first.subject.input_shape))
    return {
        "modelParameters": {
            "task": "image-classification",
            "datasets": [{"ref": _data_ref(first)}],
            "inputs": [{"format": f"image, {shape}"}],
            "outputs": [{"format": f"scores of {first.subject.classes:,} classes"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": metrics},
    }


def _metrics(audited: Certificate | Audits, *, after: bool) -> list[dict[str, Any]]:
    """Return every figure that was measured, with its interval; under each trigger its own."""
    found = []
    for certificate in certificates_of(audited):
        measured = certificate.measurements.after if after else certificate.measurements.before
        if measured is None:
            continue
        found += [
            metric
            for name in FIGURES
            if (metric := _metric(name, measured, certificate)) and metric not in found
        ]
    return found


def _metric(name: str, measured: Measurement, certificate: Certificate) -> dict[str, Any] | None:
    figure = getattr(measured, name)
    images = f"{printable(certificate.data.source)}, without the trigger"
    if name != "clean_accuracy":
        images = f"{printable(certificate.data.source)}, trigger {_trigger(certificate)}"
    value = middle(figure)
    if value is None:
        return None
    return {
        "type": TITLES.get(name, "Target class without the trigger"),
        "value": repr(value),
        "slice": f"{images}; {figure.n} images",
        "confidenceInterval": {"lowerBound": repr(figure.low), "upperBound": repr(figure.high)},
    }


def _properties(audited: Certificate | Audits) -> list[dict[str, str]]:
    """Return the verdict and each limit that it rests on."""
    given: list[tuple[str, str]] = [("bdaudit:verdict", audited.verdict.status)]
    for certificate in certificates_of(audited):
        trigger = _trigger(certificate)
        given.append(("bdaudit:trigger", f"{trigger}, sha256:{certificate.trigger.sha256}"))
        given += [
            (f"bdaudit:check:{check.key}", f"{check.outcome}; trigger {trigger}; {check.sentence}")
            for check in told(certificate)
        ]
    return [{"name": name, "value": value} for name, value in given]


def _trigger(certificate: Certificate) -> str:
    return printable(certificate.trigger.id, 60)


def _data(first: Certificate) -> dict[str, Any]:
    settled = [{"name": f"bdaudit:data:{n}", "value": said} for n, said in choices(first.data)]
    return {
        "type": "data",
        "bom-ref": _data_ref(first),
        "name": printable(first.data.source),
        "description": f"{first.data.images:,} labelled images that the audit measured on",
        "hashes": [{"alg": "SHA-256", "content": first.data.sha256}],
        "data": [{"type": "dataset", "name": printable(first.data.source)}],
        **({"properties": settled} if settled else {}),
    }


def _data_ref(first: Certificate) -> str:
    return f"data:sha256:{first.data.sha256}"
