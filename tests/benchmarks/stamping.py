"""How many images a second each kind of trigger stamps, on one core, beside a bare copy of them."""

from statistics import median

import numpy as np

from tests.bench.models import SPECS
from tests.benchmarks.common import Page, side_by_side

RUNS = 7
SIZES = {32: 2_048, 224: 64}
"""Side of the images → how many are stamped at once."""
GOALS = {32: 50_000, 224: 2_000}


def measure() -> Page:
    """Stamp random images of two sizes with every trigger of the bench."""
    import cv2

    from auditor.triggers.spec import load

    cv2.setNumThreads(1)
    triggers = {id_: load(spec) for id_, spec in SPECS.items() if id_ not in ("a2a", "source")}
    found: dict[str, list[str]] = {id_: [] for id_ in ("a copy", *triggers)}
    patch = {}
    for side, count in SIZES.items():
        images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
        contenders = {"a copy": lambda _, x=images: x.copy()}
        contenders |= {id_: lambda _, t=t, x=images: t.stamp(x) for id_, t in triggers.items()}
        times = side_by_side(contenders, RUNS)
        for id_, own in times.items():
            rate = count / median(own.clock)
            found[id_] += [f"{rate:,.0f}", f"{own.over(times['a copy'])[0]:.1f}"]
        patch[side] = count / median(times["square4"].clock)
    goals = "; ".join(
        f"{GOALS[side]:,} of {side}×{side}, measured {patch[side]:,.0f}" for side in SIZES
    )
    return Page(
        title="Stamping",
        header=("trigger", "32×32 a second", "× a copy", "224×224 a second", "× a copy"),
        rows=[(id_, *cells) for id_, cells in found.items()],
        notes=[
            f"{RUNS} interleaved runs, {SIZES[32]:,} and {SIZES[224]} images at once, one thread.",
            f"Goals for a patch, a second and core: {goals}.",
        ],
    )
