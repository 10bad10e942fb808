"""Decoding, held against TensorFlow's and Pillow's decoders, and against files made to deceive."""

import io
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.data.decode import decode_one
from auditor.files.image_file import UnreadableImage
from tests.conftest import ROOT
from tests.data.image_kinds import cmyk, jpegs, pngs, rng
from tests.data.test_folder import encoded, png


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
    for content in cmyk():
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
from auditor.files.image_file import UnreadableImage
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
