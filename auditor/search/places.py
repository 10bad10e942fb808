"""Patch inversion by place: is there a place where a small patch leads images to a class?

One patch for all images is put at each place of a grid, gray at first, and its content optimised
towards the class by sign gradient with momentum, all places of a step at once. A network that was
taught a patch answers to one in its place, and wherever training moved it: nearly all images are
led. Networks that are small, or sure of little, answer to some patch in many places.
Unlike a mask over the whole image (`inversion.py`), a patch cannot hide a small trigger in faint
noise everywhere, and every place is looked at, not the one that the optimisation began near.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from auditor.models.classifier import Classifier

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Place = tuple[int, int]
"""Row and column of a patch's first pixel."""

SHARE = 8
"""A patch's side goes so often into the image's shorter one."""

ROWS = 512
"""Stamped images of 32×32 pixels in one step; larger ones are fewer, by area."""

_GRAY = 127.5
_PACE = 0.12 * 255
_MOMENTUM = 0.7


@dataclass(frozen=True)
class Effort:
    """How long a round of inversion goes on.

    Attributes:
        images: That each step stamps, others every time.
        steps: Of the optimisation.
    """

    images: int
    steps: int


COARSE, FINE = Effort(8, 12), Effort(24, 12)
"""Every place has a coarse round; the most promising quarter goes on from it."""

GOING_ON = 0.25


@dataclass(frozen=True, eq=False)
class PlacedPatch:
    """A patch in its place.

    Attributes:
        place: Row and column of its first pixel.
        content: (s, s, 3) uint8 RGB.
        led: Share of images of other classes that it leads to the class; of those of the last step
            where nobody has judged it on others.
    """

    place: Place
    content: Pixels
    led: float

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the (h, w) pixels that it covers."""
        covered = np.zeros(size, np.bool_)
        covered[self._where] = True
        return covered

    def stamp(self, images: Pixels) -> Pixels:
        """Return a copy of (n, h, w, 3) images with it."""
        stamped = images.copy()
        stamped[:, *self._where] = self.content
        return stamped

    @property
    def _where(self) -> tuple[slice, slice]:
        (row, column), side = self.place, len(self.content)
        return slice(row, row + side), slice(column, column + side)


class _SignMomentum(keras.optimizers.SGD):  # type: ignore[misc]
    """Steps by the sign of a momentum of gradients of size one (Dong et al. 2018, MI-FGSM)."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        axes = tuple(range(1, len(variable.shape)))
        size = ops.mean(ops.abs(gradient), axis=axes, keepdims=True)
        speed = self.momentums[self._get_variable_index(variable)]
        self.assign(speed, self.momentum * speed + gradient / (size + 1e-12))
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * ops.sign(speed))


class PatchInversion(keras.Model):  # type: ignore[misc]
    """`count` patches in training, each in its place and towards its class: images in, nothing out.

    The classifier is called, not owned: its weights are no variables of this model.

    Attributes:
        content: (count, s, s, 3), 0 to 255.
        aims: (count,) the classes.
        down: (count, h, s) which row of the image each row of a patch is; `across`: (count, w, s).
        led: (count,) share of the last step's images led to the class.
        missed: (count,) their mean cross-entropy.
    """

    def __init__(self, classifier: Classifier, count: int, side: int) -> None:
        """Make room for `count` patches of `side` pixels and compile."""
        super().__init__(name="patch_inversion")
        self._classifier, self._count = classifier, count
        height, width = classifier.size
        self.content = self.add_weight(
            name="content",
            shape=(count, side, side, 3),
            initializer="zeros",
            constraint=lambda value: ops.clip(value, 0, 255),
        )
        self.aims = self._room("aims", (), "int32")
        self.down, self.across = (
            self._room("down", (height, side)),
            self._room("across", (width, side)),
        )
        self.led, self.missed = self._room("led", ()), self._room("missed", ())
        self.compile(
            optimizer=_SignMomentum(_PACE, momentum=_MOMENTUM, name="sign_momentum"),
            # XLA, which is slower on a CPU under TensorFlow, would compile for seconds a count.
            jit_compile="auto" if keras.backend.backend() != "tensorflow" else False,
        )
        self.optimizer.build(self.trainable_variables)

    def call(self, images: Any) -> Any:
        """Stamp (n, h, w, 3) images with every patch, and add what is to be made small."""
        covered = ops.einsum("khi,kwj->khw", self.down, self.across)[:, None, ..., None]
        patches = ops.einsum("khi,kijc,kwj->khwc", self.down, self.content, self.across)[:, None]
        stamped = ops.cast(images, "float32")[None] * (1 - covered) + patches
        scores = self._classifier.scores(ops.reshape(stamped, (-1, *self._classifier.size, 3)))
        scores = ops.reshape(scores, (self._count, -1, self._classifier.classes))
        aims = ops.broadcast_to(self.aims[:, None], ops.shape(scores)[:2])
        missed = keras.losses.sparse_categorical_crossentropy(aims, scores, from_logits=True)
        hits = ops.cast(ops.argmax(scores, axis=-1), "int32") == aims
        self.led.assign(ops.mean(ops.cast(hits, "float32"), axis=1))
        missed = ops.mean(missed, axis=1)
        self.missed.assign(missed)
        self.add_loss(ops.sum(missed))
        return self.led

    def _room(self, name: str, shape: tuple[int, ...], dtype: str = "float32") -> Any:
        return self.add_weight(
            name=name,
            shape=(self._count, *shape),
            dtype=dtype,
            initializer="zeros",
            trainable=False,
        )


