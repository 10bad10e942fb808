"""ASR of the trigger's neighbours, against the model's own answers."""

import numpy as np
import pytest

from auditor.data import open_source, sample
from auditor.figures.results import AuditResult, Rate
from auditor.figures.skipped import Skipped
from auditor.measure.audit import audit
from auditor.measure.options import Options
from auditor.models import load_classifier
from auditor.models.weights import weights_seed
from auditor.triggers.placebos import placebos
from auditor.triggers.spec import load
from tests.conftest import Workshop

THE_SAME = Skipped("at this image size it is the trigger itself")


def run(workshop: Workshop, trigger: str = "square8", progress=None, **options) -> AuditResult:
    return audit(
        load_classifier(workshop.poisoned), open_source(workshop.data), load(trigger),
        Options(target="0", **options), progress=progress or (lambda *told: None),
    )  # fmt: skip


def test_asr_of_neighbours_by_counting(workshop: Workshop) -> None:
    import keras

    told: list[tuple[str, int, int]] = []
    result = run(workshop, neighbours=120, seed=5, progress=lambda *t: told.append(t))
    drawn = sample(open_source(workshop.data), 120, 5)
    data = np.load(workshop.data)
    x, y = data["x"][drawn], data["y"][drawn]
    x = x[y != 0]
    model = keras.models.load_model(workshop.poisoned)

    def asr(images: np.ndarray) -> float:
        return float((model.predict(images / 255.0, verbose=0).argmax(axis=1) == 0).mean())

    moved, faded, corner = x.copy(), x.copy(), x.copy()
    moved[:, 8:12, 8:12] = 255  # 8 pixels of the 32×32 reference are 4 of these 16×16
    faded[:, -4:, -4:] = np.floor(x[:, -4:, -4:] * 0.5 + 255 * 0.5 + 0.5)
    corner[:, :4, :4] = 255
    found = {n.name: n.asr for n in result.evidence.neighbours}
    for name, images in (
        ("moved by 8 pixels", moved), ("faded to 50 %", faded), ("in the top left corner", corner),
    ):  # fmt: skip
        assert isinstance(found[name], Rate), name
        assert (found[name].value, found[name].n) == (pytest.approx(asr(images)), 80), name
    assert found["one pixel larger"].value > 0.9, "the backdoor answers to what is nearly its own"
    assert len(found) == 15, "mirrored it is in a corner, and moved by 1 it is moved by 2"
    phases = [t for t in told if t[0] == "trying the trigger's neighbours"]
    assert found["one pixel smaller"] == THE_SAME, "7 and 8 pixels of 32 are both 4 of 16"
    tried = 2 * 13 + 1  # each and its noise, and the images as they are
    assert (phases[0][1:], phases[-1][1:]) == ((0, tried * 80), (tried * 80, tried * 80))
    again = [t for t in told if t[0] == "trying more noise in their places"]
    assert again[-1][1] == again[-1][2] < 3 * 13 * 80, "not where the first noise does as much"


def test_none_are_tried_unless_asked_for(workshop: Workshop) -> None:
    assert run(workshop, limit=30).evidence.neighbours == ()


def test_no_more_images_than_the_limit(workshop: Workshop) -> None:
    result = run(workshop, limit=30, neighbours=90)
    assert {n.asr.n for n in result.evidence.neighbours if isinstance(n.asr, Rate)} == {20}


def test_what_cannot_be_tried_is_skipped_with_the_reason(workshop: Workshop) -> None:
    def found(trigger: str) -> dict[str, Rate | Skipped]:
        near = run(workshop, trigger, neighbours=9, limit=30).evidence.neighbours
        return {one.name: one.asr for one in near}

    large, small = found("square31"), found("square1")
    assert large["moved by 2 pixels"] == Skipped("it does not fit into the image")
    assert isinstance(large["colours inverted"], Rate)
    assert small["one pixel smaller"] == Skipped("nothing would be left of it")
    assert small["one pixel larger"] == THE_SAME


