"""The PDF of several triggers, opened and read back."""

import io
import json
import shutil
import subprocess

import pikepdf
import pytest

from auditor.records.audit_json import from_document
from auditor.records.audits import Audits
from auditor.records.canonical import canonical
from auditor.report.formats import render


@pytest.fixture(scope="module")
def pdf(audits: Audits) -> bytes:
    return render(audits, "pdf")


@pytest.fixture(scope="module")
def pages(pdf: bytes, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    if not shutil.which("pdftotext"):
        pytest.skip("no poppler-utils")
    file = tmp_path_factory.mktemp("pdf") / "c.pdf"
    file.write_bytes(pdf)
    ran = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, check=True)
    return [" ".join(text.split()) for text in ran.stdout.decode().split("\f")[:-1]]


def test_the_joint_audit_is_attached(pdf: bytes, audits: Audits) -> None:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        with opened.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
            assert metadata["xmp:CreateDate"].startswith("2026-01-02T03:04:05")
        assert list(opened.attachments) == ["audit.json"]
        attached = opened.attachments["audit.json"].get_file().read_bytes()
    assert attached == canonical(audits)
    read = from_document(json.loads(attached))
    assert isinstance(read, Audits)
    assert read.verdict == audits.verdict


def test_the_same_audits_give_the_same_bytes(pdf: bytes, audits: Audits) -> None:
    assert render(audits, "pdf") == pdf


def test_links_lead_somewhere_and_are_printed(pdf: bytes, audits: Audits) -> None:
    """PDF/A wants every link to have the print flag."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        names = pikepdf.NameTree(opened.Root.Names.Dests)
        links = [link for page in opened.pages for link in page.get("/Annots", [])]
        assert {str(link.Dest) for link in links} <= set(names)
        assert all(link.F == 4 for link in links)
        assert len(links) == len(audits.audits)


def test_each_trigger_begins_a_page(pages: list[str], audits: Audits) -> None:
    assert "Trigger by trigger" in pages[0]
    begins = [
        next(
            at
            for at, text in enumerate(pages)
            if text.removeprefix(f"{c.verdict.status.title()} ").startswith(f"{c.trigger.id} ")
        )
        for c in audits.audits
    ]
    assert begins == sorted(set(begins))
    assert all("Where the network looks" in pages[at] for at in begins)
    assert "What was audited" in pages[-1]
    assert len(pages) <= 2 + 2 * len(audits.audits)
