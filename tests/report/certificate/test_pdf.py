"""The PDF, opened and read back."""

import dataclasses
import functools
import io
import json
import shutil
import subprocess
from collections.abc import Callable

import pikepdf
import pytest

from auditor.errors import WorkError
from auditor.records.audit_json import from_document
from auditor.report.formats import render

Rendered = Callable[[str], bytes]


@pytest.fixture(scope="module")
def pdf_of(request: pytest.FixtureRequest) -> Rendered:
    """Render the certificate that a fixture gives, once for all tests."""
    return functools.cache(lambda name: render(request.getfixturevalue(name), "pdf"))


@pytest.fixture(scope="module")
def pdf(pdf_of: Rendered) -> bytes:
    return pdf_of("certificate")


def test_it_is_pdf_a_3_with_the_audit_attached(pdf: bytes, certificate) -> None:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        with opened.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
        assert opened.Root.MarkInfo.Marked
        assert str(opened.Root.Lang) == "en"
        intent = opened.Root.OutputIntents[0]
        assert intent.S == "/GTS_PDFA1"
        assert len(intent.DestOutputProfile.read_bytes()) > 200
        assert list(opened.attachments) == ["audit.json"]
        attached = opened.attachments["audit.json"].get_file().read_bytes()
        assert opened.Root.AF[0].AFRelationship == "/Source"
        assert "/JavaScript" not in opened.Root.get("/Names", {})
    assert attached == render(certificate, "json")
    assert from_document(json.loads(attached)).subject == certificate.subject


def test_every_font_is_embedded(pdf: bytes) -> None:
    fonts = set()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for thing in opened.objects:
            if isinstance(thing, pikepdf.Dictionary) and thing.get("/Type") == "/FontDescriptor":
                fonts.add(str(thing.FontName).partition("+")[2])
                assert any(f"/FontFile{n}" in thing for n in ("", "2", "3"))
    assert {name.replace("-", "").lower()[:9] for name in fonts} == {"auditsans", "auditmono"}


def test_every_picture_is_described_and_none_interpolated(pdf: bytes) -> None:
    """PDF/A allows no interpolation; its level A wants alternative texts."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        pictures = [
            thing
            for thing in opened.objects
            if isinstance(thing, pikepdf.Stream) and thing.get("/Subtype") == "/Image"
        ]
        figures = [
            thing
            for thing in opened.objects
            if isinstance(thing, pikepdf.Dictionary) and thing.get("/S") == "/Figure"
        ]
        assert len(pictures) >= 20
        assert not any(bool(picture.get("/Interpolate", False)) for picture in pictures)
        assert len(figures) >= 28
        assert all(str(figure.get("/Alt", "")) for figure in figures)


def test_the_same_certificate_gives_the_same_bytes(pdf: bytes, certificate) -> None:
    assert render(certificate, "pdf") == pdf
    later = dataclasses.replace(certificate, created="2027-01-02T03:04:05Z")
    assert render(later, "pdf") != pdf


def test_nothing_is_fetched(certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file reference smuggled into the page is refused, not read."""
    from auditor.report.certificate import html

    smuggled = html.page(certificate).replace("<main>", '<main><img src="file:///etc/hostname">')
    monkeypatch.setattr(html, "page", lambda _: smuggled)
    with pytest.raises(WorkError, match="outside itself"):
        render(certificate, "pdf")


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="no poppler-utils")
def test_its_pages_say_what_the_page_says(pdf: bytes, tmp_path) -> None:
    (tmp_path / "c.pdf").write_bytes(pdf)
    ran = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "c.pdf", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    text = " ".join(ran.stdout.split())
    for words in ("Fail", "poisoned.keras", "What this audit does not show", "ab" * 8, "page 1 of"):
        assert words in text


@pytest.mark.parametrize("name", ["repaired", "helpless", "hostile_repair"])
def test_a_repair_is_pdf_a_with_every_figure_described(name: str, pdf_of: Rendered) -> None:
    with pikepdf.open(io.BytesIO(pdf_of(name))) as opened:
        with opened.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
        figures = [
            thing
            for thing in opened.objects
            if isinstance(thing, pikepdf.Dictionary) and thing.get("/S") == "/Figure"
        ]
        assert all(str(figure.get("/Alt", "")) for figure in figures)
        assert sum("At the end: " in str(figure.Alt) for figure in figures) == 3
        assert sum(str(figure.Alt).startswith("Epoch ") for figure in figures) == 5 * 19
        assert len(opened.pages) <= 8


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="no poppler-utils")
def test_a_repairs_pages_tell_it(pdf_of: Rendered, tmp_path) -> None:
    (tmp_path / "c.pdf").write_bytes(pdf_of("repaired"))
    ran = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "c.pdf", "-"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    text = " ".join(ran.stdout.split())
    for words in (
        "repaired.keras", "How the repair went", "unlearning", "recovery", "limit of ASR 10.0 %",
        "Does the repair generalise?", "ef" * 8, "Effectiveness rating",
    ):  # fmt: skip
        assert words in text, words
