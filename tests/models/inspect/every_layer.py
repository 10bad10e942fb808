"""Keras' own layers that a model of images can use, each by default and set otherwise."""

from collections.abc import Callable, Iterator
from typing import Any

# Layer -> arguments it cannot do without, and other arguments to try.
_ON_IMAGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Activation": ({"activation": "relu"}, {"activation": "gelu"}),
    "ActivityRegularization": ({}, {"l1": 0.1, "l2": 0.1}),
    "AdaptiveAveragePooling2D": ({"output_size": 2}, {"output_size": (2, 4)}),
    "AdaptiveMaxPooling2D": ({"output_size": 2}, {"output_size": (2, 4)}),
    "AlphaDropout": ({"rate": 0.1}, {"rate": 0.2, "seed": 2**31}),
    "AugMix": ({}, {"factor": 0.5, "num_chains": 2}),
    "AutoContrast": ({}, {"value_range": (0, 1)}),
    "AveragePooling2D": ({"pool_size": 2}, {"pool_size": (2, 1), "strides": 1, "padding": "same"}),
    "BatchNormalization": (
        {},
        {
            "momentum": 0.9,
            "beta_initializer": "random_normal",
            "gamma_regularizer": "l2",
            "beta_constraint": "non_neg",
            "dtype": "mixed_float16",
        },
    ),
    "CenterCrop": ({"height": 4, "width": 4}, {}),
    "ContrastLimitedAdaptiveHistogramEqualization": ({}, {"value_range": (0, 1)}),
    "Conv2D": (
        {"filters": 2, "kernel_size": 3},
        {
            "strides": (2, 1),
            "padding": "same",
            "activation": "swish",
            "kernel_initializer": "he_normal",
            "kernel_regularizer": "l1l2",
            "kernel_constraint": "max_norm",
            "dilation_rate": 1,
            "dtype": "float16",
        },
    ),
    "Conv2DTranspose": ({"filters": 2, "kernel_size": 3}, {"strides": 2, "output_padding": 1}),
    "Cropping2D": ({}, {"cropping": ((1, 0), (0, 2))}),
    "CutMix": ({}, {"factor": 0.5}),
    "Dense": ({"units": 2}, {"activation": "leaky_relu", "use_bias": False}),
    "DepthwiseConv2D": ({"kernel_size": 3}, {"depth_multiplier": 2, "padding": "same"}),
    "Dropout": ({"rate": 0.1}, {"rate": 0.2, "noise_shape": (None, 1, 1, 3), "seed": 3}),
    "ELU": ({}, {"alpha": 0.3}),
    "EinsumDense": (
        {"equation": "abcd,de->abce", "output_shape": (None, None, 4)},
        {"bias_axes": "e", "activation": "softmax"},
    ),
    "Flatten": ({}, {"data_format": "channels_last"}),
    "GaussianDropout": ({"rate": 0.1}, {"seed": 1}),
    "GaussianNoise": ({"stddev": 0.1}, {"seed": 1}),
    "GlobalAveragePooling2D": ({}, {"keepdims": True}),
    "GlobalMaxPooling2D": ({}, {"keepdims": True}),
    "GroupNormalization": ({"groups": 3}, {"epsilon": 0.1, "center": False}),
    "Identity": ({}, {}),
    "LayerNormalization": ({}, {"axis": [1, 2, 3], "scale": False}),
    "LeakyReLU": ({}, {"negative_slope": 0.1}),
    "Masking": ({}, {"mask_value": 1.0}),
    "MaxPooling2D": ({}, {"pool_size": 1, "strides": (1, 2), "padding": "same"}),
    "MixUp": ({}, {"alpha": 0.5}),
    "Normalization": ({}, {"mean": [0.1, 0.2, 0.3], "variance": [1.0, 2.0, 3.0]}),
    "PReLU": ({}, {"shared_axes": [1, 2], "alpha_regularizer": "l2"}),
    "Permute": ({"dims": (2, 1, 3)}, {}),
    "RMSNormalization": ({}, {"epsilon": 0.01}),
    "RandAugment": ({}, {"num_ops": 3, "factor": 0.2}),
    "RandomBrightness": ({"factor": 0.1}, {"value_range": (0, 1), "seed": 5}),
    "RandomColorDegeneration": ({"factor": 0.1}, {}),
    "RandomColorJitter": ({}, {"hue_factor": 0.1, "contrast_factor": 0.2}),
    "RandomContrast": ({"factor": 0.1}, {"factor": (0.1, 0.2)}),
    "RandomCrop": ({"height": 4, "width": 4}, {"seed": 5}),
    "RandomElasticTransform": ({}, {"fill_mode": "mirror", "interpolation": "nearest"}),
    "RandomErasing": ({}, {"factor": 0.4}),
    "RandomFlip": ({}, {"mode": "horizontal"}),
    "RandomGaussianBlur": ({}, {"kernel_size": 5}),
    "RandomGrayscale": ({}, {"factor": 0.2}),
    "RandomHue": ({"factor": 0.1}, {}),
    "RandomInvert": ({}, {"factor": 0.3}),
    "RandomPerspective": ({}, {"interpolation": "nearest"}),
    "RandomPosterization": ({"factor": 4}, {}),
    "RandomRotation": ({"factor": 0.1}, {"fill_mode": "constant", "fill_value": 1.0}),
    "RandomSaturation": ({"factor": 0.1}, {}),
    "RandomSharpness": ({"factor": 0.1}, {}),
    "RandomShear": ({}, {"x_factor": 0.1, "fill_mode": "nearest"}),
    "RandomTranslation": ({"height_factor": 0.1, "width_factor": 0.1}, {"fill_mode": "wrap"}),
    "RandomZoom": ({"height_factor": 0.1}, {"interpolation": "nearest"}),
    "ReLU": ({}, {"max_value": 6.0, "negative_slope": 0.1}),
    "Rescaling": ({"scale": 1 / 127.5}, {"offset": -1, "scale": [1.0, 2.0, 3.0]}),
    "Reshape": ({"target_shape": (-1,)}, {"target_shape": (8, -1)}),
    "Resizing": (
        {"height": 4, "width": 4},
        {"interpolation": "bicubic", "pad_to_aspect_ratio": True, "fill_mode": "constant"},
    ),
    "SeparableConv2D": ({"filters": 2, "kernel_size": 3}, {"depth_multiplier": 2}),
    "Softmax": ({}, {"axis": 1}),
    "Solarization": ({}, {"addition_factor": 0.1, "threshold_factor": 0.5}),
    "SpatialDropout2D": ({"rate": 0.1}, {"seed": 1}),
    "UnitNormalization": ({}, {"axis": [1, 2]}),
    "UpSampling2D": ({}, {"size": (2, 3), "interpolation": "lanczos3"}),
    "ZeroPadding2D": ({}, {"padding": ((1, 0), (2, 3))}),
}

