"""SavedModels, harmless and hostile: all saved by TensorFlow itself, none loaded."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import InputError
from auditor.models.inspect import examine
from auditor.models.inspect.inspection import Inspection
from auditor.models.inspect.saved_model_proto import saved_model_class, schema
from auditor.models.inspect.tensorflow_ops import OPERATORS, READING, WRITING

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")
layers = keras.layers

from tensorflow.core.framework import op_def_pb2  # noqa: E402
from tensorflow.core.protobuf import saved_model_pb2  # noqa: E402


def classifier() -> Any:
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("hard_swish")(x)
    x = layers.DepthwiseConv2D(3)(x)
    x = layers.LayerNormalization()(x)
    gate = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Dropout(0.2)(layers.UpSampling2D(interpolation="bilinear")(x * gate))
    x = layers.Reshape((-1, 4))(layers.MaxPooling2D()(layers.ZeroPadding2D()(x)))
    x = layers.MultiHeadAttention(2, 2)(x, x)
    x = layers.Dense(8, activation="gelu")(layers.GlobalAveragePooling1D()(x))
    return keras.Model(image, layers.Dense(2, activation="softmax", name="head")(x))


class Planted(tf.Module):
    """A model of one variable that does something more wherever `act` is called."""

    def __init__(self, act: Callable[[Any], Any]) -> None:
        super().__init__()
        self.weights = tf.Variable(tf.ones((3, 2)), name="weights")
        self.act = act

    @tf.function(input_signature=[tf.TensorSpec((None, 3))])
    def __call__(self, x: Any) -> Any:
        return tf.nn.softmax(self.act(x) @ self.weights)


class Resource(tf.saved_model.experimental.TrackableResource):
    """Something that the loader initialises: what it does runs while the model is loaded."""

    def _create_resource(self) -> Any:
        return tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.int64)

    def _initialize(self) -> None:
        tf.io.write_file("/tmp/owned", "by a model that was only loaded")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small classifier; tests work on copies."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    tf.saved_model.save(classifier(), str(folder))
    return folder


@pytest.fixture
def model(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def planted(folder: Path, act: Callable[[Any], Any]) -> Inspection:
    module = Planted(act)
    tf.saved_model.save(module, str(folder), signatures=module.__call__)
    return examine(folder, "suspect")


def rewrite(folder: Path, change: Callable[[Any], object]) -> Inspection:
    """Change the MetaGraphDef of a saved model, and look at it."""
    path = folder / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    change(message.meta_graphs[0])
    path.write_bytes(message.SerializeToString())
    return examine(folder, "suspect")


def reasons(found: Inspection) -> str:
    return "\n".join(f"{finding.place}: {finding.reason}" for finding in found.findings)


def function(meta: Any, part: str) -> Any:
    return next(f for f in meta.graph_def.library.function if part in f.signature.name)


def after(x: Any, *others: Any) -> Any:
    with tf.control_dependencies(others):
        return tf.identity(x)


def test_what_keras_saves_is_clean_and_told(saved: Path, tmp_path: Path) -> None:
    model = classifier()
    model.export(tmp_path / "exported", verbose=False)
    for folder in (saved, tmp_path / "exported"):
        found = examine(folder, "model")
        assert found.findings == ()
        assert found.format == "savedmodel"
        assert found.written_by == f"TensorFlow {tf.__version__}"
        assert "Conv2D" in {op for _, op in found.layers}
        assert found.stored >= model.count_params()


def test_what_keras_2_saves_is_clean(tmp_path: Path) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    inside = [tf_keras.layers.Conv2D(4, 3), tf_keras.layers.BatchNormalization()]
    inside += [
        tf_keras.layers.RandomFlip(),
        tf_keras.layers.Dropout(0.5),
        tf_keras.layers.Flatten(),
    ]
    model = tf_keras.Sequential([tf_keras.Input((8, 8, 3)), *inside, tf_keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(tf.zeros((2, 8, 8, 3)), tf.zeros((2, 2)), verbose=0)
    model.save(tmp_path / "model", save_format="tf")
    assert examine(tmp_path / "model", "model").findings == ()


def test_what_tensorflow_1_saves_is_clean(tmp_path: Path) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(1)  # where an earlier test has made TensorFlow ask for one
        x = v1.placeholder(tf.float32, [None, 8, 8, 3], "x")
        kernel = v1.get_variable("kernel", [3, 3, 3, 4], use_resource=False)
        y = tf.reduce_mean(tf.nn.conv2d(x, kernel, 1, "SAME"), [1, 2])
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(tmp_path / "model"), {"x": x}, {"y": y})
    found = examine(tmp_path / "model", "model")
    assert found.findings == ()
    assert found.stored == 3 * 3 * 3 * 4


ACTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "reads": ("ReadFile", lambda x: x + tf.cast(tf.strings.length(tf.io.read_file("/x")), x.dtype)),
    "writes": ("WriteFile", lambda x: after(x, tf.io.write_file("/tmp/x", "x"))),
    "lists": ("MatchingFiles", lambda x: after(x, tf.io.matching_files("/*"))),
    "maps": (
        "ImmutableConst",
        lambda x: (
            x + tf.raw_ops.ImmutableConst(dtype="float32", shape=[3], memory_region_name="/x")
        ),
    ),
    "Python": ("PyFunc", lambda x: tf.numpy_function(lambda v: v, [x], tf.float32)),
    "eager Python": ("EagerPyFunc", lambda x: tf.py_function(lambda v: v, [x], tf.float32)),
    "prints": ("PrintV2", lambda x: after(x, tf.raw_ops.PrintV2(input="x"))),
    "aborts": ("Abort", lambda x: after(x, tf.raw_ops.Abort())),
    "restores": (
        "RestoreV2",
        lambda x: (
            x
            + tf.raw_ops.RestoreV2(
                prefix="/x", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
            )[0]
        ),
    ),
    "saves": (
        "SaveV2",
        lambda x: after(
            x,
            tf.raw_ops.SaveV2(
                prefix="/x", tensor_names=["a"], shape_and_slices=[""], tensors=[tf.ones(1)]
            ),
        ),
    ),
    "in a branch": (
        "ReadFile",
        lambda x: tf.cond(
            tf.reduce_sum(x) > 1,
            lambda: x,
            lambda: x + tf.cast(tf.strings.length(tf.io.read_file("/x")), x.dtype),
        ),
    ),
    "in a loop": (
        "WriteFile",
        lambda x: tf.while_loop(
            lambda v: tf.reduce_sum(v) < 9,
            lambda v: (after(v + 1, tf.io.write_file("/tmp/x", "x")),),
            [x],
        )[0],
    ),
    "in a function of a data set": (
        "MapDataset",
        lambda x: x + next(iter(tf.data.Dataset.range(1).map(lambda v: tf.cast(v, tf.float32)))),
    ),
}


@pytest.mark.parametrize("kind", ACTS)
def test_operators_that_do_not_compute_are_refused(kind: str, tmp_path: Path) -> None:
    op, act = ACTS[kind]
    assert op in reasons(planted(tmp_path / "model", act))


def test_file_written_while_loading_is_refused(tmp_path: Path) -> None:
    module = Planted(tf.identity)
    module.resource = Resource()
    module.resource.resource_handle  # noqa: B018  creates it
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.__call__)
    assert "WriteFile" in reasons(examine(tmp_path / "model", "suspect"))


def test_function_that_nothing_calls_is_looked_at(tmp_path: Path) -> None:
    module = Planted(tf.identity)
    module.unused = tf.function(lambda: tf.io.read_file("/etc/passwd"), input_signature=[])
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.__call__)
    assert "ReadFile" in reasons(examine(tmp_path / "model", "suspect"))


def test_tables_and_their_files_are_refused(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("a\nb\n")
    text = tf.lookup.TextFileInitializer(
        str(words), tf.string, 0, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
    )
    module = Planted(tf.identity)
    module.table = tf.lookup.StaticHashTable(text, -1)
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.__call__)
    found = reasons(examine(tmp_path / "model", "suspect"))
    assert "InitializeTableFromTextFileV2" in found
    assert "assets/words.txt" in found
    assert "asset_file_def" in found


def call_the_saver(meta: Any) -> None:
    """Let the signature's node call the function that saves."""
    output = meta.signature_def["serving_default"].outputs["output_0"].name.partition(":")[0]
    node = next(n for n in meta.graph_def.node if n.name == output)
    node.attr["f"].func.name = function(meta, "traced_save").signature.name


