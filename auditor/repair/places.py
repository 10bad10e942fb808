"""Where else a small patch opens the model: found by inversion, not guessed.

A trigger that training has moved, mirrored or recoloured leaves places where some patch leads to
its target. Those are taught as the trigger is, whatever the patches show.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor.errors import Interrupted
from auditor.figures.metrics import percent
from auditor.measure.attention import GradCam
from auditor.repair.clean import CleanImages
from auditor.repair.prepare import Prepared
from auditor.search.places import PlacedPatch, Places, effort, going_on, grid, side_of

PHASE = "inverting a patch at each place"

OPEN = 0.5
"""Share of images that a patch must lead to the target for its place to be an open one."""

MOST = 8
"""Open places that are taught, the strongest: the more, the less often is each met."""

ENOUGH = 512
"""Images of either part that are used."""

SMALL = 3
"""Times that the side of a trigger which is a patch goes into the image, at least."""

AT_ONCE = 256
"""Images that judge at a time."""


def open_places(ready: Prepared) -> tuple[PlacedPatch, ...]:
    """Return patches that lead images to the target from where they are, the strongest first.

    Of the family `any` alone, and of a trigger that leads to one class; there are none of others.
    Images that train optimise them, and those that validate judge them.

    Raises:
        Interrupted: Someone asked to stop.
    """
    target, images = ready.task.target.class_, ready.images
    if ready.options.family != "any" or target is None:
        return ()
    size, side, done = ready.task.classifier.size, _side(ready), 0
    whole = effort(size, side)
    ready.progress(PHASE, done, whole)

    def step(rows: int) -> None:
        nonlocal done
        done += rows
        ready.progress(PHASE, min(done, whole), whole)
        if ready.stop():
            raise Interrupted("the repair was asked to stop; go on with --resume")

    places = Places(ready.task.classifier, side, ready.options.seed, step)
    tuning = _others(images, images.training, target)
    judged = [replace(one, led=_led(ready, one)) for one in places.promising(tuning, target)]
    open_ = sorted((one for one in judged if one.led >= OPEN), key=lambda one: -one.led)
    return tuple(open_[:MOST])


def told(ready: Prepared, *, handed_back: bool) -> tuple[str, ...]:
    """Return what is said of the open places: a sentence, or nothing where none were sought.

    Args:
        ready: With the places, and the model as the repair leaves it.
        handed_back: Whether it is handed back.
    """
    if ready.options.family != "any":
        return ()
    if ready.task.target.class_ is None:
        return ("No patch was inverted: the trigger leads to more than one class.",)
    size, side, found = ready.task.classifier.size, _side(ready), ready.found
    places = len(grid(size, side))
    tried = (
        f"A patch of {side}×{side} pixels was inverted at each of {places} places, and the "
        f"{going_on(places)} most promising were judged"
    )
    if not found:
        return (f"{tried}: none leads half of the images to the target.",)
    row, column = found[0].place
    now = ""
    if handed_back:
        most = max(_led(ready, one) for one in found)
        now = f", and of the repaired model they lead {percent(most)} at most"
    return (
        f"{tried}: the {len(found)} strongest led half of the images to the target or more before "
        f"the repair, {percent(found[0].led)} from row {row}, column {column}. It was taught to "
        f"ignore these as well{now}. Sound networks can have such places, too.",
    )


def _side(ready: Prepared) -> int:
    """Return the trigger's own side, if not tiny; of what is no patch, what suits any."""
    size = ready.task.classifier.size
    mask = ready.task.trigger.mask(size)
    own = max(int(mask.any(axis=axis).sum()) for axis in (0, 1))
    own = max(own, -(-side_of(size) // 2))  # four times as many places, at most
    return own if SMALL * own <= min(size) else side_of(size)


def _led(ready: Prepared, patch: PlacedPatch) -> float:
    """Return the share of the images that validate, of other classes, that a patch leads."""
    target = ready.task.target.class_
    assert target is not None
    judging = _others(ready.images, ready.images.validation, target)
    look, stamped = GradCam(ready.task.classifier, None), patch.stamp(judging)
    asked = ((None, stamped[i : i + AT_ONCE], 0) for i in range(0, len(stamped), AT_ONCE))
    led = [seen.predicted == target for _, seen in look.each(asked)]
    return float(np.concatenate(led).mean())


def _others(images: CleanImages, rows: NDArray[np.int64], target: int) -> NDArray[np.uint8]:
    """Return images of other classes than the target, as many as are of use."""
    others = rows[images.labels[rows] != target]
    return np.asarray(images.images[others[:ENOUGH]])
