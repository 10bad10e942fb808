"""Makes the folders beside it, with MLflow: `python make.py`; each a model as MLflow saves it."""

from pathlib import Path

import keras
import mlflow
import onnx
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).parent


def place(name: str) -> str:
    return str(HERE / name)


def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((16, 16, 3)), layers.Conv2D(16, 3), layers.GlobalAveragePooling2D(),
         layers.Dense(3)]
    )  # fmt: skip


def main() -> None:
    keras_model = network()
    keras_model(keras.ops.zeros((1, 16, 16, 3)))
    mlflow.keras.save_model(keras_model, place("keras"))
    mlflow.tensorflow.save_model(keras_model, place("tensorflow"))
    exported = HERE / "exported.onnx"
    keras_model.export(exported, format="onnx", verbose=False)
    mlflow.onnx.save_model(onnx.load(exported), place("onnx"))
    exported.unlink()
    mlflow.sklearn.save_model(LogisticRegression(), place("sklearn"), skops_trusted_types=[])
    for path in (HERE / "sklearn").glob("model.*"):  # a pickle; what describes it is enough
        path.unlink()


if __name__ == "__main__":
    main()
