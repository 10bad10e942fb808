"""Names that a Keras model file may mention; everything else is refused before Keras sees it.

An allowlist, never a denylist: what is missing here is refused. Left out on purpose, because they
run code or read files: Lambda, TFSMLayer, TorchModuleWrapper, JaxLayer, FlaxLayer, StringLookup,
IntegerLookup, TextVectorization, Hashing, HashedCrossing, and the operations that take a function
(Map, Scan, WhileLoop, Cond ...). Also the spectrograms, which no model of images starts with.
Plain names only: this module imports nothing, so it can be read without starting TensorFlow.
"""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


LAYERS = _names("""
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
    AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
    AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average AveragePooling1D
    AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization
    BatchNormalizationV1 BatchNormalizationV2 Bidirectional CategoryEncoding CenterCrop
    Concatenate ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D
    Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D
    Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D
    Convolution3DTranspose Cropping1D Cropping2D Cropping3D CutMix Dense DepthwiseConv1D
    DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Equalization Flatten
    GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D
    GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GroupNormalization GroupQueryAttention GroupedQueryAttention Identity InputLayer LSTM LSTMCell
    LayerNormalization LeakyReLU Masking MaxNumBoundingBoxes MaxPool1D MaxPool2D MaxPool3D
    MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum MixUp MultiHeadAttention Multiply
    Normalization PReLU Permute Pipeline RMSNormalization RNN RandAugment RandomBrightness
    RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomElasticTransform
    RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert
    RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness
    RandomShear RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
    ReversibleEmbedding SeparableConv1D SeparableConv2D SeparableConvolution1D
    SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D
    SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells Subtract
    TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D
    ZeroPadding2D ZeroPadding3D
""")

MODELS = _names("Functional Model Sequential")

INITIALIZERS = _names("""
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer
    LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform
    TruncatedNormal VarianceScaling Zeros constant glorot_normal
    glorot_uniform he_normal he_uniform identity lecun_normal lecun_uniform one ones orthogonal
    normal random_normal random_uniform truncated_normal uniform variance_scaling zero
    zeros
""")

REGULARIZERS = _names("L1 L1L2 L2 OrthogonalRegularizer l1 l1_l2 l2 orthogonal_regularizer")

CONSTRAINTS = _names("""
    MaxNorm MinMaxNorm NonNeg UnitNorm max_norm maxnorm min_max_norm min_maxnorm non_neg nonneg
    unit_norm unitnorm
""")

DTYPE_POLICIES = _names("""
    DTypePolicy DTypePolicyMap FloatDTypePolicy Int4DTypePolicy QuantizedDTypePolicy
    QuantizedFloat8DTypePolicy
""")

# Of quantised models; those that are calibrated (GPTQ, AWQ) carry data sets and tokenizers.
QUANTIZERS = _names("""
    AbsMaxQuantizer Float8QuantizationConfig Int4QuantizationConfig Int8QuantizationConfig
""")

ACTIVATIONS = _names("""
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh
    leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink
    softmax softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh
    tanh_shrink threshold
""")

NUMPY_OPERATIONS = _names("""
    Abs Absolute Add All Amax Amin Any Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh
    Argmax Argmin Argsort Average BroadcastTo Ceil Clip Concatenate Copy Cos Cosh Cross Cumprod
    Cumsum Diagonal Diff Divide DivideNoNan Dot Einsum Equal Exp Exp2 ExpandDims Expm1 Flip
    Floor FloorDivide FullLike GetItem Greater GreaterEqual Heaviside Hstack Inner Isfinite
    Isinf Isnan Less LessEqual Log Log10 Log1p Log2 Logaddexp LogicalAnd LogicalNot LogicalOr
    LogicalXor Matmul Max Maximum Mean Median Min Minimum Mod Moveaxis Multiply NanToNum
    Negative NotEqual OnesLike Outer Pad Power Prod Quantile Ravel Reciprocal Repeat Reshape
    Roll Rot90 Round Sign Sin Sinh Sort Split Sqrt Square Squeeze Stack Std Subtract Sum
    Swapaxes Take TakeAlongAxis Tan Tanh Tensordot Tile Transpose Tril Triu TrueDivide Trunc Var
    Vdot Vstack Where ZerosLike
""")

