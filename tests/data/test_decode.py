"""Decoding, held against TensorFlow's and Pillow's decoders, and against files made to deceive."""

import io
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.data.decode import decode_one
from auditor.data.image_file import UnreadableImage
from tests.conftest import ROOT
from tests.data.test_folder import encoded, png

SIZES = ((1, 1), (1, 7), (7, 1), (3, 5), (16, 16), (17, 33), (32, 32), (101, 77))
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of each PNG colour type: gray, RGB, palette, gray with alpha, RGBA."""

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def decoded(path, content: bytes) -> np.ndarray:
    path.write_bytes(content)
    return decode_one(path)


def refusal(path, content: bytes) -> str:
    with pytest.raises(UnreadableImage) as caught:
        decoded(path, content)
    return str(caught.value)


def by_tensorflow(content: bytes) -> np.ndarray:
    tf = pytest.importorskip("tensorflow")
    image = tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")
    return image.numpy()


def by_pillow(image: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def jpegs():
    random = rng()
    for size in SIZES:
        image = random.integers(0, 256, (*size, 3), dtype=np.uint8)
        smooth = cv2.GaussianBlur(image, (0, 0), 1.5)
        for sampling in ("411", "420", "422", "440", "444"):
            factor = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}")
            for progressive in (0, 1):
                for quality in (30, 95):
                    yield encoded(
                        ".jpg",
                        smooth if quality == 95 else image,
                        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor),
                        *(cv2.IMWRITE_JPEG_PROGRESSIVE, progressive),
                        *(cv2.IMWRITE_JPEG_QUALITY, quality),
                        *(cv2.IMWRITE_JPEG_RST_INTERVAL, 2 * progressive),
                    )
        yield encoded(".jpg", image[..., 0])
        yield encoded(".jpg", smooth[..., 0], cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
        yield by_pillow(Image.fromarray(image), "JPEG", keep_rgb=True)
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x112] = orientation
            yield by_pillow(Image.fromarray(image), "JPEG", exif=exif.tobytes())


def pngs():
    """Every colour type and depth, plain and with each chunk that could change what is shown."""
    random = rng()
    for colour, depths in DEPTHS.items():
        for depth in depths:
            height, width = 5, 9
            count = min(1 << depth, 200)
            rows = packed(random, height, width, depth, CHANNELS[colour], count, colour == 3)
            table = random.integers(0, 256, 3 * count, dtype=np.uint8).tobytes()
            palette = ((b"PLTE", table),) if colour == 3 else ()
            clear = {0: b"\0\1", 2: b"\0\1\0\2\0\3", 3: bytes(range(1, count))}.get(colour)
            chunks = [(), ((b"gAMA", struct.pack(">I", 220_000)),), ((b"cICP", b"\t\x10\0\1"),)]
            for before in chunks:
                yield png(width, height, depth, colour, *before, *palette, (b"IDAT", rows))
            if clear:
                yield png(
                    *(width, height, depth, colour, *palette, (b"tRNS", clear), (b"IDAT", rows))
                )
            cut = len(rows) // 3
            parts = ((b"IDAT", rows[:cut]), (b"IDAT", b""), (b"IDAT", rows[cut:]))
            yield png(width, height, depth, colour, *palette, *parts)
    for first_is_shown_alone in (True, False):
        frames = [
            Image.fromarray(random.integers(0, 256, (9, 8, 4), dtype=np.uint8)) for _ in range(3)
        ]
        how = {"default_image": first_is_shown_alone, "append_images": frames[1:]}
        yield by_pillow(frames[0], "PNG", save_all=True, duration=50, **how)


def packed(random, height, width, depth, channels, count, indices: bool) -> bytes:
    """Random rows, unfiltered and compressed; indices stay below `count`."""
    shape = (height, width * channels, max(depth // 8, 1))
    values = random.integers(0, count if indices else min(1 << depth, 256), shape, dtype=np.int64)
    values = values.astype(np.uint8)
    if depth < 8:
        bits = np.unpackbits(values, axis=2)[..., -depth:].reshape(height, -1)
        lines = np.packbits(bits, axis=1)
    else:
        lines = values.reshape(height, -1)
    return zlib.compress(b"".join(b"\0" + line.tobytes() for line in lines))


@pytest.mark.parametrize("kind", [jpegs, pngs])
def test_every_kind_has_the_pixels_that_tensorflow_gives(tmp_path, kind):
    pytest.importorskip("tensorflow")
    files = list(kind())
    assert len(files) > 70
    for number, content in enumerate(files):
        path = tmp_path / str(number)
        np.testing.assert_array_equal(decoded(path, content), by_tensorflow(content), str(number))


def test_cmyk_is_what_pillow_makes_of_it(tmp_path):
    """Both take it for inverted, as Adobe writes it; they round by themselves."""
    random = rng()
    for size in SIZES:
        ink = Image.fromarray(random.integers(0, 256, (*size, 4), dtype=np.uint8), "CMYK")
        whole = by_pillow(ink, "JPEG", quality=95)
        marker = whole.index(b"\xff\xee")
        for content in (whole, whole[:marker] + whole[marker + 16 :]):
            image = decoded(tmp_path / "i.jpg", content).astype(int)
            theirs = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)
            assert np.abs(image - theirs).max() <= 2


def test_a_jpeg_cut_short_within_its_scan(tmp_path):
    """A decoder that has filled up all pixels is satisfied; the file is not whole all the same."""
    image = encoded(
        ".jpg", cv2.GaussianBlur(rng().integers(0, 256, (64, 48, 3), np.uint8), (0, 0), 2)
    )
    scan = image.index(b"\xff\xda")
    cut = scan + (len(image) - scan) // 2
    path = tmp_path / "i.jpg"
    assert decoded(path, image).shape == (64, 48, 3)
    for damaged in (
        image[:cut] + b"\xff\x74" + image[cut:],  # a marker that there is not
        image[:cut] + image[scan:],  # a second scan, where one holds everything
        image[:2] + b"\xff\xe5\0\x06AB\xff\xd9" + image[2:cut],  # an end, but a thumbnail's
        image[:cut],
    ):
        assert refusal(path, damaged) == "truncated or corrupt JPEG"


def test_a_png_whose_checksums_do_not_hold(tmp_path):
    pixels = zlib.compress(bytes(25 * 9))
    path = tmp_path / "i.png"
    text = png(8, 9, 8, 2, (b"tEXt", b"made by me"), (b"IDAT", pixels))
    assert (decoded(path, text) == 0).all()
    assert (decoded(path, text.replace(b"by me", b"by us")) == 0).all(), "texts are not read"
    for name in (b"IHDR", b"IDAT", b"IEND"):
        at = text.index(name) + 4 + int.from_bytes(text[text.index(name) - 4 :][:4], "big")
        damaged = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        assert refusal(path, damaged) == "truncated or corrupt PNG"
    assert refusal(path, text[:-12]) == "truncated or corrupt PNG"
    assert refusal(path, png(8, 9, 8, 2, (b"IDAT", pixels[:-9]))) == "truncated or corrupt PNG"
    assert (
        refusal(path, png(8, 9, 8, 2, (b"IDAT", zlib.compress(b"")))) == "truncated or corrupt PNG"
    )


def test_damage_never_ends_the_process(tmp_path):
    """Bytes changed, left out and doubled: each file is read or refused."""
    program = """
