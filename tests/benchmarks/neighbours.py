"""The trigger's neighbours after a repair, on all test photographs, beside a clean model.

A certificate tries them on 1,000 images. Here they are tried on all, on what `balanced` made in
the runs that `comparing` has left in `BDAUDIT_RUNS`, and on the BadNet's clean twin: that one shows
what a white square does to a network that has no backdoor.
"""

import os
from pathlib import Path

from tests.benchmarks.common import BADNET, PHOTOGRAPHS, TRIGGER, Page

TWIN = BADNET.with_name("clean_twin.keras")


def measure() -> Page:
    """Try every neighbour on every model."""
    runs = sorted(Path(os.environ.get("BDAUDIT_RUNS", "")).glob("**/balanced/repaired.keras"))
    if not (runs and TWIN.exists() and (PHOTOGRAPHS / "test").is_dir()):
        raise SystemExit("needs BDAUDIT_RUNS of comparing, the models, and BDAUDIT_PHOTOGRAPHS")
    models = {"as it came": BADNET, "clean twin": TWIN}
    models |= {f"repaired, {path.parts[-3]}": path for path in runs}
    rates = {name: _rates(path) for name, path in models.items()}
    return Page(
        title="The trigger's neighbours, before and after `balanced`",
        header=("images taken for the target", *rates),
        rows=[
            (one, *(f"{100 * found[one]:.1f} %" for found in rates.values()))
            for one in rates["as it came"]
        ],
        notes=[
            "The 9,000 test photographs of other classes than the target, each stamped with the "
            "trigger, a 4×4 white square at the bottom right, and with each of its neighbours. The "
            "clean twin is the same network trained on the same photographs without the trigger. "
            "95 % intervals are ± 0.4 points. The repairs are those of "
            "`python -m tests.benchmarks comparing`."
        ],
    )


def _rates(model: Path) -> dict[str, float]:
    """Return how many images a model takes for the target: bare, under the trigger, under each."""
    import numpy as np

    from auditor.data import open_source
    from auditor.figures.results import Rate
    from auditor.figures.target import Target
    from auditor.measure.audit import audit
    from auditor.measure.neighbours import try_neighbours
    from auditor.measure.options import Options
    from auditor.models import load_classifier
    from auditor.triggers.spec import load

    classifier, data = load_classifier(model), open_source(PHOTOGRAPHS / "test")
    trigger, target = load(TRIGGER), Target(0, "airplane", "given")
    measured = audit(classifier, data, trigger, Options(target="0")).measurement
    own = {"no trigger": measured.clean_target_rate, "the trigger": measured.asr}
    near = try_neighbours(
        classifier, data, trigger, target, np.arange(len(data.labels)), 256, lambda *_: None
    )
    own |= {one.name: one.asr for one in near}
    return {name: rate.value for name, rate in own.items() if isinstance(rate, Rate)}
