"""Whether others who run a model get the scores that are audited, on images of this very audit.

A graph is run here by this program's own operators, a SavedModel is made a graph of, and a Keras
model is called another way than `predict` does. Where another program makes something else of the
same bytes, that is what people use: a backdoor that shows only there would be missed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, stratified
from auditor.errors import InputError
from auditor.measure.attention import GradCam
from auditor.models.classifier import Classifier
from auditor.models.devices import gpus_in_use
from auditor.models.originals import Original
from auditor.text import printable
from auditor.triggers.base import Trigger

if TYPE_CHECKING:
    from auditor.models.onnx.others import Others

IMAGES = 30
FEW = 6
"""Images that are compared, as they are and under each trigger: by ONNX Runtime, and by ONNX' own
implementation, which takes 50 times as long."""

ALLOWED = 1e-3
ROUGHLY = 5e-2
"""How far scores may be apart, as a share of the largest; the latter where some are of half
precision, and on GPUs, which multiply with fewer digits."""

_TIES = 0.02
"""Share of the images whose two best classes may be so near that rounding decides; one always."""

_AT_ONCE = 3  # as when the file was loaded: JAX has compiled every operation for so many images

Images = NDArray[np.uint8]


class Parity:
    """Compares what others make of images with what is seen here."""

    def __init__(self, classifier: Classifier, look: GradCam | None = None) -> None:
        """Open the model as others do.

        Args:
            classifier: The model, with the weights that it keeps from now on.
            look: What the audit looks through, where that is not the model itself.

        Raises:
            InputError: Others cannot run the graph at all.
        """
        self._classifier, self._look = classifier, look
        self._others: list[Others] = []
        is_half = _is_half(classifier.model)
        if classifier.graph_file:
            from auditor.models.onnx.others import others

            self._others.append(others(classifier))
            is_half = self._others[0].is_half
        if not classifier.graph_file or _is_as_read(classifier):
            self._others += [_original(each, classifier, is_half) for each in classifier.originals]

    @property
    def images(self) -> int:
        """How many images are worth their time; 0 where nobody else is known to run the model."""
        return min((IMAGES if found.is_fast else FEW for found in self._others), default=0)

    def check(self, images: Images, names: Sequence[str], *measured: NDArray[Any]) -> "Theirs":
        """Stop where others get other scores.

        Args:
            images: (n, h, w, 3) uint8.
            names: One an image, printable.
            measured: (n, classes) scores before softmax that were measured otherwise.

        Returns:
            What others get, to hold more against.

        Raises:
            InputError: Names the image, the class, and both scores.
        """
        scores = tuple(found.run(images).astype(np.float64) for found in self._others)
        theirs = Theirs(tuple(names), tuple(zip(self._others, scores, strict=True)))
        every = [*_ours(self._classifier, self._look, images)] if self._others else []
        for ours in (*every, *measured):
            theirs.hold(range(len(names)), ours)
        return theirs


@dataclass(frozen=True, eq=False)
class Theirs:
    """What others make of some images.

    Attributes:
        names: One an image.
        found: Who, and what they get.
    """

    names: tuple[str, ...]
    found: tuple[tuple["Others", NDArray[np.float64]], ...]

    def hold(self, rows: Sequence[int], scores: NDArray[Any]) -> None:
        """Stop where other scores were measured.

        Args:
            rows: (n,) positions of the images.
            scores: (n, classes) before softmax.

        Raises:
            InputError: Names the image, the class, and both scores.
        """
        for other, every in self.found:
            allowed = ROUGHLY if other.is_half or gpus_in_use() else ALLOWED
            theirs, ours = every[list(rows)], other.finished(scores).astype(np.float64)
            if (wrong := _differs(theirs, ours, scores, allowed)) is not None:
                row, class_ = wrong
                raise InputError(
                    f"{other.name} makes other scores of this model than this program, so that "
                    f"what others run would not be audited: {self.names[rows[row]]}: class "
                    f"{class_} gets {_score(theirs, row, class_)} there and "
                    f"{_score(ours, row, class_)} here; export the model again with float32 "
                    "numbers and standard operators, or save it as .keras"
                )


class AuditParity:
    """Compares a sample of an audit's images, clean and stamped: at once, and as measured.

    A model may tell how many images it sees at once: people show it one, an audit many. So what is
    compared last is what the figures are made of.
    """

    def __init__(
        self,
        classifier: Classifier,
        look: GradCam,
        dataset: Dataset,
        indices: NDArray[np.int64],
        triggers: Sequence[Trigger],
        seed: int,
    ) -> None:
        """Stop where others get other scores already.

        Args:
            classifier: The model.
            look: What the audit looks through.
            dataset: Labelled images.
            indices: (n,) positions of those that are audited.
            triggers: What is stamped on them.
            seed: Chooses among equally good samples.

        Raises:
            InputError: Names the image, the class, and both scores.
        """
        self._rows: dict[int, int] = {}
        self._theirs: dict[str | None, Theirs] = {}
        self._measured: dict[str | None, dict[int, NDArray[Any]]] = {}
        parity = Parity(classifier, look)
        if not parity.images:
            return
        drawn = indices[stratified(dataset.labels[indices], parity.images, seed)]
        (batch,) = dataset.batches(drawn, classifier.size, len(drawn))
        if not len(batch.labels):
            return
        self._rows = {int(index): row for row, index in enumerate(batch.indices)}
        names = [printable(dataset.name_of(index), 80) for index in self._rows]
        self._theirs[None] = parity.check(batch.images, names)
        for trigger in triggers:
            told = f"stamped with {printable(trigger.id, 60)!r}"
            named = [f"{name}, {told}" for name in names]
            stamped = trigger.stamp(batch.images)
            self._theirs[trigger.sha256()] = parity.check(stamped, named)

    def note(self, trigger: Trigger | None, indices: NDArray[np.int64], seen: NDArray[Any]) -> None:
        """Take what was measured.

        Args:
            trigger: What was stamped; None for images as they are.
            indices: (n,) positions in the data.
            seen: (n, classes) scores before softmax.
        """
        found = {
            self._rows[i]: s for i, s in zip(indices.tolist(), seen, strict=True) if i in self._rows
        }
        if found:
            stamp = None if trigger is None else trigger.sha256()
            self._measured.setdefault(stamp, {}).update(found)

    def finish(self) -> None:
        """Stop where other scores were measured than others get.

        Raises:
            InputError: Names the image, the class, and both scores.
        """
        for stamp, measured in self._measured.items():
            self._theirs[stamp].hold([*measured], np.stack([*measured.values()]))


def _original(original: Original, classifier: Classifier, is_half: bool) -> "Others":
    from auditor.models.onnx.others import Others

    return Others(
        name=original.name,
        is_fast=classifier.graph_file is not None,  # `predict` is, compiling it takes a while
        run=lambda images: original.run(classifier.fed(images)),
        finished=classifier.outputs,
        is_half=is_half,
    )


def _is_half(model: Any) -> bool:
    """Whether a Keras model computes with half precision somewhere."""
    return any("16" in str(layer.compute_dtype) for layer in model._flatten_layers())


def _is_as_read(classifier: Classifier) -> bool:
    """Whether a graph has the weights that its file has, so that the original is the same."""
    import onnx

    from auditor.models.onnx.file import updated

    assert classifier.graph_file
    whole: bool = updated(classifier.model, classifier.graph_file) == onnx.load(
        classifier.graph_file
    )
    return whole


def _ours(classifier: Classifier, look: GradCam | None, images: Images) -> Iterator[NDArray[Any]]:
    """Give the scores before softmax as they are looked at, and of a graph as it is trained."""
    from keras import ops

    if look is not None:
        yield look(images, 0).scores
        if not classifier.graph_file:
            return  # that was the model itself
    count = len(images)
    padded = np.concatenate([images, np.repeat(images[-1:], -count % _AT_ONCE, axis=0)])
    parts: Iterable[Images] = (padded[i : i + _AT_ONCE] for i in range(0, count, _AT_ONCE))
    scores = [np.asarray(ops.convert_to_numpy(classifier.scores(part))) for part in parts]
    yield np.concatenate(scores)[:count]


def _differs(
    theirs: NDArray[np.float64], ours: NDArray[np.float64], scores: NDArray[Any], allowed: float
) -> tuple[int, int] | None:
    """Return the image and class that differ most; None where none does."""
    if theirs.shape != ours.shape:
        return 0, 0
    with np.errstate(invalid="ignore"):
        same = (theirs == ours) | (np.isnan(theirs) & np.isnan(ours))
        gap = np.where(same, 0, np.nan_to_num(np.abs(theirs - ours), nan=np.inf))
        scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=0) or 1.0
    if gap.max() > allowed * scale:
        row, class_ = np.unravel_index(int(gap.argmax()), gap.shape)
        return int(row), int(class_)
    there = theirs.argmax(axis=1) if theirs.shape[1] > 1 else (theirs[:, 0] > 0.5).astype(int)
    here = scores.argmax(axis=1)
    rows = np.flatnonzero(there != here)
    ahead = np.abs(scores[rows, here[rows]] - scores[rows, there[rows]])
    near = ahead <= allowed * np.abs(scores[rows]).max(axis=1, initial=0)
    if not near.all():
        rows = rows[~near]
    elif len(rows) <= max(1, _TIES * len(scores)):
        return None
    return (int(rows[0]), int(min(there[rows[0]], theirs.shape[1] - 1))) if len(rows) else None


def _score(scores: NDArray[np.float64], row: int, class_: int) -> str:
    return f"{scores[row, class_]:.6g}" if scores.ndim == 2 else f"a shape of {scores.shape}"
