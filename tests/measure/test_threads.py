"""One classifier looked at from several threads gives each what one thread is given."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from auditor.figures.results import AuditResult
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.models import load_classifier
from auditor.triggers.spec import load
from tests.conftest import Workshop

THREADS = 4


def test_threads_do_not_find_each_other_s_layers(workshop: Workshop) -> None:
    from auditor.data import open_source

    dataset, trigger = open_source(workshop.data), load(workshop.trigger)
    options = Options(target="0", limit=60)
    expected = audit(load_classifier(workshop.poisoned), dataset, trigger, options)
    shared, together = load_classifier(workshop.poisoned), Barrier(THREADS)

    def look(_: int) -> AuditResult:
        together.wait()
        return audit(shared, dataset, trigger, options)

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(look, range(THREADS)))
    assert [one.attention.layer for one in found] == [expected.attention.layer] * THREADS
    assert [one.measurement for one in found] == [expected.measurement] * THREADS
