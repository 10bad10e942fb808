"""Which TensorFlow operators a SavedModel may use: those that image classifiers compute with.

What TensorFlow calls stateless is no help: ReadFile, MatchingFiles, ImmutableConst and a stateless
PyFunc are all in that list.
"""

_FLOW = """
    NoOp Identity IdentityN Placeholder PlaceholderWithDefault Const GuaranteeConst StopGradient
    PreventGradient Snapshot EnsureShape CheckNumerics Assert PartitionedCall
    StatefulPartitionedCall If StatelessIf While StatelessWhile Case StatelessCase FakeParam Switch
    RefSwitch Merge RefMerge Enter RefEnter Exit RefExit NextIteration RefNextIteration LoopCond
    ControlTrigger
"""
_VARIABLES = """
    VarHandleOp ReadVariableOp AssignVariableOp AssignAddVariableOp AssignSubVariableOp
    VarIsInitializedOp VariableShape DisableCopyOnRead DestroyResourceOp ResourceGather
    VariableV2 Variable Assign AssignAdd AssignSub IsVariableInitialized
"""
_SHAPES = """
    Shape ShapeN Size Rank Reshape ExpandDims Squeeze Transpose Pack Unpack Concat ConcatV2
    ConcatOffset Split SplitV Slice StridedSlice TensorStridedSliceUpdate Gather GatherV2 GatherNd
    ScatterNd TensorScatterUpdate TensorScatterAdd TensorScatterSub TensorScatterMax
    TensorScatterMin Tile Pad PadV2 MirrorPad Reverse ReverseV2 ReverseSequence Roll Fill ZerosLike
    OnesLike BroadcastTo BroadcastArgs BroadcastGradientArgs Range LinSpace OneHot Where Select
    SelectV2 Cast Bitcast InvertPermutation Unique UniqueV2 DynamicStitch DynamicPartition Diag
    DiagPart MatrixBandPart MatrixDiag MatrixDiagV2 MatrixDiagV3 MatrixDiagPart MatrixDiagPartV2
    MatrixDiagPartV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 SpaceToDepth DepthToSpace
    SpaceToBatch SpaceToBatchND BatchToSpace BatchToSpaceND ExtractImagePatches
    DataFormatVecPermute DataFormatDimMap EmptyTensorList TensorListReserve TensorListFromTensor
    TensorListStack TensorListGetItem TensorListSetItem TensorListPushBack TensorListPopBack
    TensorListLength TensorListElementShape
"""
_NUMBERS = """
    Abs Acos Acosh Add AddN AddV2 All Any ArgMax ArgMin Asin Asinh Atan Atan2 Atanh BatchMatMul
    BatchMatMulV2 BatchMatMulV3 Ceil ClipByValue Cos Cosh Cross Cumprod Cumsum CumulativeLogsumexp
    Digamma Div DivNoNan Einsum Equal Erf Erfc Erfinv EuclideanNorm Exp Expm1 Floor FloorDiv
    FloorMod Greater GreaterEqual Inv IsFinite IsInf IsNan L2Loss LeftShift Less LessEqual Lgamma
    Log Log1p LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean Min Minimum Mod Mul MulNoNan
    Ndtri Neg NotEqual Pow Prod RealDiv Reciprocal RightShift Rint Round Rsqrt Sigmoid Sign Sin Sinh
    Sqrt Square SquaredDifference Sub Sum Tan Tanh TopK TopKV2 TruncateDiv TruncateMod
    UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum Xdivy Xlog1py Xlogy
    BitwiseAnd BitwiseOr BitwiseXor Bucketize DenseBincount Invert MatrixSolve
"""
_LAYERS = """
    AvgPool AvgPool3D BiasAdd BiasAddV1 Conv2D Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D
    Conv3DBackpropInputV2 DepthwiseConv2dNative Dilation2D Elu FusedBatchNorm FusedBatchNormV2
    FusedBatchNormV3 LRN LeakyRelu LogSoftmax MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Relu
    Relu6 Selu Softmax SoftmaxCrossEntropyWithLogits Softplus Softsign
    SparseSoftmaxCrossEntropyWithLogits FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
    FakeQuantWithMinMaxVarsPerChannel QuantizeAndDequantizeV2 QuantizeAndDequantizeV3
    QuantizeAndDequantizeV4
"""
_IMAGES = """
    AdjustContrastv2 AdjustHue AdjustSaturation CropAndResize HSVToRGB ImageProjectiveTransformV2
    ImageProjectiveTransformV3 RGBToHSV ResizeArea ResizeBicubic ResizeBilinear
    ResizeNearestNeighbor ScaleAndTranslate
"""
_CHANCE = """
    RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal RandomShuffle Multinomial
    RandomGamma RngReadAndSkip RngSkip StatefulStandardNormalV2 StatefulTruncatedNormal
    StatefulUniform StatefulUniformFullInt StatefulUniformInt NonDeterministicInts
"""
_FROM_SEEDS = """
    StatelessMultinomial StatelessRandomGetAlg StatelessRandomGetKeyCounter
    StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2
    StatelessRandomUniform StatelessRandomUniformV2 StatelessRandomUniformInt
    StatelessRandomUniformIntV2 StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2
    StatelessRandomGammaV3 StatelessShuffle StatelessTruncatedNormal StatelessTruncatedNormalV2
"""

OPERATORS = frozenset(
    f"{_FLOW}{_VARIABLES}{_SHAPES}{_NUMBERS}{_LAYERS}{_IMAGES}{_CHANCE}{_FROM_SEEDS}".split()
)
"""What a model's own graph and functions may use."""

CHANGING = frozenset(_CHANCE.split()) | {
    *("Assign", "AssignAdd", "AssignSub", "AssignVariableOp", "AssignAddVariableOp"),
    *("AssignSubVariableOp", "DestroyResourceOp"),
}
"""After these the same images need not get the same scores."""

READING = frozenset({"RestoreV2"})
"""How TensorFlow reads the weights, in the saver's part of every SavedModel."""

WRITING = frozenset(
    {"MergeV2Checkpoints", "SaveV2", "ShardedFilename", "StaticRegexFullMatch", "StringJoin"}
)
"""How it would write them; never run here."""
