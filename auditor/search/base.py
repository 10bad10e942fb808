"""`search`: from a suspected classifier and clean images to the smallest stamp of every class."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.data.base import Dataset, check_labels
from auditor.errors import Interrupted
from auditor.measure.parity import Parity
from auditor.measure.preflight import settled
from auditor.measure.progress import Progress, silent
from auditor.measure.provenance import engine, model_facts
from auditor.models.classifier import Classifier
from auditor.models.weights import weights_sha256
from auditor.search import schedule
from auditor.search.images import SearchImages, read
from auditor.search.options import SearchOptions
from auditor.search.result import SearchResult, stamped
from auditor.search.rounds import Rounds
from auditor.search.stamp import Proof
from auditor.search.state import SearchState, load
from auditor.search.state import save as write
from auditor.search.verdict import verdict
from auditor.text import printable

SECONDS_BETWEEN = 60.0
"""Between two checkpoints."""

COMPARED = 10
"""Of the smallest stamps, how many others are asked about."""

FIRST_PASS = 12
"""Rounds of the first pass of many classes; at most a quarter of the search's own."""

FEWER = 3
"""Times fewer images a step in the first pass: it ranks, and proves nothing."""


def search(
    classifier: Classifier,
    dataset: Dataset,
    options: SearchOptions | None = None,
    *,
    progress: Progress = silent,
    checkpoints: Path | None = None,
    identity: dict[str, Any] | None = None,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> SearchResult:
    """Search a classifier for a backdoor whose trigger nobody knows (Wang et al. 2019).

    The classifier's weights are not touched. A model of many classes is first looked at briefly,
    class by class; those with the smallest stamps then go on (`SearchOptions.candidates`), and the
    index is taken among them alone. So a backdoor is missed whose stamp is not among the smallest
    after the first pass.

    Args:
        classifier: The model.
        dataset: Clean labelled images.
        options: How.
        progress: Told the phase, and how far it is.
        checkpoints: Folder to keep checkpoints in; None for none.
        identity: What tells this search from others; a checkpoint of another one is refused.
        resume: Go on from the newest checkpoint, where there is one.
        stop: Asked after every step.

    Raises:
        Interrupted: `stop` said so; a checkpoint is left where there is a folder for it.
        UsageError: Too few images, or an input range that the model evidently does not expect.
        InputError: Images that cannot be used, a checkpoint of another search, or a graph that
            others compute otherwise.
        WorkError: A checkpoint cannot be written.
    """
    options, started = options or SearchOptions(), time.perf_counter()
    check_labels(dataset, classifier.classes, "the model")
    progress("checking the input range", 0, 0)
    dataset = settled(classifier, dataset, options.batch_size, options.seed)
    names = dataset.class_names or tuple(map(str, range(classifier.classes)))
    parity = Parity(classifier)
    progress("reading the images", 0, 0)
    material = read(dataset, classifier.size, names, options.limit, options.held_out, options.seed)
    proof = Proof(classifier, material.held_out, options.batch_size)
    seen = proof.scores(material.held_out.pixels)
    _compare(parity, material.held_out.pixels, seen)
    known = identity or {"model": weights_sha256(classifier.model)}
    whose = {**known, **asdict(options), "images": material.facts.sha256}
    asked = options, classifier.classes, classifier.size
    here = load(whose, checkpoints, *asked) if resume and checkpoints else None
    work = _Search(classifier, material, options, progress, stop)
    spent = here.seconds if here else 0.0

    def save(now: SearchState) -> None:
        now.seconds = spent + time.perf_counter() - started
        if checkpoints:
            write(now, whose, checkpoints)

    broken = not np.isfinite(seen).all()
    if not broken:
        here = work.optimised(work.chosen(here, save), save)
    progress("judging the stamps", 0, 0)
    here = here or SearchState.begin([], classifier.size, options.cost, options.seed)
    seconds = spent + time.perf_counter() - started
    found = SearchResult(
        model=model_facts(classifier),
        data=material.facts,
        held_out=len(material.held_out.labels),
        input_range=classifier.input_range.name,
        **verdict(here, proof, names, options, broken=broken),
        example=material.held_out.pixels[0],
        example_name=material.example_name,
        options=asdict(options),
        rounds=here.round,
        evaluations=here.evaluations,
        seconds=seconds,
        engine=engine(classifier),
    )
    for stamp in [each for each in found.ranked if each.mask.size][:COMPARED]:
        pixels = stamped(material.held_out.pixels, stamp.mask, stamp.pattern)
        told = f", with the stamp of class {printable(stamp.name, 60)!r}"
        _compare(parity, pixels, proof.scores(pixels), told)
    return found


def _compare(
    parity: Parity, pixels: NDArray[np.uint8], seen: NDArray[np.float32], told: str = ""
) -> None:
    """Make sure that others see of the first images what was seen here among all of them."""
    count = min(parity.images, len(pixels))
    names = [f"held-out image {i}{told}" for i in range(count)]
    parity.compare(parity.check(pixels[:count], names), seen[:count], names)


class _Search:
    """The rounds of one search."""

    def __init__(
        self,
        classifier: Classifier,
        material: SearchImages,
        options: SearchOptions,
        progress: Progress,
        stop: Callable[[], bool],
    ) -> None:
        self._size, self._classes = classifier.size, classifier.classes
        self._options, self._progress = options, progress
        self._rounds = Rounds(classifier, material.training, options, stop)

    def chosen(self, here: SearchState | None, save: Callable[[SearchState], None]) -> SearchState:
        """Return the classes to search: all, or those that a first pass finds most promising."""
        options, total = self._options, self._classes
        if not options.candidates or total <= options.candidates:
            return here or self._begin(range(total))
        here, images = here or self._begin(()), max(2, options.batch_size // FEWER)
        rounds, last = min(FIRST_PASS, options.rounds // 4), time.monotonic()
        while here.screened < total:
            self._progress("first pass: classes", here.screened, total)
            new = range(here.screened, min(total, here.screened + self._rounds.together(images)))
            part = self._begin(new)
            while part.round < rounds:
                self._round(part, images, here, save)
            part.screened, part.evaluations = new.stop, here.evaluations + part.evaluations
            part.notes = here.notes
            here = here.joined(part) if len(here.classes) else part
            here = here.rows(schedule.promising(here, options.candidates, self._area))
            if here.screened == total:
                here.forget()
            if time.monotonic() - last >= SECONDS_BETWEEN:
                last = time.monotonic()
                save(here)
        return here

    def optimised(self, here: SearchState, save: Callable[[SearchState], None]) -> SearchState:
        """Run rounds until nothing changes any more; save every minute, and at the end."""
        options, last = self._options, time.monotonic()
        save(here)
        while not self._is_done(here):
            self._progress("searching: rounds, at most", here.round, options.rounds)
            self._round(here, options.batch_size, here, save)
            if time.monotonic() - last >= SECONDS_BETWEEN:
                last = time.monotonic()
                save(here)
        save(here)
        return here

    def _is_done(self, here: SearchState) -> bool:
        """Whether no round is left, or none would change anything; classes that converged leave."""
        if self._options.early_stop:
            schedule.release(here)
            if schedule.settled(here, self._area):
                return True
        return here.round >= self._options.rounds or not here.active.any()

    def _round(
        self,
        part: SearchState,
        images: int,
        whole: SearchState,
        save: Callable[[SearchState], None],
    ) -> None:
        try:
            schedule.keep(part, *self._rounds.run(part, images), self._options)
        except Interrupted:
            save(whole)
            raise

    @property
    def _area(self) -> int:
        return self._size[0] * self._size[1]

    def _begin(self, classes: Any) -> SearchState:
        options = self._options
        return SearchState.begin(list(classes), self._size, options.cost, options.seed)
