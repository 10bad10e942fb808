"""The picture of an epoch holds every watched image and where the network looked."""

from dataclasses import replace

import cv2
import numpy as np

from auditor.monitor.heatmaps import heatmaps
from auditor.repair.result import Epoch, Plan
from auditor.report.pictures import overlay


def decoded(png: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_images_above_their_heatmaps(plan: Plan, epochs: tuple[Epoch, ...]) -> None:
    png = heatmaps(plan, epochs[3])
    assert png
    picture = decoded(png)
    assert picture.shape == (128 + 6 + 128 + 34, 5 * 128 + 4 * 6, 3)
    watched = plan.watched
    for index, image in enumerate(watched.stamped):
        left = index * (128 + 6)
        column = picture[:, left : left + 128]
        assert (column[:128] == np.kron(image, np.ones((4, 4, 1), np.uint8))).all()
        hot = overlay(image, epochs[3].heat[index], watched.outline.astype(bool))
        assert (column[134:262] == hot).all()
        assert (column[128:134] == 210).all()


def test_captions_say_the_class_and_the_tar(plan: Plan, epochs: tuple[Epoch, ...]) -> None:
    """Text is drawn, only below the heatmaps, and another one for another class or TAR."""
    before, after = (decoded(heatmaps(plan, e) or b"")[262:] for e in (epochs[3], epochs[9]))
    assert (before < 128).sum() > 500
    assert (before != after).any()
    unnamed = replace(plan, class_names=("",) * 10)
    unnamed_caption = decoded(heatmaps(unnamed, epochs[3]) or b"")[262:]
    assert (unnamed_caption[:16] == 210).all()
    assert (unnamed_caption[18:32] < 128).any()


def test_names_that_the_font_does_not_know(plan: Plan, epochs: tuple[Epoch, ...]) -> None:
    odd = replace(plan, class_names=("飛行機\x00\x1b[31m" + "x" * 500, *plan.class_names[1:]))
    assert decoded(heatmaps(odd, epochs[3]) or b"").shape == (296, 664, 3)


def test_no_layer_no_picture(plan: Plan, epochs: tuple[Epoch, ...]) -> None:
    blind = replace(epochs[3], heat=np.zeros((5, 0, 0), np.float32))
    assert heatmaps(plan, blind) is None


def test_a_heatmap_of_zeros(plan: Plan, epochs: tuple[Epoch, ...]) -> None:
    cold = replace(epochs[3], heat=np.zeros((5, 8, 8), np.float32))
    assert decoded(heatmaps(plan, cold) or b"").shape == (296, 664, 3)
