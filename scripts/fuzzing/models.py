"""Small model files, and mutations of ONNX's own structure."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import uses_external_data

from fuzzing.nasty import NUMBERS, TEXTS

_INTEGERS = tuple(n for n in NUMBERS if type(n) is int and -(2**63) <= n < 2**63)
_FLOATS = tuple(n for n in NUMBERS if isinstance(n, float))
_TEXTS = tuple(t for t in TEXTS if t != "\ud800")
_OPS = (
    "Conv", "ConvTranspose", "Gemm", "MatMul", "MaxPool", "AveragePool", "GlobalAveragePool",
    "Relu", "Add", "Concat", "Reshape", "Flatten", "Transpose", "Slice", "Split", "Expand",
    "Tile", "Pad", "Resize", "Gather", "Squeeze", "Unsqueeze", "Shape", "ConstantOfShape",
    "Range", "OneHot", "Loop", "If", "Scan", "LSTM", "GRU", "TopK", "Softmax", "Einsum",
    "BatchNormalization", "QuantizeLinear", "DequantizeLinear", "Upsample", "SpaceToDepth",
    "DepthToSpace", "NonZero", "Where", "ReduceMean", "CumSum", "GatherND", "ScatterND",
    "SequenceConstruct", "SequenceAt", "ConcatFromSequence", "SplitToSequence", "Constant", "Cast",
    "Identity", "Compress", "Trilu", "GridSample", "RoiAlign", "NonMaxSuppression", "Nonsense",
)  # fmt: skip


def seeds() -> list[bytes]:
    """Return small models: a classifier, shape arithmetic, a recurrent layer, a branch."""
    return [m.SerializeToString() for m in (_classifier(), _shapes(), _odd(), _branch())]


def _model(nodes: list[Any], inputs: dict[str, list[Any]], weights: dict[str, Any]) -> Any:
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
    end = nodes[-1].output[0]
    graph = helper.make_graph(
        nodes, "seed", infos, [helper.make_tensor_value_info(end, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def _node(op: str, inputs: str, output: str, **attributes: Any) -> Any:
    return helper.make_node(op, inputs.split(), output.split(), name=f"n_{output}", **attributes)


def _classifier() -> Any:
    nodes = [
        _node("Conv", "x w b", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        _node("BatchNormalization", "c s s s s", "n"),
        _node("Relu", "n", "r"),
        _node("Conv", "r d", "e", kernel_shape=[3, 3], group=4),
        _node("MaxPool", "e", "p", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        _node("GlobalAveragePool", "p", "g"),
        _node("Flatten", "g", "f"),
        _node("Gemm", "f v", "y", transB=1),
        _node("Softmax", "y", "z"),
    ]
    one = np.float32
    weights = {
        "w": np.zeros((4, 3, 3, 3), one), "b": np.zeros(4, one), "s": np.ones(4, one),
        "d": np.zeros((4, 1, 3, 3), one), "v": np.zeros((5, 4), one),
    }  # fmt: skip
    return _model(nodes, {"x": [1, 3, 12, 12]}, weights)


def _shapes() -> Any:
    nodes = [
        _node("Shape", "x", "s"),
        _node("Gather", "s zero", "n", axis=0),
        _node("Unsqueeze", "n axes", "u"),
        _node("Concat", "u rest", "t", axis=0),
        _node("Reshape", "x t", "r"),
        _node("Transpose", "r", "p", perm=[0, 2, 1]),
        _node("Slice", "p from to ax", "l"),
        _node("Expand", "l big", "e"),
        _node("Resize", "x - scales".replace("-", "none"), "q", mode="nearest"),
        _node("Split", "e", "a b", axis=1),
        _node("Pad", "a pads", "z"),
        _node("Tile", "z times", "o"),
        _node("ReduceMean", "o", "y", axes=[1], keepdims=1),
    ]
    whole = np.int64
    weights = {
        "zero": np.array(0, whole), "axes": np.array([0], whole), "rest": np.array([3, -1], whole),
        "from": np.array([0], whole), "to": np.array([6], whole), "ax": np.array([1], whole),
        "big": np.array([1, 6, 3], whole), "scales": np.array([1, 1, 2, 2], np.float32),
        "none": np.zeros(0, np.float32), "pads": np.array([0, 1, 0, 0, 1, 0], whole),
        "times": np.array([1, 2, 1], whole),
    }  # fmt: skip
    return _model(nodes, {"x": [1, 3, 4, 4]}, weights)


def _odd() -> Any:
    nodes = [
        _node("LSTM", "x w r", "h", hidden_size=4),
        _node("Squeeze", "h one", "q"),
        _node("MatMul", "q m", "a"),
        _node("SequenceConstruct", "a a", "s"),
        _node("SequenceAt", "s zero", "t"),
        _node("TopK", "t k", "v i"),
        _node("Einsum", "a m", "e", equation="bsi,ij->bsj"),
        _node("Add", "e a", "y"),
    ]
    one, whole = np.float32, np.int64
    weights = {
        "w": np.zeros((1, 16, 3), one), "r": np.zeros((1, 16, 4), one), "one": np.array([1], whole),
        "m": np.zeros((4, 4), one), "zero": np.array(0, whole), "k": np.array([2], whole),
    }  # fmt: skip
    return _model(nodes, {"x": [5, 1, 3]}, weights)


def _branch() -> Any:
    def part(name: str) -> Any:
        info = helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4])
        return helper.make_graph([_node("Relu", "x", name)], name, [], [info])

    condition = helper.make_node(
        "If", ["c"], ["i"], then_branch=part("then"), else_branch=part("else")
    )
    nodes = [condition, _node("Gemm", "i w", "y")]
    weights = {"c": np.ones((), np.bool_), "w": np.zeros((4, 4), np.float32)}
    return _model(nodes, {"x": [1, 4]}, weights)


def mutation(rng: random.Random, data: bytes, _: bytes) -> bytes:
    """Return a model with nodes, attributes, weights and shapes changed."""
    model = onnx.load_from_string(data)
    for _time in range(rng.choice((1, 1, 1, 2, 2, 4))):
        rng.choices(_CHANGES, _WEIGHTS)[0](rng, model)
    done: bytes = model.SerializeToString()
    return done


def _attribute(rng: random.Random, model: Any) -> None:
    node = rng.choice(model.graph.node)
    if not node.attribute or rng.random() < 0.2:
        name = rng.choice(("axis", "perm", "kernel_shape", "pads", "group", "to", "value", "axes"))
        values: Any = [rng.choice(_INTEGERS) for _ in range(rng.choice((1, 2, 4)))]
        node.attribute.append(helper.make_attribute(name, rng.choice((values, values[0], 0.5))))
        return
    found = rng.choice(node.attribute)
    roll = rng.random()
    if roll < 0.15:
        found.type = rng.randrange(0, 15)
    elif roll < 0.25:
        node.attribute.remove(found)
    elif found.ints and roll < 0.8:
        found.ints[rng.randrange(len(found.ints))] = rng.choice(_INTEGERS)
    elif found.ints:
        values = list(found.ints)
        del found.ints[:]
        found.ints.extend(rng.choice((values[:-1], values * 2, [], values * 40)))
    elif found.HasField("i"):
        found.i = rng.choice(_INTEGERS)
    elif found.HasField("f"):
        found.f = rng.choice((float("nan"), float("inf"), -1.0, 0.0, 3e38))
    elif found.HasField("s"):
        found.s = rng.choice(_TEXTS).encode()
    else:
        found.name = rng.choice(_TEXTS)


def _wire(rng: random.Random, model: Any) -> None:
    node = rng.choice(model.graph.node)
    names = [n for one in model.graph.node for n in (*one.input, *one.output)]
    names += [tensor.name for tensor in model.graph.initializer] + ["", "nowhere", "\x1b[31m"]
    side = node.input if rng.random() < 0.7 else node.output
    roll = rng.random()
    if side and roll < 0.6:
        side[rng.randrange(len(side))] = rng.choice(names)
    elif side and roll < 0.8:
        del side[rng.randrange(len(side))]
    else:
        side.append(rng.choice(names))


def _operator(rng: random.Random, model: Any) -> None:
    node = rng.choice(model.graph.node)
    roll = rng.random()
    if roll < 0.7:
        node.op_type = rng.choice((*_OPS, rng.choice(_TEXTS)))
    elif roll < 0.85:
        node.domain = rng.choice(("com.microsoft", "ai.onnx.ml", *_TEXTS))
    else:
        node.name = rng.choice(_TEXTS)


def _weight(rng: random.Random, model: Any) -> None:
    if not model.graph.initializer:
        return
    tensor = rng.choice(model.graph.initializer)
    roll = rng.random()
    if roll < 0.35 and tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(_INTEGERS)
    elif roll < 0.5:
        tensor.dims.append(rng.choice((0, 1, 2, 2**20)))
    elif roll < 0.65:
        tensor.data_type = rng.randrange(0, 28)
    elif roll < 0.85 and tensor.data_type == TensorProto.INT64 and not uses_external_data(tensor):
        values = numpy_helper.to_array(tensor).copy().reshape(-1)
        if values.size:
            values[rng.randrange(values.size)] = rng.choice(_INTEGERS)
            tensor.raw_data = values.tobytes()
    elif roll < 0.95:
        tensor.raw_data = tensor.raw_data[: rng.randrange(len(tensor.raw_data) + 1)]
    else:
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=rng.choice(("../x", "/etc/passwd", "x")))


def _shape(rng: random.Random, model: Any) -> None:
    infos = [*model.graph.input, *model.graph.output]
    if not infos:
        return
    info = rng.choice(infos)
    roll = rng.random()
    dims = info.type.tensor_type.shape.dim
    if dims and roll < 0.6:
        rng.choice(dims).dim_value = rng.choice(_INTEGERS)
    elif dims and roll < 0.75:
        rng.choice(dims).dim_param = rng.choice(_TEXTS)
    elif roll < 0.85:
        info.type.tensor_type.elem_type = rng.randrange(0, 28)
    else:
        dims.add().dim_value = rng.choice((0, 1, 3, 2**31))


def _whole(rng: random.Random, model: Any) -> None:
    graph, roll = model.graph, rng.random()
    if roll < 0.3 and len(graph.node) > 1:
        del graph.node[rng.randrange(len(graph.node))]
    elif roll < 0.5:
        graph.node.append(rng.choice(graph.node))
    elif roll < 0.6 and len(graph.node) > 1:
        nodes = [*graph.node]
        rng.shuffle(nodes)
        del graph.node[:]
        graph.node.extend(nodes)
    elif roll < 0.7 and graph.initializer:
        del graph.initializer[rng.randrange(len(graph.initializer))]
    elif roll < 0.85 and model.opset_import:
        model.opset_import[0].version = rng.choice((0, 1, 6, 7, 9, 11, 13, 18, 21, 99, -1))
    elif graph.input:
        del graph.input[rng.randrange(len(graph.input))]


_CHANGES = (_attribute, _wire, _operator, _weight, _shape, _whole)
_WEIGHTS = (5, 3, 2, 4, 2, 2)
