"""`audit.json`: the certificate as canonical JSON, and back."""

import base64
import json
import struct
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np

from auditor import audits
from auditor.age import age
from auditor.audits import Audits, joined
from auditor.certificate import SCHEMA, Certificate, Repair
from auditor.codec import from_json, to_json
from auditor.errors import InputError

_MOST_PIXELS: Final = 2**25
"""Of one picture read: a few kilobytes of PNG can unfold to gigabytes."""

_JUDGED: Final = {"asr", "tar", "clean_accuracy"}
"""Figures that every verdict has a check of."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"


def to_document(audited: Certificate | Audits) -> dict[str, Any]:
    """Return one audit, or several, as `audit.json`'s values, validated against the schema."""
    document: dict[str, Any] = to_json(audited, pack)
    for audit in document["audits"] if isinstance(audited, Audits) else [document]:
        validate(audit)
    return document


def validate(audit: Any) -> None:
    """Hold the values of one audit against the schema."""
    import jsonschema

    jsonschema.Draft202012Validator(schema()).validate(audit)


def from_document(document: Any) -> Certificate | Audits:
    """Read an `audit.json` back.

    Raises:
        InputError: It is none; names the place and what is wrong there.
    """
    found = document.get("schema") if isinstance(document, dict) else None
    if found == SCHEMA:
        return read_certificate(document, "$")
    if found != audits.SCHEMA:
        raise InputError(
            f"not an audit of this version: schema is {found!r:.60}, "
            f"neither {SCHEMA} nor {audits.SCHEMA}"
        )
    listed = document.get("audits")
    if not isinstance(listed, list) or not listed:
        raise InputError("$.audits: not a list of at least one audit")
    read = joined([read_certificate(audit, f"$.audits[{i}]") for i, audit in enumerate(listed)])
    if set(document) != {"schema", "audits", "verdict"}:
        raise InputError("$: its keys must be schema, audits and verdict")
    first = read.audits[0]
    if any((c.subject, c.data) != (first.subject, first.data) for c in read.audits):
        raise InputError("$.audits: are not all of one model and the same images")
    if document["verdict"] != to_json(read.verdict, pack):
        raise InputError("$.verdict: is not what the audits come to")
    return read


def read_certificate(document: Any, where: str) -> Certificate:
    """Read one audit back from its place in a document.

    Raises:
        InputError: It is none; names the place and what is wrong there.
    """
    import jsonschema

    problem = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(schema()).iter_errors(document)
    )
    if problem is not None:
        raise InputError(f"{where}{problem.json_path.removeprefix('$')}: {problem.message:.200}")
    certificate = from_json(Certificate, document, _unpack, where)
    assert isinstance(certificate, Certificate)
    if missing := _JUDGED - {check.metric for check in certificate.verdict.checks}:
        raise InputError(f"{where}.verdict.checks: none of {min(missing)}")
    try:
        age(certificate.created)
    except ValueError as error:
        raise InputError(f"{where}.created: there is no such time") from error
    if certificate.repair is not None:
        _check(certificate.repair)
    return certificate


def canonical(audited: Certificate | Audits) -> bytes:
    """Return one audit, or several, as JSON bytes: ASCII, two spaces, keys in contract order."""
    return dumped(to_document(audited))


def dumped(document: dict[str, Any]) -> bytes:
    """Return JSON values as bytes, always the same ones."""
    text = json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)
    return text.encode("ascii") + b"\n"


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of `audit.json`."""
    text = files("auditor").joinpath("audit.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _check(repair: Repair) -> None:
    """Refuse what the schema cannot: watched images and epochs that do not fit together."""
    watched = repair.watched
    images = len(watched.names)
    if not images == len(watched.labels) == len(watched.stamped):
        raise InputError("$.repair.watched: not one name, label and picture an image")
    if watched.stamped.shape[1:3] != watched.outline.shape:
        raise InputError("$.repair.watched.outline: not of the pictures' size")
    for index, epoch in enumerate(repair.history):
        if not images == len(epoch.heat) == len(epoch.predicted) == len(epoch.watched_tar):
            raise InputError(f"$.repair.history[{index}]: not one heatmap a watched image")
    if repair.kept is not None and repair.kept not in [epoch.epoch for epoch in repair.history]:
        raise InputError(f"$.repair.kept: no epoch {repair.kept} in the history")


def pack(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Pictures become a PNG, one below the other, heatmaps little-endian float32; both in base64.

    A single RGB picture says its own shape; anything else has it beside it.
    """
    if array.dtype != np.uint8:
        return {"float32": _base64(array.astype("<f4").tobytes()), "shape": list(array.shape)}
    if array.ndim == 3:
        return {"png": _base64(_png(array))}
    tall = array if array.ndim == 2 else array.reshape(-1, *array.shape[2:])
    return {"png": _base64(_png(tall)), "shape": list(array.shape)}


def _png(picture: np.ndarray[Any, Any]) -> bytes:
    import cv2

    if not picture.size:
        return b""
    channels_reversed = picture if picture.ndim == 2 else picture[..., ::-1]
    return bytes(cv2.imencode(".png", channels_reversed)[1].tobytes())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unpack(packed: Any) -> np.ndarray[Any, Any]:
    try:
        if "png" in packed:
            return _pictures(base64.b64decode(packed["png"], validate=True), packed.get("shape"))
        values = np.frombuffer(base64.b64decode(packed["float32"], validate=True), "<f4")
        if not (np.isfinite(values) & (values >= 0)).all():
            raise ValueError("no heat")
        return values.reshape(packed["shape"]).astype(np.float32)
    except Exception as error:  # OpenCV raises its own kinds
        raise InputError("a picture or heatmap that cannot be read") from error


def _pictures(png: bytes, shape: list[int] | None) -> np.ndarray[Any, Any]:
    import cv2

    if not png and shape:
        return np.zeros(0, np.uint8).reshape(shape)
    width, height = struct.unpack(">II", png[16:24])
    if not png.startswith(_PNG) or width * height > _MOST_PIXELS:
        raise ValueError("no PNG, or a very large one")
    gray = shape is not None and len(shape) == 2
    mode = cv2.IMREAD_GRAYSCALE if gray else cv2.IMREAD_COLOR
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), mode)
    if picture is None:
        raise ValueError("no PNG")
    found = np.asarray(picture if gray else picture[..., ::-1])
    return found if shape is None else found.reshape(shape)
