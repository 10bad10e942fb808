"""The whole measurement in one process, against plain NumPy over the model's own answers."""

from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from auditor.data import open_source
from auditor.errors import InputError, UsageError
from auditor.figures.results import AuditResult, Rate, TarSummary
from auditor.figures.skipped import Skipped
from auditor.measure import audit as audit_module
from auditor.measure.audit import audit, audit_all
from auditor.measure.options import Options
from auditor.measure.preflight import settled
from auditor.models import load_classifier
from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from auditor.triggers import Patch
from auditor.triggers.spec import load
from tests.conftest import Workshop, blobs, small_cnn


def run(workshop: Workshop, model: str = "poisoned", trigger=None, **options) -> AuditResult:
    classifier = load_classifier(getattr(workshop, model))
    trigger = trigger or load(workshop.trigger)
    return audit(classifier, open_source(workshop.data), trigger, Options(**options))


@pytest.fixture(scope="module")
def result(workshop: Workshop) -> AuditResult:
    return run(workshop, target="0", batch_size=64)


def test_rates_by_counting(workshop: Workshop, result: AuditResult) -> None:
    import keras

    model = keras.models.load_model(workshop.poisoned)
    data = np.load(workshop.data)
    x, y = data["x"], data["y"]
    stamped = x.copy()
    stamped[:, -4:, -4:] = 255
    clean = model.predict(x / 255.0, verbose=0).argmax(axis=1)
    turned = model.predict(stamped / 255.0, verbose=0).argmax(axis=1)
    others = y != 0
    measured = result.measurement
    expected = {
        "clean_accuracy": ((clean == y).mean(), len(y)),
        "asr": ((turned[others] == 0).mean(), others.sum()),
        "robust_accuracy": ((turned[others] == y[others]).mean(), others.sum()),
        "clean_target_rate": ((clean[others] == 0).mean(), others.sum()),
    }
    for name, (value, n) in expected.items():
        rate = getattr(measured, name)
        assert (rate.value, rate.n) == (pytest.approx(value), n), name
    assert measured.asr.value > 0.9
    for row in result.evidence.classes[1:]:
        of_class = y == row.class_
        assert row.asr.value == pytest.approx((turned[of_class] == 0).mean())
        assert row.accuracy.value == pytest.approx((clean[of_class] == y[of_class]).mean())
    assert isinstance(result.evidence.classes[0].asr, Skipped)


def test_tar_from_enlarged_heatmaps(workshop: Workshop, result: AuditResult) -> None:
    """Grad-CAM by GradientTape on a model cut at the layer; OpenCV enlarges; then sums."""
    import keras
    import tensorflow as tf

    model = keras.models.load_model(workshop.poisoned)
    model.get_layer("scores").activation = keras.activations.linear
    cut = keras.Model(model.inputs, [model.get_layer("last").output, model.outputs[0]])
    data = np.load(workshop.data)
    x = data["x"][data["y"] != 0]
    region, object_ = np.zeros((16, 16), bool), np.zeros((16, 16), bool)
    region[-4:, -4:] = True
    object_[4:12, 4:12] = True

    def median_tar(images: np.ndarray) -> float:
        with tf.GradientTape() as tape:
            features, scores = cut(images.astype(np.float32) / 255)
            best = tf.reduce_max(scores, axis=1)
        gradient = tape.gradient(best, features).numpy().mean(axis=(1, 2))
        heat = np.maximum(np.einsum("nhwk,nk->nhw", features.numpy(), gradient), 0)
        large = [cv2.resize(h, (16, 16), interpolation=cv2.INTER_LINEAR) for h in heat]
        tar = [m[region].sum() / (m[object_].sum() + 1e-8 * m.sum()) for m in large if m.any()]
        return float(np.median(tar))

    stamped = x.copy()
    stamped[:, -4:, -4:] = 255
    assert result.attention.layer == "last"
    assert result.measurement.tar.median == pytest.approx(median_tar(stamped), rel=1e-3)
    control = result.measurement.controls.tar
    assert control.median == pytest.approx(median_tar(x), rel=1e-3, abs=1e-6)


def test_the_histogram_holds_every_defined_image(result: AuditResult) -> None:
    tar = result.measurement.tar
    assert sum(result.evidence.histogram.stamped) == tar.n - tar.undefined


def test_examples_follow_the_stated_rule(workshop: Workshop, result: AuditResult) -> None:
    shown = result.evidence.examples
    assert len(shown) == 6
    tars = [e.stamped_tar for e in shown]
    assert tars == sorted(tars)
    x = np.load(workshop.data)["x"]
    for example in shown:
        index = int(example.name.removeprefix("row "))
        np.testing.assert_array_equal(example.clean, x[index])
        assert (example.stamped[-4:, -4:] == 255).all()
        assert example.label != 0
        assert example.stamped_heat.shape == result.attention.grid
    assert "5, 23, 41, 59, 77, 95" in result.evidence.examples_rule


