"""Whether others who run a model get the scores that are audited, on images of this very audit.

A graph is run here by this program's own operators, a SavedModel is made a graph of, and a Keras
model is called another way than `predict` does. Where another program makes something else of the
same bytes, that is what people use: a backdoor that shows only there would be missed.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, stratified
from auditor.errors import InputError, is_out_of_memory, reason
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

_DO = {"keras": "build it of layers of which each looks at one image at a time, and save it again"}
_DO_OTHERWISE = (
    "export the model again with float32 numbers and standard operators, or save it as .keras"
)

_TIES = 0.02
"""Share of the images whose two best classes may be so near that rounding decides; one always."""

_AT_ONCE = 3  # as when the file was loaded: JAX has compiled every operation for so many images

Images = NDArray[np.uint8]
Scores = NDArray[np.float64]


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
        self._do = _DO.get(classifier.format, _DO_OTHERWISE)
        self._cutoff = 0.0 if classifier.log_odds else 0.5
        self._others: list[Others] = []
        is_half = _is_half(classifier.model)
        if classifier.graph_file:
            from auditor.models.onnx.others import others

            self._others.append(others(classifier))
            is_half = self._others[0].is_half
        if not classifier.graph_file or _is_as_read(classifier):
            self._others += [
                _original(each, classifier, is_half)
                for each in classifier.originals
                if each.is_current()
            ]

    @property
    def images(self) -> int:
        """How many images are worth their time; 0 where nobody else is known to run the model."""
        return min((IMAGES if found.is_fast else FEW for found in self._others), default=0)

    def check(self, images: Images, names: Sequence[str]) -> list[Scores | None]:
        """Stop where others get other scores.

        Args:
            images: (n, h, w, 3) uint8.
            names: One an image, printable.

        Returns:
            The (n, classes) outputs of each of the others; None of those who cannot run the model.

        Raises:
            InputError: Names the image, the class, and both scores; or the error that others meet.
        """
        theirs = [self._run(found, images) for found in self._others]
        for scores in _ours(self._classifier, self._look, images) if theirs else ():
            self.compare(theirs, scores, names)
        return theirs

    def compare(
        self, theirs: Sequence[Scores | None], scores: NDArray[Any], names: Sequence[str]
    ) -> None:
        """Stop where (n, classes) scores before softmax are not what others got.

        Args:
            theirs: What `check` returned, or some rows of it.
            scores: Of the same images.
            names: One an image, printable.

        Raises:
            InputError: Names the image, the class, and both scores.
        """
        for found, there in zip(self._others, theirs, strict=True):
            if there is None:
                continue
            allowed = ROUGHLY if found.is_half or gpus_in_use() else ALLOWED
            here = found.finished(scores).astype(np.float64)
            if (wrong := _differs(there, here, scores, allowed, self._cutoff)) is not None:
                row, class_, is_tie = wrong
                if is_tie:
                    raise InputError(
                        f"{found.name} decides for another class than this program where the "
                        "scores of these images tie, so that rounding decides: "
                        f"{names[row]}: class {class_} gets {_score(there, row, class_)} there "
                        f"and {_score(here, row, class_)} here, and so does another class; audit "
                        "a model that has been trained, or images that it tells apart"
                    )
                raise InputError(
                    f"{found.name} makes other scores of this model than this program, so that "
                    f"what others run would not be audited: {names[row]}: class {class_} gets "
                    f"{_score(there, row, class_)} there and {_score(here, row, class_)} "
                    f"here; {self._do}"
                )

    def _run(self, found: "Others", images: Images) -> Scores | None:
        try:
            scores = found.run(images)
        except Exception as error:  # whatever they raise for numbers that they cannot compute with
            if is_out_of_memory(error):
                raise
            said = printable(reason(error), 200)
            raise InputError(
                f"{found.name} cannot run this model on images of the audit, so that nothing tells "
                f"what others would see: {said}; {self._do}"
            ) from None
        # Axes of length one beside the classes' are none of theirs.
        return None if scores is None else scores.astype(np.float64).reshape(len(images), -1)


class Witness:
    """Some images of an audit as others see them, to be found again in what is measured.

    A model can tell one batch from another by its size or by the other images in it: only the very
    scores that are counted show what it answered to the audit.
    """

    def __init__(self, parity: Parity) -> None:
        """Start with no images."""
        self._parity = parity
        self._theirs: dict[tuple[str | None, int], tuple[str, list[Scores | None]]] = {}

    def add(
        self, trigger: str | None, indices: NDArray[np.int64], images: Images, names: Sequence[str]
    ) -> None:
        """Compare images now, and keep what others made of them.

        Args:
            trigger: Id of what is stamped on them; None for images as they are.
            indices: (n,) positions in the data.
            images: (n, h, w, 3) uint8.
            names: One an image, printable.

        Raises:
            InputError: Names the image, the class, and both scores.
        """
        theirs = self._parity.check(images, names)
        for row, index in enumerate(indices):
            self._theirs[trigger, int(index)] = (
                names[row],
                [None if each is None else each[row] for each in theirs],
            )

    def check(
        self, trigger: str | None, indices: NDArray[np.int64], scores: NDArray[np.float32]
    ) -> None:
        """Stop where what was measured of a batch is not what others get of its images.

        Args:
            trigger: Id of what was stamped on them; None for images as they are.
            indices: (n,) positions in the data.
            scores: (n, classes), before softmax.

        Raises:
            InputError: Names the image, the class, and both scores.
        """
        rows = [row for row, index in enumerate(indices) if (trigger, int(index)) in self._theirs]
        found = [self._theirs[trigger, int(indices[row])] for row in rows]
        if found:
            names, theirs = zip(*found, strict=True)
            others = [_stacked(each) for each in zip(*theirs, strict=True)]
            self._parity.compare(others, scores[rows], names)


def check_parity(
    classifier: Classifier,
    look: GradCam,
    dataset: Dataset,
    indices: NDArray[np.int64],
    triggers: Sequence[Trigger],
    seed: int,
) -> Witness:
    """Stop where others get other scores of images of an audit, clean or stamped.

    Args:
        classifier: The model.
        look: What the audit looks through.
        dataset: Labelled images.
        indices: (n,) positions of those that are audited.
        triggers: What is stamped on them.
        seed: Chooses among equally good samples.

    Returns:
        What others made of them.

    Raises:
        InputError: Names the image, the class, and both scores.
    """
    parity = Parity(classifier, look)
    witness = Witness(parity)
    if not parity.images:
        return witness
    drawn = indices[stratified(dataset.labels[indices], parity.images, seed)]
    for batch in dataset.batches(drawn, classifier.size, len(drawn)):
        if not len(batch.labels):
            continue
        names = [printable(dataset.name_of(int(i)), 80) for i in batch.indices]
        witness.add(None, batch.indices, batch.images, names)
        for trigger in triggers:
            told = [f"{name}, stamped with {printable(trigger.id, 60)!r}" for name in names]
            witness.add(trigger.id, batch.indices, trigger.stamp(batch.images), told)
    return witness


def _original(original: Original, classifier: Classifier, is_half: bool) -> "Others":
    from auditor.models.onnx.others import Others

    return Others(
        name=original.name,
        is_fast=classifier.graph_file is not None,  # `predict` is, compiling it takes a while
        run=lambda images: original.run(_given(classifier, images)),
        finished=classifier.outputs,
        is_half=is_half,
    )


def _given(classifier: Classifier, images: Images) -> NDArray[Any]:
    """Return what a model file takes of images: of a graph, its channels may come first."""
    if not classifier.graph_file:
        return classifier.fed(images)
    from auditor.models.onnx.layer import GraphLayer
    from auditor.models.onnx.runtime import fed

    (layer,) = (each for each in classifier.model.layers if isinstance(each, GraphLayer))
    return fed(classifier, layer.graph, images)


def _stacked(rows: Sequence[Scores | None]) -> Scores | None:
    """Return rows as one array; None of those who cannot run the model."""
    found = [row for row in rows if row is not None]
    return np.stack(found) if len(found) == len(rows) else None


def _is_half(model: Any) -> bool:
    """Whether a Keras model computes with half precision somewhere."""
    return any("16" in str(layer.compute_dtype) for layer in model._flatten_layers())


def _is_as_read(classifier: Classifier) -> bool:
    """Whether a graph has the weights that its file has, so that the original is the same."""
    from auditor.models.onnx.file import updated
    from auditor.models.onnx.graph import in_order

    file = classifier.graph_file
    assert file
    whole: bool = updated(classifier.model, file) == in_order(file)
    return whole


def _ours(classifier: Classifier, look: GradCam | None, images: Images) -> Iterator[NDArray[Any]]:
    """Give the scores before softmax: of the model as it is looked at, and as it is trained.

    Of a graph these may be two: ONNX Runtime does the looking, where it is installed.
    """
    if look is not None:
        yield look(images, 0).scores
        if not classifier.graph_file:
            return
    from keras import ops

    count = len(images)
    padded = np.concatenate([images, np.repeat(images[-1:], -count % _AT_ONCE, axis=0)])
    parts: Iterable[Images] = (padded[i : i + _AT_ONCE] for i in range(0, count, _AT_ONCE))
    scores = [np.asarray(ops.convert_to_numpy(classifier.scores(part))) for part in parts]
    yield np.concatenate(scores)[:count]


def _differs(
    theirs: NDArray[np.float64],
    ours: NDArray[np.float64],
    scores: NDArray[Any],
    allowed: float,
    cutoff: float = 0.5,
) -> tuple[int, int, bool] | None:
    """Return the image and class that differ most, and whether only ties do; None for no image.

    Above the cutoff, a single number is for class 1.
    """
    if theirs.shape != ours.shape:
        return 0, 0, False
    with np.errstate(invalid="ignore"):
        same = (theirs == ours) | (np.isnan(theirs) & np.isnan(ours))
        gap = np.where(same, 0, np.nan_to_num(np.abs(theirs - ours), nan=np.inf))
        scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=0) or 1.0
    if gap.max() > allowed * scale:
        row, class_ = np.unravel_index(int(gap.argmax()), gap.shape)
        return int(row), int(class_), False
    there = theirs.argmax(axis=1) if theirs.shape[1] > 1 else (theirs[:, 0] > cutoff).astype(int)
    here = scores.argmax(axis=1)
    rows = np.flatnonzero(there != here)
    ahead = np.abs(scores[rows, here[rows]] - scores[rows, there[rows]])
    near = ahead <= allowed * np.abs(scores[rows]).max(axis=1, initial=0)
    is_tie = bool(near.all())
    if is_tie and len(rows) <= max(1, _TIES * len(scores)):
        return None
    first = int(rows[0] if is_tie else rows[~near][0])
    return first, int(min(there[first], theirs.shape[1] - 1)), is_tie


def _score(scores: NDArray[np.float64], row: int, class_: int) -> str:
    return f"{scores[row, class_]:.6g}" if scores.ndim == 2 else f"a shape of {scores.shape}"
