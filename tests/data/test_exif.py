"""Images that lie on their side and say so: as loaders have them, or turned."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from auditor.data import ImageFolder
from auditor.data.decode import decode_one
from auditor.files.headers.exif import orientation

PIXELS = np.kron(np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8), np.ones((8, 8, 1)))
IMAGE = Image.fromarray(PIXELS.astype(np.uint8))


def saved(kind: str, held: int, **how: object) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[0x0112] = held
    file = io.BytesIO()
    IMAGE.save(file, kind, exif=exif.tobytes() if kind == "JPEG" else exif, **how)
    return file.getvalue()


@pytest.mark.parametrize("held", range(1, 9))
@pytest.mark.parametrize(("kind", "how"), [("JPEG", {}), ("WEBP", {"lossless": True})])
def test_each_way_of_holding_a_camera(kind: str, how: dict, held: int, tmp_path: Path) -> None:
    content = saved(kind, held, **how)
    assert orientation(content) == held
    (tmp_path / "a").write_bytes(content)
    lying = Image.open(io.BytesIO(content)).convert("RGB")
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    np.testing.assert_array_equal(decode_one(tmp_path / "a"), np.asarray(lying))
    np.testing.assert_array_equal(decode_one(tmp_path / "a", exif=True), np.asarray(upright))


def test_a_tiff_is_turned_by_all_programs(tmp_path: Path) -> None:
    content = saved("TIFF", 3)
    (tmp_path / "a").write_bytes(content)
    for exif in (False, True):
        found = decode_one(tmp_path / "a", exif=exif)
        np.testing.assert_array_equal(found, np.asarray(Image.open(io.BytesIO(content))))
        np.testing.assert_array_equal(found, np.asarray(IMAGE)[::-1, ::-1])


def test_a_folder_counts_them_and_turns_them_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for number, held in enumerate((1, 6, 8, 1)):
        (tmp_path / "a" / f"{number}.jpg").write_bytes(saved("JPEG", held))
    for exif, size in ((False, (40, 56)), (True, (56, 40))):
        folder = ImageFolder(tmp_path, exif=exif)
        (batch,) = folder.batches(np.arange(1, 4), size, 8)
        assert (batch.turned, batch.resized, folder.exif) == (2, 1 if exif else 0, exif)
    assert ImageFolder(tmp_path).image_size() == (40, 56)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff\xe1\0\x10Exif\0\0",
        b"\xff\xd8\xff\xe1\0\x10Exif\0\0II*\0\xff\xff\xff\xff",
        b"\xff\xd8\xff\xe1\0\x10Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(40),
        saved("JPEG", 6).replace(b"\x01\x12\x00\x03", b"\x01\x12\x00\x09"),
    ],
)
def test_what_says_nonsense_is_upright(content: bytes) -> None:
    assert orientation(content) == 1