def offer_the_saver(meta: Any) -> None:
    meta.object_graph_def.nodes.add().bare_concrete_function.concrete_function_name = function(
        meta, "traced_restore"
    ).signature.name


def start_with_the_saver(meta: Any) -> None:
    meta.collection_def["saved_model_main_op"].node_list.value[:] = [meta.saver_def.restore_op_name]


def restore_by_writing(meta: Any) -> None:
    meta.saver_def.restore_op_name = meta.saver_def.save_tensor_name.partition(":")[0]


def exchange_the_saver(meta: Any) -> None:
    function(meta, "traced_save").attr["api_implements"].s = b"same"


def derive_by_the_saver(meta: Any) -> None:
    meta.graph_def.library.registered_gradients.add(
        gradient_func=function(meta, "traced_save").signature.name, registered_op_type="Relu"
    )


@pytest.mark.parametrize(
    "change",
    [
        call_the_saver,
        offer_the_saver,
        start_with_the_saver,
        restore_by_writing,
        exchange_the_saver,
        derive_by_the_saver,
    ],
)
def test_saver_is_for_the_saver_alone(model: Path, change: Callable[[Any], None]) -> None:
    found = reasons(rewrite(model, change))
    assert "would read or write files" in found
    assert "function __inference__traced_" in found


