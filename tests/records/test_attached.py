"""What is attached to a PDF is read where every reader finds the same, and nowhere else."""

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pydyf
import pytest
import weasyprint

from auditor.errors import InputError
from auditor.records.attached import attached
from auditor.records.canonical import canonical
from auditor.report.formats import render
from tests import audited
from tests.audited import flipped

Finish = Callable[[Any, Any], None]


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render(audited.certificate(), "pdf")


def made(finish: Finish | None = None, names: tuple[str, ...] = ("audit.json",)) -> bytes:
    """Return a PDF made as certificates are, but for what `finish` does to its objects."""
    files = [
        weasyprint.Attachment(file_obj=io.BytesIO(b"{}"), name=name, relationship="Source")
        for name in names
    ]
    found: bytes = weasyprint.HTML(string="<html lang=en><title>a</title><h1>Pass").write_pdf(
        attachments=files, pdf_variant="pdf/a-3a", pdf_identifier=b")(\\\n" * 4, finisher=finish
    )
    return found


def test_the_audit_is_found(pdf: bytes) -> None:
    assert attached(pdf) == canonical(audited.certificate())
    assert attached(made()) == b"{}"


def updated(pdf: bytes) -> bytes:
    """Append an update as viewers and signers do: another catalog, which later readers take."""
    table = pdf.rindex(b"startxref\n")
    previous = int(pdf[table:].split()[1])
    place = len(pdf)
    catalog = b"2 0 obj\n<</Type /Catalog/Pages 1 0 R>>\nendobj\n"
    end = place + len(catalog)
    return (
        pdf + catalog + b"xref\n2 1\n%010d 00000 n \n" % place
        + b"trailer\n<</Size 900/Root 2 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (previous, end)
    )  # fmt: skip


def resaved(pdf: bytes, **how: Any) -> bytes:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        out = io.BytesIO()
        opened.save(out, **how)
    return out.getvalue()


def between(pdf: bytes) -> bytes:
    """Put a second catalog where the table does not lead, for readers that look for objects."""
    place = pdf.rindex(b"startxref\n")
    return pdf[:place] + b"2 0 obj\n<</Type /Catalog>>\nendobj\n" + pdf[place:]


CHANGED: dict[str, Callable[[bytes], bytes]] = {
    "updated": updated,
    "updated twice": lambda pdf: updated(updated(pdf)),
    "data behind the end": lambda pdf: pdf + b"\n",
    "another end": lambda pdf: pdf + b"%%EOF\n",
    "data before the beginning": lambda pdf: b"\n" + pdf,
    "another object between": between,
    "saved again": resaved,
    "saved again with one table": lambda pdf: resaved(
        pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate
    ),
    "encrypted": lambda pdf: resaved(pdf, encryption=pikepdf.Encryption(owner="o", user="")),
    "cut off": lambda pdf: pdf[:-400],
    "two of them": lambda pdf: pdf + pdf,
    "none": lambda pdf: b"%PDF-1.7\n%%EOF\n",
    "the table's place": lambda pdf: pdf.replace(b"startxref\n", b"startxref\n1", 1),
}


@pytest.mark.parametrize("kind", CHANGED)
def test_what_another_program_has_written_is_refused(kind: str, pdf: bytes) -> None:
    with pytest.raises(InputError, match="the PDF is not as bdaudit writes it") as refused:
        attached(CHANGED[kind](pdf))
    assert "\n" not in str(refused.value)


def script() -> Any:
    return pydyf.Dictionary({"S": "/JavaScript", "JS": pydyf.String("app.alert(1)")})


def in_catalog(key: str, value: Any) -> Finish:
    return lambda document, pdf: pdf.catalog.update({key: value})


def other_source(document: Any, pdf: Any) -> None:
    """Another file as the document's source than in the list of attachments."""
    other = pydyf.Dictionary({"Type": "/Filespe", "F": pydyf.String("audit.json")})
    pdf.add_object(other)
    pdf.catalog["AF"] = pydyf.Array([other.reference])


def other_place(document: Any, pdf: Any) -> None:
    """The attachment's name leads to what is no attachment."""
    for one in pdf.objects:
        if isinstance(one, pydyf.Dictionary) and one.get("Type") == "/Filespec":
            stream = pydyf.Stream([b"{}"])
            pdf.add_object(stream)
            one["EF"] = pydyf.Dictionary({"F": stream.reference})


def second_catalog(document: Any, pdf: Any) -> None:
    pdf.add_object(pydyf.Dictionary({"Type": "/Catalog", "Pages": pdf.catalog["Pages"]}))


def second_file(document: Any, pdf: Any) -> None:
    pdf.add_object(pydyf.Stream([b"{}"], {"Type": "/EmbeddedFile"}))


def escaped_file(document: Any, pdf: Any) -> None:
    pdf.add_object(pydyf.Stream([b"{}"], {"Type": "/Embedded#46ile"}))


ACTS: dict[str, tuple[Finish, str]] = {
    "a script at the start": (in_catalog("OpenAction", script()), "/JS, which bdaudit does not"),
    "a script by name": (
        lambda document, pdf: pdf.catalog["Names"].update({"JavaScript": script()}),
        "/JS, which",
    ),
    "more actions": (in_catalog("AA", pydyf.Dictionary()), "/AA, which"),
    "a form": (in_catalog("AcroForm", pydyf.Dictionary()), "/AcroForm, which"),
    "layers": (in_catalog("OCProperties", pydyf.Dictionary()), "/OCProperties, which"),
    "a portfolio": (in_catalog("Collection", pydyf.Dictionary()), "/Collection, which"),
    "a name with an escape": (in_catalog("Open#41ction", "null"), "/Open#41ction, which"),
    "another file, escaped": (escaped_file, "/Embedded#46ile, which"),
    "another file": (second_file, "2 /EmbeddedFile"),
    "another catalog": (second_catalog, "2 /Catalog"),
    "another source": (other_source, "the PDF's source is not the file that is attached"),
    "another place": (other_place, "attached file is not where it says"),
    "a second source": (in_catalog("AF ", "[1 0 R]"), "2 /AF"),
}


@pytest.mark.parametrize("kind", ACTS)
def test_what_acts_or_may_be_read_otherwise_is_refused(kind: str) -> None:
    finish, reason = ACTS[kind]
    with pytest.raises(InputError) as refused:
        attached(made(finish))
    assert reason in str(refused.value)


@pytest.mark.parametrize(("names", "many"), [((), "no"), (("audit.json",) * 2, "2")])
def test_one_file_is_attached_and_no_other(names: tuple[str, ...], many: str) -> None:
    with pytest.raises(InputError, match=f"{many} /EmbeddedFile, expected one"):
        attached(made(names=names))


def test_words_in_a_certificate_name_nothing() -> None:
    """Names from outside stand in strings: what they say is no name, whatever it is."""
    evil = "/OpenAction 5 0 R /EmbeddedFile (x) >>\nstream\n /#41 \\) % <</AA 1>>"
    certificate = audited.certificate(path=f"{evil}.keras", trigger=evil)
    assert attached(render(certificate, "pdf")) == canonical(certificate)


def test_no_damage_is_more_than_a_refusal(pdf: bytes) -> None:
    whole = attached(pdf)
    for changed in flipped(pdf, 150):
        try:
            found = attached(changed)
        except InputError:
            continue
        assert found == whole, "of the pages nothing is said here"
