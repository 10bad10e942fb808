"""A record that is published does not say where its author's files lie."""

from pathlib import Path

import pytest

from tests import numbered
from tests.conftest import bdaudit

WRITTEN = ("a.json", "a.html", "a.sarif", "a.cdx.json", "a.md", "a.junit.xml", "a.pdf")


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    secret = tmp_path_factory.mktemp("client-acme")
    numbered.photographs(secret / "photos")
    numbered.network(secret / "model.keras", numbered.AS_NUMBERS)
    return secret


def scan(secret: Path, cwd: Path, *more: str) -> dict[str, str]:
    """Return what was written, as text; of the PDF the audit that is attached to it."""
    outputs = [arg for name in WRITTEN for arg in ("-o", name)]
    ran = bdaudit(
        "scan", str(secret / "model.keras"), "--trigger", numbered.TRIGGER, "--target", "10",
        "--data", str(secret / "photos"), *outputs, *more, cwd=cwd,
    )  # fmt: skip
    assert ran.code == 1, ran.err
    pdf = bdaudit("report", "a.pdf", "-f", "json", cwd=cwd)
    return {name: (cwd / name).read_bytes().decode("utf-8", "replace") for name in WRITTEN} | {
        "attached": pdf.out
    }


def test_only_names_by_default(secret: Path, tmp_path: Path) -> None:
    for name, text in scan(secret, tmp_path).items():
        assert secret.name not in text, name
        if name != "a.pdf":
            assert "model.keras" in text, name


def test_whole_paths_where_they_are_asked_for(secret: Path, tmp_path: Path) -> None:
    written = scan(secret, tmp_path, "--full-paths")
    for name in ("a.json", "a.html", "attached"):
        assert str(secret / "model.keras") in written[name], name
        assert str(secret / "photos") in written[name], name


def test_from_where_the_files_lie_they_are_named_as_given(secret: Path, tmp_path: Path) -> None:
    written = scan(secret, secret.parent)
    assert f'"{secret.name}/model.keras"' in written["a.json"]
    assert str(secret.parent) not in written["a.json"]
