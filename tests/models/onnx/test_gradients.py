"""Gradients of graphs, against central differences."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from keras import backend, ops

from auditor.models.onnx.node import Node
from auditor.models.onnx.run import run
from auditor.models.onnx.values import Tensor

RNG = np.random.default_rng(7)
OPSET = 20


class Net:
    """A small graph: lines "operator inputs -> output", and what is known before it runs.

    Attributes:
        weights: Name → float32 numbers that gradients are taken of, the image "x" among them.
        host: Name → numbers that are known.
    """

    def __init__(self, x: tuple[int, ...], kernels: bool = True) -> None:
        self.nodes: list[Node] = []
        self.weights = {"x": RNG.normal(size=x).astype(np.float32)}
        self.host: dict[str, np.ndarray] = {}
        self.last = "x"

    def then(self, operator: str, *more: object, first: str = "", **attributes: object) -> "Net":
        """Add a node that takes what the last one gave, weights by their shape, and numbers."""
        names = [first or self.last, *map(self._named, more)]
        self.last = f"{operator}{len(self.nodes)}"
        proto = onnx.helper.make_node(operator, names, [self.last], **attributes)
        self.nodes.append(Node.of(proto, OPSET))
        return self

    def _named(self, value: object) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        name = f"v{len(self.weights) + len(self.host)}"
        if isinstance(value, tuple):
            fan = max(int(np.prod(value[1:])), 1)
            self.weights[name] = (RNG.normal(size=value) / np.sqrt(fan)).astype(np.float32)
        elif isinstance(value, np.ndarray) and value.dtype == np.float32 and value.ndim:
            self.weights[name] = value
        else:
            self.host[name] = np.asarray(value)
        return name

    def __call__(self, weights: dict[str, object]) -> object:
        """Return a number that depends on all of the output."""
        values = dict(self.host)
        for name, value in weights.items():
            last = name == "x" and len(value.shape) == 4
            values[name] = Tensor(ops.transpose(value, (0, 2, 3, 1)) if last else value, last)
        output = run(self.nodes, values)[self.last].plain()
        shares = np.cos(np.arange(np.prod(output.shape), dtype=np.float32)).reshape(output.shape)
        return ops.sum(output * ops.convert_to_tensor(shares))


def positive(size: int) -> np.ndarray:
    return RNG.uniform(0.5, 1.5, size).astype(np.float32)


def several(*numbers: float, kind: str = "int64") -> np.ndarray:
    return np.array(numbers, kind)


def convolutional() -> Net:
    net = Net((2, 3, 9, 9)).then("Conv", (4, 3, 3, 3), (4,), pads=[1, 1, 1, 1], strides=[2, 2])
    net.then("BatchNormalization", positive(4), positive(4), positive(4), positive(4))
    net.then("Relu").then("AveragePool", kernel_shape=[2, 2], pads=[1, 0, 0, 1])
    return net.then("Flatten").then("Gemm", (5, 100), (5,), transB=1)


def residual() -> Net:
    net = Net((2, 4, 6, 6)).then("Conv", (4, 4, 3, 3), pads=[1, 1, 1, 1]).then("Sigmoid")
    net.then("Add", "x").then("GlobalAveragePool").then("Mul", "x")
    return net.then("ReduceMean", several(2, 3), keepdims=0).then("MatMul", (4, 3))


def grouped(groups: int, filters: int, strides: Sequence[int]) -> Net:
    net = Net((2, 4, 8, 7))
    kernel = (filters, 4 // groups, 3, 3)
    return net.then("Conv", kernel, (filters,), group=groups, strides=strides, pads=[1, 0, 1, 0])


def transposed_convolution() -> Net:
    return Net((2, 4, 4, 5)).then("ConvTranspose", (4, 3, 3, 3), group=2, strides=[2, 3])


def pooled(**attributes: object) -> Net:
    return Net((2, 3, 9, 9)).then("MaxPool", **attributes)


def transformer() -> Net:
    net = Net((2, 5, 8)).then("LayerNormalization", positive(8), (8,), axis=-1)
    normal = net.last
    net.then("Transpose", perm=[0, 2, 1])
    turned = net.last
    net.then("MatMul", turned, first=normal).then("Softmax", axis=-1).then("MatMul", normal)
    return net.then("MatMul", (8, 6)).then("Gelu").then("ReduceSum", several(1), keepdims=0)


def attention() -> Net:
    net = Net((2, 2, 5, 4)).then("Attention", (2, 2, 6, 4), (2, 2, 6, 4))
    net.nodes[0] = Node.of(net.nodes[0].proto, 23)
    return net


def resized(mode: str, how: str) -> Net:
    scales = several(1, 1, 1.6, 0.7, kind="float32")
    net = Net((2, 3, 6, 7))
    net.host["scales"] = scales
    net.then("Resize", None, "scales", mode=mode, coordinate_transformation_mode=how)
    return net


def rearranged() -> Net:
    net = Net((2, 4, 6, 6)).then("Pad", several(0, 0, 1, 2, 0, 0, 2, 1), mode="reflect")
    net.then("Concat", np.ones((2, 2, 9, 9), np.float32), axis=1)
    net.then("Slice", several(7, 1), several(-8, 5), several(2, 1), several(-2, 1))
    net.then("Pad", several(0, 1, 0, -1, 0, 0, 1, 0)).then("DepthToSpace", blocksize=1)
    return net.then("ReduceMean", several(2, 3), keepdims=0).then("Tanh")


def normalized(operator: str, *more: object, **attributes: object) -> Net:
    return Net((2, 4, 5, 5)).then(operator, *more, **attributes)


GRAPHS = {
    "convolutional": convolutional(),
    "residual": residual(),
    "grouped": grouped(2, 6, [1, 1]),
    "grouped, strided": grouped(2, 6, [2, 2]),
    "depthwise": grouped(4, 4, [1, 1]),
    "depthwise, strided": grouped(4, 8, [2, 2]),
    "depthwise, strided unevenly": grouped(4, 4, [2, 1]),
    "transposed convolution": transposed_convolution(),
    "max pool": pooled(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    "max pool with gaps": pooled(kernel_shape=[2, 2], strides=[3, 3]),
    "max pool with holes": pooled(kernel_shape=[2, 2], dilations=[2, 3]),
    "max pool that ends early": pooled(kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    "transformer": transformer(),
    "attention": attention(),
    "linear resize": resized("linear", "half_pixel"),
    "cubic resize": resized("cubic", "align_corners"),
    "nearest resize": resized("nearest", "asymmetric"),
    "rearranged": rearranged(),
    "group norm": normalized("GroupNormalization", positive(2), positive(2), num_groups=2),
    "instance norm": normalized("InstanceNormalization", positive(4), positive(4)),
    "Lp norm": normalized("LpNormalization", axis=1),
    "local response": normalized("LRN", size=3, alpha=0.5),
    "log softmax": normalized("LogSoftmax", axis=1),
    "largest": normalized("ReduceMax", several(2, 3)),
    "Lp pool": normalized("LpPool", kernel_shape=[2, 2], p=2),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_gradient(name: str) -> None:
    """Along random directions, of the image and of each weight."""
    net = GRAPHS[name]
    gradients = gradient(net, net.weights)
    assert gradients.keys() == net.weights.keys()
    rng = np.random.default_rng(1)
    for weight, value in net.weights.items():
        assert np.isfinite(gradients[weight]).all()
        for _ in range(3):
            way = rng.normal(size=value.shape).astype(np.float32)
            way /= np.linalg.norm(way)
            seen, expected = float((gradients[weight] * way).sum()), difference(net, weight, way)
            scale = np.linalg.norm(gradients[weight]) + 1e-3
            assert abs(seen - expected) < 0.02 * scale, (weight, seen, expected)


def difference(net: Net, weight: str, way: np.ndarray, step: float = 1e-2) -> float:
    """Return how fast a net's number changes along a way."""
    ends = [
        float(
            net(
                {
                    name: ops.convert_to_tensor(value + sign * step * way * (name == weight))
                    if name == weight
                    else ops.convert_to_tensor(value)
                    for name, value in net.weights.items()
                }
            )
        )
        for sign in (1, -1)
    ]
    return (ends[0] - ends[1]) / (2 * step)


def gradient(net: Net, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the gradient of a net's number by each weight, on whatever backend there is."""
    if backend.backend() == "jax":
        import jax

        return {n: np.asarray(g) for n, g in jax.grad(net)(dict(weights)).items()}
    if backend.backend() == "torch":
        import torch

        leaves = {n: torch.tensor(w, requires_grad=True) for n, w in weights.items()}
        net(leaves).backward()
        return {n: leaf.grad.numpy() for n, leaf in leaves.items()}
    import tensorflow as tf

    leaves = {n: tf.constant(w) for n, w in weights.items()}
    with tf.GradientTape() as tape:
        tape.watch(list(leaves.values()))
        number = net(leaves)
    return {n: g.numpy() for n, g in tape.gradient(number, leaves).items()}
