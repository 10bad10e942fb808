"""Every kind of image file, written by Pillow, against what Pillow itself reads."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.data import ImageFolder
from auditor.data.decode import decode_one
from auditor.files.image_file import UnreadableImage

RANDOM = np.random.default_rng(0)
PIXELS = cv2.GaussianBlur(RANDOM.integers(0, 256, (37, 53, 3), np.uint8), (0, 0), 2)
RGB = Image.fromarray(PIXELS)
GRAY, BLACK_AND_WHITE, PALETTE = RGB.convert("L"), RGB.convert("1"), RGB.convert("P")
CLEAR = RGB.convert("RGBA")
CLEAR.putalpha(Image.fromarray(RANDOM.integers(0, 256, (37, 53), np.uint8)))
DEEP = Image.fromarray(np.asarray(GRAY).astype(np.uint16) * 257)


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


FILES = {
    "a.webp": saved(RGB, "WEBP"),
    "lossless.webp": saved(RGB, "WEBP", lossless=True),
    "clear.webp": saved(CLEAR, "WEBP", lossless=True, exact=True),
    "moving.webp": saved(RGB, "WEBP", save_all=True, append_images=[CLEAR], lossless=True),
    "a.gif": saved(RGB, "GIF"),
    "gray.gif": saved(GRAY, "GIF"),
    "moving.gif": saved(RGB, "GIF", save_all=True, append_images=[GRAY]),
    "a.ppm": saved(RGB, "PPM"),
    "a.pgm": saved(GRAY, "PPM"),
    "a.pbm": saved(BLACK_AND_WHITE, "PPM"),
    "a.tif": saved(RGB, "TIFF"),
    "lzw.tiff": saved(RGB, "TIFF", compression="tiff_lzw"),
    "deflate.tiff": saved(RGB, "TIFF", compression="tiff_adobe_deflate"),
    "jpeg.tiff": saved(RGB, "TIFF", compression="jpeg"),
    "gray.tiff": saved(GRAY, "TIFF"),
    "fax.tiff": saved(BLACK_AND_WHITE, "TIFF", compression="group4"),
    "palette.tiff": saved(PALETTE, "TIFF"),
    "pages.tiff": saved(RGB, "TIFF", save_all=True, append_images=[GRAY]),
    "a.jfif": saved(RGB, "JPEG"),
    "a.jpe": saved(RGB, "JPEG"),
}


@pytest.mark.parametrize("name", FILES)
def test_it_is_read_as_pillow_reads_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / name).write_bytes(FILES[name])
    expected = np.asarray(Image.open(io.BytesIO(FILES[name])).convert("RGB"))
    np.testing.assert_array_equal(decode_one(tmp_path / "class" / name), expected)
    folder = ImageFolder(tmp_path)
    assert (len(folder), folder.unused) == (1, ())
    (batch,) = folder.batches(np.array([0]), (37, 53), 1)
    np.testing.assert_array_equal(batch.images[0], expected)


def test_sixteen_bits_are_read_as_their_upper_eight(tmp_path: Path) -> None:
    (tmp_path / "deep.tiff").write_bytes(saved(DEEP, "TIFF"))
    expected = np.repeat(np.asarray(GRAY)[..., None], 3, axis=2)
    np.testing.assert_array_equal(decode_one(tmp_path / "deep.tiff"), expected)


def test_maps_as_text(tmp_path: Path) -> None:
    text = "P3\n# a comment\n2 2\n255\n255 0 0  0 255 0\n0 0 255  9 8 7\n"
    (tmp_path / "a.ppm").write_text(text)
    expected = [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 8, 7]]]
    assert decode_one(tmp_path / "a.ppm").tolist() == expected


@pytest.mark.parametrize("share", [0.99, 0.9, 0.5, 0.2])
@pytest.mark.parametrize("name", [name for name in FILES if name != "pages.tiff"])
def test_what_is_cut_off_is_no_image(name: str, share: float, tmp_path: Path) -> None:
    whole = FILES[name]
    (tmp_path / name).write_bytes(whole[: max(1, min(len(whole) - 8, int(share * len(whole))))])
    with pytest.raises(UnreadableImage, match="truncated or corrupt|not an image"):
        decode_one(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (saved(CLEAR, "TIFF"), "with transparency"),
        (saved(Image.fromarray(np.ones((3, 4), np.float32)), "TIFF"), "not of 1, 8 or 16 bits"),
        (saved(RGB, "AVIF"), "HEIC or AVIF"),
    ],
)
def test_what_programs_show_differently_is_named(content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UnreadableImage, match=why):
        decode_one(tmp_path / "a")


@pytest.mark.parametrize("name", ["a.webp", "lossless.webp", "moving.webp", "a.gif", "a.tif"])
def test_a_huge_header_allocates_nothing(name: str, tmp_path: Path) -> None:
    content = bytearray(FILES[name])
    if name == "a.tif":
        at = int.from_bytes(content[4:8], "little") + 2
        for entry in range(at, at + 24, 12):  # width and height come first
            content[entry + 2 : entry + 12] = b"\x04\0\x01\0\0\0" + (60_000).to_bytes(4, "little")
    elif name == "a.gif":
        content[6:10] = b"\xff\xff\xff\xff"
    elif content[12:16] == b"VP8X":
        content[24:30] = b"\xff\xff\0\xff\xff\0"
    elif content[12:16] == b"VP8L":
        content[21:25] = b"\xff\xff\xff\x0f"
    else:
        content[26:30] = b"\xff\x3f\xff\x3f"
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableImage, match="too large"):
        decode_one(tmp_path / name)