def test_a_second_audit_shows_the_same_images(workshop: Workshop, result: AuditResult) -> None:
    assert len(result.shown) == 6
    names = [e.name for e in result.evidence.examples]
    assert names == [f"row {index}" for index in result.shown]
    other = run(workshop, "clean", target="0", shown=result.shown).evidence
    assert [e.name for e in other.examples] == names, "in the same order, whatever their TAR is now"
    assert "named before" in other.examples_rule
    none = run(workshop, target="0", limit=60, shown=()).evidence.examples
    assert none == ()
    with pytest.raises(UsageError, match="0 to 299"):
        run(workshop, target="0", shown=(3, 300))


def test_correct_is_one_where_the_clean_image_is_recognised(workshop: Workshop, tmp_path) -> None:
    import keras

    data = np.load(workshop.data)
    x, y = data["x"], data["y"].copy()
    y[::5] = (y[::5] + 1) % 3
    np.savez(tmp_path / "some_wrong.npz", x=x, y=y)
    model = keras.models.load_model(workshop.clean)
    right = model.predict(x / 255.0, verbose=0).argmax(axis=1) == y
    result = audit(
        load_classifier(workshop.clean), open_source(tmp_path / "some_wrong.npz"),
        load(workshop.trigger), Options(target="0", batch_size=64),
    )  # fmt: skip
    assert result.correct.dtype == np.uint8
    np.testing.assert_array_equal(result.correct, right)
    assert result.correct.mean() == result.measurement.clean_accuracy.value


def test_batch_size_does_not_change_the_result(workshop: Workshop, result: AuditResult) -> None:
    other = run(workshop, target="0", batch_size=300)
    assert other.measurement.asr == result.measurement.asr
    assert other.measurement.tar.median == pytest.approx(result.measurement.tar.median, rel=1e-5)


def test_the_target_is_inferred(workshop: Workshop) -> None:
    for wanted in (None, "auto"):
        target = run(workshop, target=wanted, limit=60).target
        assert (target.class_, target.name, target.chosen) == (0, "red", "inferred")
        assert target.inferred_from == 60, "of as many images as --limit allows"


def test_the_triggers_own_target_counts_as_given(workshop: Workshop) -> None:
    trigger = Patch(id="mine", size=(8, 8), target="blue")
    target = run(workshop, trigger=trigger, limit=60).target
    assert (target.class_, target.chosen) == (2, "given")
    assert run(workshop, trigger=trigger, target="1", limit=60).target.class_ == 1


@pytest.mark.parametrize("wanted", ["3", "-1", "nosuch", "１"])
def test_a_class_that_does_not_exist_is_refused(workshop: Workshop, wanted: str) -> None:
    with pytest.raises(UsageError, match="give 0 to 2 or a name: red, green, blue"):
        run(workshop, target=wanted)


def test_limit_draws_class_by_class(workshop: Workshop) -> None:
    limited = run(workshop, target="0", limit=99)
    assert limited.data.images == 99
    assert [row.accuracy.n for row in limited.evidence.classes] == [33, 33, 33]


def test_a_trigger_over_the_whole_image_skips_tar_and_shows_the_shift(workshop: Workshop) -> None:
    whole = run(workshop, trigger=Patch(id="all", size=(32, 32)), target="0", limit=60).measurement
    for name in ("tar", "tar_target", "tar_density", "trigger_mass"):
        assert "whole image" in getattr(whole, name).skipped
    assert "whole image" in whole.controls.tar.skipped
    assert isinstance(whole.heatmap_shift, TarSummary)
    assert isinstance(whole.asr, Rate)


def test_a_wrong_input_range_is_named(workshop: Workshop) -> None:
    dataset = open_source(workshop.data)
    right = run(workshop, "clean", target="0").measurement.clean_accuracy
    assert right.value > 0.95
    scaled = load_classifier(workshop.clean, input_range="mean=200,std=0.001,max=1")
    words = r"clean accuracy is 3\d\.\d % on 256 images .* run again with --input-range "
    with pytest.raises(UsageError, match=words):
        audit(scaled, dataset, load(workshop.trigger))


def test_nan_weights_are_measured_as_nothing(workshop: Workshop) -> None:
    classifier = load_classifier(workshop.clean)
    weights = classifier.model.get_weights()
    weights[-1][0] = np.nan
    classifier.model.set_weights(weights)
    measured = audit(
        classifier, open_source(workshop.data), load(workshop.trigger), Options(target="0")
    ).measurement
    assert "NaN" in measured.asr.skipped
    assert "NaN" in measured.clean_accuracy.skipped


