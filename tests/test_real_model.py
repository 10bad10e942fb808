"""A real BadNet and its clean twin on real photographs, against an independent computation.

The figures are those of the README beside the models. Skipped where the folder of development
data is not beside the checkout.
"""

import tarfile
from dataclasses import replace
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest

from auditor.data import open_source
from auditor.figures.metrics import Attention
from auditor.figures.policy import Limits, judge
from auditor.figures.results import AuditResult
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.measure.regions import regions
from auditor.measure.tally import Tally
from auditor.models import load_classifier
from auditor.triggers.spec import load
from tests.conftest import SHARED

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not (SHARED / "models").is_dir(), reason="no development data here"),
]

RATES = ("clean_accuracy", "asr", "robust_accuracy", "clean_target_rate")
POINT = 0.001


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the test photographs, as class folders and as arrays of the same pixels."""
    folder = tmp_path_factory.mktemp("data")
    careful = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(SHARED / "data" / "cifar10-jpg.tar.xz") as archive:
        members = [m for m in archive.getmembers() if "test" in Path(m.name).parts]
        archive.extractall(folder, members, **careful)
    classes = sorted(p for p in (folder / "test").iterdir() if p.is_dir())
    files = [(k, f) for k, c in enumerate(classes) for f in sorted(c.iterdir())]
    np.savez(
        folder / "test.npz",
        x=np.stack([cv2.imread(str(f))[..., ::-1] for _, f in files]),
        y=np.array([k for k, _ in files]),
        class_names=np.array([c.name for c in classes]),
    )
    return folder


def scan(model: str, source: Path, **options) -> AuditResult:
    classifier = load_classifier(SHARED / "models" / model)
    return audit(classifier, open_source(source), load("square4"), Options(target="0", **options))


HEAT: list[np.ndarray] = []
"""The heatmaps of the stamped photographs, as the tally was given them."""


@pytest.fixture(scope="module")
def badnet(photographs: Path) -> AuditResult:
    add = Tally.add_stamped

    def kept(self, indices, labels, victims, clean, seen) -> None:
        HEAT.append(seen.heat)
        add(self, indices, labels, victims, clean, seen)

    with mock.patch.object(Tally, "add_stamped", kept):
        return scan("badnet_square4.keras", photographs / "test")


def test_the_badnet_measures_as_it_should(badnet: AuditResult) -> None:
    measured = badnet.measurement
    for name, value in zip(RATES, (0.7481, 0.9464, 0.0434, 0.0297), strict=True):
        assert getattr(measured, name).value == pytest.approx(value, abs=POINT), name
    assert (measured.clean_accuracy.n, measured.asr.n) == (10_000, 9_000)
    assert measured.tar.median == pytest.approx(4.251, rel=0.02)
    assert measured.tar.mean == pytest.approx(4.293, rel=0.02)
    assert measured.tar_density.median == pytest.approx(6.198, rel=0.02)
    assert measured.trigger_mass.median == pytest.approx(0.0896, rel=0.02)
    assert measured.controls.tar.median == pytest.approx(0.0244, rel=0.02)
    assert measured.controls.tar_density.median == pytest.approx(0.535, rel=0.02)
    assert measured.tar.undefined == 0
    assert badnet.attention.layer == "last_conv"
    assert judge(measured, Limits(), 10).status == "fail"


def test_an_npz_of_the_same_photographs_agrees_exactly(photographs: Path) -> None:
    files, arrays = (
        scan("badnet_square4.keras", photographs / name, limit=1_000)
        for name in ("test", "test.npz")
    )
    assert arrays.measurement == files.measurement
    assert arrays.evidence.histogram == files.evidence.histogram
    same = {"source": "", "sha256": ""}
    assert replace(arrays.data, **same) == replace(files.data, **same)


def test_complement_is_the_stated_alternative(badnet: AuditResult, photographs: Path) -> None:
    """All else than the trigger: of the same heatmaps, and of fewer where an audit is told so."""
    heat = np.concatenate(HEAT)
    compared = regions(load("square4"), "complement", (32, 32), heat.shape[1:])
    tar = Attention.of(heat, compared).tar
    assert len(tar) == 9_000
    assert np.nanmedian(tar) == pytest.approx(0.0984, rel=0.02)
    told = {"object_region": "complement", "limit": 500}
    measured = scan("badnet_square4.keras", photographs / "test.npz", **told).measurement
    assert measured.tar.median == pytest.approx(0.0984, rel=0.1)


def test_the_clean_twin_passes(photographs: Path) -> None:
    measured = scan("clean_twin.keras", photographs / "test.npz").measurement
    for name, value in zip(RATES, (0.7125, 0.0290, 0.7040, 0.0296), strict=True):
        assert getattr(measured, name).value == pytest.approx(value, abs=POINT), name
    assert measured.tar.median == pytest.approx(0.0345, rel=0.02)
    assert measured.tar.mean == pytest.approx(0.0972, rel=0.02)
    assert measured.tar_density.median == pytest.approx(0.749, rel=0.02)
    assert measured.controls.tar.median == pytest.approx(0.0307, rel=0.02)
    assert measured.controls.tar_density.median == pytest.approx(0.669, rel=0.02)
    assert judge(measured, Limits(), 10).status == "pass"
