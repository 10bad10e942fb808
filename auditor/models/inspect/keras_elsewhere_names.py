"""What Keras' own loaders, of any age, can be told to build besides the layers of `keras_names`."""

from auditor.models.inspect.keras_names import ACTIVATIONS, CLASSES_OF_MODULE

TRAINING = frozenset(
    """
    Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lion LossScaleOptimizer MultiOptimizer Muon
    Nadam Optimizer OptimizerMap RMSprop SGD ScheduleFreeAdamW
    CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay LearningRateSchedule
    PiecewiseConstantDecay PolynomialDecay
    BinaryCrossentropy BinaryFocalCrossentropy CTC CategoricalCrossentropy
    CategoricalFocalCrossentropy CategoricalHinge Circle CosineSimilarity Dice Hinge Huber
    KLDivergence LogCosh Loss LossFunctionWrapper MeanAbsoluteError MeanAbsolutePercentageError
    MeanSquaredError MeanSquaredLogarithmicError Poisson SparseCategoricalCrossentropy SquaredHinge
    Tversky
    AUC Accuracy BinaryAccuracy BinaryIoU CategoricalAccuracy ConcordanceCorrelation F1Score
    FBetaScore FalseNegatives FalsePositives IoU LogCoshError Mean MeanIoU MeanMetricWrapper
    MeanRelativeError MeanTensor Metric OneHotIoU OneHotMeanIoU PearsonCorrelation Precision
    PrecisionAtRecall R2Score Recall RecallAtPrecision RootMeanSquaredError
    SensitivityAtSpecificity SparseCategoricalAccuracy SparseTopKCategoricalAccuracy
    SpecificityAtSensitivity Sum SumOverBatchSize TopKCategoricalAccuracy TrueNegatives
    TruePositives
    """.split()
)
"""Optimizers and their schedules, losses and metrics."""

OF_KERAS_2 = frozenset(
    """
    AbstractRNNCell AddLoss AddMetric BaseRandomLayer BatchNormalizationBase CuDNNGRU CuDNNLSTM
    CustomScaleLayer GRUCellV1 GRUCellV2 GRUV1 GRUV2 Input InputSpec LSTMCellV1 LSTMCellV2 LSTMV1
    LSTMV2 Layer LinearModel LocallyConnected1D LocallyConnected2D RandomHeight RandomWidth
    SyncBatchNormalization ThresholdedReLU WideDeepModel Wrapper
    add average concatenate dot maximum minimum multiply subtract
    Policy PolicyV1 TypeSpec CompositeTensor __bytes__
    """.split()
)
"""What only Keras 2 builds, and nothing but computes."""

DANGEROUS = frozenset(
    """
    Lambda __lambda__ TFSMLayer TorchModuleWrapper JaxLayer FlaxLayer StringLookup IntegerLookup
    TextVectorization Hashing HashedCrossing DenseFeatures SequenceFeatures ClassMethod
    InstanceMethod InstanceProperty TensorFlowOpLayer TFOpLambda SlicingOpLambda DeviceWrapper
    DropoutWrapper ResidualWrapper _RNNCellWrapper
    """.split()
)
"""What runs code that the file holds, calls what it names, or opens a file."""

_VALUES = frozenset(
    "__keras_tensor__ __tensor__ __numpy__ __slice__ __ellipsis__ __tuple__ TensorShape".split()
)
HARMLESS = (
    TRAINING | OF_KERAS_2 | _VALUES | ACTIVATIONS | frozenset().union(*CLASSES_OF_MODULE.values())
)
"""Every class that a file may ask for, wherever in Keras it has lived."""

OWN_PACKAGES = ("keras", "tf_keras")

OF_TRAINING = frozenset(
    f"keras.{module}"
    for module in ("losses", "metrics", "optimizers", "optimizers.legacy", "optimizers.schedules")
)
"""Modules with nothing in them but such classes, those of later versions too, and functions."""

FUNCTIONS = (
    frozenset(
        """
    abs accuracy acc auc bce binary_accuracy binary_crossentropy binary_focal_crossentropy
    categorical_accuracy categorical_crossentropy categorical_focal_crossentropy
    categorical_hinge circle cosine_proximity cosine_similarity ctc dice hinge huber huber_loss
    kl_divergence kld kullback_leibler_divergence log_cosh logcosh mae mape mean_absolute_error
    mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error mse msle max
    min poisson sparse_categorical_accuracy sparse_categorical_crossentropy
    sparse_top_k_categorical_accuracy squared_hinge sum top_k_categorical_accuracy tversky
    """.split()
    )
    | ACTIVATIONS
)
"""Functions of Keras that stand for a loss, a metric or an activation."""

# TensorFlow's own functions in a graph of Keras 2 (TFOpLambda): those that compute.
OP_PACKAGES = frozenset({"__operators__", "image", "linalg", "math", "nn", "signal"})
OPS = frozenset(
    """
    abs acos acosh add argmax argmin argsort asin asinh atan atan2 atanh batch_to_space bitcast
    boolean_mask broadcast_to cast clip_by_norm clip_by_value concat constant convert_to_tensor cos
    cosh cumsum divide einsum equal exp expand_dims eye fill floor gather gather_nd greater
    greater_equal identity less less_equal linspace logical_and logical_not logical_or matmul
    maximum meshgrid minimum multiply negative norm not_equal one_hot ones ones_like pad pow range
    rank realdiv reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min
    reduce_prod reduce_sum repeat reshape reverse roll round scatter_nd searchsorted shape sigmoid
    sign sin sinh size slice sort space_to_batch space_to_batch_nd split sqrt square squeeze stack
    stop_gradient strided_slice subtract tan tanh tensordot tile transpose truediv truncatediv
    unstack where zeros zeros_like
    """.split()
)


def computes(function: str) -> bool:
    """Whether a name of TensorFlow's, such as "math.add", is that of a function that computes."""
    package, _, name = function.removeprefix("compat.v1.").rpartition(".")
    return package in OP_PACKAGES if package else name in OPS
