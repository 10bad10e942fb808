"""The same images in every kind of file that people have them in: the same figures of each."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import numpy as np
import pandas as pd
import pytest

from auditor.worker import sandbox
from tests.cli.conftest import Shelf
from tests.conftest import ROOT, assert_refusal, bdaudit

Arrays = dict[str, np.ndarray]

WALLS = ("--sandbox", "required") if sandbox.offered().seccomp and os.name == "posix" else ()


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


def table(folder: Path, name: str, data: Arrays, labels: object, **how: object) -> Path:
    """Write images in a folder, and a table that lists them."""
    (folder / "images").mkdir(parents=True)
    for number, image in enumerate(data["x"]):
        (folder / "images" / f"{number:03}.png").write_bytes(png(image))
    names = [f"{number:03}.png" for number in range(len(data["x"]))]
    pd.DataFrame({"Filename": names, "Roi.X1": 0, "ClassId": labels}).to_csv(
        folder / name, index=False, **how
    )
    return folder / name


def csv(folder: Path, data: Arrays) -> str:
    return str(table(folder, "labels.csv", data, data["class_names"][data["y"]]))


def gtsrb(folder: Path, data: Arrays) -> str:
    return str(table(folder, "GT.csv", data, data["y"], sep=";"))


def image_folder(folder: Path, data: Arrays) -> str:
    table(folder, "a.csv", data, data["y"])
    listed = pd.read_csv(folder / "a.csv")
    rows = {"file_name": "images/" + listed["Filename"], "label": listed["ClassId"]}
    pd.DataFrame(rows).to_json(folder / "metadata.jsonl", orient="records", lines=True)
    (folder / "a.csv").unlink()
    return str(folder)


def parquet(folder: Path, data: Arrays) -> str:
    folder.mkdir()
    half = len(data["x"]) // 2
    for shard, rows in enumerate((slice(0, half), slice(half, None))):
        structs = [{"bytes": png(image), "path": None} for image in data["x"][rows]]
        frame = pd.DataFrame({"image": structs, "label": data["y"][rows]})
        frame.to_parquet(folder / f"test-{shard:05}-of-00002.parquet")
    return str(folder)


def hdf5(folder: Path, data: Arrays) -> str:
    folder.mkdir()
    with h5py.File(folder / "d.h5", "w") as file:
        pixels = data["x"].transpose(0, 3, 1, 2).astype(float)
        file.create_dataset("data", data=pixels, compression="gzip")
        file["label"] = data["y"].astype(float)
    return str(folder / "d.h5")


def splits(folder: Path, data: Arrays) -> str:
    folder.mkdir()
    x, y = data["x"], data["y"]
    np.savez(folder / "d.npz", x_train=255 - x, y_train=y, x_test=x, y_test=y)
    return f"{folder / 'd.npz'}:test"


KINDS: dict[str, Callable[[Path, Arrays], str]] = {
    kind.__name__: kind for kind in (csv, gtsrb, image_folder, parquet, hdf5, splits)
}


@pytest.fixture(scope="module")
def images(shelf: Shelf) -> Arrays:
    with np.load(shelf.data) as data:
        return {key: data[key][::5] if key != "class_names" else data[key] for key in data}


@pytest.fixture(scope="module")
def expected(shelf: Shelf, images: Arrays, tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("expected")
    np.savez(folder / "d.npz", **images)
    return audited(shelf, folder / "d.npz")


def audited(shelf: Shelf, data: object, *args: str) -> dict:
    given = ("--trigger", "square8", "--target", "0", "--data", data, *args)
    ran = bdaudit("scan", shelf / "poisoned.keras", *given, "-f", "json", cwd=shelf.folder)
    assert ran.code == 1, ran.err
    return {**json.loads(ran.out), "err": ran.err}


@pytest.mark.parametrize("kind", KINDS)
def test_figures_are_those_of_the_arrays(
    kind: str, shelf: Shelf, images: Arrays, expected: dict, tmp_path: Path
) -> None:
    source = KINDS[kind](tmp_path / "d", images)
    order = shelf / "order.txt"
    order.write_text("\n".join(images["class_names"]))
    audit = audited(shelf, source, "--class-order", order, *WALLS)
    assert audit["measurements"]["before"] == expected["measurements"]["before"]
    assert audit["data"]["images"] == expected["data"]["images"] == len(images["x"])
    assert audit["data"]["taken"] and f"taken: {audit['data']['taken']}" in audit["err"]
    assert audit["subject"]["class_names"] == [*images["class_names"]]


def test_the_page_says_what_was_taken(shelf: Shelf, images: Arrays, tmp_path: Path) -> None:
    source = gtsrb(tmp_path / "d", images)
    ran = bdaudit(
        *("scan", shelf / "poisoned.keras", "--trigger", "square8", "--target", "0"),
        *("--data", source, "-o", tmp_path / "a.html", *WALLS),
    )
    assert ran.code == 1, ran.err
    page = (tmp_path / "a.html").read_text("utf-8")
    box = page[page.index("<h3>Data</h3>") :].partition("</dl>")[0]
    assert "<dt>taken</dt><dd>images by Filename and labels by ClassId" in box
    assert "regions of interest not cropped" in box


def test_a_data_set_prepared_by_tfds_is_shown(tmp_path: Path) -> None:
    prepared = ROOT / "tests" / "data" / "fixtures" / "tiny"
    shutil.copytree(prepared, tmp_path / "tiny")
    for split in ("", ":train"):
        ran = bdaudit(
            *("triggers", "show", "square4", "--data", f"tiny/1.0.0{split}", "--force"),
            *("-o", "a.png"),
            cwd=tmp_path,
        )
        assert ran.code == 0, ran.err
    file = "tiny/1.0.0/tiny-test.tfrecord-00000-of-00001"
    ran = bdaudit("triggers", "show", "square4", "--data", file, "-o", "b.png", cwd=tmp_path)
    assert_refusal(ran, 3, "is one file of a data set; give its folder")


def test_a_repair_takes_two_kinds_and_tells_what_they_share(
    shelf: Shelf, images: Arrays, tmp_path: Path
) -> None:
    clean, judged = parquet(tmp_path / "a", images), hdf5(tmp_path / "b", images)
    ran = bdaudit(
        *("repair", shelf / "poisoned.keras", "--trigger", "square8", "--target", "0"),
        *("--data", clean, "--eval-data", judged, "--epochs", "1"),
        *("--learning-rate", "1e-9"),
        *("--output", tmp_path / "mended.keras", "--certificate", tmp_path / "a.json", *WALLS),
    )
    assert "taken: images data and labels label" in ran.err, ran.err
    assert ran.code in (0, 1), ran.err
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["repair"]["data"]["overlap"] == len(images["x"])


def test_a_search_reads_a_table(shelf: Shelf, images: Arrays, tmp_path: Path) -> None:
    source = csv(tmp_path / "d", images)
    order = tmp_path / "order.txt"
    order.write_text("\n".join(images["class_names"]))
    ran = bdaudit(
        *("search", shelf / "clean.keras", "--data", source, "--class-order", order),
        *("--limit", "40", "--output", "found.yaml"),
        *("-o", "found.json", *WALLS),
        cwd=tmp_path,
    )
    assert ran.code in (0, 1), ran.err
    assert "taken: images by Filename and labels by ClassId" in ran.err
