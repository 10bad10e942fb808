"""Images of every kind that a class folder may hold, made by OpenCV, by Pillow and by hand."""

import io
import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from tests.data.test_folder import encoded, png

SIZES = ((1, 1), (1, 7), (7, 1), (3, 5), (16, 16), (17, 33), (32, 32), (101, 77))
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of each PNG colour type: gray, RGB, palette, gray with alpha, RGBA."""

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def by_pillow(image: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def jpegs() -> Iterator[bytes]:
    """Every chroma subsampling, in one scan and several, gray, RGB, and turned by EXIF."""
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


def pngs() -> Iterator[bytes]:
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


def cmyk() -> Iterator[bytes]:
    """Inks as Adobe writes them, with its marker and without."""
    random = rng()
    for size in SIZES:
        ink = Image.fromarray(random.integers(0, 256, (*size, 4), dtype=np.uint8), "CMYK")
        whole = by_pillow(ink, "JPEG", quality=95)
        marker = whole.index(b"\xff\xee")
        yield whole
        yield whole[:marker] + whole[marker + 16 :]


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