NN_OPERATIONS = _names("""
    AdaptiveAveragePool AdaptiveMaxPool AveragePool BatchNorm Celu Conv ConvTranspose
    DepthToSpace DepthwiseConv DotProductAttention Elu Gelu Glu HardShrink HardSigmoid HardSilu
    HardTanh LayerNorm LeakyRelu LogSigmoid LogSoftmax MaxPool Moments Normalize OneHot RMSNorm
    Relu Relu6 Selu SeparableConv Sigmoid Silu SoftShrink Softmax Softplus Softsign SpaceToDepth
    SparsePlus SparseSigmoid Sparsemax Squareplus TanhShrink Threshold
""")

IMAGE_OPERATIONS = _names("""
    AffineTransform CropImages ExtractPatches GaussianBlur HSVToRGB PadImages RGBToGrayscale
    RGBToHSV Resize SobelEdges
""")

MATH_OPERATIONS = _names("Erf Erfc Erfinv Logsumexp Rsqrt TopK")

CORE_OPERATIONS = _names("Cast ConvertToTensor SaturateCast Slice StopGradient Unstack")

LINALG_OPERATIONS = _names("Norm")

# Layers that Keras' own applications define for themselves, and where.
APPLICATION_LAYERS = {
    "LayerScale": "keras.src.applications.convnext",
    "CustomScaleLayer": "keras.src.applications.inception_resnet_v2",
}

# Which names each `module` may be asked for. None is a file that does not say (HDF5): any kind.
CLASSES_OF_MODULE: dict[str | None, frozenset[str]] = {
    "keras": MODELS | DTYPE_POLICIES,
    "keras.models": MODELS,
    "keras.src.models.functional": MODELS,
    "keras.src.models.sequential": MODELS,
    "keras.src.models.model": MODELS,
    "keras.layers": LAYERS,
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": REGULARIZERS,
    "keras.constraints": CONSTRAINTS,
    "keras.dtype_policies": DTYPE_POLICIES,
    "keras.quantizers": QUANTIZERS,
    "keras.random": frozenset({"SeedGenerator"}),
    **{module: frozenset({layer}) for layer, module in APPLICATION_LAYERS.items()},
    "keras.src.ops.numpy": NUMPY_OPERATIONS,
    "keras.src.ops.nn": NN_OPERATIONS,
    "keras.src.ops.image": IMAGE_OPERATIONS,
    "keras.src.ops.math": MATH_OPERATIONS,
    "keras.src.ops.core": CORE_OPERATIONS,
    "keras.src.ops.linalg": LINALG_OPERATIONS,
    None: LAYERS | MODELS | INITIALIZERS | REGULARIZERS | CONSTRAINTS | DTYPE_POLICIES,
}

# Modules that functions (class_name "function") may come from; all of them are activations.
FUNCTION_MODULES = frozenset({"builtins", "keras.activations"})

# A plain string under a key that ends like this names an object, which Keras looks up by that name.
NAMED_BY_STRING = {
    "activation": ACTIVATIONS,
    "initializer": INITIALIZERS,
    "regularizer": REGULARIZERS,
    "constraint": CONSTRAINTS,
}

DTYPES = _names("""
    bool bfloat16 float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64
""")

_POLICIES = DTYPES | {"mixed_float16", "mixed_bfloat16"}

# What a plain text may say, by its key; None is anything, for Keras looks nothing up by it.
TEXTS: dict[str, frozenset[str] | None] = {
    "name": None,
    "bias_axes": None,
    "equation": None,
    "subscripts": None,
    "keras_version": None,
    "backend": _names("tensorflow jax torch openvino"),
    "bounding_box_format": _names("xyxy yxyx xywh center_xywh center_yxhw rel_xyxy rel_yxyx"),
    "data_format": _names("channels_last channels_first"),
    "distribution": _names("truncated_normal untruncated_normal uniform normal"),
    "dtype": _POLICIES,
    "fill_mode": _names("reflect wrap constant nearest mirror"),
    "interpolation": _names(
        "nearest bilinear bicubic lanczos3 lanczos5 area gaussian mitchellcubic"
    ),
    "merge_mode": _names("sum mul concat ave"),
    "method": _names("linear lower higher midpoint nearest"),
    "mode": _names("""
        horizontal vertical horizontal_and_vertical fan_in fan_out fan_avg fan_geo_avg rows columns
        constant reflect symmetric edge linear_ramp maximum mean median minimum wrap empty
        int8 int4 int4/-1 int4/32 int4/64 int4/128 int4/256 float8
    """),
    "ord": _names("fro nuc"),
    "output_mode": _names("int one_hot multi_hot count"),
    "output_dtype": DTYPES,
    "padding": _names("valid same causal VALID SAME"),
    "reverse_dtype": _POLICIES,
    "score_mode": _names("dot concat"),
    "source_name": _POLICIES,
    "use_cudnn": _names("auto"),
}