def plant(op: str, **attributes: Any) -> Callable[[Any], None]:
    def change(meta: Any) -> None:
        node = meta.graph_def.node.add(name="planted", op=op)
        for key, value in attributes.items():
            node.attr[key].CopyFrom(value)

    return change


def constant(dtype: int, *sizes: int) -> Any:
    value = tf.compat.v1.AttrValue()
    value.tensor.dtype = dtype
    for size in sizes:
        value.tensor.tensor_shape.dim.add(size=size)
    value.tensor.float_val.append(0)
    return value


def calls(name: str) -> Any:
    return tf.compat.v1.AttrValue(func=tf.compat.v1.NameAttrList(name=name))


def nested(name: str) -> Any:
    inner = tf.compat.v1.NameAttrList(name="__inference_serving_default")
    inner.attr["deeper"].list.func.add(name=name)
    return tf.compat.v1.AttrValue(func=inner)


def call_itself(meta: Any) -> None:
    restore = function(meta, "traced_restore")
    restore.node_def.add(name="again", op=restore.signature.name)


def double_again_and_again(meta: Any) -> None:
    for index in range(40):
        added = meta.graph_def.library.function.add()
        added.signature.name = f"doubled_{index}"
        for side in ("left", "right"):
            callee = f"doubled_{index - 1}" if index else "Identity"
            added.node_def.add(name=side, op=callee)
    meta.graph_def.node.add(name="planted", op="doubled_39")


def enlarge_a_variable(meta: Any) -> None:
    node = next(n for n in meta.object_graph_def.nodes if n.HasField("variable"))
    del node.variable.shape.dim[:]
    for _ in range(2):
        node.variable.shape.dim.add(size=50_000)


def name_an_asset(meta: Any) -> None:
    meta.asset_file_def.add(filename="../../etc/passwd")


def repeat_a_function(meta: Any) -> None:
    library = meta.graph_def.library
    library.function.add().CopyFrom(library.function[0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (plant("ReadFile"), ["planted: operator 'ReadFile'", "ONNX"]),
        (plant("XlaCustomCallV2"), ["'XlaCustomCallV2'"]),
        (plant("a\x1b[31m\n"), [r"a\x1b[31m\n"]),
        (plant("Const", value=constant(1, 60_000, 60_000)), ["impossible dimensions"]),
        (plant("Const", value=constant(1, -5)), ["impossible dimensions"]),
        (plant("Const", value=constant(1, 20_000, 20_000)), ["more than are stored"]),
        (plant("Const", value=constant(20)), ["handle"]),
        (plant("StatefulPartitionedCall", f=calls("ReadFile")), ["calls 'ReadFile'"]),
        (plant("StatefulPartitionedCall", f=nested("PyFunc")), ["calls 'PyFunc'"]),
        (call_itself, ["calls itself"]),
        (double_again_and_again, ["library: becomes more than"]),
        (enlarge_a_variable, ["variables: the graph declares"]),
        (name_an_asset, ["../../etc/passwd"]),
        (repeat_a_function, ["two functions of one name"]),
    ],
)
def test_changed_graph_is_refused(
    model: Path, change: Callable[[Any], None], words: list[str]
) -> None:
    found = reasons(rewrite(model, change))
    for word in words:
        assert word in found


def test_second_graph_is_looked_at_too(model: Path) -> None:
    path = model / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    message.meta_graphs.add().CopyFrom(message.meta_graphs[0])
    message.meta_graphs[1].graph_def.node.add(name="planted", op="ReadFile")
    path.write_bytes(message.SerializeToString())
    assert "planted: operator 'ReadFile'" in reasons(examine(model, "suspect"))


def test_folder_holds_what_belongs_there(model: Path) -> None:
    (model / "variables" / "variables.index").rename(model.parent / "index")
    (model / "variables" / "variables.index").symlink_to(model.parent / "index")
    (model / "saved_model.cpb").write_bytes(b"x")
    (model / "assets" / "words.txt").write_text("x")
    (model / "variables" / "deeper").mkdir()
    os.mkfifo(model / "fingerprint2.pb")
    places = {finding.place: finding.reason for finding in examine(model, "suspect").findings}
    assert "symbolic link" in places["variables/variables.index"]
    assert "does not belong" in places["saved_model.cpb"]
    assert "asset" in places["assets/words.txt"]
    assert "not an ordinary file" in places["variables/deeper"]
    assert "not an ordinary file" in places["fingerprint2.pb"]


