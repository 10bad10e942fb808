"""Every architecture family of keras.applications, as small as it gets with all its layers."""

from collections.abc import Callable, Iterator
from typing import Any

# The smallest square image each takes, and what else makes it small without changing its layers.
_FAMILIES: dict[str, dict[str, Any]] = {
    "MobileNet": {"alpha": 0.25},
    "MobileNetV2": {"alpha": 0.35},
    "MobileNetV3Small": {},
    "MobileNetV3Large": {},
    "EfficientNetB0": {},
    "EfficientNetB1": {},
    "EfficientNetV2B0": {},
    "EfficientNetV2S": {},
    "ConvNeXtTiny": {},
    "ConvNeXtSmall": {},
    "DenseNet121": {},
    "DenseNet169": {},
    "ResNet50": {},
    "ResNet101": {},
    "ResNet152": {},
    "ResNet50V2": {},
    "ResNet101V2": {},
    "ResNet152V2": {},
    "VGG16": {"include_top": False},
    "VGG19": {"include_top": False},
    "Xception": {"size": 71},
    "InceptionV3": {"size": 75},
    "InceptionResNetV2": {"size": 75},
    "NASNetMobile": {},
    "NASNetLarge": {},
}


def architectures() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield each architecture's name and a function that builds it, with random weights."""
    for name, settings in _FAMILIES.items():
        yield name, lambda name=name, settings=settings: _build(name, **settings)


def _build(name: str, size: int = 32, include_top: bool = True, **settings: Any) -> Any:
    import keras

    application = getattr(keras.applications, name)
    settings |= {"weights": None, "input_shape": (size, size, 3), "include_top": include_top}
    if include_top:
        return application(classes=10, **settings)
    base = application(**settings)
    x = keras.layers.Dense(64, activation="relu")(keras.layers.Flatten()(base.output))
    return keras.Model(base.input, keras.layers.Dense(10, activation="softmax")(x), name=name)
