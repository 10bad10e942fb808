"""Images that lie on their side and say so: as loaders have them, or turned."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, TiffImagePlugin

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


KINDS = [
    ("JPEG", {}),
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
]


@pytest.mark.parametrize("held", range(1, 9))
@pytest.mark.parametrize(("kind", "how"), KINDS)
def test_each_way_of_holding_a_camera(kind: str, how: dict, held: int, tmp_path: Path) -> None:
    content = saved(kind, held, **how)
    assert orientation(content) == held
    (tmp_path / "a").write_bytes(content)
    lying = IMAGE if kind == "TIFF" else Image.open(io.BytesIO(content)).convert("RGB")
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    np.testing.assert_array_equal(decode_one(tmp_path / "a"), np.asarray(lying))
    np.testing.assert_array_equal(decode_one(tmp_path / "a", exif=True), np.asarray(upright))
    np.testing.assert_array_equal(decode_one(content, exif=True), np.asarray(upright))


@pytest.mark.parametrize("mode", ["L", "I;16"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("held", [3, 6])
def test_a_tiff_of_any_make(held: int, order: str, mode: str) -> None:
    """Pillow turns a TIFF as it opens it, and OpenCV some: what is stored is what was written."""
    gray = np.asarray(IMAGE.convert("L"))
    values = gray if mode == "L" else gray.astype(np.uint16) * 257
    file = io.BytesIO()
    image = Image.fromarray(values.astype(values.dtype.newbyteorder(order)))
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II" if order == "<" else b"MM")
    tags[274] = held
    image.save(file, "TIFF", tiffinfo=tags)
    turned = {3: gray[::-1, ::-1], 6: np.rot90(gray, 3)}[held]
    assert orientation(file.getvalue()) == held
    for exif, expected in ((False, gray), (True, turned)):
        np.testing.assert_array_equal(decode_one(file.getvalue(), exif=exif)[..., 0], expected)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_folder_counts_them_and_turns_them_where_that_is_asked_for(
    kind: str, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    for number, held in enumerate((1, 6, 8, 1)):
        (tmp_path / "a" / f"{number}.{kind}").write_bytes(saved(kind, held))
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
        saved("PNG", 6).replace(b"eXIf", b"eXIg"),
        saved("PNG", 6)[:40],
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffeXIf",
        b"II*\0\xff\xff\xff\xff",
    ],
)
def test_what_says_nonsense_is_upright(content: bytes) -> None:
    assert orientation(content) == 1