def test_hard_links_and_notes_are_fine(model: Path, tmp_path: Path) -> None:
    data = next((model / "variables").glob("variables.data-*"))
    os.link(data, tmp_path / "other name")
    (model / "README.md").write_text("a model")
    (model / "keras_metadata.pb").write_bytes(b"")
    assert examine(model, "model").findings == ()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda model: shutil.rmtree(model / "variables"), "copy the whole SavedModel"),
        (lambda model: (model / "variables" / "variables.index").unlink(), "variables/"),
        (lambda model: (model / "saved_model.pb").write_bytes(b""), "empty"),
        (lambda model: (model / "saved_model.pb").write_bytes(b"\x08\x01"), "no graph"),
        (lambda model: (model / "saved_model.pb").write_bytes(b"\x12\xff"), "copy it again"),
        (lambda model: cut(model / "saved_model.pb"), "copy it again"),
        (lambda model: linked(model / "saved_model.pb"), "symbolic link"),
    ],
)
def test_damage_is_told_in_one_line(
    model: Path, spoil: Callable[[Path], object], reason: str
) -> None:
    spoil(model)
    with pytest.raises(InputError, match=reason) as caught:
        examine(model, "suspect")
    assert str(caught.value).startswith("suspect")
    assert "\n" not in str(caught.value)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def linked(path: Path) -> None:
    path.rename(path.parent.parent / "external_files.pb")
    path.symlink_to(path.parent.parent / "external_files.pb")


def test_any_byte_changed_is_refused_or_harmless(model: Path) -> None:
    path, chance = model / "saved_model.pb", random.Random(0)
    whole = path.read_bytes()
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 1, 20))):
            content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
        path.write_bytes(content)
        try:
            examine(model, "suspect")
        except InputError as error:
            assert "\n" not in str(error)


def test_messages_have_tensorflows_field_numbers() -> None:
    compared = set()
    pending = [(saved_model_class().DESCRIPTOR, saved_model_pb2.SavedModel.DESCRIPTOR)]
    while pending:
        mine, its = pending.pop()
        if mine.name in compared:
            continue
        compared.add(mine.name)
        for field in mine.fields:
            other = its.fields_by_name[field.name]
            assert (field.number, field.is_repeated) == (other.number, other.is_repeated)
            assert wire(field) == wire(other), f"{mine.name}.{field.name}"
            if field.message_type is not None:
                pending.append((field.message_type, other.message_type))
    assert compared == schema().keys()


def wire(field: Any) -> str:
    """How a field is written, whatever its message is called."""
    kinds = {field.TYPE_ENUM: "int", field.TYPE_INT32: "int", field.TYPE_INT64: "int"}
    kinds |= {field.TYPE_BOOL: "bool", field.TYPE_STRING: "text", field.TYPE_BYTES: "bytes"}
    if field.type == field.TYPE_MESSAGE and field.containing_type.name == "TensorInfo":
        return "bytes" if field.name != "tensor_shape" else "message"
    return kinds.get(field.type, "message")


def test_operators_are_tensorflows_and_keep_no_hidden_state() -> None:
    registered = {op.name: op for op in operators()}
    assert registered.keys() >= OPERATORS | READING | WRITING
    assert not OPERATORS & (READING | WRITING)
    flow = {"Assert", "Case", "CheckNumerics", "GuaranteeConst", "If", "While"}
    flow |= {"StatefulPartitionedCall"}
    variables = {op for op in OPERATORS if "Variable" in op or "VarHandle" in op or "VarIs" in op}
    variables |= {"DestroyResourceOp", "DisableCopyOnRead", "ResourceGather"}
    chance = {op for op in OPERATORS if "Random" in op or op.startswith(("Rng", "Stateful"))}
    chance |= {"Multinomial", "NonDeterministicInts", "TruncatedNormal"}
    stateful = {op for op in OPERATORS if registered[op].is_stateful}
    assert stateful <= flow | variables | chance
    text = {
        op
        for op in OPERATORS
        if any(a.type == tf.string.as_datatype_enum for a in registered[op].input_arg)
    }
    assert not text


def operators() -> Any:
    from tensorflow.python.client import pywrap_tf_session

    listed = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    return op_def_pb2.OpList.FromString(listed).op
