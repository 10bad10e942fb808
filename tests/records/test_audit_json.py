"""`audit.json`: valid, read back, and refused when it is not one."""

import base64
import json
import struct
import zlib

import cv2
import jsonschema
import numpy as np
import pytest

from auditor.errors import InputError
from auditor.figures.results import Measurement
from auditor.records import pictures
from auditor.records.audit_json import from_document
from auditor.records.canonical import canonical, schema, to_document
from auditor.records.certificate import NeighbourRow, Output, Repair
from auditor.repair.result import Epoch, RepairData, Watched
from tests.report.conftest import after, audits, certificate, helpless, repaired, result

__all__ = ["after", "audits", "certificate", "helpless", "repaired", "result"]


def test_every_contract_key_is_there(certificate) -> None:
    document = json.loads(canonical(certificate))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert list(document) == [
        "schema", "tool", "created", "subject", "data", "trigger", "target", "attention",
        "measurements", "repair", "verdict", "safety", "environment", "evidence", "reactivation",
    ]  # fmt: skip
    subject = "path format sha256 bytes parameters input_shape classes class_names".split()
    assert set(subject) <= set(document["subject"])
    measured = document["measurements"]["before"]
    assert set(measured["asr"]) == {"value", "low", "high", "n"}
    assert set(measured["tar"]) == set("mean median low high n undefined ceiling".split())
    assert set(measured["controls"]) == {"tar", "tar_density", "trigger_mass"}
    assert document["measurements"]["after"] is None
    assert set("metric limit value bound ok".split()) <= set(document["verdict"]["checks"][0])
    assert document["target"]["class"] == 0


def test_it_comes_back_the_same(certificate) -> None:
    back = from_document(json.loads(canonical(certificate)))
    assert canonical(back) == canonical(certificate)
    for one, other in zip(back.evidence.examples, certificate.evidence.examples, strict=True):
        np.testing.assert_array_equal(one.stamped, other.stamped)
        np.testing.assert_array_equal(one.stamped_heat, other.stamped_heat)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["measurements", "before", "asr", "value"], 1.5, "asr"),
        (["measurements", "before", "asr"], None, "asr"),
        (["subject", "sha256"], "XYZ", "sha256"),
        (["schema"], "bdaudit.audit/v9", "bdaudit.audit/v9"),
        (["extra"], 1, "extra"),
        (["evidence", "examples", 0, "clean", "png"], "AAAA", "picture"),
        (["evidence", "examples", 0, "clean_heat", "shape"], [3, 3], "heatmap"),
    ],
)
def test_what_is_wrong_is_named(certificate, path: list, value: object, words: str) -> None:
    document = to_document(certificate)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InputError, match=words):
        from_document(document)


def test_no_number_is_nan(certificate) -> None:
    with pytest.raises(InputError):
        from_document([])
    text = canonical(certificate).decode("ascii")
    assert "NaN" not in text
    assert "Infinity" not in text


def test_the_schema_covers_every_figure() -> None:
    """A figure added to a value and not to the schema would be refused at the first write."""
    for name, value in {
        "measurement": Measurement,
        "repair": Repair,
        "epoch": Epoch,
        "watched": Watched,
        "repair_data": RepairData,
        "output": Output,
        "neighbour": NeighbourRow,
    }.items():
        fields = set(value.__dataclass_fields__)
        assert set(schema()["$defs"][name]["properties"]) == fields
        came_later = {
            "placebo_rate",
            "balanced_accuracy",
            "device",
        }  # audits written before them are read still
        assert set(schema()["$defs"][name]["required"]) == fields - came_later


