"""The certificate: everything that was found, as one value and as canonical JSON (`audit.json`)."""

import base64
import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import numpy as np

import auditor
from auditor.codec import from_json, to_json
from auditor.errors import InputError, UsageError
from auditor.results import (
    AttentionFacts,
    AuditResult,
    DataFacts,
    Engine,
    Evidence,
    Measurement,
    Target,
    TriggerFacts,
    Verdict,
)

SCHEMA: Final = "bdaudit.audit/v1"


@dataclass(frozen=True)
class Tool:
    """Who says so."""

    name: str
    version: str


@dataclass(frozen=True)
class Subject:
    """The model file that was audited.

    Attributes:
        path: As the user gave it.
        format: `keras` or `h5`.
        sha256: Of the bytes that were loaded.
        bytes: Size of the file.
        parameters: Number of weights.
        input_shape: (height, width, channels).
        classes: Number of classes.
        class_names: One a class.
        softmax: Whether a final softmax was stepped behind.
    """

    path: str
    format: str
    sha256: str
    bytes: int
    parameters: int
    input_shape: tuple[int, int, int]
    classes: int
    class_names: tuple[str, ...]
    softmax: bool


@dataclass(frozen=True)
class Measurements:
    """The figures before a repair, and after it where there was one."""

    before: Measurement
    after: Measurement | None = None


@dataclass(frozen=True)
class Safety:
    """How the suspected file was kept from doing harm.

    Attributes:
        sandbox: What confined the worker.
        findings: What the static check found and let pass.
    """

    sandbox: str
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Environment:
    """What the audit ran on, and how to run it again."""

    python: str
    backend: str
    versions: dict[str, str]
    device: str
    seed: int
    command: str


@dataclass(frozen=True)
class Certificate:
    """One audit, as `audit.json` has it."""

    schema: Literal["bdaudit.audit/v1"]
    tool: Tool
    created: str
    subject: Subject
    data: DataFacts
    trigger: TriggerFacts
    target: Target
    attention: AttentionFacts
    measurements: Measurements
    repair: None
    verdict: Verdict
    safety: Safety
    environment: Environment
    evidence: Evidence


def certify(
    result: AuditResult,
    verdict: Verdict,
    *,
    path: str,
    sha256: str,
    size: int,
    source: str,
    seed: int,
    command: str,
    sandbox: str,
) -> Certificate:
    """Bind a result to the file that it is about.

    Args:
        result: What was measured.
        verdict: What the limits say.
        path: The model file, as the user gave it.
        sha256: Digest of what was loaded.
        size: Its size in bytes.
        source: The data, as the user gave it.
        seed: The audit's seed.
        command: The exact command line.
        sandbox: What confined the worker.

    Raises:
        UsageError: `SOURCE_DATE_EPOCH` is set to something else than seconds.
    """
    model, data = result.model, replace(result.data, source=source)
    return Certificate(
        schema=SCHEMA,
        tool=Tool("bdaudit", auditor.__version__),
        created=now(),
        subject=Subject(
            path=path,
            format=model.format,
            sha256=sha256,
            bytes=size,
            parameters=model.parameters,
            input_shape=model.input_shape,
            classes=model.classes,
            class_names=data.class_names,
            softmax=model.softmax,
        ),
        data=data,
        trigger=result.trigger,
        target=result.target,
        attention=result.attention,
        measurements=Measurements(result.measurement),
        repair=None,
        verdict=verdict,
        safety=Safety(sandbox, ()),
        environment=_environment(result.engine, seed, command),
        evidence=result.evidence,
    )


def to_document(certificate: Certificate) -> dict[str, Any]:
    """Return the certificate as `audit.json`'s values, validated against the shipped schema."""
    import jsonschema

    document: dict[str, Any] = to_json(certificate, _pack)
    jsonschema.Draft202012Validator(schema()).validate(document)
    return document


def from_document(document: Any) -> Certificate:
    """Read an `audit.json` back.

    Raises:
        InputError: It is none; names the place and what is wrong there.
    """
    import jsonschema

    found = document.get("schema") if isinstance(document, dict) else None
    if found != SCHEMA:
        raise InputError(f"not an audit of this version: schema is {found!r:.60}, not {SCHEMA}")
    problem = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(schema()).iter_errors(document)
    )
    if problem is not None:
        raise InputError(f"{problem.json_path}: {problem.message:.200}")
    certificate = from_json(Certificate, document, _unpack)
    assert isinstance(certificate, Certificate)
    return certificate


def canonical(certificate: Certificate) -> bytes:
    """Return the certificate as JSON bytes: ASCII, two spaces, keys in the contract's order."""
    text = json.dumps(to_document(certificate), indent=2, ensure_ascii=True, allow_nan=False)
    return text.encode("ascii") + b"\n"


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of `audit.json`."""
    text = files("auditor").joinpath("audit.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _environment(engine: Engine, seed: int, command: str) -> Environment:
    return Environment(engine.python, engine.backend, engine.versions, engine.device, seed, command)


def now() -> str:
    """Return the time, to the second, in UTC; `SOURCE_DATE_EPOCH` stands in for the clock.

    Raises:
        UsageError: `SOURCE_DATE_EPOCH` is set to something else than seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"SOURCE_DATE_EPOCH={epoch!r}: expected seconds since 1970, such as 1700000000"
        ) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _pack(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Pictures become PNG, heatmaps little-endian float32; both in base64."""
    if array.dtype == np.uint8:
        import cv2

        png = cv2.imencode(".png", array[..., ::-1])[1].tobytes()
        return {"png": base64.b64encode(png).decode("ascii")}
    values = base64.b64encode(array.astype("<f4").tobytes()).decode("ascii")
    return {"float32": values, "shape": list(array.shape)}


def _unpack(packed: Any) -> np.ndarray[Any, Any]:
    try:
        if "png" in packed:
            import cv2

            png = np.frombuffer(base64.b64decode(packed["png"], validate=True), np.uint8)
            picture = cv2.imdecode(png, cv2.IMREAD_COLOR)
            if picture is None:
                raise ValueError("no PNG")
            return np.asarray(picture[..., ::-1])
        values = np.frombuffer(base64.b64decode(packed["float32"], validate=True), "<f4")
        return values.reshape(packed["shape"]).astype(np.float32)
    except Exception as error:  # OpenCV raises its own kinds
        raise InputError("a picture or heatmap that cannot be read") from error
