"""Which data is used: what was named, or what the model's shape calls for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.errors import UsageError, WorkError
from auditor.runs.sources import absolute_region, for_repair, resolve
from auditor.worker.supervisor import Guard, Supervisor
from tests.conftest import Workshop
from tests.runs.conftest import StandIn, Told


@pytest.fixture
def workers() -> Iterator[Supervisor]:
    with Supervisor(Guard()) as workers:
        yield workers


def job(model: Path) -> dict[str, str]:
    return {"model": str(model), "name": model.name, "input_range": "0..1", "device": "cpu"}


def test_a_path_keeps_its_name_and_is_read_from_anywhere(
    workers: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = Told()
    found = resolve("below/photos", {}, workers, told.progress, told.notify)
    assert found == ("below/photos", f"{tmp_path}/below/photos")
    assert (told.phases, told.lines) == ([], []), "nothing is read yet"


def test_a_shape_that_settles_nothing_is_refused(workers: Supervisor, workshop: Workshop) -> None:
    told = Told()
    words = r"poisoned\.keras: 16×16×3 with 3 classes does not settle which data .*give --data"
    with pytest.raises(UsageError, match=words):
        resolve(None, job(workshop.poisoned), workers, told.progress, told.notify)
    assert told.phases[-1] == "loading the model"
    assert told.lines == []


DOWNLOADS = """
if job["kind"] == "describe":
    write_result({"input_shape": [32, 32, 3], "classes": CLASSES}, folder)
else:
    (folder / "fetched.npz").write_text(job["data"])
    write_result({"path": PATH}, folder)
"""


@pytest.mark.parametrize(("classes", "name"), [(10, "cifar10"), (100, "cifar100")])
def test_a_shape_that_only_one_has_is_told_and_fetched(
    classes: int, name: str, workers: Supervisor, workshop: Workshop, stand_in: StandIn
) -> None:
    """The worker is another: there need be no network."""
    stand_in(
        DOWNLOADS.replace("CLASSES", str(classes)).replace("PATH", "str(folder / 'fetched.npz')")
    )
    told = Told()
    source, path = resolve(None, job(workshop.poisoned), workers, told.progress, told.notify)
    assert source == name
    assert Path(path).read_text() == name
    assert told.lines == [f"no --data given; by the model's shape: {name}"]


@pytest.mark.parametrize("path", ["'/etc/passwd'", "str(folder / '..' / 'x.npz')", "None"])
def test_a_download_that_is_said_to_lie_elsewhere_is_not_read(
    path: str, workers: Supervisor, stand_in: StandIn
) -> None:
    stand_in(DOWNLOADS.replace("PATH", path))
    told = Told()
    with pytest.raises(WorkError, match="the download went astray"):
        resolve("mnist:test", {}, workers, told.progress, told.notify)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (("cifar10", None), ("cifar10:train", "cifar10:test")),
        (("cifar10", "mine.npz"), ("cifar10:train", "mine.npz")),
        (("cifar10:test", None), ("cifar10:test", None)),
        (("./cifar10", None), ("./cifar10", None)),
        (("photos", "others"), ("photos", "others")),
        ((None, None), (None, None)),
    ],
)
def test_a_repair_is_not_judged_by_the_images_that_it_trains_on(
    given: tuple[str | None, str | None], used: tuple[str | None, str | None]
) -> None:
    assert for_repair(*given) == used


def test_an_object_region_is_a_word_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_region("center") == "center"
    assert absolute_region("complement") == "complement"
    assert absolute_region("below/Mask.NPZ") == f"{tmp_path}/below/Mask.NPZ"
    with pytest.raises(UsageError, match=r"--object-region mid\\x1bdle: expected center, complem"):
        absolute_region("mid\x1bdle")