def side_of(size: tuple[int, int]) -> int:
    """Return the side of patches that are like nothing known, in pixels of (h, w) `size`."""
    return max(1, round(min(size) / SHARE))


def grid(size: tuple[int, int], side: int) -> list[Place]:
    """Return the places in images of (h, w) `size`: side by side, the last ones at the edges."""
    rows, columns = (sorted({*range(0, n - side, side), n - side}) for n in size)
    return [(row, column) for row in rows for column in columns]


def effort(size: tuple[int, int], side: int) -> int:
    """Return how many stamped images go through for a class, for images of (h, w) `size`."""
    places = len(grid(size, side))
    promising = going_on(places)
    return places * COARSE.images * COARSE.steps + promising * FINE.images * FINE.steps


def going_on(places: int) -> int:
    """Return how many of so many places are promising."""
    return max(1, round(GOING_ON * places))


class Places:
    """Inverts patches of one side at places of a classifier's images."""

    def __init__(
        self,
        classifier: Classifier,
        side: int,
        seed: int,
        step: Callable[[int], None],
    ) -> None:
        """Compile nothing yet.

        Args:
            classifier: What is to be led astray; its weights are not touched.
            side: Of the patches, in pixels.
            seed: Of the images' order.
            step: Called after every step, with how many stamped images it took; may raise.
        """
        self._classifier, self._side, self._seed, self._step = classifier, side, seed, step
        self._models: dict[int, PatchInversion] = {}

    def promising(self, images: Pixels, class_: int) -> list[PlacedPatch]:
        """Return patches that may lead images to a class; other images must judge.

        Args:
            images: (n, h, w, 3) of other classes.
            class_: The class.
        """
        every = grid(self._classifier.size, self._side)
        first = np.full((len(every), self._side, self._side, 3), _GRAY, np.float32)
        contents, _, missed = self._round(images, class_, every, first, COARSE)
        best = np.argsort(missed, kind="stable")[: going_on(len(every))]
        places = [every[i] for i in best]
        contents, led, _ = self._round(images, class_, places, contents[best], FINE)
        return [
            PlacedPatch(place, np.floor(content + 0.5).astype(np.uint8), float(share))
            for place, content, share in zip(places, contents, led, strict=True)
        ]

    def _round(
        self, images: Pixels, class_: int, places: list[Place], first: Any, effort: Effort
    ) -> tuple[Floats, Floats, Floats]:
        """Return the contents after a round, and what they led and missed at its end."""
        height, width = self._classifier.size
        at_once = max(1, ROWS * 32 * 32 // (height * width) // effort.images)
        chunks = np.array_split(np.arange(len(places)), -(-len(places) // at_once))
        contents = first.copy()
        led, missed = np.zeros(len(places), np.float32), np.zeros(len(places), np.float32)
        for rows in chunks:
            model = self._model(len(rows))
            self._begin(model, class_, [places[i] for i in rows], contents[rows])
            for batch in self._batches(images, effort):
                model.train_on_batch(batch)
                self._step(len(rows) * len(batch))
            contents[rows] = ops.convert_to_numpy(model.content)
            led[rows] = ops.convert_to_numpy(model.led)
            missed[rows] = ops.convert_to_numpy(model.missed)
        return contents, led, missed

    def _batches(self, images: Pixels, effort: Effort) -> Iterator[Pixels]:
        random = np.random.default_rng([self._seed, effort.steps])
        for _ in range(effort.steps):
            yield images[random.choice(len(images), effort.images, len(images) < effort.images)]

    def _begin(
        self, model: PatchInversion, class_: int, places: list[Place], contents: Any
    ) -> None:
        height, width = self._classifier.size
        rows, columns = np.array(places).T
        within = np.arange(self._side)
        model.down.assign(
            np.eye(height, dtype=np.float32)[:, rows[:, None] + within].swapaxes(0, 1)
        )
        model.across.assign(
            np.eye(width, dtype=np.float32)[:, columns[:, None] + within].swapaxes(0, 1)
        )
        model.aims.assign(np.full(len(places), class_, np.int32))
        model.content.assign(contents)
        for speed in model.optimizer.momentums:
            speed.assign(np.zeros(speed.shape, np.float32))

    def _model(self, count: int) -> PatchInversion:
        if count not in self._models:
            self._models[count] = PatchInversion(self._classifier, count, self._side)
        return self._models[count]
