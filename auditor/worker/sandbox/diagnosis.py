"""Which wall stands in the way of something that works outside the sandbox, and why."""

from collections.abc import Callable, Sequence
from pathlib import Path

from auditor.worker.sandbox import WALLS

Works = Callable[[Sequence[str], Sequence[Path]], bool]
"""Whether it works behind some of `WALLS`, with everything allowed in some files and folders."""

_OWN = Path("/proc/self")
_LEVELS = 3
_MOST_INSIDE = 400


def in_the_way(works: Works) -> tuple[str, ...]:
    """Return the walls each of which alone keeps it from working."""
    return tuple(wall for wall in WALLS if not works((wall,), ()))


def refused(works: Works) -> tuple[Path, ...]:
    """Return the files and folders that Landlock would have to allow; empty where it is no files.

    Found by allowing more and less, from the folders in `/` to what is three levels below.
    """

    def enough(places: Sequence[Path]) -> bool:
        return works(("Landlock",), places)

    needed = _inside(Path("/"))
    if not enough(needed):
        return ()
    needed = _smallest(enough, needed)
    for _ in range(_LEVELS - 1):
        for place in needed:
            others, inside = [p for p in needed if p != place], _inside(place)

            def enough_inside(places: Sequence[Path], others: Sequence[Path] = others) -> bool:
                return enough([*others, *places])

            if inside and enough_inside(inside):
                needed = [*others, *_smallest(enough_inside, inside)]
    return tuple(sorted(needed))


def _smallest(
    enough: Callable[[Sequence[Path]], bool], places: Sequence[Path], had: Sequence[Path] = ()
) -> list[Path]:
    """Return a part of `places` that is enough together with `had`, and none of which can go.

    QuickXplain (Junker 2004): all of them are enough, and `had` alone is not known to be.
    """
    if enough(had):
        return []
    if len(places) == 1:
        return list(places)
    half = len(places) // 2
    left, right = places[:half], places[half:]
    of_left = _smallest(enough, left, [*had, *right])
    return [*of_left, *_smallest(enough, right, [*had, *of_left])]


def _inside(folder: Path) -> list[Path]:
    """Return what is in a folder; empty for a file, and for too much.

    Without other processes, and without links, which lead to places that have names of their own.
    """
    try:
        found = [path for path in folder.iterdir() if not path.name.isdecimal()]
    except OSError:
        return []
    own = [path for path in found if not path.is_symlink() or path == _OWN]
    return sorted(own) if len(own) <= _MOST_INSIDE else []
