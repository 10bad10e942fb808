"""What `--input-range` takes, against what Keras applications do to their images."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras.applications import imagenet_utils

from auditor.errors import UsageError
from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from tests.conftest import blobs, small_cnn

IMAGES = blobs(4, seed=2)[0].astype(np.float32)


def gray_network():
    inputs = keras.Input((16, 16, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(inputs))
    return keras.Model(inputs, keras.layers.Dense(3)(pooled))


def assert_gives(text: str, expected: np.ndarray) -> None:
    """Assert the same of both ways: NumPy's, and the backend's operations."""
    chosen = InputRange.parse(text)
    np.testing.assert_allclose(chosen.applied(IMAGES), expected, rtol=1e-5, atol=1e-5)
    traced = keras.ops.convert_to_numpy(chosen.apply(keras.ops.convert_to_tensor(IMAGES)))
    np.testing.assert_allclose(traced, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_the_modes_of_keras_applications(mode: str) -> None:
    assert_gives(mode, imagenet_utils.preprocess_input(IMAGES.copy(), mode=mode))


def test_blue_green_and_red() -> None:
    """Three numbers are in the order that the model takes: blue's first."""
    blue, green, red = (IMAGES[..., i] for i in (2, 1, 0))
    assert_gives("bgr:0..1", np.stack([blue, green, red], axis=-1) / 255)
    standard = np.stack([(blue - 10) / 2, (green - 20) / 4, (red - 30) / 8], axis=-1)
    assert_gives("bgr:mean=10,20,30,std=2,4,8", standard)


def test_three_means_with_one_std_and_the_other_way_round() -> None:
    means = np.array([0.4914, 0.4822, 0.4465])
    assert_gives("mean=0.4914,0.4822,0.4465,std=0.25", (IMAGES / 255 - means) / 0.25)
    assert_gives("mean=0.5,std=0.1,0.2,0.4", (IMAGES / 255 - 0.5) / np.array([0.1, 0.2, 0.4]))


@pytest.mark.parametrize(
    "text",
    [
        "mean=123.675,116.28,103.53,std=58.395,57.12,57.375",
        "mean=123.675,116.28,103.53,std=58.395,57.12,57.375,max=255",
    ],
)
def test_means_of_pixels_up_to_255(text: str) -> None:
    assert_gives(text, imagenet_utils.preprocess_input(IMAGES.copy(), mode="torch"))
    assert InputRange.parse(text).name.endswith("std=58.395,57.12,57.375,max=255")


@pytest.mark.parametrize(
    "text", ["mean=103.53,116.28,123.675,std=1", "mean=0,std=255", "mean=123,std=58,57,0.2"]
)
def test_what_could_be_for_either_scale_is_asked_about(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        InputRange.parse(text)
    assert f"write {text},max=255 where" in str(caught.value)
    assert f", {text},max=1 where" in str(caught.value)
    means, stds = (np.array(part.split("=")[1].split(","), float) for part in text.split(",std"))
    assert_gives(f"{text},max=255", (IMAGES - means) / stds)
    assert_gives(f"{text},max=1", (IMAGES / 255 - means) / stds)


@pytest.mark.parametrize("text", ["0..1", "-1..1", "mean=0.5, std=0.5", "bgr:0..255"])
def test_what_was_written_is_what_is_recorded(text: str) -> None:
    assert InputRange.parse(text).name == text


def test_short_names_are_recorded_in_numbers() -> None:
    """Who reads a certificate need not know them; and what is recorded can be asked for again."""
    for short in ("torch", "caffe"):
        found = InputRange.parse(short)
        assert found.name.startswith(("mean=0.485", "bgr:mean=103.939"))
        assert InputRange.parse(found.name) == found
        assert found.short == short
    assert InputRange.parse("tf").name == "-1..1"


@pytest.mark.parametrize(
    "text",
    [
        *("", "0..2", "bgr", "bgr:", "bgr:caffe", "rgb:0..1", "mean=0.5", "mean=0.5,std=0"),
        *("mean=0.5,std=-1", "mean=1,2,std=3", "mean=0.5,std=0.5,0.5", "mean=1.2.3,std=1"),
        *("mean=.,std=.", "mean=0,std=0." + "0" * 40 + "1", f"mean=0,std={'9' * 40}"),
        *(f"mean={'9' * 400},std=2", "mean=0.5,std=0.5,max=2"),
    ],
)
def test_what_is_none_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="expected 0..1, 0..255, -1..1, tf, torch, caffe") as error:
        InputRange.parse(text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("torch", r"torch: has three numbers.* gray images; give one mean and one std"),
        ("mean=0.5,std=0.1,0.2,0.3", "has three numbers"),
        ("caffe", "caffe: has an order of colours, but the model takes gray images"),
    ],
)
def test_what_only_colours_have_is_refused_for_gray_models(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        wrap(gray_network(), InputRange.parse(text), "gray", (16, 16))


def test_a_model_gets_the_same_by_both_ways() -> None:
    """`fed` is what other programs are given; `scores` what is compiled."""
    images = blobs(6, seed=4)[0]
    model = small_cnn(softmax=False)
    opened = wrap(model, InputRange.parse("caffe"), "m", (16, 16))
    given = imagenet_utils.preprocess_input(images.astype(np.float32), mode="caffe")
    expected = model.predict(given, verbose=0)
    np.testing.assert_allclose(model.predict(opened.fed(images), verbose=0), expected, rtol=1e-4)
    np.testing.assert_allclose(np.asarray(opened.scores(images)), expected, rtol=1e-4)


NUMBERS = "[-.,0-9]{1,12}"


@given(
    st.text(max_size=60)
    | st.from_regex(f"(bgr:)?mean={NUMBERS},std={NUMBERS}(,max=(1|255))?", fullmatch=True)
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_gives_numbers_or_one_line(text: str) -> None:
    try:
        found = InputRange.parse(text)
    except UsageError as error:
        assert "\n" not in str(error) and len(str(error)) < 800
        return
    given_ = found.applied(np.full((1, 1, 1, 3), 128, np.float32))
    assert np.isfinite(given_).all()
    assert InputRange.parse(found.name) == found
