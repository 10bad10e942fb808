"""What probes found, held against itself: nobody's word is taken for what can be worked out again.

A worker's results and the files that users bring pass through here.
"""

import math
from collections.abc import Iterable

from auditor.errors import InputError
from auditor.figures.comeback import Difference
from auditor.figures.consistency import check_each, close
from auditor.figures.neighbour_consistency import check_pair
from auditor.figures.results import Rate
from auditor.figures.skipped import Skipped
from auditor.probe.comebacks import excess_of, without_margin
from auditor.probe.options import ProbeOptions
from auditor.probe.result import (
    NO_MARGIN,
    NOT_MEASURED,
    AtRest,
    Reactivation,
    Recipe,
    Retuned,
    RetuningTrial,
    Strengthened,
    TuningData,
    WeightPath,
)

_SLACK = 3_600
"""Seconds that one step may take beyond a budget, which is looked at after each: it may compile."""


def check_reactivation(found: Reactivation, where: str = "$") -> None:
    """Refuse what no probe gives.

    Args:
        found: What is said to have been found.
        where: Its JSON path.

    Raises:
        InputError: It contradicts itself; names the place.
    """
    check_each(found, where)
    _check_reasons(found, where)
    if [one.where for one in found.strengthened] != ["image", "margin"]:
        raise InputError(f"{where}.strengthened: are not over the image and around the trigger")
    numbers = [one.images for one in found.retuning]
    if numbers != sorted(set(numbers)):
        raise InputError(f"{where}.retuning: the numbers of stamped images do not rise")
    for number, one in enumerate(found.retuning):
        if isinstance(one.outcome, Retuned):
            _check_retuned(one.outcome, found.seeds, f"{where}.retuning[{number}].outcome")
    for number, other in enumerate(found.strengthened):
        here = f"{where}.strengthened[{number}].outcome"
        if isinstance(other.outcome, Strengthened):
            pair = other.outcome
            _check_pair(pair, here)
            excess = Difference.of(pair.alone, pair.control_alone, pair.asr.n)
            _check_excess(pair.excess, excess, here)
    if isinstance(found.path, WeightPath):
        _check_path(found.path, f"{where}.path")
    retuned = [one.outcome for one in found.retuning]
    strong = [one.outcome for one in found.strengthened]
    tuned = any(not isinstance(one, Skipped) for one in (*retuned, *strong))
    if tuned == isinstance(found.tuning, Skipped):
        raise InputError(f"{where}.tuning: names the images that tuned, where any did")
    done = any(isinstance(one, Retuned) for one in retuned)
    _check_recipe(found, done=done, where=f"{where}.recipe")
    if isinstance(found.tuning, TuningData):
        _check_tuning(found, found.tuning, f"{where}.tuning")
    if found.seconds > 2 * found.budget + _SLACK:
        raise InputError(f"{where}.seconds: are far beyond the budget of {found.budget:g}")
    _check_same_images(found, where)
    _check_same_network(found, where)


def _check_recipe(found: Reactivation, *, done: bool, where: str) -> None:
    """Refuse a recipe that there is not; none is missing but in audits that have no start."""
    if isinstance(found.recipe, Recipe):
        known = ProbeOptions.learning_rates
        if not any(close(found.recipe.learning_rate, rate) for rate in known):
            raise InputError(f"{where}.learning_rate: is none of {', '.join(map(str, known))}")
    elif done and (found.start != NOT_MEASURED or found.recipe != NOT_MEASURED):
        raise InputError(f"{where}: is missing, and copies were retuned")


def _check_reasons(found: Reactivation, where: str) -> None:
    """Refuse the reason of a margin, which leaves nothing open, wherever else it stands."""
    others = (found.tuning, found.path, *(one.outcome for one in found.retuning))
    images = (one.outcome for one in found.strengthened if one.where == "image")
    for other in (*others, *images):
        if isinstance(other, Skipped) and other.skipped == NO_MARGIN:
            raise InputError(f"{where}: a reason that is for a margin alone stands elsewhere")


def same_network(one: float, other: float, n: int) -> bool:
    """Whether two shares of n images can be one network's, measured twice.

    Arithmetic in another order turns an image here and there.
    """
    return abs(one - other) * n <= max(1, 0.02 * n) + 0.5


def check_margin(found: Reactivation, whole_image: bool, where: str) -> None:
    """Refuse a margin around a trigger that covers the image, and none around another.

    Raises:
        InputError: There is one, or it was left out for a reason that is none.
    """
    if whole_image != without_margin(found.strengthened[1]):
        raise InputError(f"{where}.strengthened[1]: is not what the trigger's size allows")