@pytest.mark.parametrize("which", ["repaired", "helpless"])
def test_a_repair_comes_back_the_same(which: str, request: pytest.FixtureRequest) -> None:
    there = request.getfixturevalue(which)
    back = from_document(json.loads(canonical(there)))
    assert canonical(back) == canonical(there)
    for name in ("stamped", "outline"):
        one, other = getattr(back.repair.watched, name), getattr(there.repair.watched, name)
        np.testing.assert_array_equal(one, other)
        assert one.dtype == np.uint8
    for one, other in zip(back.repair.history, there.repair.history, strict=True):
        np.testing.assert_array_equal(one.heat, other.heat)
        assert (one.tar, one.asr, one.note) == (other.tar, other.asr, other.note)
    assert back.repair.neighbours == there.repair.neighbours


def test_watched_pictures_are_ordinary_png(repaired) -> None:
    """Anyone can look at them: the pictures stand one below the other."""
    watched = to_document(repaired)["repair"]["watched"]
    png = np.frombuffer(base64.b64decode(watched["stamped"]["png"]), np.uint8)
    images, height, width, _ = watched["stamped"]["shape"]
    tall = cv2.imdecode(png, cv2.IMREAD_COLOR)[..., ::-1]
    assert tall.shape == (images * height, width, 3)
    np.testing.assert_array_equal(tall[height : 2 * height], repaired.repair.watched.stamped[1])


def bomb(side: int = 30_000) -> str:
    """Return a small PNG of `side` × `side` black pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    body = zlib.compress(b"\0" * 1000)
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return base64.b64encode(png).decode()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["watched", "stamped", "shape"], [5, 16, 16, 4], "picture"),
        (["watched", "outline", "shape"], [8, 32], "outline"),
        (["watched", "names"], ["one"], "watched"),
        (["history", 3, "predicted"], [0], r"history\[3\]"),
        (["history", 3, "phase"], "x" * 21, "phase"),
        (["history", 3, "asr"], 0.5, "asr"),
        (["history"], [], "history"),
        (["kept"], 40, "kept"),
        (["output"], {"path": "x"}, "output"),
        (["der"], 2, "der"),
        (["seconds"], 10**400, "seconds: a number too large"),
        (["surprise"], 1, "surprise"),
    ],
)
def test_what_is_wrong_with_a_repair_is_named(
    repaired, path: list, value: object, words: str
) -> None:
    document = to_document(repaired)
    place = document["repair"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InputError, match=words):
        from_document(document)


def test_a_picture_that_would_unfold_to_gigabytes_is_not_decoded(repaired) -> None:
    document = to_document(repaired)
    document["repair"]["watched"]["stamped"]["png"] = bomb()
    with pytest.raises(InputError, match="its pictures come to more than 512 MiB"):
        from_document(document)


def test_the_pictures_of_all_audits_of_a_file_are_counted_together(
    audits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred audits, each just below the limit, would be fifty gigabytes."""
    document = json.loads(canonical(audits))
    one = sum(
        array.nbytes
        for example in audits.audits[0].evidence.examples
        for array in (example.clean, example.stamped, example.clean_heat, example.stamped_heat)
    )
    monkeypatch.setattr(pictures, "_MOST_BYTES", len(document["audits"]) * one)
    from_document(document)
    monkeypatch.setattr(pictures, "_MOST_BYTES", one)
    from_document(document["audits"][0])
    with pytest.raises(InputError, match="its pictures come to more than"):
        from_document(document)


def test_audits_of_one_run_come_back_the_same(audits) -> None:
    document = json.loads(canonical(audits))
    assert document["schema"] == "bdaudit.audits/v1"
    back = from_document(document)
    assert [c.trigger for c in back.audits] == [c.trigger for c in audits.audits]
    assert back.verdict == audits.verdict
    assert canonical(back) == canonical(audits)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["audits"], [], "at least one audit"),
        (["audits", 1, "verdict"], {}, r"\$.audits\[1\].verdict"),
        (["audits", 1, "subject", "bytes"], 7, "not all of one model"),
        (["verdict", "status"], "pass", "not what the audits come to"),
        (["extra"], 1, "schema, audits and verdict"),
    ],
)
def test_what_is_wrong_with_several_is_named(audits, path, value, words) -> None:
    document = place = json.loads(canonical(audits))
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InputError, match=words):
        from_document(document)