import sys, numpy as np
from pathlib import Path
from auditor.data.decode import decode_one
from auditor.data.image_file import UnreadableImage
random, path, counts = np.random.default_rng(5), Path(sys.argv[1], "x"), [0, 0]
whole = [p.read_bytes() for p in sorted(Path(sys.argv[1]).glob("whole*"))]
for _ in range(1500):
    content = bytearray(whole[random.integers(len(whole))])
    at, length = random.integers(2, len(content)), random.integers(1, 40)
    part = bytes(content[at:at + length])
    damage = (part + part, b"", bytes(len(part)), random.bytes(3))[random.integers(4)]
    content[at:at + length] = damage
    path.write_bytes(content)
    try:
        image = decode_one(path)
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        counts[0] += 1
    except UnreadableImage:
        counts[1] += 1
print(*counts)
"""
    for number, content in enumerate([*jpegs(), *pngs()][::7]):
        (tmp_path / f"whole{number:03}").write_bytes(content)
    command = [sys.executable, "-c", program, str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    read, refused = map(int, ran.stdout.split())
    assert read > 100 and refused > 100


def test_tensorflow_is_not_imported(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "i.png").write_bytes(encoded(".png", np.zeros((4, 4, 3), np.uint8)))
    program = """
import sys
sys.modules["tensorflow"] = None
from auditor.data import ImageFolder
dataset = ImageFolder(sys.argv[1])
batch = next(dataset.batches([0], dataset.image_size(), 1))
print(batch.images.shape, [m for m in ("keras", "jax", "torch") if m in sys.modules])
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("(1, 4, 4, 3) []\n", "")