# As above, for layers of sequences; images reach them by a Reshape, as in vision transformers.
_ON_SEQUENCES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "AdaptiveAveragePooling1D": ({"output_size": 2}, {}),
    "AdaptiveMaxPooling1D": ({"output_size": 2}, {}),
    "AveragePooling1D": ({"pool_size": 2}, {"padding": "same"}),
    "Conv1D": ({"filters": 2, "kernel_size": 3}, {"padding": "causal", "groups": 3, "filters": 3}),
    "Conv1DTranspose": ({"filters": 2, "kernel_size": 3}, {"strides": 2}),
    "Cropping1D": ({}, {"cropping": (1, 2)}),
    "DepthwiseConv1D": ({"kernel_size": 3}, {"depth_multiplier": 2}),
    "GRU": ({"units": 2}, {"return_sequences": True, "recurrent_activation": "hard_sigmoid"}),
    "GlobalAveragePooling1D": ({}, {"keepdims": True}),
    "GlobalMaxPooling1D": ({}, {"keepdims": True}),
    "LSTM": ({"units": 2}, {"go_backwards": True, "recurrent_initializer": "glorot_normal"}),
    "MaxPooling1D": ({}, {"pool_size": 3}),
    "SeparableConv1D": ({"filters": 2, "kernel_size": 3}, {"padding": "same"}),
    "SimpleRNN": ({"units": 2}, {"unroll": True}),
    "SpatialDropout1D": ({"rate": 0.1}, {}),
    "UpSampling1D": ({}, {"size": 3}),
    "ZeroPadding1D": ({}, {"padding": 2}),
}