def _check_tuning(found: Reactivation, tuning: TuningData, where: str) -> None:
    """Hold how many images tuned against how many each trial takes, all of them different."""
    each = found.clean + max(one.images for one in found.retuning)
    if not each <= tuning.images <= min(tuning.available, found.seeds * each):
        raise InputError(
            f"{where}.images: {tuning.images} of {tuning.available}, and a trial takes {each}"
        )


def _check_same_network(found: Reactivation, where: str) -> None:
    """Refuse probes that begin at different networks, or a path that ends at another.

    The network before any retuning is judged once, and again at the path's end.
    """
    first: dict[str, float] = {}
    for number, one in enumerate(found.retuning):
        if not isinstance(one.outcome, Retuned):
            continue
        for line in ("asr", "clean_accuracy"):
            share = getattr(one.outcome.course, line)[0]
            if not close(share, first.setdefault(line, share)):
                here = f"{where}.retuning[{number}].outcome.course.{line}"
                raise InputError(f"{here}: begins at another network than those before")
    if not isinstance(found.path, WeightPath):
        return
    for line, share in first.items():
        end = getattr(found.path.points[-1], line)
        if not same_network(share, end.value, end.n):
            raise InputError(f"{where}.path: ends at another {line} than the retunings begin at")


def _check_retuned(outcome: Retuned, seeds: int, where: str) -> None:
    trials, course = outcome.trials, outcome.course
    if [trial.seed for trial in trials] != list(range(len(trials))) or len(trials) > seeds:
        raise InputError(f"{where}.trials: are not one for each of {seeds} seeds, from 0 on")
    if bool(outcome.missing) != (len(trials) < seeds):
        raise InputError(f"{where}.missing: says why trials are missing, and only then")
    for number, trial in enumerate(trials):
        _check_pair(trial, f"{where}.trials[{number}]")
    for line in ("asr", "control", "clean_accuracy"):
        each = [getattr(trial, line).value for trial in trials]
        mean, last = getattr(outcome, line), getattr(course, line)[-1]
        if not (close(mean, math.fsum(each) / len(each)) and close(mean, last)):
            raise InputError(f"{where}.{line}: is not what the trials and the course come to")
    _check_excess(outcome.excess, excess_of(trials), where)


def _check_excess(said: Difference, found: Difference, where: str) -> None:
    same = all(close(getattr(said, end), getattr(found, end)) for end in ("value", "low", "high"))
    if not same or said.n != found.n:
        raise InputError(f"{where}.excess: is not what trigger and control come to")


def _check_pair(one: Strengthened | RetuningTrial, where: str) -> None:
    check_pair(one.asr, one.control, one.alone, one.control_alone, where)


def _check_path(path: WeightPath, where: str) -> None:
    shares = [point.share for point in path.points]
    even = [number / (len(shares) - 1) for number in range(len(shares))]
    if not all(map(close, shares, even)):
        raise InputError(f"{where}.points: do not lie at even distances from 0 to 1")


def _check_same_images(found: Reactivation, where: str) -> None:
    """Refuse figures of other images than those that judged."""
    stamped, clean = set(), set()
    for trial in _trials(found):
        stamped.add(trial.asr.n)
        clean.add(trial.clean_accuracy.n)
    stamped |= {o.outcome.asr.n for o in found.strengthened if isinstance(o.outcome, Strengthened)}
    for point in found.path.points if isinstance(found.path, WeightPath) else ():
        stamped.add(point.asr.n)
        clean.add(point.clean_accuracy.n)
    if isinstance(found.start, AtRest):
        stamped |= {found.start.asr.n, found.start.control.n}
        starts = [o.outcome.course.asr[0] for o in found.retuning if isinstance(o.outcome, Retuned)]
        if not all(close(found.start.asr.value, asr) for asr in starts):
            raise InputError(f"{where}.start.asr: is not where the retunings begin")
    before, bare = found.before.asr, found.before.clean_target_rate
    if isinstance(before, Rate) and isinstance(bare, Rate) and before.n != bare.n:
        raise InputError(f"{where}.before: its figures are not of the same images")
    if len(stamped) > 1 or clean - {found.judged} or max(stamped, default=0) > found.judged:
        raise InputError(f"{where}: its figures are not all of the {found.judged} that judged")


def _trials(found: Reactivation) -> Iterable[RetuningTrial]:
    for one in found.retuning:
        if isinstance(one.outcome, Retuned):
            yield from one.outcome.trials
