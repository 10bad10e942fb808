"""One graph, one signature, the same answer every time: what a SavedModel may serve."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.models.inspect import examine
from tests.models.inspect.conftest import findings, small_model
from tests.models.inspect.every_layer import layers_by_default, layers_set_otherwise

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from tensorflow.core.protobuf import saved_model_pb2  # noqa: E402


class Server(tf.Module):
    """Scores of images, with something else done on the way."""

    def __init__(self, act: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.kernel = tf.Variable(tf.ones((3, 2)))
        self.count = tf.Variable(0.0)
        self.chance = tf.random.Generator.from_seed(1)
        spec = tf.TensorSpec((None, 8, 8, 3))
        self.served = tf.function(lambda x: act(self, x), input_signature=[spec])
        self.plain = tf.function(self.scores, input_signature=[spec])

    def scores(self, x: Any) -> Any:
        return tf.reduce_mean(x, [1, 2]) @ self.kernel


def saved(folder: Path, act: Callable[[Any, Any], Any]) -> Path:
    server = Server(act)
    tf.saved_model.save(server, str(folder), signatures=server.served)
    return folder


def counts(server: Server, x: Any) -> Any:
    return server.scores(x) + server.count.assign_add(1.0)


def remembers_in_a_branch(server: Server, x: Any) -> Any:
    bright = tf.reduce_max(x) > 1
    tf.cond(bright, lambda: server.count.assign(1.0), lambda: server.count.read_value())
    return server.scores(x) + server.count


def draws(server: Server, x: Any) -> Any:
    return server.scores(x) + tf.random.uniform([])


def draws_by_a_generator(server: Server, x: Any) -> Any:
    return server.scores(x) + server.chance.uniform([])


def shuffles(server: Server, x: Any) -> Any:
    return server.scores(tf.random.shuffle(x))


CHANGING = {
    counts: "AssignAddVariableOp",
    remembers_in_a_branch: "AssignVariableOp",
    draws: "RandomUniform",
    draws_by_a_generator: "RngReadAndSkip",
    shuffles: "RandomShuffle",
}


@pytest.mark.parametrize("act", CHANGING)
def test_answer_that_changes_is_refused(act: Callable[[Any, Any], Any], tmp_path: Path) -> None:
    found = findings(saved(tmp_path / "m", act))
    assert any(
        f"{CHANGING[act]}: what 'serving_default' answers changes" in reason for reason in found
    )


def test_only_what_serves_must_not_change(tmp_path: Path) -> None:
    server = Server(counts)
    signatures = {"serving_default": server.plain, "train": server.served}
    tf.saved_model.save(server, str(tmp_path / "m"), signatures=signatures)
    found = examine(tmp_path / "m", "m")
    assert found.findings == ()
    assert [note.reason for note in found.notes] == [
        "'serving_default' is audited; not audited: 'train'"
    ]


def rewritten(folder: Path, change: Callable[[Any], object]) -> Path:
    path = folder / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    change(message)
    path.write_bytes(message.SerializeToString())
    return folder


def test_loader_may_not_get_another_signature_that_changes(tmp_path: Path) -> None:
    """TensorFlow Serving runs the graph's nodes, `saved_model.load` the function of an object."""
    server = Server(counts)
    signatures = {"serving_default": server.plain, "train": server.served}
    tf.saved_model.save(server, str(tmp_path / "m"), signatures=signatures)

    def exchange(message: Any) -> None:
        objects = message.meta_graphs[0].object_graph_def.nodes
        (index,) = (c.node_id for c in objects[0].children if c.local_name == "signatures")
        one, other = objects[index].children
        one.node_id, other.node_id = other.node_id, one.node_id

    found = findings(rewritten(tmp_path / "m", exchange))
    assert any("AssignAddVariableOp: what 'serving_default' answers changes" in f for f in found)


def test_several_graphs_are_refused(tmp_path: Path) -> None:
    def repeat(message: Any) -> None:
        message.meta_graphs.add().CopyFrom(message.meta_graphs[0])
        message.meta_graphs[1].meta_info_def.tags.append("gpu")

    folder = rewritten(saved(tmp_path / "m", Server.scores), repeat)
    assert "holds 2 graphs (their tags: serve; serve, gpu)" in findings(folder)[0]


def test_signature_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "m", Server.scores)
    path = folder / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    other = saved_model_pb2.SavedModel()
    other.meta_graphs.add().signature_def["serving_default"].method_name = "other"
    inside = other.meta_graphs[0].SerializeToString()
    whole = message.meta_graphs[0].SerializeToString() + inside
    length, size = b"", len(whole)
    while size:
        size, low = size >> 7, size & 0x7F
        length += bytes([low | (0x80 if size else 0)])
    path.write_bytes(b"\x08\x01\x12" + length + whole)
    assert "'serving_default' stands there twice" in findings(folder)[0]


# Keras 3 calls these for training unless told otherwise, and all layers after them, too.
FOR_TRAINING = tuple(
    """
    AugMix AutoContrast CenterCrop Contrast CutMix MixUp Pipeline Rand Resizing Solarization
    """.split()
)


def saves(made: Any, saver: str, folder: Path) -> Path:
    if saver == "export":
        made.export(folder, verbose=False)
    else:
        tf.saved_model.save(made, str(folder))
    return folder


@pytest.mark.parametrize("saver", ["export", "tf.saved_model"])
def test_what_keras_saves_answers_alike(saver: str, tmp_path: Path) -> None:
    """Every other layer of Keras, side by side: none changes when it serves."""
    image = keras.Input((8, 8, 3))
    ends = [
        call(image)
        for name, call in (*layers_by_default(keras), *layers_set_otherwise(keras))
        if not name.startswith(FOR_TRAINING)
    ]
    assert len(ends) > 100
    made = keras.Model(image, [keras.ops.cast(end, "float32") for end in ends])
    found = findings(saves(made, saver, tmp_path / "m"))
    assert [reason for reason in found if "answers changes" in reason] == []


def test_augmentation_that_keras_3_lets_serve_is_refused(tmp_path: Path) -> None:
    """Exported like this it flips images by chance whoever serves it, which `predict` does not."""
    image = keras.Input((8, 8, 3))
    made = keras.Model(image, keras.layers.Flatten()(keras.layers.RandomFlip()(image)))
    folder = saves(made, "export", tmp_path / "m")
    assert any("answers changes from call to call" in reason for reason in findings(folder))
    served = tf.saved_model.load(str(folder)).signatures["serving_default"]
    pixels = tf.random.stateless_uniform((1, 8, 8, 3), (1, 2))
    answers = {tuple(next(iter(served(pixels).values())).numpy()[0]) for _ in range(20)}
    assert len(answers) > 1


def test_trained_model_is_clean(tmp_path: Path) -> None:
    made = small_model()
    made.compile("adam", "sparse_categorical_crossentropy")
    made.fit(tf.zeros((2, 8, 8, 3)), tf.zeros((2,)), verbose=0)
    made.export(tmp_path / "m", verbose=False)
    found = examine(tmp_path / "m", "m")
    assert (found.findings, found.notes) == ((), ())
