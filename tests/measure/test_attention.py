"""Scores and Grad-CAM against analytic gradients and a model cut in two by hand.

`test_backends` runs this file under the other backends too.
"""

from dataclasses import replace

import numpy as np
import pytest

from auditor.errors import InputError, UsageError
from auditor.measure.attention import GradCam
from auditor.models.classifier import Classifier
from auditor.models.input_range import InputRange
from auditor.models.wrap import wrap
from tests.conftest import blobs, small_cnn

IMAGES = blobs(12)[0]


def classifier(model, input_range: str = "0..1") -> Classifier:
    return wrap(model, InputRange.parse(input_range), "m.keras", (16, 16))


def seen(model, target: int = 1, layer: str | None = None, input_range: str = "0..1"):
    wrapped = classifier(model, input_range)
    return GradCam(wrapped, wrapped.spatial_layer(layer))(IMAGES, target)


def numbers(tensor) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor))


def pooled_model(size: tuple[int, int] = (16, 16)):
    """Convolution, global average pooling, one dense layer: its Grad-CAM is known on paper."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    inputs = keras.Input((*size, 3))
    x = layers.Conv2D(6, 3, strides=2, activation="relu", name="conv")(inputs)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax", name="top")(x))


def test_gradcam_of_pooled_model_on_paper() -> None:
    """With y = W·mean(A) + b, ∂y^c/∂A_ijk = W_kc / (h·w), so α_k = W_kc / (h·w)."""
    import keras

    model = pooled_model()
    features = keras.Model(model.inputs, model.get_layer("conv").output)(IMAGES / 255.0)
    features = numbers(features).astype(np.float64)
    weights, bias = model.get_layer("top").get_weights()
    scores = features.mean(axis=(1, 2)) @ weights + bias
    result = seen(model, target=2)
    np.testing.assert_allclose(result.scores, scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(result.predicted, scores.argmax(axis=1))
    cells = features.shape[1] * features.shape[2]
    for heat, classes in (
        (result.heat, scores.argmax(axis=1)),
        (result.target_heat, np.full(len(IMAGES), 2)),
    ):
        alpha = weights[:, classes].T / cells
        expected = np.maximum(np.einsum("nhwk,nk->nhw", features, alpha), 0)
        np.testing.assert_allclose(heat, expected, rtol=1e-4, atol=1e-7)


def test_gradcam_through_a_deep_head_equals_the_model_cut_in_two() -> None:
    import keras

    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("cut in two with TensorFlow's own gradient")
    keras.utils.set_random_seed(2)
    model = small_cnn()
    conv = model.get_layer("first")
    body = keras.Model(model.inputs, conv.output)
    head_input = keras.Input(conv.output.shape[1:])
    x = head_input
    for layer in model.layers[model.layers.index(conv) + 1 : -1]:
        x = layer(x)
    kernel, bias = model.get_layer("scores").get_weights()
    features = body(IMAGES / np.float32(255))
    with tf.GradientTape() as tape:
        tape.watch(features)
        scores = keras.Model(head_input, x)(features) @ kernel + bias
        one = scores[:, 1]
    gradient = tape.gradient(one, features).numpy()
    alpha = gradient.mean(axis=(1, 2))
    expected = np.maximum(np.einsum("nhwk,nk->nhw", features.numpy(), alpha), 0)
    result = seen(model, target=1, layer="first")
    np.testing.assert_allclose(result.target_heat, expected, rtol=1e-3, atol=1e-6)


def test_softmax_is_stepped_behind_in_every_spelling() -> None:
    import keras
    from keras import layers

    plain = small_cnn(softmax=False)
    expected = seen(plain)
    fused = small_cnn(softmax=True)
    fused.set_weights(plain.get_weights())
    layer = keras.Sequential([keras.Input((16, 16, 3)), plain, layers.Softmax()])
    activation = keras.Sequential([keras.Input((16, 16, 3)), plain, layers.Activation("softmax")])
    nested = keras.Sequential([keras.Input((16, 16, 3)), fused])
    operation = keras.Model(plain.inputs, keras.ops.softmax(plain.outputs[0]))
    for model in (fused, layer, activation, nested, operation):
        result = seen(model)
        np.testing.assert_allclose(result.scores, expected.scores, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(result.heat, expected.heat, rtol=1e-4, atol=1e-6)
        assert classifier(model).softmax
        assert not np.allclose(numbers(model(IMAGES / 255.0)), result.scores), (
            "the model itself is as it was"
        )
    assert not classifier(plain).softmax


def probabilities(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def test_what_only_hands_probabilities_on_is_seen_through() -> None:
    """A softmax is the last step however it is passed on: the scores are the plain model's."""
    import keras
    from keras import layers, ops

    plain = small_cnn(softmax=False)
    expected = seen(plain)
    classes = expected.scores.shape[1]
    fused = small_cnn(softmax=True)
    fused.set_weights(plain.get_weights())
    image = keras.Input((16, 16, 3))
    wide = layers.Reshape((1, 1, classes))(plain(image))
    tall = layers.Reshape((classes, 1))(plain(image))
    nested = keras.Sequential([keras.Input((classes,)), layers.Activation("linear")])
    for given in (
        layers.Activation("linear")(fused(image)),
        layers.Identity()(layers.Dropout(0.5)(fused(image))),
        nested(fused(image)),
        layers.Flatten()(layers.Softmax()(wide)),
        layers.Reshape((classes,))(layers.Softmax(axis=1)(tall)),
        ops.cast(ops.squeeze(ops.softmax(wide), axis=(1, 2)), "float32"),
    ):
        model = keras.Model(image, given)
        result = seen(model)
        assert classifier(model).softmax
        np.testing.assert_allclose(result.scores, expected.scores, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(result.heat, expected.heat, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(
            classifier(model).outputs(result.scores), probabilities(expected.scores), rtol=1e-4
        )


def test_a_softmax_over_something_else_is_part_of_the_model() -> None:
    import keras
    from keras import layers

    plain = small_cnn(softmax=False)
    image = keras.Input((16, 16, 3))
    tall = layers.Reshape((-1, 1))(plain(image))
    ones = keras.Model(image, layers.Flatten()(layers.Softmax(axis=-1)(tall)))
    assert not classifier(ones).softmax
    np.testing.assert_allclose(seen(ones).scores, 1)


def test_probabilities_of_any_making_are_known_by_their_values() -> None:
    """log p is the score but for what all classes share, so α_k = (W_kc − Σ_j p_j W_kj) / (h·w)."""
    import keras
    from keras import ops

    with_softmax = pooled_model()
    top = with_softmax.get_layer("top")
    top.activation = keras.activations.linear
    image = keras.Input((16, 16, 3))
    raised = ops.exp(with_softmax(image))
    model = keras.Model(image, raised / ops.sum(raised, axis=1, keepdims=True))
    wrapped = classifier(model)
    assert (wrapped.softmax, wrapped.probabilities) == (False, True)
    result = GradCam(wrapped, wrapped.spatial_layer("conv"))(IMAGES, 2)
    body = keras.Model(with_softmax.inputs, with_softmax.get_layer("conv").output)
    features = numbers(body(IMAGES / 255.0)).astype(np.float64)
    weights, bias = (np.asarray(w, np.float64) for w in top.get_weights())
    p = probabilities(features.mean(axis=(1, 2)) @ weights + bias)
    np.testing.assert_allclose(result.scores, np.log(p), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(wrapped.outputs(result.scores), p, rtol=1e-4)
    alpha = (weights[:, [2]] - weights @ p.T).T / (features.shape[1] * features.shape[2])
    expected = np.maximum(np.einsum("nhwk,nk->nhw", features, alpha), 0)
    np.testing.assert_allclose(result.target_heat, expected, rtol=1e-3, atol=1e-7)


def test_nested_models_are_seen_through() -> None:
    """The usual transfer-learning shape: a backbone inside a model inside a model."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(4)
    inner = keras.Sequential(
        [keras.Input((16, 16, 3)), layers.Conv2D(5, 3, name="deep"), layers.ReLU(name="relu")],
        name="backbone",
    )
    middle_in = keras.Input((16, 16, 3))
    middle = keras.Model(middle_in, layers.MaxPooling2D(name="pool")(inner(middle_in)), name="body")
    inputs = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(middle(inputs))
    top = layers.Dense(3, activation="softmax")
    nested = keras.Model(inputs, top(x))
    flat_in = keras.Input((16, 16, 3))
    x = layers.MaxPooling2D(name="pool")(inner.layers[1](inner.layers[0](flat_in)))
    flat = keras.Model(flat_in, top(layers.GlobalAveragePooling2D()(x)))
    names = [s.path for s in classifier(nested).spatial_layers()]
    assert names[-3:] == ["body/backbone/deep", "body/backbone/relu", "body/pool"]
    np.testing.assert_allclose(seen(nested).heat, seen(flat).heat, rtol=1e-5)
    deep, flat_deep = seen(nested, layer="deep"), seen(flat, layer="deep")
    np.testing.assert_allclose(deep.heat, flat_deep.heat, rtol=1e-5)


def test_a_bare_operation_is_a_place_to_look_at() -> None:
    """The last tensor with rows and columns may come from `x + y` and not from a layer."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    inputs = keras.Input((16, 16, 3))
    one = layers.Conv2D(4, 3, padding="same", name="one")(inputs)
    both = layers.Conv2D(4, 3, padding="same", name="two")(one) + one
    top = layers.Dense(3, name="top")
    model = keras.Model(inputs, top(layers.GlobalAveragePooling2D()(both)))
    features = numbers(keras.Model(inputs, both)(IMAGES / np.float32(255)))
    kernel = top.get_weights()[0][:, 1]
    expected = np.maximum(features @ kernel / 256, 0)
    assert classifier(model).spatial_layer(None).path.startswith("add")
    np.testing.assert_allclose(seen(model, target=1).target_heat, expected, rtol=1e-3, atol=1e-6)


def test_of_a_layer_that_runs_twice_the_last_run_counts() -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(6)
    inputs = keras.Input((16, 16, 3))
    twice = layers.Conv2D(4, 3, padding="same", name="twice")
    last = twice(twice(layers.Conv2D(4, 1, name="one")(inputs)))
    top = layers.Dense(3, name="top")
    model = keras.Model(inputs, top(layers.GlobalAveragePooling2D()(last)))
    features = numbers(keras.Model(inputs, last)(IMAGES / np.float32(255)))
    expected = np.maximum(features @ numbers(top.kernel)[:, 1] / 256, 0)
    result = seen(model, target=1, layer="twice")
    np.testing.assert_allclose(result.target_heat, expected, rtol=1e-3, atol=1e-6)


def test_weights_that_change_between_two_looks_are_seen() -> None:
    wrapped = classifier(pooled_model())
    look = GradCam(wrapped, wrapped.spatial_layer(None))
    before = look(IMAGES, 0)
    wrapped.model.set_weights([3 * w for w in wrapped.model.get_weights()])
    after = look(IMAGES, 0)
    np.testing.assert_allclose(after.scores, 9 * before.scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after.target_heat, 9 * before.target_heat, rtol=1e-4, atol=1e-6)


def test_rescaling_inside_equals_scaling_outside() -> None:
    outside, inside = small_cnn(), small_cnn(rescaling=True)
    inside.set_weights(outside.get_weights())
    expected, result = seen(outside), seen(inside, input_range="0..255")
    np.testing.assert_allclose(result.scores, expected.scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(result.heat, expected.heat, rtol=1e-4, atol=1e-6)


def test_gray_models_are_fed_luma() -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 1))
    x = layers.Flatten()(layers.Conv2D(3, 3)(inputs))
    model = keras.Model(inputs, layers.Dense(2)(x))
    luma = np.round(IMAGES @ [0.299, 0.587, 0.114])[..., None] / 255
    expected = numbers(model(luma.astype(np.float32)))
    np.testing.assert_allclose(seen(model).scores, expected, rtol=1e-4, atol=1e-5)


def test_one_sigmoid_output_is_two_classes() -> None:
    import keras
    from keras import layers

    inputs = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    result = seen(model)
    probability = numbers(model(IMAGES / np.float32(255)))[:, 0]
    np.testing.assert_allclose(1 / (1 + np.exp(-result.scores[:, 1])), probability, rtol=1e-4)
    np.testing.assert_array_equal(result.predicted, (probability > 0.5).astype(int))


def test_one_logit_speaks_for_one_class_and_against_the_other() -> None:
    """With s = W·mean(A) + b the scores are −s and s, and the heat of class 0 is that of −W."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(6)
    inputs = keras.Input((16, 16, 3))
    conv = layers.Conv2D(6, 3, strides=2, activation="relu", name="conv")
    x = layers.GlobalAveragePooling2D()(conv(inputs))
    model = keras.Model(inputs, layers.Dense(1, name="top")(x))
    model.get_layer("top").bias.assign([-float(np.median(numbers(model(IMAGES / 255.0))))])
    features = numbers(keras.Model(inputs, conv.output)(IMAGES / 255.0)).astype(np.float64)
    weights, bias = model.get_layer("top").get_weights()
    logits = features.mean(axis=(1, 2)) @ weights[:, 0] + bias[0]
    assert 0 < (logits > 0).sum() < len(IMAGES)
    for target in (0, 1):
        result = seen(model, target=target)
        np.testing.assert_allclose(result.scores[:, 1], logits, rtol=1e-3, atol=1e-5)
        np.testing.assert_array_equal(result.predicted, logits > 0)
        cells = features.shape[1] * features.shape[2]
        signs = np.where(logits > 0, 1, -1), np.full(len(IMAGES), 2 * target - 1)
        for heat, sign in zip((result.heat, result.target_heat), signs, strict=True):
            total = features @ weights[:, 0] / cells
            expected = np.maximum(sign[:, None, None] * total, 0)
            np.testing.assert_allclose(heat, expected, rtol=1e-3, atol=1e-7)


def test_a_model_without_rows_and_columns_gives_scores_alone() -> None:
    import keras
    from keras import layers

    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(inputs)))
    wrapped = classifier(model)
    assert wrapped.spatial_layer(None) is None
    result = GradCam(wrapped, None)(IMAGES, 0)
    assert result.heat.shape == (12, 0, 0)
    expected = numbers(model(IMAGES / np.float32(255)))
    np.testing.assert_allclose(result.scores, expected, rtol=1e-4, atol=1e-5)


def test_a_layer_beside_the_path_is_refused() -> None:
    """A layer that runs but that no score depends on has no Grad-CAM."""
    import keras
    from keras import layers

    inputs = keras.Input((16, 16, 3))
    used = layers.Conv2D(4, 3, name="used")(inputs)
    cut = layers.Rescaling(0.0, name="cut")(layers.Conv2D(4, 3, name="beside")(inputs))
    x = layers.GlobalAveragePooling2D()(layers.Add(name="add")([used, cut]))
    model = keras.Model(inputs, layers.Dense(3)(x))
    assert (seen(model, layer="beside").heat == 0).all(), "a zero gradient is a zero heatmap"
    wrapped = classifier(model)
    with pytest.raises(UsageError, match="choose one of: .*used"):
        wrapped.spatial_layer("nosuch")


def test_what_is_no_image_classifier_is_refused() -> None:
    import keras
    from keras import layers

    image, other = keras.Input((16, 16, 3)), keras.Input((4,))
    flat = layers.Flatten()(image)
    two_inputs = keras.Model([image, other], layers.Dense(3)(layers.Concatenate()([flat, other])))
    two_outputs = keras.Model(image, [layers.Dense(3)(flat), layers.Dense(3)(flat)])
    bounded = keras.Model(image, layers.Dense(1, activation="tanh")(flat))
    quantity = keras.Model(image, layers.ReLU()(layers.Dense(1)(flat)))
    nothing = keras.Model(image, layers.Dense(1, activation="softmax")(flat))
    vector = keras.Model(other, layers.Dense(3)(other))
    sequence = keras.Input((64, 3))
    points = keras.Model(sequence, layers.Dense(3)(layers.Flatten()(sequence)))
    unbuilt = keras.Sequential([layers.Dense(3)])
    for model in (*(two_inputs, two_outputs, bounded, quantity, nothing, vector, points, unbuilt),):
        with pytest.raises(InputError, match=r"^m\.keras: "):
            classifier(model)


def test_nothing_is_retraced_between_batches_of_different_sizes() -> None:
    import keras

    if keras.backend.backend() != "tensorflow":
        pytest.skip("counted by TensorFlow; test_backends counts what JAX compiles")
    wrapped = classifier(small_cnn())
    look = GradCam(wrapped, wrapped.spatial_layer(None))
    for n in (12, 5, 1, 7):
        look(IMAGES[:n], 0)
    assert look._run.experimental_get_tracing_count() == 1


def test_batch_after_batch_is_what_each_alone_is() -> None:
    wrapped = classifier(small_cnn())
    look = GradCam(wrapped, wrapped.spatial_layer(None))
    parts = [slice(0, 5), slice(5, 10), slice(10, 12)]
    targets = [0, np.array([2, 1, 0, 1, 2]), 2]
    pairs = zip(parts, targets, strict=True)
    given = list(look.each((part, IMAGES[part], target) for part, target in pairs))
    assert [part for part, _ in given] == parts
    whole = look(IMAGES, np.concatenate([[0] * 5, targets[1], [2] * 2]))
    for name in ("scores", "predicted", "heat", "target_heat"):
        joined = np.concatenate([getattr(one, name) for _, one in given])
        np.testing.assert_allclose(joined, getattr(whole, name), rtol=1e-5, atol=1e-6)
    assert list(look.each(iter(()))) == []


def test_the_next_batch_is_begun_before_the_last_is_waited_for(monkeypatch) -> None:
    wrapped = classifier(small_cnn())
    look, happened = GradCam(wrapped, None), []
    begin = look._begun

    def watched(images, target):
        happened.append(f"begun {target}")
        wait = begin(images, target)

        def waited():
            happened.append(f"awaited {target}")
            return wait()

        return waited

    monkeypatch.setattr(look, "_begun", watched)
    for number, _ in look.each((i, IMAGES[i : i + 1], i) for i in range(3)):
        happened.append(f"given {number}")
    assert happened == [
        *("begun 0", "begun 1", "awaited 0", "given 0"),
        *("begun 2", "awaited 1", "given 1", "awaited 2", "given 2"),
    ]


def test_many_images_at_once_are_seen_as_few_are() -> None:
    """JAX takes them in slices on a CPU, and pads the last one."""
    wrapped, many = classifier(small_cnn()), blobs(150)[0]
    look = GradCam(wrapped, wrapped.spatial_layer(None))
    seen = look(many, np.arange(150) % 3)
    assert seen.scores.shape == (150, 3)
    assert seen.heat.shape == seen.target_heat.shape == (150, 8, 8)
    for place in (0, 63, 64, 127, 128, 149):
        one = GradCam(wrapped, wrapped.spatial_layer(None))(many[place : place + 1], place % 3)
        np.testing.assert_allclose(seen.scores[place], one.scores[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            seen.target_heat[place], one.target_heat[0], rtol=1e-4, atol=1e-6
        )


def test_what_is_not_finite_is_no_heat() -> None:
    model = pooled_model()
    kernel, bias = model.get_layer("conv").get_weights()
    kernel[..., 2] = 3e38
    model.get_layer("conv").set_weights([kernel, bias])
    result = seen(model)
    assert not np.isfinite(result.scores).all()
    assert np.isfinite(result.heat).all()
    assert np.isfinite(result.target_heat).all()


def test_a_copy_with_another_input_range_is_another_network() -> None:
    wrapped = classifier(pooled_model())
    one = GradCam(wrapped, None)(IMAGES, 0).scores
    other = GradCam(replace(wrapped, input_range=InputRange.parse("-1..1")), None)(IMAGES, 0).scores
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_array_equal(GradCam(wrapped, None)(IMAGES, 0).scores, one)


@pytest.mark.parametrize("layer", ["conv", "active", "pool"])
def test_channels_first_inside_a_model_is_read_as_it_is(layer: str) -> None:
    """The same network in both orders: the same grid, which is not (channels, rows), and heat."""
    import keras
    from keras import layers

    heats = []
    for order, turned in (("channels_last", False), ("channels_first", True)):
        keras.utils.set_random_seed(5)
        image = keras.Input((16, 16, 3))
        x = layers.Permute((3, 1, 2))(image) if turned else image
        x = layers.Conv2D(6, (3, 5), data_format=order, name="conv")(x)
        x = layers.BatchNormalization(axis=1 if turned else 3)(x)
        x = layers.ReLU(name="active")(x)
        x = layers.MaxPooling2D(2, data_format=order, name="pool")(x)
        x = layers.GlobalAveragePooling2D(data_format=order)(x)
        model = keras.Model(image, layers.Dense(4)(x))
        grid = classifier(model).spatial_layer(layer).grid
        assert grid == ((7, 6) if layer == "pool" else (14, 12))
        heats.append(seen(model, layer=layer).heat)
    np.testing.assert_allclose(*heats, rtol=1e-4, atol=1e-6)
