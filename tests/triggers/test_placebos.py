"""Placebos: as strong as the trigger, without its meaning."""

from dataclasses import replace

import numpy as np
import pytest

from auditor.triggers import ColorFilter, Compose, Patch, Sinusoid
from auditor.triggers.placebos import placebos
from auditor.triggers.spec import load

SEPIA = ColorFilter(id="c", matrix=((0.4, 0.8, 0.2), (0.3, 0.7, 0.2), (0.3, 0.5, 0.1)))
BOTH = Compose(id="both", of=(Patch(id="p", size=(4, 4)), Sinusoid(id="s")))
WHOLE = [load("blend"), load("sig"), load("wanet"), load("lsb"), SEPIA, BOTH]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Smooth random pictures: what neighbouring pixels have in common decides what a warp does."""
    import cv2

    coarse = np.random.default_rng(0).integers(20, 236, (40, 8, 8, 3)).astype(np.uint8)
    return np.stack([cv2.resize(x, (32, 32), interpolation=cv2.INTER_CUBIC) for x in coarse])


def change(images: np.ndarray, stamped: np.ndarray) -> float:
    return float(np.sqrt(((stamped.astype(float) - images) ** 2).mean()))


@pytest.mark.parametrize("trigger", WHOLE, ids=lambda t: t.id)
def test_they_are_about_as_strong_as_the_trigger(trigger, images) -> None:
    own = change(images, trigger.stamp(images))
    found = placebos(trigger)
    assert len(found) >= 2 and len({name for name, _ in found}) == len(found)
    for name, placebo in found:
        stamped = placebo.stamp(images)
        assert (stamped.dtype, stamped.shape) == (np.uint8, images.shape)
        assert own / 2 < change(images, stamped) < own * 2, name


@pytest.mark.parametrize("trigger", WHOLE, ids=lambda t: t.id)
def test_they_do_not_resemble_it(trigger, images) -> None:
    """Their mean change points elsewhere than the trigger's."""
    own = (trigger.stamp(images).astype(float) - images).mean(0).ravel()
    for name, placebo in placebos(trigger):
        other = (placebo.stamp(images).astype(float) - images).mean(0)
        cosine = own @ other.ravel() / np.linalg.norm(own) / np.linalg.norm(other)
        if trigger.type == "blend":  # both draw the picture towards the same gray
            own_, other = own - own.mean(), other.ravel() - other.mean()
            cosine = own_ @ other / np.linalg.norm(own_) / np.linalg.norm(other)
        assert cosine < 0.7, (name, cosine)


def test_local_triggers_have_none() -> None:
    assert placebos(load("square4")) == [] == placebos(replace(BOTH, of=BOTH.of[:1]))


def test_a_scrambled_picture_keeps_its_colours_and_waves() -> None:
    blend = replace(load("blend"), alpha=1.0)
    gray = np.full((1, 32, 32, 3), 128, np.uint8)
    own = blend.stamp(gray)[0].astype(float)
    for _, placebo in placebos(blend):
        other = placebo.stamp(gray)[0].astype(float)
        assert np.abs(own.mean((0, 1)) - other.mean((0, 1))).max() < 4
        waves, kept = (np.abs(np.fft.fft2(x, axes=(0, 1))) for x in (own, other))
        assert np.corrcoef(waves[1:].ravel(), kept[1:].ravel())[0, 1] > 0.9
        assert abs(np.corrcoef(own.ravel(), other.ravel())[0, 1]) < 0.2
