"""Which images tune: others than those that judge, whatever they are called; and enough."""

import dataclasses

import numpy as np
import pytest

from auditor.data import open_source
from auditor.probe.base import probe
from auditor.probe.comebacks import comebacks
from auditor.probe.images import TooFew, TuningImages, read, to_judge
from tests.conftest import blobs
from tests.probe.conftest import NAMES, QUICK, TARGET, Bench


def source(folder, name: str, images, labels):
    np.savez(folder / f"{name}.npz", x=images, y=labels, class_names=NAMES)
    return open_source(folder / f"{name}.npz")


def drawn(tuning, judging, options=QUICK):
    size = (16, 16)
    return TuningImages(tuning, read(judging, np.arange(len(judging)), size), TARGET, options, size)


def test_no_image_that_judges_is_tuned_with(tmp_path) -> None:
    """Two files that share most of their images, in another order."""
    images, labels = blobs(400, seed=2)
    judging = source(tmp_path, "judging", images[:150][::-1], labels[:150][::-1])
    tuning = source(tmp_path, "tuning", images, labels)
    found = drawn(tuning, judging)
    for seed in range(3):
        stamped, clean = found.trial(seed)
        pixels = {image.tobytes() for image in np.concatenate([stamped.images, clean.images])}
        assert len(pixels) == 210
        assert not pixels & {image.tobytes() for image in images[:150]}
        assert (stamped.labels != 0).all()
    assert len(found.used) <= 250 and min(found.used) >= 150


def test_other_seeds_draw_other_images_and_the_same_seed_the_same(bench: Bench) -> None:
    task = bench.task(bench.hidden)
    found, again = (drawn(task.tuning, task.judging) for _ in range(2))
    first, other = found.trial(0)[1], found.trial(1)[1]
    assert not np.array_equal(first.indices, other.indices)
    np.testing.assert_array_equal(again.trial(0)[1].indices, first.indices)
    assert found.used > again.used


def test_too_few_images_are_said_with_how_many_it_takes(bench: Bench, tmp_path) -> None:
    images, labels = blobs(100, seed=4)
    few = source(tmp_path, "few", images, labels)
    task = bench.task(bench.hidden)
    with pytest.raises(TooFew, match=r"takes 210 images.* 200 clean ones and 10.* there are 100"):
        drawn(few, task.judging).trial(0)
    found = probe(dataclasses.replace(task, tuning=few), dataclasses.replace(QUICK, points=2))
    assert all("takes 210 images" in one.outcome.skipped for one in found.retuning)
    assert "takes 210 images" in comebacks(found).unknown
    assert found.path.points[0].asr.value > 0.9  # for which no image is needed


def test_images_to_stamp_are_of_other_classes(bench: Bench, tmp_path) -> None:
    images, labels = blobs(600, seed=4)
    of_target, judging = np.flatnonzero(labels == 0), bench.task(bench.hidden).judging
    others = np.flatnonzero(labels != 0)
    for count, enough in ((15, True), (9, False)):
        rows = np.sort(np.concatenate([of_target, others[:count]]))
        found = drawn(source(tmp_path, f"{count}", images[rows], labels[rows]), judging)
        if enough:
            assert (found.trial(0)[0].labels != 0).all()
        else:
            with pytest.raises(TooFew, match="9 of them of classes to stamp"):
                found.trial(0)


def test_at_most_so_many_judge(bench: Bench) -> None:
    judging = bench.task(bench.hidden).judging
    some = to_judge(judging, dataclasses.replace(QUICK, judged=90), (16, 16))
    assert np.bincount(some.labels).tolist() == [30, 30, 30]
    assert len(to_judge(judging, QUICK, (16, 16)).labels) == 240
