"""`bdaudit report`: a finished audit rendered again, two compared, a model card renewed."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from auditor.report.formats import render
from tests import audited
from tests.conftest import assert_refusal, bdaudit
from tests.report.past import file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scan, a repair of its model, and several triggers, as JSON."""
    for name, found in (
        ("scan", audited.certificate()),
        ("repair", audited.repaired()),
        ("several", audited.several()),
    ):
        (tmp_path / f"{name}.json").write_bytes(render(found, "json"))
    return tmp_path


def refuse(folder: Path, code: int, *words: str, args: list[object]) -> None:
    before = sorted(folder.iterdir())
    ran = bdaudit("report", *args, cwd=folder)
    assert_refusal(ran, code, *words)
    assert "defect" not in ran.err
    assert sorted(folder.iterdir()) == before


def test_every_format_at_once(folder: Path) -> None:
    names = ["a.html", "a.json", "a.sarif", "a.xml", "a.md", "A.CDX.JSON"]
    outputs = [part for name in names for part in ("-o", name)]
    ran = bdaudit("report", "scan.json", *outputs, cwd=folder)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("FAIL  poisoned.keras exceeds a limit")
    assert (folder / "a.json").read_bytes() == (folder / "scan.json").read_bytes()
    assert json.loads((folder / "a.sarif").read_bytes())["version"] == "2.1.0"
    assert json.loads((folder / "A.CDX.JSON").read_bytes())["specVersion"] == "1.7"
    assert ET.parse(folder / "a.xml").getroot().tag == "testsuites"


def test_a_pdf_is_read_for_the_audit_attached_to_it(folder: Path) -> None:
    (folder / "c.pdf").write_bytes(render(audited.certificate(), "pdf"))
    ran = bdaudit("report", "c.pdf", "-f", "json", cwd=folder)
    assert ran.code == 0, ran.err
    assert ran.out.encode() == (folder / "scan.json").read_bytes()
    whole = (folder / "c.pdf").read_bytes()
    for name, content in (
        ("cut.pdf", whole[: whole.index(b"/EmbeddedFile") + 400]),
        ("none.pdf", b"%PDF-1.7\n"),
    ):
        (folder / name).write_bytes(content)
        refuse(folder, 3, name, args=[name, "-f", "json"])


def test_an_earlier_version_is_read(folder: Path) -> None:
    ran = bdaudit("report", file("audit-v1-first"), "-f", "md", cwd=folder)
    assert ran.code == 0, ran.err
    assert "Fail: <code>repaired.keras</code>" in ran.out


def test_two_audits_are_compared(folder: Path) -> None:
    outputs = ["-o", "d.html", "-o", "d.md", "-o", "d.json"]
    ran = bdaudit("report", "scan.json", "repair.json", *outputs, cwd=folder)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("The verdict was “fail” and is now “pass”.")
    assert json.loads((folder / "d.json").read_bytes())["schema"] == "bdaudit.history/v1"


def test_a_card_is_renewed_in_place_through_a_link(folder: Path) -> None:
    card = folder / "README.md"
    card.write_bytes(b"---\r\nlicense: mit # mine\r\n---\r\ntext\r\n")
    (folder / "link.md").symlink_to(card.name)
    for _ in range(2):
        ran = bdaudit("report", "several.json", "--into-model-card", "link.md", "-q", cwd=folder)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
    content = card.read_bytes()
    assert content.startswith(b"---\r\nlicense: mit # mine\r\n# bdaudit:begin")
    assert content.count(b"## Backdoor audit") == 1
    assert (folder / "link.md").is_symlink()


@pytest.mark.parametrize(
    ("code", "args", "words"),
    [
        (2, ["scan.json", "scan.json", "scan.json", "-f", "md"], ["3 audits"]),
        (2, ["scan.json", "-o", "a.csv"], [".csv is no format", ".cdx.json"]),
        (2, ["scan.json", "repair.json", "-f", "pdf"], [".pdf is no format", ".html"]),
        (2, ["scan.json", "-o", "repair.json"], ["repair.json: exists"]),
        (2, ["scan.json", "-o", "scan.json", "--force"], ["is an input"]),
        (2, ["scan.json", "-o", "a.txt"], ["unknown format '.txt'"]),
        (2, ["scan.json", "repair.json", "--into-model-card", "c.md"], ["takes one audit"]),
        (2, ["scan.json", "-o", "m.md", "--into-model-card", "./m.md"], ["an output too"]),
        (3, ["missing.json", "-f", "md"], ["missing.json", "No such file"]),
        (3, [".", "-f", "md"], ["a folder"]),
        (3, ["scan.json", "--into-model-card", "missing.md"], ["missing.md"]),
        (3, ["scan.json", "--into-model-card", "c.md"], ["c.md", "line 1", "never closed"]),
        (3, ["c.md", "-f", "md"], ["c.md"]),
        (3, ["other.json", "-f", "md"], ["other.json", "bdaudit.audit/v9", "bdaudit.audit/v1"]),
        (3, ["search.json", "-f", "md"], ["report of a search"]),
        (3, ["list.json", "-f", "md"], ["not an audit"]),
        (3, ["deep.json", "-f", "md"], ["deep.json"]),
        (3, ["far.json", "past.json", "-f", "md"], ["far.json and past.json", "in common"]),
    ],
)  # fmt: skip
def test_what_cannot_be_rendered_is_refused(
    folder: Path, code: int, args: list[str], words: list[str]
) -> None:
    (folder / "c.md").write_text("---\nnever: closed\n")
    (folder / "other.json").write_text('{"schema": "bdaudit.audit/v9"}')
    (folder / "search.json").write_text('{"schema": "bdaudit.search/v1"}')
    (folder / "list.json").write_text("[1]")
    (folder / "deep.json").write_text("[" * 100_000)
    far = audited.certificate(path="far.keras", sha256="12" * 32)
    (folder / "far.json").write_bytes(render(far, "json"))
    (folder / "past.json").write_bytes(file("audit-v1").read_bytes())
    refuse(folder, code, *words, args=args)
