"""Picture triggers against plain arithmetic."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.errors import InputError
from auditor.triggers import Image

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)


def picture(path: Path, channels: int = 4) -> np.ndarray:
    """Write a 6×6 picture; return it as RGBA."""
    bgra = np.random.default_rng(1).integers(0, 256, (6, 6, 4), np.uint8)
    bgra[0, 0, 3], bgra[1, 1, 3] = 0, 255
    written = {1: bgra[..., 0], 3: bgra[..., :3], 4: bgra}[channels]
    cv2.imwrite(str(path), written)
    if channels == 1:
        bgra[..., :3] = bgra[..., :1]
    if channels < 4:
        bgra[..., 3] = 255
    return bgra[..., [2, 1, 0, 3]]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("alpha", [1.0, 0.3])
def test_blends_by_its_own_alpha(tmp_path: Path, channels: int, alpha: float) -> None:
    rgba = picture(tmp_path / "logo.png", channels).astype(np.float64)
    trigger = Image(
        id="logo", path=tmp_path / "logo.png", size=(6, 6), anchor="top-left", alpha=alpha
    )
    opacity = rgba[..., 3:] / 255 * alpha
    expected = IMAGES.astype(np.float64)
    expected[:, :6, :6] = expected[:, :6, :6] * (1 - opacity) + rgba[..., :3] * opacity
    difference = np.abs(trigger.stamp(IMAGES) - expected)
    assert difference.max() <= 0.5 + 1e-3
    assert trigger.mask((32, 32))[0, 0] == (channels < 4), "transparent: not the trigger's"


def test_digest_follows_the_pictures_bytes(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    a = Image(id="a", path=tmp_path / "a.png", size=(6, 6))
    assert a.sha256() == Image(id="b", path=tmp_path / "b.png", size=(6, 6)).sha256()
    picture(tmp_path / "c.png", 3)
    assert a.sha256() != Image(id="a", path=tmp_path / "c.png", size=(6, 6)).sha256()


def test_unusable_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for name in ("missing.png", "text.png"):
        with pytest.raises(InputError, match=name):
            Image(id="x", path=tmp_path / name, size=(6, 6)).stamp(IMAGES)
    cv2.imwrite(str(tmp_path / "clear.png"), np.zeros((4, 4, 4), np.uint8))
    with pytest.raises(InputError, match="fully transparent"):
        Image(id="x", path=tmp_path / "clear.png", size=(6, 6)).mask((32, 32))
