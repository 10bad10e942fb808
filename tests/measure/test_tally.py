"""What many images answered, against plain NumPy over all of them at once."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from auditor.figures.metrics import Regions
from auditor.figures.results import Histogram, Measurement, Rate, TarSummary
from auditor.figures.skipped import Skipped
from auditor.figures.target import Target
from auditor.measure.attention import Seen
from auditor.measure.tally import Tally

SIZE, GRID, CLASSES = 16, 4, 5
NAMES = ("a", "b", "c", "d", "e")

TRIGGER = np.zeros((SIZE, SIZE), bool)
TRIGGER[-3:, -5:] = True
OBJECT = np.zeros((SIZE, SIZE), bool)
OBJECT[4:12, 4:12] = True
REGIONS = Regions.of(TRIGGER, OBJECT, (GRID, GRID))

ONE = Target(2, "c", "given")
ALL_TO_ALL = Target(None, "each to the next", "given", leads=(1, 2, 3, 4, 0))
SOME = Target(None, "a to b, d to e", "given", leads=(1, 1, 2, 4, 4))
TARGETS = pytest.mark.parametrize("target", [ONE, ALL_TO_ALL, SOME], ids=["one", "all", "some"])


@dataclass(frozen=True)
class Answers:
    """Random answers of n images: scores and heatmaps, clean and stamped.

    Attributes:
        labels: (n,) classes.
        scores: (2, n, classes), clean and stamped.
        heat: (3, n, gh, gw): clean, stamped, and stamped for the target; some zero everywhere.
    """

    labels: np.ndarray
    scores: np.ndarray
    heat: np.ndarray

    @property
    def clean(self) -> np.ndarray:
        return self.scores[0].argmax(axis=1)

    @property
    def stamped(self) -> np.ndarray:
        return self.scores[1].argmax(axis=1)

    def seen(self, which: int, rows: np.ndarray) -> Seen:
        scores, heat = self.scores[which][rows], self.heat[which][rows]
        return Seen(scores, scores.argmax(axis=1), heat, self.heat[2][rows])


def random_answers(seed: int = 0, n: int = 97) -> Answers:
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, n)
    scores = random.normal(size=(2, n, CLASSES)).astype(np.float32)
    scores[0, np.arange(n), labels] += 2  # so that rates are not all alike
    scores[1, :, 2] += 1
    heat = random.exponential(size=(3, n, GRID, GRID)).astype(np.float32) ** 3
    heat[1, :, -1, -1] *= random.exponential(size=n) * 20
    heat[random.random((3, n)) < 0.15] = 0
    return Answers(labels, scores, heat)


def tallied(
    answers: Answers,
    target: Target = ONE,
    order: np.ndarray | None = None,
    batch: int = 20,
    regions: Regions | Skipped = REGIONS,
    attention: None | Skipped = None,
) -> Tally:
    """Count as an audit does: batch by batch, the images that are led elsewhere stamped."""
    tally = Tally(target, regions, attention)
    order = np.arange(len(answers.labels)) if order is None else order
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        labels = answers.labels[rows]
        clean = answers.seen(0, rows)
        tally.add_clean(labels, clean)
        victims = np.flatnonzero(target.of(labels) != labels)
        if len(victims):
            stamped = answers.seen(1, rows[victims])
            tally.add_stamped(rows, labels, victims, clean, stamped)
    return tally


def attention_of(heat: np.ndarray) -> dict[str, np.ndarray]:
    """Return TAR, density and mass from heatmaps that OpenCV has enlarged; NaN where all zero."""
    found: dict[str, list[float]] = {"tar": [], "density": [], "mass": []}
    for small in heat.astype(np.float64):
        large = cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
        on, total = large[TRIGGER].sum(), large.sum()
        if total == 0:
            for values in found.values():
                values.append(np.nan)
            continue
        found["tar"].append(on / (large[OBJECT].sum() + 1e-8 * total))
        outside = large[~TRIGGER].mean()
        found["density"].append(large[TRIGGER].mean() / outside if outside else np.inf)
        found["mass"].append(on / total)
    return {name: np.array(values) for name, values in found.items()}


def assert_summary(found: TarSummary | Skipped, values: np.ndarray) -> None:
    assert isinstance(found, TarSummary)
    assert (found.n, found.undefined) == (len(values), np.isnan(values).sum())
    assert found.median == pytest.approx(np.nanmedian(values), rel=1e-6)
    assert found.mean == pytest.approx(np.nanmean(values), rel=1e-6)
    assert found.low <= found.median <= found.high


def victims_of(answers: Answers, target: Target) -> np.ndarray:
    return np.flatnonzero(target.of(answers.labels) != answers.labels)


@TARGETS
@pytest.mark.parametrize("seed", range(3))
def test_rates_are_shares_of_the_images_they_are_of(target: Target, seed: int) -> None:
    answers = random_answers(seed)
    labels, clean, stamped = answers.labels, answers.clean, answers.stamped
    led = target.leads or (2,) * CLASSES
    aims = np.array([led[label] for label in labels])
    victims = aims != labels
    measured = tallied(answers, target).measurement(0)
    for rate, hits in (
        (measured.clean_accuracy, clean == labels),
        (measured.asr, (stamped == aims)[victims]),
        (measured.robust_accuracy, (stamped == labels)[victims]),
        (measured.clean_target_rate, (clean == aims)[victims]),
    ):
        assert isinstance(rate, Rate)
        assert (rate.value, rate.n) == (pytest.approx(hits.mean()), len(hits))
        assert rate.low <= rate.value <= rate.high


@TARGETS
def test_attention_is_that_of_enlarged_heatmaps(target: Target) -> None:
    answers = random_answers()
    victims = victims_of(answers, target)
    measured = tallied(answers, target).measurement(0)
    clean, stamped, aimed = (attention_of(heat[victims]) for heat in answers.heat)
    assert np.isnan(stamped["tar"]).any(), "some heatmaps are zero everywhere"
    assert_summary(measured.tar, stamped["tar"])
    assert_summary(measured.tar_target, aimed["tar"])
    assert_summary(measured.tar_density, stamped["density"])
    assert_summary(measured.trigger_mass, stamped["mass"])
    assert_summary(measured.controls.tar, clean["tar"])
    assert_summary(measured.controls.tar_density, clean["density"])
    assert_summary(measured.controls.trigger_mass, clean["mass"])


def test_the_shift_is_between_an_image_and_its_own_stamped_one() -> None:
    answers = random_answers()
    victims = victims_of(answers, ONE)
    one, other = (heat[victims].reshape(len(victims), -1) for heat in answers.heat[:2])
    lengths = np.sqrt((one**2).sum(1) * (other**2).sum(1))
    with np.errstate(invalid="ignore"):
        shift = 1 - (one * other).sum(1) / lengths
    measured = tallied(answers).measurement(0)
    assert_summary(measured.heatmap_shift, shift)
    assert measured.heatmap_shift.ceiling == 1


def test_each_ceiling_is_what_all_the_heat_in_one_cell_can_reach() -> None:
    cells = np.eye(GRID * GRID).reshape(-1, GRID, GRID)
    most = {name: values.max() for name, values in attention_of(cells).items()}
    measured = tallied(random_answers()).measurement(0)
    assert measured.tar.ceiling == measured.tar_target.ceiling == pytest.approx(most["tar"])
    assert measured.controls.tar.ceiling == measured.tar.ceiling
    assert measured.tar_density.ceiling == pytest.approx(most["density"])
    assert measured.trigger_mass.ceiling == pytest.approx(most["mass"])


@TARGETS
def test_each_class_is_counted_by_itself(target: Target) -> None:
    answers = random_answers()
    led = target.leads or (2,) * CLASSES
    rows = tallied(answers, target).class_rows(NAMES)
    assert [(row.class_, row.name) for row in rows] == list(enumerate(NAMES))
    for row in rows:
        own = answers.labels == row.class_
        assert row.accuracy.value == pytest.approx((answers.clean[own] == row.class_).mean())
        assert row.accuracy.n == own.sum()
        aim = led[row.class_]
        if aim != row.class_:
            assert row.asr.value == pytest.approx((answers.stamped[own] == aim).mean())
            assert row.asr.n == own.sum()
        else:
            alone = "the target class itself" if target is ONE else "the trigger leaves alone"
            assert alone in row.asr.skipped


def test_a_class_that_no_image_is_of_has_no_rate() -> None:
    answers = random_answers()
    few = np.flatnonzero(answers.labels != 4)
    row = tallied(answers, order=few).class_rows(NAMES)[4]
    assert isinstance(row.accuracy, Skipped)
    assert isinstance(row.asr, Skipped)


def test_the_histogram_counts_every_defined_image_once() -> None:
    answers = random_answers()
    victims = victims_of(answers, ONE)
    histogram = tallied(answers).histogram()
    assert isinstance(histogram, Histogram)
    edges = 10.0 ** np.linspace(-3, 2, 31)
    assert histogram.edges == pytest.approx(edges)
    for counts, heat in (
        (histogram.unstamped, answers.heat[0]),
        (histogram.stamped, answers.heat[1]),
    ):
        tar = attention_of(heat[victims])["tar"]
        expected = [0] * 30
        for value in tar[~np.isnan(tar)]:
            above = sum(value >= edge for edge in edges)
            expected[min(max(above, 1), 30) - 1] += 1
        assert list(counts) == expected


def test_what_lies_beyond_the_histogram_is_in_its_outer_bins() -> None:
    answers = random_answers(n=40)
    answers.heat[:] = 0
    answers.heat[0, :, 0, 0] = 1  # clean: on the object alone
    answers.heat[1, :, -1, -1] = 1  # stamped: on the trigger alone
    corner = np.zeros((SIZE, SIZE), bool)
    corner[:4, :4] = True
    victims = len(victims_of(answers, ONE))
    apart = Regions.of(TRIGGER, corner, (GRID, GRID))
    histogram = tallied(answers, regions=apart).histogram()
    assert histogram.unstamped == (victims, *[0] * 29)
    assert histogram.stamped == (*[0] * 29, victims)


def test_correct_is_in_the_order_in_which_images_came() -> None:
    answers = random_answers()
    order = np.random.default_rng(1).permutation(len(answers.labels))
    right = (answers.clean == answers.labels)[order]
    correct = tallied(answers, order=order).correct()
    assert correct.dtype == np.uint8
    np.testing.assert_array_equal(correct, right)


@pytest.mark.parametrize("batch", [1, 7, 97])
def test_batches_may_come_in_any_size_and_order(batch: int) -> None:
    answers = random_answers()
    order = np.random.default_rng(batch).permutation(len(answers.labels))
    one, other = tallied(answers), tallied(answers, order=order, batch=batch)
    assert_same(one.measurement(0), other.measurement(0))
    assert one.class_rows(NAMES) == other.class_rows(NAMES)
    assert one.histogram() == other.histogram()
    np.testing.assert_array_equal(one.spread(6)[0], other.spread(6)[0])


def assert_same(one: Measurement, other: Measurement) -> None:
    """Assert all figures equal; sums in another order may differ in their last digits."""
    rates = ("clean_accuracy", "asr", "robust_accuracy", "clean_target_rate")
    for name in rates:
        assert getattr(one, name) == getattr(other, name)
    for name in ("tar", "tar_target", "tar_density", "trigger_mass", "heatmap_shift"):
        ours, theirs = vars(getattr(one, name)), vars(getattr(other, name))
        assert ours == pytest.approx(theirs, rel=1e-12)


def test_examples_stand_at_equal_steps_through_the_order_of_tar() -> None:
    answers = random_answers()
    victims = victims_of(answers, ONE)
    tar = attention_of(answers.heat[1][victims])["tar"]
    defined = victims[~np.isnan(tar)]
    by_tar = defined[np.argsort(tar[~np.isnan(tar)])]
    expected = [
        by_tar[round(share * (len(by_tar) - 1))] for share in (0.05, 0.23, 0.41, 0.59, 0.77, 0.95)
    ]
    shown, rule = tallied(answers).spread(6)
    assert shown.tolist() == expected
    assert f"of the {len(defined)} stamped images in order of their TAR" in rule
    assert rule.endswith("those at the percentiles 5, 23, 41, 59, 77, 95.")


@pytest.mark.parametrize(
    "how",
    [
        {"attention": Skipped("no layer with rows and columns")},
        {"regions": Skipped("the trigger covers the whole image")},
    ],
)
def test_without_tar_examples_stand_at_equal_steps_through_the_data(how: dict) -> None:
    answers = random_answers()
    victims = victims_of(answers, ONE)
    shown, rule = tallied(answers, **how).spread(3)
    last = len(victims) - 1
    assert shown.tolist() == [victims[round(share * last)] for share in (0.05, 0.5, 0.95)]
    assert f"of the {len(victims)} stamped images in order of their place in the data" in rule


def test_without_any_defined_heatmap_examples_stand_through_the_data() -> None:
    answers = random_answers()
    answers.heat[1] = 0
    victims = victims_of(answers, ONE)
    tally = tallied(answers)
    assert tally.spread(1)[0].tolist() == [victims[round(0.05 * (len(victims) - 1))]]
    summary = tally.measurement(0).tar
    assert (summary.median, summary.undefined) == (None, len(victims))


def test_no_image_is_shown_twice() -> None:
    answers = random_answers()
    three = victims_of(answers, ONE)[:3]
    shown, _ = tallied(answers, order=three).spread(6)
    assert sorted(shown.tolist()) == sorted(set(shown.tolist()))
    assert set(shown.tolist()) <= set(three.tolist())


def test_a_broken_image_spoils_every_figure_and_is_counted_once() -> None:
    """Two images' scores are broken: one's clean and stamped, the other's stamped alone."""
    answers = random_answers()
    first, second = victims_of(answers, ONE)[:2]
    answers.scores[:, first, 0] = np.nan
    answers.scores[1, second, 3] = np.inf
    tally = tallied(answers)
    measured = tally.measurement(0)
    why = Skipped("the model's scores are NaN or infinite for 2 images")
    for name in ("clean_accuracy", "asr", "robust_accuracy", "clean_target_rate", "tar",
                 "tar_target", "tar_density", "trigger_mass", "heatmap_shift"):  # fmt: skip
        assert getattr(measured, name) == why, name
    assert measured.controls.tar == why
    assert tally.histogram() == why
    assert {row.accuracy for row in tally.class_rows(NAMES)} == {why}


def test_why_there_is_no_attention_is_said_in_its_place() -> None:
    answers = random_answers()
    no_layer = Skipped("no layer with rows and columns")
    blind = tallied(answers, attention=no_layer)
    measured = blind.measurement(0)
    for found in (measured.tar, measured.heatmap_shift, measured.controls.tar, blind.histogram()):
        assert found == no_layer
    whole = Skipped("the trigger covers the whole image")
    everywhere = tallied(answers, regions=whole)
    assert everywhere.measurement(0).tar == everywhere.histogram() == whole
    seeing = tallied(answers).measurement(0)
    assert everywhere.measurement(0).heatmap_shift == seeing.heatmap_shift
    assert measured.asr == seeing.asr, "rates need no heatmap"
