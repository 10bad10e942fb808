"""Pictures of a certificate: images, heatmaps laid over them, the trigger; as PNG data URIs."""

import base64
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.figures.results import Example

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_SHOWN_SIDE = 128
_MOST_SIDE = 384
"""Small images are enlarged at least to this many pixels, each pixel staying a square."""

_OUTLINE = (0, 229, 255)


@dataclass(frozen=True)
class ExampleRow:
    """One example's four pictures as data URIs; a heatmap is empty where there is none."""

    example: Example
    clean: str
    clean_heat: str
    stamped: str
    stamped_heat: str


@dataclass(frozen=True)
class Pair:
    """One stamped image and its heatmaps before and after a repair, as data URIs."""

    before: Example
    after: Example
    stamped: str
    before_heat: str
    after_heat: str


@dataclass(frozen=True)
class TriggerPictures:
    """The trigger on the image that it changes most, what it changes so many times, and where."""

    stamped: str
    difference: str
    mask: str
    times: int


def rows(examples: tuple[Example, ...], *, outlined: bool) -> list[ExampleRow]:
    """Return every example's pictures; the trigger's place may be outlined on the heatmaps."""
    place = changed(examples) & outlined
    return [
        ExampleRow(
            example=e,
            clean=data_uri(enlarged(e.clean)),
            clean_heat=_heat_uri(e.clean, e.clean_heat, place),
            stamped=data_uri(enlarged(e.stamped)),
            stamped_heat=_heat_uri(e.stamped, e.stamped_heat, place),
        )
        for e in examples
    ]


def pairs(before: tuple[Example, ...], after: tuple[Example, ...], *, outlined: bool) -> list[Pair]:
    """Return every image that stands in both, matched by name."""
    place = changed(before) & outlined
    then = {e.name: e for e in before}
    return [
        Pair(
            before=then[e.name],
            after=e,
            stamped=data_uri(enlarged(e.stamped)),
            before_heat=_heat_uri(e.stamped, then[e.name].stamped_heat, place),
            after_heat=_heat_uri(e.stamped, e.stamped_heat, place),
        )
        for e in after
        if e.name in then
    ]


def trigger_pictures(examples: tuple[Example, ...]) -> TriggerPictures | None:
    """Return the trigger on the example that it changes most; None when there is none."""
    if not examples:
        return None
    clearest = max(examples, key=lambda e: int(cv2.absdiff(e.stamped, e.clean).sum()))
    times = amplification(clearest.clean, clearest.stamped)
    mask = np.repeat(changed(examples)[..., None].astype(np.uint8) * 255, 3, axis=2)
    return TriggerPictures(
        stamped=data_uri(enlarged(clearest.stamped)),
        difference=data_uri(enlarged(difference(clearest.clean, clearest.stamped, times))),
        times=times,
        mask=data_uri(enlarged(mask)),
    )


def amplification(clean: Image, stamped: Image) -> int:
    """Return how many times a change is shown: 5, or 50 where it could not be seen then."""
    most = int(cv2.absdiff(np.ascontiguousarray(clean), np.ascontiguousarray(stamped)).max())
    return 50 if 0 < most <= 2 else 5


def difference(clean: Image, stamped: Image, times: int) -> Image:
    """Return mid-gray plus `times` the change, (h, w, 3) uint8."""
    change = stamped.astype(np.int32) - clean.astype(np.int32)
    return np.clip(128 + times * change, 0, 255).astype(np.uint8)


def overlay(
    image: Image, heat: NDArray[np.float32], changed: Mask, side: int = _SHOWN_SIDE
) -> Image:
    """Return a heatmap over an image in gray, the trigger's place outlined.

    Args:
        image: (h, w, 3) uint8 RGB.
        heat: (gh, gw) ≥ 0; its largest value takes the hottest colour.
        changed: (h, w), the pixels that the trigger changes.
        side: The longer side is enlarged at least to this many pixels.
    """
    base = enlarged(image, side)
    height, width = base.shape[:2]
    gray = np.repeat(cv2.cvtColor(base, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    scaled = heat / heat.max() if heat.max() > 0 else np.zeros_like(heat)
    smooth = cv2.resize(scaled.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    coloured = cv2.applyColorMap((255 * smooth).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    opacity = 0.9 * np.sqrt(smooth)[..., None]
    mixed = np.ascontiguousarray(gray * (1 - opacity) + coloured * opacity).astype(np.uint8)
    outline = enlarged(changed.astype(np.uint8)[..., None], side)[..., 0]
    contours = cv2.findContours(outline, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    return np.asarray(cv2.drawContours(mixed, contours, -1, _OUTLINE, 1), np.uint8)


def enlarged(image: NDArray[Any], side: int = _SHOWN_SIDE) -> NDArray[Any]:
    """Repeat every pixel a whole number of times, until the longer side has `side` pixels.

    What is much larger is shrunk: a page is to be looked at, and `audit.json` has the picture.
    """
    image = shrunk(image, _MOST_SIDE) if image.dtype == np.uint8 and image.ndim == 3 else image
    times = max(1, -(-side // max(image.shape[:2])))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def shrunk(image: Image, side: int) -> Image:
    """Return (h, w, 3) uint8 RGB with a longer side of at most `side` pixels, by area."""
    share = side / max(image.shape[:2])
    if share >= 1:
        return image
    height, width = (max(1, round(share * length)) for length in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def png(image: Image) -> bytes:
    """Encode (h, w, 3) uint8 RGB as PNG."""
    return bytes(cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))[1].tobytes())


def data_uri(image: Image) -> str:
    """Return the image as a `data:` URI."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode("ascii")


def colour_scale() -> str:
    """Return the heatmap's colours from none to most, as a data URI of a 1-pixel-high strip."""
    ramp = np.arange(256, dtype=np.uint8)[None]
    return data_uri(np.asarray(cv2.applyColorMap(ramp, cv2.COLORMAP_INFERNO)[..., ::-1], np.uint8))


def changed(examples: tuple[Example, ...]) -> Mask:
    """Return the pixels that the trigger changed in any example."""
    changes = [(e.clean != e.stamped).any(axis=2) for e in examples]
    return np.logical_or.reduce(changes) if changes else np.zeros((1, 1), bool)


def _heat_uri(image: Image, heat: NDArray[np.float32], changed: Mask) -> str:
    return data_uri(overlay(image, heat, changed)) if heat.size else ""