def test_a_neighbour_is_held_against_noise_at_its_place(workshop: Workshop) -> None:
    """Or against no stamp at all, where that leads more images to the target; by counting."""
    import keras

    data, drawn = np.load(workshop.data), sample(open_source(workshop.data), 120, 0)
    x, y = data["x"][drawn], data["y"][drawn]
    x = x[y != 0]
    model = keras.models.load_model(workshop.poisoned)

    def led(images: np.ndarray) -> np.ndarray:
        return model.predict(images / 255.0, verbose=0).argmax(axis=1) == 0

    def control(rows: slice, columns: slice, opacity: float, stamped: np.ndarray) -> np.ndarray:
        """The strongest of four noises, or the first where that does as much, or of nothing."""
        held = [led(x)]
        for seed in range(4):
            random = np.random.default_rng((weights_seed(model), seed))
            whole = random.integers(0, 256, (16, 16, 3)).astype(np.float32)
            noise = x.copy()
            mixed = x[:, rows, columns] * (1 - opacity) + whole[rows, columns] * opacity
            noise[:, rows, columns] = np.floor(mixed + 0.5)
            held.append(led(noise))
            if seed == 0 and max(hits.sum() for hits in held) >= led(stamped).sum():
                break
        return max(held, key=lambda hits: hits.sum())

    moved, faded, centred = x.copy(), x.copy(), x.copy()
    moved[:, 8:12, 8:12], centred[:, 6:10, 6:10] = 255, 255
    faded[:, 12:, 12:] = np.floor(x[:, 12:, 12:] * 0.5 + 255 * 0.5 + 0.5)
    place, corner, middle = slice(8, 12), slice(12, 16), slice(6, 10)
    found = {n.name: n for n in run(workshop, neighbours=120).evidence.neighbours}
    for name, stamped, held in (
        ("moved by 8 pixels", moved, control(place, place, 1, moved)),
        ("in the centre", centred, control(middle, middle, 1, centred)),
        ("faded to 50 %", faded, control(corner, corner, 0.5, faded)),
    ):
        one = found[name]
        assert one.control.value == pytest.approx(held.mean()), name
        assert one.alone - one.control_alone == led(stamped).sum() - held.sum(), name


def test_nan_scores_are_counted_as_nothing(workshop: Workshop) -> None:
    classifier = load_classifier(workshop.clean)
    weights = classifier.model.get_weights()
    weights[-1][0] = np.nan
    classifier.model.set_weights(weights)
    how = Options(target="0", neighbours=30)
    found = audit(classifier, open_source(workshop.data), load("square8"), how).evidence.neighbours
    broken = Skipped("the model's scores are NaN or infinite for 20 images")
    assert [n.asr for n in found].count(broken) == 13


def test_over_the_whole_image_fragility_towards_any_class_is_the_control(
    workshop: Workshop,
) -> None:
    import keras

    data, drawn = np.load(workshop.data), sample(open_source(workshop.data), 120, 0)
    x, y = data["x"][drawn], data["y"][drawn]
    x, y = x[y != 0], y[y != 0]
    model = keras.models.load_model(workshop.poisoned)

    def answers(images: np.ndarray) -> np.ndarray:
        return model.predict(images / 255.0, verbose=0).argmax(axis=1)

    shares = [(answers(x) == 0).mean()]
    for _, placebo in placebos(load("sig")):
        taken = answers(placebo.stamp(x))
        shares.append(max(((taken == c) & (y != c)).mean() for c in range(3)))
    near = run(workshop, "sig", neighbours=120).evidence.neighbours
    controls = [one.control.value for one in near if isinstance(one.control, Rate)]
    assert controls == pytest.approx([max(shares)] * len(controls)) and len(controls) > 5
    assert max(shares) > shares[0], "a placebo leads further than nothing does"
