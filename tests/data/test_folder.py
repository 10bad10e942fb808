"""Image folders: conversions, bad files, links, and agreement with the same images as `.npz`."""

import os
import resource
import shutil
import struct
import subprocess
import zlib

import cv2
import numpy as np
import pytest

from auditor.data import ImageFolder, NpzFile, sample
from auditor.errors import InputError

RNG = np.random.default_rng(0)
SMOOTH = cv2.GaussianBlur(RNG.integers(0, 256, (20, 24, 3), dtype=np.uint8), (0, 0), 2)


def encoded(suffix: str, image: np.ndarray, *options: int) -> bytes:
    """Encode an RGB, RGBA or gray image."""
    if image.ndim == 3:
        image = image[..., [2, 1, 0, 3][: image.shape[2]]]
    return cv2.imencode(suffix, image, options)[1].tobytes()


def png(
    width: int, height: int, depth: int = 8, colour: int = 2, *chunks: tuple[bytes, bytes]
) -> bytes:
    """Write a PNG by hand, for what OpenCV does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, body in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        parts += [struct.pack(">I", len(body)), kind, body]
        parts.append(struct.pack(">I", zlib.crc32(kind + body)))
    return b"".join(parts)


def folder_of(root, files: dict[str, bytes]):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def read(dataset, indices=None, size=(20, 24), batch_size=4):
    indices = np.arange(len(dataset)) if indices is None else indices
    batches = list(dataset.batches(indices, size, batch_size))
    skipped = {s.name: s.reason for batch in batches for s in batch.skipped}
    images = np.concatenate([batch.images for batch in batches])
    return images, np.concatenate([batch.indices for batch in batches]), skipped


def one(tmp_path, name: str, content: bytes, size=(20, 24)) -> np.ndarray:
    images, _, skipped = read(ImageFolder(folder_of(tmp_path, {f"a/{name}": content})), size=size)
    assert not skipped
    return images[0]


def test_classes_and_images_are_in_alphabetical_order(tmp_path):
    image = encoded(".png", SMOOTH)
    names = ["b/2.png", "b/10.PNG", "a/x/deep.jpeg", "a/z.Bmp", "c/notes.txt", "c/.hidden.png"]
    folder_of(tmp_path, dict.fromkeys([*names, ".git/d.png", "loose.png"], image))
    dataset = ImageFolder(str(tmp_path))
    assert dataset.class_names == ("a", "b", "c")
    listed = [dataset.name_of(i) for i in range(len(dataset))]
    assert listed == ["a/x/deep.jpeg", "a/z.Bmp", "b/10.PNG", "b/2.png"]
    assert dataset.labels.tolist() == [0, 0, 1, 1] and dataset.labels.dtype == np.int64
    assert dataset.source == str(tmp_path) and dataset.image_size() == (20, 24)


@pytest.mark.parametrize("subsampling", ["420", "422", "444"])
@pytest.mark.parametrize("progressive", [0, 1])
def test_jpeg_equals_opencv(tmp_path, subsampling, progressive):
    sampling = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{subsampling}")
    content = encoded(
        ".jpg",
        SMOOTH,
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling),
        *(cv2.IMWRITE_JPEG_PROGRESSIVE, progressive),
    )
    image = one(tmp_path, "i.jpg", content)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    assert (image == cv2.imread(str(tmp_path / "a/i.jpg"), flags)[..., ::-1]).all()


def test_lossless_files_give_back_their_pixels(tmp_path):
    assert (one(tmp_path / "1", "i.png", encoded(".png", SMOOTH)) == SMOOTH).all()
    assert (one(tmp_path / "2", "i.bmp", encoded(".bmp", SMOOTH)) == SMOOTH).all()
    # The name says PNG, the content is BMP.
    assert (one(tmp_path / "3", "i.png", encoded(".bmp", SMOOTH)) == SMOOTH).all()


def test_gray_alpha_and_sixteen_bits(tmp_path):
    gray = SMOOTH[..., 0]
    rgba = np.dstack([SMOOTH, RNG.integers(0, 256, gray.shape, dtype=np.uint8)])
    deep = RNG.integers(0, 65536, SMOOTH.shape, dtype=np.uint16)
    assert (one(tmp_path / "1", "i.png", encoded(".png", gray)) == gray[..., None]).all()
    assert (one(tmp_path / "2", "i.bmp", encoded(".bmp", gray)) == gray[..., None]).all()
    assert (one(tmp_path / "3", "i.png", encoded(".png", rgba)) == SMOOTH).all()
    assert (one(tmp_path / "4", "i.png", encoded(".png", deep)) == deep >> 8).all()
    deep_gray = encoded(".png", deep[..., 0])
    assert (one(tmp_path / "5", "i.png", deep_gray) == deep[..., :1] >> 8).all()
    gray_jpeg = one(tmp_path / "6", "i.jpg", encoded(".jpg", gray))
    assert (
        gray_jpeg == cv2.imdecode(np.frombuffer(encoded(".jpg", gray), np.uint8), 0)[..., None]
    ).all()


def test_palettes(tmp_path):
    colours = np.array([[10, 20, 30], [200, 100, 0], [5, 250, 125]], np.uint8)
    rows = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    raw = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    content = png(3, 2, 8, 3, (b"PLTE", colours.tobytes()), (b"tRNS", b"\0\x80"), (b"IDAT", raw))
    assert (one(tmp_path / "1", "i.png", content, (2, 3)) == colours[rows]).all()
    table = b"".join(bytes(c[::-1]) + b"\0" for c in colours)
    pixels = b"".join(row.tobytes() + b"\0" for row in rows[::-1])
    head = struct.pack("<IiiHHIIiiII", 40, 3, 2, 1, 8, 0, len(pixels), 0, 0, 3, 3)
    start = 14 + len(head) + len(table)
    bmp = struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) + head + table + pixels
    assert (one(tmp_path / "2", "i.bmp", bmp, (2, 3)) == colours[rows]).all()


def test_orientation_is_ignored(tmp_path):
    plain = encoded(".jpg", SMOOTH)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    turned = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    decoded = one(tmp_path / "1", "i.jpg", plain)
    assert (one(tmp_path / "2", "i.jpg", turned) == decoded).all()


def test_folder_and_npz_of_the_same_images_agree(tmp_path):
    images = RNG.integers(0, 256, (30, 20, 24, 3), dtype=np.uint8)
    labels = np.arange(30) // 10
    files = {f"{'abc'[k]}/{i:02}.png": encoded(".png", images[i]) for i, k in enumerate(labels)}
    folder = ImageFolder(folder_of(tmp_path / "f", files))
    np.savez(tmp_path / "d.npz", x=images, y=labels, class_names=np.array(["a", "b", "c"]))
    arrays = NpzFile(tmp_path / "d.npz")
    assert (folder.labels == arrays.labels).all() and folder.class_names == arrays.class_names
    chosen = sample(folder, 17, 3)
    assert (chosen == sample(arrays, 17, 3)).all()
    for size in ((20, 24), (8, 8), (40, 31), (10, 40)):
        pairs = zip(folder.batches(chosen, size, 5), arrays.batches(chosen, size, 5), strict=True)
        for ours, theirs in pairs:
            assert (ours.images == theirs.images).all() and ours.images.dtype == np.uint8
            assert (ours.indices == theirs.indices).all()
            assert (ours.labels == theirs.labels).all() and ours.labels.dtype == np.int64
            assert ours.resized == theirs.resized == (0 if size == (20, 24) else len(ours.labels))


def test_bad_files_are_listed_and_the_rest_is_read(tmp_path, capfd):
    good, jpeg = encoded(".png", SMOOTH), encoded(".jpg", SMOOTH)
    bmp = encoded(".bmp", SMOOTH)
    files = {
        "a/00.png": good,
        "a/01.jpg": b"",
        "a/02.jpg": jpeg[:-40],
        "a/03.png": good[: len(good) // 2],
        "a/04.bmp": bmp[: len(bmp) // 2],
        "a/05.jpg": b"GIF89a" + bytes(20),
        "a/06.png": png(50_000, 50_000, 8, 2, (b"IDAT", zlib.compress(bytes(1000)))),
        "a/07.jpg": b"hello",
        "a/08.bmp": b"BM" + bytes(30),
        "a/09.jpg": jpeg[:20] + b"\xff\xd9",
        "b/00.png": good,
        "b/01.jpg": jpeg[: len(jpeg) // 2] + b"\xff\xd9",
    }
    dataset = ImageFolder(folder_of(tmp_path, files))
    images, indices, skipped = read(dataset)
    assert skipped.pop("b/01.jpg", "truncated or corrupt JPEG") == "truncated or corrupt JPEG"
    assert [dataset.name_of(i) for i in indices][:2] == ["a/00.png", "b/00.png"]
    assert (images[:2] == SMOOTH).all()
    kinds = "JPEG, PNG, BMP, WebP, TIFF, PPM, GIF"
    not_image = f"not an image of a kind that is read ({kinds}); its content is {{}}"
    assert skipped == {
        "a/01.jpg": "empty file",
        "a/02.jpg": "truncated or corrupt JPEG",
        "a/03.png": "truncated or corrupt PNG",
        "a/04.bmp": "truncated or corrupt BMP",
        "a/05.jpg": "truncated or corrupt GIF",
        "a/06.png": "too large: 50000×50000 pixels, at most 64 megapixels",
        "a/07.jpg": not_image.format("unknown"),
        "a/08.bmp": "truncated or corrupt BMP",
        "a/09.jpg": "truncated or corrupt JPEG",
    }
    assert "Traceback" not in capfd.readouterr().err


def test_skipped_images_come_with_the_batch_after_them(tmp_path):
    good = encoded(".png", SMOOTH)
    files = {f"a/{i}.png": good if i in (1, 2, 4) else b"x" for i in range(7)}
    dataset = ImageFolder(folder_of(tmp_path, files))
    batches = list(dataset.batches(range(7), (20, 24), 2))
    assert [b.indices.tolist() for b in batches] == [[1, 2], [4]]
    names = [[s.name for s in b.skipped] for b in batches]
    assert names == [["a/0.png"], ["a/3.png", "a/5.png", "a/6.png"]]
    batches = list(dataset.batches(range(7), (20, 24), 3))
    assert [b.indices.tolist() for b in batches] == [[1, 2, 4], []]
    assert [s.name for s in batches[1].skipped] == ["a/5.png", "a/6.png"]
    assert batches[1].images.shape == (0, 20, 24, 3)


def test_files_are_opened_some_batches_ahead_and_no_further(tmp_path):
    """Of 3,000 files, all but the first 500 are gone before they are asked for."""
    content = encoded(".png", SMOOTH)
    dataset = ImageFolder(folder_of(tmp_path, {f"a/{i:04}.png": content for i in range(3000)}))
    stream = dataset.batches(range(3000), (20, 24), 10)
    assert next(stream).indices.tolist() == list(range(10))
    for i in range(500, 3000):
        (tmp_path / dataset.name_of(i)).unlink()
    read = [index for batch in stream for index in batch.indices.tolist()]
    assert read == list(range(10, 500))


def test_indices_in_any_order(tmp_path):
    images = RNG.integers(0, 256, (6, 20, 24, 3), dtype=np.uint8)
    files = {f"a/{i}.png": encoded(".png", image) for i, image in enumerate(images)}
    dataset = ImageFolder(folder_of(tmp_path, files))
    order = [4, 0, 5, 0]
    found, indices, _ = read(dataset, order, batch_size=3)
    assert indices.tolist() == order and (found == images[order]).all()
    assert list(dataset.batches([], (20, 24), 3)) == []


def test_a_huge_header_allocates_nothing(tmp_path):
    good = encoded(".png", SMOOTH)
    dataset = ImageFolder(folder_of(tmp_path / "warm", {"a/0.png": good}))
    read(dataset)
    huge = png(50_000, 50_000, 8, 2, (b"IDAT", zlib.compress(bytes(10_000_000))))
    dataset = ImageFolder(folder_of(tmp_path / "big", {"a/0.png": huge, "a/1.png": good}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert dataset.image_size() == (20, 24)
    _, indices, skipped = read(dataset)
    assert indices.tolist() == [1] and "too large" in skipped["a/0.png"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_files_that_cannot_be_opened(tmp_path):
    good = encoded(".png", SMOOTH)
    folder_of(tmp_path, {"a/0.png": good, "b/2.png": good})
    os.mkfifo(tmp_path / "a/1.png")
    (tmp_path / "a/3.png").symlink_to("gone.png")
    dataset = ImageFolder(tmp_path)
    (tmp_path / "b/2.png").unlink()
    _, indices, skipped = read(dataset)
    assert indices.tolist() == [0]
    assert skipped == {
        "a/1.png": "not a regular file",
        "a/3.png": "file is missing",
        "b/2.png": "file is missing",
    }
    assert len(dataset.digest(range(4))) == 64


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    dataset = ImageFolder(folder_of(tmp_path, {"a/0.png": encoded(".png", SMOOTH)}))
    (tmp_path / "a/0.png").chmod(0)
    assert read(dataset)[2] == {"a/0.png": "no permission to read it"}


def test_links_into_the_hubs_cache_say_what_to_do(tmp_path):
    """What `snapshot_download` returns is a folder of links to `blobs` beside `snapshots`."""
    blobs = tmp_path / "datasets--me--pets" / "blobs"
    snapshot = tmp_path / "datasets--me--pets" / "snapshots" / "0f"
    blobs.mkdir(parents=True), (snapshot / "cat").mkdir(parents=True)
    (blobs / "ab").write_bytes(b"x")
    (snapshot / "cat" / "1.png").symlink_to(blobs / "ab")
    with pytest.raises(InputError, match="into the cache of Hugging Face's hub.*--local-dir"):
        ImageFolder(snapshot)


def test_links(tmp_path):
    inside = folder_of(tmp_path / "data", {"a/0.png": encoded(".png", SMOOTH), "b/1.png": b""})
    (inside / "b/0.png").symlink_to("../a/0.png")
    assert read(ImageFolder(inside))[1].tolist() == [0, 1]
    (tmp_path / "link").symlink_to(inside)
    assert len(ImageFolder(tmp_path / "link")) == 3
    cases = [
        ("a/out.png", "/etc/passwd", "out.png: is a link that leads out of the data folder"),
        ("c", "/etc", "c: is a link that leads out"),
        ("b/up", "..", "up: is a link to a folder"),
        ("a/self.png", "self.png", "self.png: is a link that leads to itself"),
    ]
    for name, target, message in cases:
        (inside / name).symlink_to(target)
        with pytest.raises(InputError, match=message):
            ImageFolder(inside)
        (inside / name).unlink()


def test_folders_without_images(tmp_path):
    with pytest.raises(InputError, match="has no class folders"):
        ImageFolder(tmp_path)
    folder_of(tmp_path, {"a/0.heic": b"", "b/1.heic": b""})
    with pytest.raises(InputError, match=r"no \.jpg, .* files .*\(found \.heic\)"):
        ImageFolder(tmp_path)
    for name in ("a/0.heic", "b/1.heic"):
        (tmp_path / name).unlink()
    folder_of(tmp_path, {"a/0.jpg": b"nonsense"})
    dataset = ImageFolder(tmp_path)
    with pytest.raises(InputError, match="no image of 1.*a/0.jpg: not an image of a kind"):
        dataset.image_size()
    assert len(read(dataset)[2]) == 1


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs coreutils")
def test_digest_is_what_coreutils_say(tmp_path):
    image = encoded(".png", SMOOTH)
    names = ["a/0.png", "a/b c.png", "a/back\\slash.png", "a/new\nline.png", "b/ü.png"]
    files = {name: image + bytes([i]) for i, name in enumerate(names)}
    dataset = ImageFolder(folder_of(tmp_path, files))
    order = [4, 0, 3, 2, 1]
    listing = subprocess.run(
        ["sha256sum", *(dataset.name_of(i) for i in order)],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout
    total = subprocess.run(["sha256sum"], input=listing, capture_output=True, check=True).stdout
    assert dataset.digest(np.array(order)) == total.split()[0].decode()
    assert dataset.digest([0, 1]) != dataset.digest([1, 0])


def test_what_else_lies_there_is_counted(tmp_path):
    image = encoded(".png", SMOOTH)
    files = {f"{c}/{i}.png": image for c in "ab" for i in range(100)}
    notes = {f"a/{i}.XML": b"<x/>" for i in range(150)} | {"b/notes.txt": b"", "b/.hidden": b""}
    dataset = ImageFolder(folder_of(tmp_path, files | notes | {"a/deep/late.heic": b""}))
    assert [(u.suffix, u.count) for u in dataset.unused] == [
        (".xml", 150),
        (".heic", 1),
        (".txt", 1),
    ]
    assert len(dataset) == 200


@pytest.mark.parametrize(("left", "stops"), [(1, False), (2, False), (3, True)])
def test_images_left_out_stop_above_one_percent(left, stops, tmp_path):
    image = encoded(".png", SMOOTH)
    folder_of(tmp_path, {f"a/{i}.png": image for i in range(200)})
    folder_of(tmp_path, {f"a/{i}.heic": image for i in range(left)})
    if not stops:
        assert ImageFolder(tmp_path).unused[0].count == left
        return
    with pytest.raises(InputError, match=r"3 of 203 images .* \(\.heic 3\), more than 1 %"):
        ImageFolder(tmp_path)
