"""TensorFlow models written as ONNX, and compared with themselves before the file gets its name.

    SavedModel ─┐
    Keras model ┼─ graph ▶ ModelProto ─ check ▶ file
    TFLite ─────┘

tf2onnx does the work. It logs what it cannot convert and writes an invalid file all the same, so
nothing is believed: operators are looked up, onnx checks the file, and the reference
implementation of ONNX has to give the scores that the model itself gives.
"""

from auditor.models.to_onnx.convert import from_keras, from_saved_model, from_tflite

__all__ = ["from_keras", "from_saved_model", "from_tflite"]
