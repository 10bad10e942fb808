"""Rounds of optimisation: classes go through the compiled step, as many at once as fit."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.errors import Interrupted
from auditor.models.classifier import Classifier
from auditor.search.images import Images, round_of
from auditor.search.inversion import Inversion
from auditor.search.options import SearchOptions
from auditor.search.state import SearchState

ROWS = 512
"""Stamped images of 32×32 pixels in one step; larger ones are fewer, by area."""

_PIXELS = 32 * 32


class Rounds:
    """Runs rounds; what a class comes to does not depend on which others take part."""

    def __init__(
        self,
        classifier: Classifier,
        images: Images,
        options: SearchOptions,
        stop: Callable[[], bool],
    ) -> None:
        """Take what is needed.

        Args:
            classifier: What is searched.
            images: Those that stamps are optimised on.
            options: The size of a step and a round.
            stop: Asked after every step.
        """
        self._classifier, self._images, self._options = classifier, images, options
        self._stop = stop
        self._models: dict[int, Inversion] = {}
        height, width = classifier.size
        self._rows = ROWS * _PIXELS // (height * width)

    def together(self, images: int) -> int:
        """Return how many classes fit into one step of so many images."""
        return max(1, self._rows // images)

    def run(
        self, state: SearchState, images: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Run one round of the active classes; only then are their slots changed.

        Args:
            state: The classes.
            images: Images a step.

        Returns:
            (k,) success and (k,) L1 norm of the masks after the round; 0 where a class is not
            active.

        Raises:
            Interrupted: `stop` said so; nothing is changed.
        """
        options, active = self._options, np.flatnonzero(state.active)
        batches = round_of(self._images, images, options.steps, state.round, options.seed)
        parts = [self._part(state, rows, batches) for rows in self._chunks(active, images)]
        success, norm = np.zeros(len(state.classes)), np.zeros(len(state.classes))
        for rows, slots, hits, size in parts:
            for kept, new in zip(state.slots, slots, strict=True):
                kept[rows] = new
            success[rows], norm[rows] = hits, size
        state.round += 1
        state.evaluations += images * options.steps * len(active)
        return success, norm

    def _chunks(self, active: NDArray[np.int64], images: int) -> list[NDArray[np.int64]]:
        """Return the rows part by part, of two sizes at most."""
        return np.array_split(active, -(-len(active) // self.together(images)))

    def _part(self, state: SearchState, rows: NDArray[np.int64], batches: list[Images]) -> Any:
        model = self._model(len(rows))
        for variable, slot in zip(model.slots(), state.slots, strict=True):
            variable.assign(slot[rows])
        model.aims.assign(state.classes[rows].astype(np.int32))
        model.cost.assign(state.cost[rows].astype(np.float32))
        model.begin(state.round * self._options.steps)
        for batch in batches:
            model.train_on_batch([batch.pixels, batch.labels.astype(np.int32)])
            if self._stop():
                raise Interrupted("the search was asked to stop; go on with --resume")
        slots = [_array(variable) for variable in model.slots()]
        success = _array(model.hits) / np.maximum(_array(model.shown), 1)
        norm = (1 / (1 + np.exp(-slots[0].astype(np.float64)))).sum(axis=(1, 2, 3))
        return rows, slots, success, norm

    def _model(self, count: int) -> Inversion:
        if count not in self._models:
            self._models[count] = Inversion(self._classifier, count, self._options.learning_rate)
        return self._models[count]


def _array(variable: Any) -> NDArray[np.float32]:
    from keras import ops

    return np.array(ops.convert_to_numpy(variable))
