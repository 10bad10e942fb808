"""Write small `.h5` files with a real Keras of 2018, and what it predicts: `predicted.npz`.

    pip install --no-deps --target OLD keras==2.2.4 keras-applications==1.0.8 \
        keras-preprocessing==1.1.2
    python tests/models/old_keras/write.py OLD tests/models/old_keras

It is pure Python, and runs on today's TensorFlow as that was in version 1, once some names are back
that it looks for. With keras==2.1.6, which needs no others, a Sequential is a bare list of layers.
"""

import collections
import collections.abc
import os
import sys
from pathlib import Path

import numpy as np

os.environ["TF_USE_LEGACY_KERAS"] = "1"


def keras_of(folder: str):
    """Import the Keras that lies in a folder."""
    import tensorflow as tf
    from tensorflow.python.framework import ops

    assert tf.keras.backend  # is looked up once, before Keras has another meaning
    for name in ("Iterable", "Mapping", "Sequence"):
        setattr(collections, name, getattr(collections.abc, name))
    ops._TensorLike = (tf.Tensor, tf.Variable)
    ops.is_dense_tensor_like = lambda x: isinstance(x, (tf.Tensor, tf.Variable))
    tf.compat.v1.disable_v2_behavior()
    sys.modules["tensorflow"] = tf.compat.v1
    for name in [n for n in sys.modules if n == "keras" or n.startswith("keras.")]:
        del sys.modules[name]
    sys.path.insert(0, folder)
    import keras

    return keras


def relu6(x):
    """Cut off at 6: the function that MobileNet's files named."""
    from keras import backend

    return backend.relu(x, max_value=6)


def plain(keras):
    """One list of layers."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Conv2D(4, 3, activation="relu", input_shape=(12, 12, 3)),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(5, 2, kernel_regularizer=keras.regularizers.l2(1e-4)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax", kernel_constraint=keras.constraints.max_norm()),
        ]
    )


def mobile(keras):
    """The blocks of MobileNet, with what stood for ReLU6 then."""
    layers = keras.layers
    image = layers.Input((12, 12, 3))
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="conv1_pad")(image)
    x = layers.Conv2D(4, 3, strides=2, use_bias=False)(x)
    x = layers.BatchNormalization(axis=-1, name="conv1_bn")(x)
    x = layers.Activation(relu6, name="conv1_relu")(x)
    depthwise = getattr(layers, "DepthwiseConv2D", None)
    if depthwise is None:
        from keras.applications.mobilenet import DepthwiseConv2D as depthwise
    y = depthwise(3, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization()(y)
    if keras.__version__ != "2.1.6":
        y = layers.ReLU(6.0)(y)
    return keras.models.Model(image, layers.Add()([x, layers.Conv2D(4, 1)(y)]), name="mobile")


def teachable(keras):
    """Lists of layers in a list of layers, and a network in the first: Teachable Machine's."""
    layers, sequential = keras.layers, keras.models.Sequential
    body = sequential([mobile(keras), layers.GlobalAveragePooling2D()])
    head = sequential(
        [
            layers.Dense(8, activation="relu", input_shape=(4,)),
            layers.Dense(3, use_bias=False, activation="softmax"),
        ]
    )
    return sequential([body, head])


def transfer(keras):
    """A network whose first half is frozen, called in another one, twice."""
    layers = keras.layers
    base = mobile(keras)
    for layer in base.layers[:4]:
        layer.trainable = False
    image = layers.Input((12, 12, 3))
    both = layers.concatenate([base(image), base(layers.Dropout(0.1)(image))])
    x = layers.GlobalMaxPooling2D()(both)
    return keras.models.Model(image, layers.Dense(3, activation="softmax")(x))


def main() -> None:
    """Write a file for each network, with weights that are all different."""
    old, target = sys.argv[1], Path(sys.argv[2])
    keras = keras_of(old)
    version = keras.__version__
    predicted = (
        dict(np.load(target / "predicted.npz")) if (target / "predicted.npz").exists() else {}
    )
    images = np.random.default_rng(1).uniform(0, 1, (3, 12, 12, 3)).astype("float32")
    for make in (plain, teachable, transfer):
        rng = np.random.default_rng(0)
        model = make(keras)
        model.set_weights([rng.uniform(0.05, 0.4, w.shape) for w in model.get_weights()])
        name = f"{make.__name__}-{version}"
        model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", metrics=["acc"])
        model.save(str(target / f"{name}.h5"))
        predicted[name] = model.predict(images)
    np.savez_compressed(target / "predicted.npz", **predicted)


if __name__ == "__main__":
    main()