# What Keras cannot save so, or cannot read again: operations, and layers that hold a module.
NOT_IN_HDF5 = frozenset(
    """
    RandomBrightness RandomColorDegeneration RandomPosterization RandomSaturation RandomSharpness
    RandomColorJitter RandAugment AugMix Solarization
    patches padded einsum resized flattened constant positions
    """.split()
)

_MERGING = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")


def layers_by_default(k: Any) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Yield each layer's name and a function that calls it on images of (8, 8, 3)."""
    for name, (needed, _) in _ON_IMAGES.items():
        yield name, getattr(k.layers, name)(**needed)
    for name, (needed, _) in _ON_SEQUENCES.items():
        yield name, _on_sequence(k, getattr(k.layers, name)(**needed))
    for name in _MERGING:
        yield name, lambda image, name=name: getattr(k.layers, name)()([image, image])
    yield from _composed(k)


def layers_set_otherwise(k: Any) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Yield each layer again, with other arguments than by default."""
    for name, (needed, other) in _ON_IMAGES.items():
        yield name, getattr(k.layers, name)(**needed | other)
    for name, (needed, other) in _ON_SEQUENCES.items():
        yield name, _on_sequence(k, getattr(k.layers, name)(**needed | other))


def _on_sequence(k: Any, layer: Any) -> Callable[[Any], Any]:
    return lambda image: layer(k.layers.Reshape((64, 3))(image))


def _composed(k: Any) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Layers made of layers, and those called with more than one tensor."""
    layer = k.layers
    attention = layer.MultiHeadAttention(num_heads=2, key_dim=2, dropout=0.1)
    grouped = layer.GroupQueryAttention(head_dim=2, num_query_heads=2, num_key_value_heads=1)
    bidirectional = layer.Bidirectional(
        layer.LSTM(2), backward_layer=layer.GRU(2, go_backwards=True)
    )
    stacked = layer.RNN([layer.LSTMCell(2), layer.GRUCell(2)], return_sequences=True)
    yield "MultiHeadAttention", _on_sequence(k, lambda x: attention(x, x, use_causal_mask=True))
    yield "GroupQueryAttention", _on_sequence(k, lambda x: grouped(x, x))
    yield "Attention", _on_sequence(k, lambda x: layer.Attention(score_mode="concat")([x, x]))
    yield "AdditiveAttention", _on_sequence(k, lambda x: layer.AdditiveAttention()([x, x]))
    yield "Dot", _on_sequence(k, lambda x: layer.Dot(axes=2, normalize=True)([x, x]))
    yield "Bidirectional", _on_sequence(k, bidirectional)
    yield "merged", _on_sequence(k, layer.Bidirectional(layer.SimpleRNN(2), merge_mode="ave"))
    yield "RNN", _on_sequence(k, stacked)
    yield "TimeDistributed", _on_sequence(k, layer.TimeDistributed(layer.Dense(2)))
    yield "SpectralNormalization", layer.SpectralNormalization(layer.Conv2D(2, 3))
    yield "ConvLSTM2D", lambda x: layer.ConvLSTM2D(2, 3)(layer.Reshape((1, 8, 8, 3))(x))
    yield "Conv3D", lambda x: layer.Conv3D(2, 1)(layer.Reshape((1, 8, 8, 3))(x))
    yield "Conv3DTranspose", lambda x: layer.Conv3DTranspose(2, 1)(layer.Reshape((1, 8, 8, 3))(x))
    yield "MaxPooling3D", lambda x: layer.MaxPooling3D(1)(layer.Reshape((1, 8, 8, 3))(x))
    yield "Pipeline", layer.Pipeline([layer.RandomFlip(), layer.RandomRotation(0.1)])
    yield "positions", _on_sequence(k, lambda x: x + layer.Embedding(64, 3)(k.ops.arange(64)))
    yield "patches", lambda x: k.ops.image.extract_patches(x, (4, 4))
    yield "padded", lambda x: k.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    yield "einsum", lambda x: k.ops.einsum("bhwc,bhwd->bcd", x, x)
    yield "constant", lambda x: x * k.ops.cast(k.ops.ones((8, 8, 3)), "float32")
    yield "resized", lambda x: k.ops.image.resize(x, (4, 4), interpolation="bicubic")
    yield "flattened", lambda x: layer.Flatten()(k.ops.swapaxes(x, 1, 2)[:, 1:, ..., :2])
