"""What works where TensorFlow, and what signs and prints, are not installed.

The interpreters are environments of their own, in which those packages cannot be imported, not
even by the worker; all others are those of the interpreter that they are made from.
"""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.records.canonical import canonical
from tests import audited
from tests.conftest import ROOT, Workshop, assert_refusal, bdaudit, installed_beside
from tests.test_backends import python

pytestmark = pytest.mark.real_start

MISSING = (
    *("tensorflow", "cryptography", "weasyprint", "tf2onnx", "sklearn"),
    *("tensorboard", "onnxruntime"),
)


def without(folder: Path, interpreter: str) -> str:
    """Make an environment that has all that another has, but for the missing packages."""
    subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True)
    asked = "import sysconfig; print(*map(sysconfig.get_path, ('purelib', 'platlib')))"
    paths = {}
    for name in (interpreter, str(folder / "bin" / "python")):
        ran = subprocess.run([name, "-I", "-c", asked], capture_output=True, text=True, check=True)
        paths[name] = ran.stdout.split()
    theirs, own = paths.values()
    blocked = f"import sys; sys.modules.update(dict.fromkeys({MISSING!r}))"
    Path(own[0], "without.pth").write_text("\n".join([str(ROOT), *theirs, blocked]) + "\n")
    return str(folder / "bin" / "python")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    return without(tmp_path_factory.mktemp("bare"), sys.executable)


@pytest.fixture(scope="module")
def photographs(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images of the workshop, in class folders."""
    folder = tmp_path_factory.mktemp("photographs")
    with np.load(workshop.data) as data:
        for number, (image, label) in enumerate(zip(data["x"], data["y"], strict=True)):
            path = folder / f"{label}-{data['class_names'][label]}" / f"{number:03}.png"
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), image[..., ::-1])
    return folder


def test_what_needs_none_of_them(bare: str, workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_bytes(canonical(audited.certificate()))
    for arguments, code, said in (
        (["--help"], 0, "verify"),
        (["scan", "--help"], 0, "--sandbox"),
        (["triggers", "list"], 0, "square"),
        (["inspect", workshop.poisoned], 0, "Keras archive"),
        (["gate", "audit.json", "--exit-zero"], 0, "Attack success rate"),
        (["report", "audit.json", "-o", "a.html"], 0, ""),
    ):
        ran = installed_beside(bare, "", tmp_path, *arguments)
        assert (ran.code, ran.err) == (code, ""), arguments
        assert said in ran.out
    assert "<html" in (tmp_path / "a.html").read_text("utf-8")


def test_what_is_missing_is_named(bare: str, workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_bytes(canonical(audited.certificate()))
    signs = "cryptography is not installed: pip install 'securesystemslib[crypto]'"
    scanned = ("scan", workshop.poisoned, "--trigger", "square8", "--data", workshop.data)
    for arguments, said in (
        (["keygen", "-o", "key"], signs),
        (["sign", "audit.json", "--key", "key", "--model", workshop.poisoned, "-o", "a"], signs),
        (["verify", "a", "--model", workshop.poisoned, "--public-key", "key.pub"], signs),
        (["gate", "audit.json", "--signed-by", "key.pub", "--attestation", "a"], signs),
        (["report", "audit.json", "-o", "a.pdf"], "weasyprint is not installed: pip install weas"),
        ([*scanned, "-o", "a.pdf"], "weasyprint is not installed: pip install weasyprint"),
        ([*scanned, "-o", "a.json"], "tensorflow, the Keras backend, is not installed; run 'pip"),
        (["demo"], "weasyprint is not installed: pip install weasyprint"),
    ):
        assert_refusal(installed_beside(bare, "", tmp_path, *arguments), 3, said)
    assert [path.name for path in tmp_path.iterdir()] == ["audit.json"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_scan_of_folders_and_arrays(
    backend: str, workshop: Workshop, photographs: Path, tmp_path: Path
) -> None:
    """The figures are those that TensorFlow comes to, as far as a certificate shows them."""
    interpreter = without(tmp_path / "bare", python(backend))
    for data in (photographs, workshop.data):
        given = (workshop.poisoned, "--trigger", "square8", "--data", data, "--target", "0")
        given = ("scan", *given, "-o", "a.json", "-o", "a.html", "--no-progress", "--force")
        ran = installed_beside(interpreter, backend, tmp_path, *given, "--sandbox", "required")
        assert (ran.code, ran.err) == (1, "")
        ours = json.loads((tmp_path / "a.json").read_text())
        theirs = bdaudit(*given, cwd=tmp_path)
        assert theirs.out == ran.out
        assert "tensorflow" not in ours["environment"]["versions"]
        assert ours["environment"]["backend"] == backend
