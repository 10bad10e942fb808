"""An ONNX classifier: read as one trainable Keras layer, and written back as the same graph.

file ─read▶ ModelProto ─graph▶ Graph ─GraphLayer▶ keras.Model ─ audit, fit ─▶ written ─▶ file
"""
