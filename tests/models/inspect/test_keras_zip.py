"""Archives that are not as Keras packs them: real files, looked at but never unpacked."""

import stat
import struct
import time
import zipfile
from pathlib import Path

import pytest

from auditor.models.inspect import examine
from tests.models.inspect.conftest import findings, members, pack, refusal


@pytest.mark.parametrize(
    "member", ["config.json", "../evil", "/etc/x", "a\\b", "assets/vocabulary.txt"]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_extra_members_are_refused(archive: Path, member: str) -> None:
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(member, members(archive)["config.json"])
    assert f"member {ascii(member)}: " in refusal(archive)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_everything_refused_is_told_at_once(archive: Path) -> None:
    content = members(archive)
    content["config.json"] = content["config.json"].replace(b'"Conv2D"', b'"Lambda"')
    pack(archive, content | {"assets/a": b"", "../evil": b""})
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("metadata.json", content["metadata.json"])
    places = [finding.partition(": ")[0] for finding in findings(archive)]
    assert sorted(places) == [
        "config.layers[1]",
        "member '../evil'",
        "member 'assets/a'",
        "member 'metadata.json'",
    ]


def test_compressed_members_are_refused(archive: Path) -> None:
    """Twenty megabytes of zeros in twenty kilobytes, of which Keras reads all."""
    content = members(archive)
    content["model.weights.h5"] += b"\0" * 20_000_000
    pack(archive, content, compression=zipfile.ZIP_DEFLATED)
    assert archive.stat().st_size < 100_000
    assert "member 'model.weights.h5': is compressed" in "\n".join(findings(archive))


def test_encrypted_members_are_refused(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 8] |= 1
    archive.write_bytes(content)
    assert "is encrypted" in refusal(archive)


def test_symlinks_are_refused(archive: Path) -> None:
    content = members(archive)
    with zipfile.ZipFile(archive, "w") as file:
        for name, member in content.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            file.writestr(info, member)
    assert "is no ordinary file" in refusal(archive)


def test_missing_members_are_told(archive: Path) -> None:
    content = members(archive)
    del content["model.weights.h5"]
    pack(archive, content)
    assert "the archive has no model.weights.h5" in refusal(archive)


def test_truncated_archive_is_refused(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-3000])
    assert "truncated" in refusal(archive)


@pytest.mark.parametrize("inside", [b'"Conv2D"', b"keras_version", b"SNOD"])
def test_damaged_member_is_refused(archive: Path, inside: bytes) -> None:
    """Keras reads weights without their checksum when it cannot read them with it."""
    content = bytearray(archive.read_bytes())
    content[content.index(inside) + 2] ^= 1
    archive.write_bytes(content)
    assert "damaged" in refusal(archive)


def test_weights_of_another_kind_are_refused(archive: Path) -> None:
    pack(archive, members(archive) | {"model.weights.h5": b"PK\x03\x04 and so on"})
    assert "model.weights.h5 is not HDF5" in refusal(archive)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (b"{}", "not what Keras writes"),
        (b"[" * 100_000, "not what Keras writes"),
        (b'{"keras_version": "2.13.1"}', "which Keras 3 cannot read"),
    ],
)
def test_metadata_is_keras_own(archive: Path, metadata: bytes, reason: str) -> None:
    pack(archive, members(archive) | {"metadata.json": metadata})
    assert reason in refusal(archive)


def test_version_is_shown_escaped_and_short(archive: Path) -> None:
    version = b'{"keras_version": "3.\\u001b[2J' + b"9" * 5000 + b'"}'
    pack(archive, members(archive) | {"metadata.json": version})
    written_by = examine(archive, "suspect").written_by
    assert "\x1b" not in written_by
    assert len(written_by) < 60


def test_archive_after_other_bytes_is_read_where_it_is(archive: Path) -> None:
    """What stands before the first member must shift nothing that is looked at."""
    before = b"PK\x03\x04" + b"x" * 996
    archive.write_bytes(before + archive.read_bytes())
    assert examine(archive, "suspect").stored > 0


def test_a_million_members_are_answered_in_seconds(archive: Path) -> None:
    """Python takes 15 s to list them; each is 48 bytes of the directory at the end of the file."""
    content = archive.read_bytes()
    end = content.rindex(b"PK\x05\x06")
    size, start = struct.unpack_from("<II", content, end + 12)
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, *[0] * 7, 2, *[0] * 6) + b"xx"
    directory = content[start : start + size] + entry * 500_000
    # The usual record counts three members; the one for large archives, which wins, all of them.
    counts = (500_003, 500_003, len(directory), start)
    large = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, *counts)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, start + len(directory), 1)
    archive.write_bytes(content[:start] + directory + large + locator + content[end:])
    begun = time.process_time()
    assert refusal(archive)
    assert time.process_time() - begun < 15