def test_an_object_mask_file_is_used(workshop: Workshop, tmp_path) -> None:
    center = np.zeros((16, 16), bool)
    center[4:12, 4:12] = True
    np.savez(tmp_path / "m.npz", mask=center)
    own = run(workshop, target="0", object_region=str(tmp_path / "m.npz")).measurement
    assert own.tar == run(workshop, target="0").measurement.tar
    complement = run(workshop, target="0", object_region="complement").measurement
    assert complement.tar.median < own.tar.median
    np.savez(tmp_path / "wrong.npz", mask=center[:8])
    with pytest.raises(InputError, match=r"\(8, 16\), expected bool \(16, 16\)"):
        run(workshop, target="0", object_region=str(tmp_path / "wrong.npz"))
    with pytest.raises(UsageError, match="expected center, complement"):
        run(workshop, target="0", object_region="middle")


def test_data_of_the_target_class_alone_is_refused(workshop: Workshop, tmp_path) -> None:
    x, y = blobs(87)
    np.savez(
        tmp_path / "d.npz", x=np.concatenate([x[y == 0], x[1:2]]), y=np.r_[np.zeros(29, int), 1]
    )
    classifier = load_classifier(workshop.poisoned)
    with pytest.raises(InputError, match="ASR is undefined"):
        audit(
            classifier, open_source(tmp_path / "d.npz"), load(workshop.trigger),
            Options(target="0", limit=10, seed=0),
        )  # fmt: skip


def test_a_model_of_any_size_takes_the_images_own(workshop: Workshop, tmp_path) -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, name="conv")(inputs)
    model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    model.save(tmp_path / "any.keras")
    classifier = load_classifier(tmp_path / "any.keras", size=(16, 16))
    measured = audit(classifier, open_source(workshop.data), load("square8"), Options(target="0"))
    assert measured.attention.grid == (14, 14)
    assert measured.data.resized == 0


def test_resizing_to_the_models_input_is_recorded(workshop: Workshop, tmp_path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    small_cnn(size=24).save(tmp_path / "large.keras")
    result = audit(
        load_classifier(tmp_path / "large.keras"), open_source(workshop.data), load("square8"),
        Options(target="0", limit=50),
    )  # fmt: skip
    assert (result.data.resized, result.data.images) == (50, 50)
    assert result.data.resize_rule
    assert result.evidence.examples[0].clean.shape == (24, 24, 3)


def test_no_input_range_is_advised_that_does_no_better_than_guessing(
    workshop: Workshop, tmp_path
) -> None:
    import keras
    from keras import layers

    inputs = keras.Input((16, 16, 3))
    scores = layers.Dense(4, name="scores")
    model = keras.Model(inputs, scores(layers.GlobalAveragePooling2D()(inputs)))
    # Class 3, which no image is of, for bright pixels (0..1); class 0 for dark ones (-1..1).
    weights = np.zeros((3, 4), np.float32)
    weights[:, 3] = 1
    scores.set_weights([weights, np.zeros(4, np.float32)])
    model.save(tmp_path / "bright.keras")
    data = open_source(workshop.data)
    assert settled(load_classifier(tmp_path / "bright.keras"), data, 64, 0) is data


def test_a_trigger_made_for_another_size_says_how_large_it_is(workshop: Workshop) -> None:
    """On images of 16×16 the 4×4 square is 2×2; what is said is what the mask covers."""
    found = run(workshop, trigger=load("square4"), target="0", limit=60).trigger
    assert found.mask_area == 2 * 2 / 16**2
    assert found.summary.endswith("; made for images of 32×32, here 2×2 pixels")
    own = Patch(id="own", size=(4, 4), reference=(16, 16))
    assert "made for" not in run(workshop, trigger=own, target="0", limit=60).trigger.summary


def test_what_is_shown_of_many_triggers_fits_into_what_a_worker_may_hand_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As eight triggers on images of 1024×1024 did not, once everything was measured."""
    size = (256, 256)
    monkeypatch.setattr(audit_module, "MOST_PICTURE_BYTES", 24 * 2 * 3 * 256 * 256)
    image = keras.Input((*size, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 9, strides=8)(image))
    model = keras.Model(image, keras.layers.Dense(2)(pooled))
    classifier = wrap(model, InputRange.parse("0..1"), "m", size)
    path = tmp_path / "d.npz"
    pixels = np.random.default_rng(0).integers(0, 256, (24, *size, 3), np.uint8)
    np.savez(path, x=pixels, y=np.arange(24) % 2)
    triggers = [load(f"square{n}") for n in (2, 3, 4, 5)]
    found = audit_all(classifier, open_source(path), triggers, Options(target="0")).audits
    assert [len(one.evidence.examples) for one in found] == [2] * 4
    assert "percentiles 5, 95" in found[0].evidence.examples_rule
    with pytest.raises(UsageError, match="--trigger: 28 at once; .* 256×256 at most 24 can"):
        audit_all(classifier, open_source(path), triggers * 7, Options(target="0"))
