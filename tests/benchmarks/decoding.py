"""Class folders decoded by bdaudit and by a pipeline of TensorFlow's: pixels and speed."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median

import numpy as np

from tests.benchmarks.common import PHOTOGRAPHS, Page, side_by_side

RUNS, BATCH = 5, 64
LARGE, LARGE_SIZE = 600, (375, 500)
TIMED = 10_000

Contender = Callable[[list[Path], tuple[int, int]], int]
"""Decodes files that all have a size; returns how many."""


def measure() -> Page:
    """Compare on photographs, and on made files of every kind."""
    from tests.data.image_kinds import cmyk, jpegs, pngs

    photographs = sorted((PHOTOGRAPHS / "test").glob("*/*.jpg"))[:TIMED]
    rows = [_pixels("photographs of CIFAR-10, JPEG", (p.read_bytes() for p in photographs))]
    made = {"made JPEG, every kind but CMYK": jpegs, "made PNG": pngs, "made JPEG, CMYK": cmyk}
    rows += [_pixels(what, files()) for what, files in made.items()]
    with tempfile.TemporaryDirectory() as folder:
        large = _large(photographs, Path(folder))
        rows += [_speed("32×32 JPEG", photographs, (32, 32))] if photographs else []
        rows += [_speed("500×375 JPEG", large, LARGE_SIZE), _speed("to 224×224", large, (224, 224))]
    return Page(
        title="Decoding class folders, against TensorFlow",
        header=("files", "", "other pixels", "by at most", "a second", "speed ×", "CPU time ×"),
        rows=rows,
        notes=[
            "TensorFlow decodes with `tf.io.decode_jpeg(…, dct_method='INTEGER_ACCURATE')`, which "
            "reads PNG too; in a `tf.data` pipeline, mapped in parallel, where speed is compared. "
            f"Medians of {RUNS} interleaved runs, batches of {BATCH}; × is bdaudit's over "
            "TensorFlow's. The large files are photographs enlarged, with noise, 52 kB each.",
            "CMYK: OpenCV and TensorFlow round differently, by at most 2 of 255. Without Adobe's "
            "marker TensorFlow takes inks as they are, OpenCV and Pillow for inverted: colours "
            "that have nothing in common.",
        ],
    )


def _pixels(what: str, files: Iterable[bytes]) -> tuple[str, ...]:
    import tensorflow as tf

    from auditor.data.decode import decode_one

    count = other = most = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        for content in files:
            path.write_bytes(content)
            theirs = tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")
            difference = np.abs(decode_one(path).astype(int) - theirs.numpy())
            count += 1
            other += int(difference.any(axis=2).sum())
            most = max(most, int(difference.max()))
    return what, f"{count:,}", f"{other:,}", str(most), "", "", ""


def _speed(what: str, files: list[Path], size: tuple[int, int]) -> tuple[str, ...]:
    contenders = {
        name: lambda _, decode=decode: _all(decode(files, size), len(files))
        for name, decode in (("ours", _ours), ("theirs", _theirs))
    }
    for contender in contenders.values():
        contender(0)
    times = side_by_side(contenders, RUNS)
    clock, cpu = times["ours"].over(times["theirs"])
    rate = len(files) / median(times["ours"].clock)
    return what, f"{len(files):,}", "", "", f"{rate:,.0f}", f"{1 / clock:.2f}", f"{cpu:.2f}"


def _all(batches: Iterator[np.ndarray], count: int) -> None:
    assert sum(map(len, batches)) == count


def _ours(files: list[Path], size: tuple[int, int]) -> Iterator[np.ndarray]:
    from auditor.data.decode import decode_stream

    for some in decode_stream(files.__getitem__, len(files), size, BATCH):
        yield some.images


def _theirs(files: list[Path], size: tuple[int, int]) -> Iterator[np.ndarray]:
    import tensorflow as tf

    from auditor.data.resize import resize

    def element(position):
        content = tf.numpy_function(lambda i: files[i].read_bytes(), [position], tf.string)
        image = tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")
        fits = tf.reduce_all(tf.shape(image)[:2] == size)
        fit = lambda: tf.numpy_function(lambda x: resize(x, size), [image], tf.uint8)  # noqa: E731
        return tf.ensure_shape(tf.cond(fits, lambda: image, fit), (*size, 3))

    images = tf.data.Dataset.range(len(files))
    images = images.map(element, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    yield from images.batch(BATCH).prefetch(2).as_numpy_iterator()


def _large(photographs: list[Path], folder: Path) -> list[Path]:
    """Write photographs, or else random images, enlarged, as JPEG files."""
    import cv2

    random = np.random.default_rng(0)
    height, width = LARGE_SIZE
    for number in range(LARGE):
        image = random.integers(0, 256, (32, 32, 3), np.uint8)
        if photographs:
            image = cv2.imread(str(photographs[number * 7 % len(photographs)]))
        grown = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
        noisy = np.clip(grown + random.normal(0, 6, grown.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:03}.jpg"), noisy, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return sorted(folder.glob("*.jpg"))
