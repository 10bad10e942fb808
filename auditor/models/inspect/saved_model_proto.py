"""What is read of a SavedModel's files, as protobuf messages and without TensorFlow."""

from functools import cache
from typing import Any

from auditor.files.messages import Messages, message_class, parsed

# The parts of TensorFlow's saved_model, meta_graph, saver, saved_object_graph, graph, function,
# op_def, node_def, attr_value, tensor and tensor_shape .proto files that the check looks at.
_SCHEMA = """
SavedModel: 2 meta_graphs MetaGraphDef*
MetaGraphDef: 1 meta_info_def MetaInfoDef, 2 graph_def GraphDef, 3 saver_def SaverDef,
    4 collection_def CollectionDefEntry*, 5 signature_def SignatureDefEntry*,
    6 asset_file_def AssetFileDef*, 7 object_graph_def SavedObjectGraph
MetaInfoDef: 4 tags string*, 5 tensorflow_version string
SaverDef: 3 restore_op_name string
CollectionDefEntry: 1 key string, 2 value CollectionDef
CollectionDef: 1 node_list NodeList
NodeList: 1 value string*
SignatureDefEntry: 1 key string, 2 value SignatureDef
SignatureDef: 1 inputs TensorInfoEntry*, 2 outputs TensorInfoEntry*
TensorInfoEntry: 1 key string, 2 value TensorInfo
TensorInfo: 1 name string, 3 tensor_shape TensorShapeProto, 4 coo_sparse bytes,
    5 composite_tensor bytes
AssetFileDef: 2 filename string

GraphDef: 1 node NodeDef*, 2 library FunctionDefLibrary
FunctionDefLibrary: 1 function FunctionDef*, 2 gradient GradientDef*,
    3 registered_gradients RegisteredGradient*
FunctionDef: 1 signature OpDef, 3 node_def NodeDef*, 5 attr AttrEntry*
OpDef: 1 name string
GradientDef: 1 function_name string, 2 gradient_func string
RegisteredGradient: 1 gradient_func string
NodeDef: 1 name string, 2 op string, 3 input string*, 5 attr AttrEntry*
AttrEntry: 1 key string, 2 value AttrValue
AttrValue: 1 list ListValue, 6 type int32, 7 shape TensorShapeProto, 8 tensor TensorProto,
    10 func NameAttrList
ListValue: 8 tensor TensorProto*, 9 func NameAttrList*
NameAttrList: 1 name string, 2 attr AttrEntry*
TensorProto: 1 dtype int32, 2 tensor_shape TensorShapeProto
TensorShapeProto: 2 dim Dim*, 3 unknown_rank bool
Dim: 1 size int64

SavedObjectGraph: 1 nodes SavedObject*, 2 concrete_functions ConcreteFunctionsEntry*
ConcreteFunctionsEntry: 1 key string
SavedObject: 1 children ObjectReference*, 4 user_object SavedUserObject,
    6 function SavedFunction, 7 variable SavedVariable,
    8 bare_concrete_function SavedBareConcreteFunction, 12 captured_tensor CapturedTensor
ObjectReference: 1 node_id int32, 2 local_name string
SavedUserObject: 1 identifier string, 3 metadata string
SavedFunction: 1 concrete_functions string*
SavedBareConcreteFunction: 1 concrete_function_name string
CapturedTensor: 2 concrete_function string
SavedVariable: 1 dtype int32, 2 shape TensorShapeProto
"""

# Of Keras 2, which keeps the configuration of its layers beside the graph.
_METADATA = """
SavedMetadata: 1 nodes KerasObject*
KerasObject: 3 node_path string, 4 identifier string, 5 metadata string
"""


@cache
def saved_model_class() -> Any:
    """Return the message class of a whole `saved_model.pb`; fields it does not name are skipped."""
    return message_class("SavedModel", schema())


@cache
def metadata_class() -> Any:
    """Return the message class of a `keras_metadata.pb`."""
    return message_class("SavedMetadata", parsed(_METADATA))


@cache
def schema() -> Messages:
    """Return message → its fields, each as (number, name, type, repeated)."""
    return parsed(_SCHEMA)
