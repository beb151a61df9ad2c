"""Shapes of results follow ONNX's specification; what does not fit is refused by name."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import (
    GraphBuilder,
    Node,
    Tensor,
    can_infer,
    graph_macs,
    infer_shapes,
)


def result(
    op: str, *shapes: tuple[int, ...] | Tensor | None, outputs: int = 1, **attributes: Any
) -> Any:
    """Return the shape of the only output, or the shapes of all."""
    tensors = {}
    names = []
    for index, shape in enumerate(shapes):
        name = "" if shape is None else f"x{index}"
        names.append(name)
        if shape is not None:
            tensors[name] = shape if isinstance(shape, Tensor) else Tensor(name, shape)
    node = Node("it", op, tuple(names), tuple(f"y{i}" for i in range(outputs)), attributes)
    made = [tensor.shape for tensor in infer_shapes(node, tensors)]
    return made[0] if outputs == 1 else made


def value(*numbers: float) -> Tensor:
    """A constant that is known before the model runs."""
    return Tensor("value", (len(numbers),), "int64", constant=True, value=numbers)


def _attribute(item: Any) -> Any:
    if isinstance(item, bytes):
        return item.decode()
    if isinstance(item, list):
        return tuple(_attribute(part) for part in item)
    return item


@pytest.mark.slow
def test_onnx_own_operator_cases() -> None:
    """Every case of ONNX's backend tests with a rule here has the shapes that it computes."""
    pytest.importorskip("onnx")
    import onnx
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    checked: Counter[str] = Counter()
    for case in cases:
        if case.model is None or len(case.model.graph.node) != 1 or not case.data_sets:
            continue
        proto = case.model.graph.node[0]
        inputs, expected = case.data_sets[0]
        plain = all(isinstance(a, np.ndarray) or np.isscalar(a) for a in [*inputs, *expected])
        if not can_infer(proto.op_type) or not plain:
            continue
        tensors = {}
        for info, array in zip(case.model.graph.input, map(np.asarray, inputs), strict=False):
            small = array.size <= 64 and array.dtype.kind in "if"
            numbers = tuple(array.ravel().tolist()) if small else None
            tensors[info.name] = Tensor(info.name, array.shape, value=numbers)
        attributes = {
            item.name: _attribute(onnx.helper.get_attribute_value(item)) for item in proto.attribute
        }
        node = Node(case.name, proto.op_type, tuple(proto.input), tuple(proto.output), attributes)
        made = {tensor.name: tensor.shape for tensor in infer_shapes(node, tensors)}
        for info, array in zip(case.model.graph.output, expected, strict=False):
            assert made[info.name] == np.shape(array), case.name
        checked[proto.op_type] += 1
    assert len(checked) > 80
    assert checked["Conv"] > 3
    assert checked["AveragePool"] > 10


@pytest.mark.parametrize(("size", "ceil", "expected"), [(7, 0, 3), (8, 0, 3), (8, 1, 4), (7, 1, 3)])
def test_rounding_up_adds_a_window_that_hangs_over(size: int, ceil: int, expected: int) -> None:
    shape = (1, 1, size, size)
    attributes = {"kernel_shape": (3, 3), "strides": (2, 2), "ceil_mode": ceil}
    assert result("MaxPool", shape, **attributes)[2] == expected


def test_rounding_up_adds_no_window_that_starts_in_the_padding() -> None:
    """As PyTorch and ONNX have it: 2 wide, padded by 1 on each side, windows of 1 by 3."""
    attributes = {"kernel_shape": (1,), "strides": (3,), "pads": (1, 1), "ceil_mode": 1}
    assert result("MaxPool", (1, 1, 2), **attributes) == (1, 1, 1)


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER"])
def test_same_padding_divides_and_rounds_up(auto_pad: str) -> None:
    shape = result("Conv", (1, 3, 15, 15), (8, 3, 3, 3), strides=(2, 2), auto_pad=auto_pad)
    assert shape == (1, 8, 8, 8)
    shape = result("ConvTranspose", (1, 3, 5, 5), (3, 8, 3, 3), strides=(2, 2), auto_pad=auto_pad)
    assert shape == (1, 8, 10, 10)


def test_dilation_widens_the_window() -> None:
    assert result("Conv", (1, 3, 9, 9), (8, 3, 3, 3), dilations=(3, 3)) == (1, 8, 3, 3)
    assert result("Conv", (2, 4, 9), (6, 2, 3), group=2) == (2, 6, 7)


def test_a_transposed_convolution_counts_each_input_once() -> None:
    """Multiply-accumulates: input elements by filters an input channel has."""
    g = GraphBuilder("net")
    x = g.input((2, 3, 5, 5))
    x = g.node("ConvTranspose", (x, g.constant("w", (3, 8, 2, 2))), "up", {"strides": (2, 2)})
    assert g.shape(x) == (2, 8, 10, 10)
    assert graph_macs(g.graph(x)) == 2 * 25 * 3 * 8 * 4


def test_a_quantised_convolution_counts_like_its_float_one() -> None:
    g = GraphBuilder("net")
    x = g.input((1, 3, 8, 8))
    scale, weight = g.constant("scale", ()), g.constant("w", (4, 3, 3, 3))
    inputs = (x, scale, scale, weight, scale, scale, scale, scale)
    y = g.node("QLinearConv", inputs, "conv")
    assert graph_macs(g.graph(y)) == 4 * 36 * 27
    assert graph_macs(g.graph(g.conv(x, 4, 3, padding=0, name="float"))) == 2 * 4 * 36 * 27


def test_a_value_that_is_computed_while_running_is_refused() -> None:
    with pytest.raises(InvalidInput, match="only while the model runs"):
        result("Reshape", (1, 8), (2,))


def test_types_of_results() -> None:
    tensors = {
        "x": Tensor("x", (2, 3), "fp16"),
        "i": Tensor("i", (2, 3), "int32"),
        "t": Tensor("t", (3, 2), "int8"),
    }

    def dtypes(op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        node = Node("it", op, inputs, tuple(f"y{i}" for i in range(outputs)), attributes)
        return [tensor.dtype for tensor in infer_shapes(node, tensors)]

    assert dtypes("Relu", "x") == ["fp16"]
    assert dtypes("Greater", "x", "x") == ["bool"]
    assert dtypes("ArgMax", "x") == ["int64"]
    assert dtypes("TopK", "x", outputs=2, k=1) == ["fp16", "int64"]
    assert dtypes("Dropout", "x", outputs=2) == ["fp16", "bool"]
    assert dtypes("Cast", "x", to=6) == ["int32"]
    assert dtypes("Cast", "x", to="int8") == ["int8"]
    assert dtypes("Where", "i", "x", "x") == ["fp16"]
    assert dtypes("MatMulInteger", "i", "t") == ["int32"]
    assert dtypes("QuantizeLinear", "x", "x") == ["uint8"]
    assert dtypes("QuantizeLinear", "x", "x", "i") == ["int32"]


def test_an_unnamed_output_is_left_out() -> None:
    node = Node("pool", "MaxPool", ("x",), ("", "indices"), {"kernel_shape": (2, 2)})
    made = infer_shapes(node, {"x": Tensor("x", (1, 1, 4, 4))})
    assert [(tensor.name, tensor.dtype) for tensor in made] == [("indices", "int64")]


def test_an_operator_without_a_rule_is_unsupported() -> None:
    assert not can_infer("RoiAlign")
    with pytest.raises(Unsupported, match=r"'it'.*RoiAlign"):
        result("RoiAlign", (1, 3, 8, 8))


REFUSED: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("Conv", ((1, 3, 8, 8), (4, 5, 3, 3)), {}, "3 input channels"),
    ("Conv", ((1, 4, 8, 8), (5, 2, 3, 3)), {"group": 2}, "5 by 2"),
    ("Conv", ((1, 3, 8, 8), (4, 3, 3)), {}, "does not fit"),
    ("Conv", ((1, 3, 8, 8), (4, 3, 3, 3)), {"kernel_shape": (5, 5)}, "its weights"),
    ("Conv", ((1, 3, 8, 8), (4, 3, 3, 3), (5,)), {}, "bias"),
    ("Conv", ((1, 3, 8, 8), (4, 3, 3, 3)), {"strides": (0, 1)}, "1 or more"),
    ("Conv", ((1, 3, 8, 8), (4, 3, 3, 3)), {"strides": (1,)}, "spatial dimensions"),
    ("Conv", ((1, 3, 2, 8), (4, 3, 3, 3)), {}, "window of 3"),
    ("Conv", ((1, 3, 8, 8),), {}, "input 1 is missing"),
    ("ConvTranspose", ((1, 3, 8, 8), (4, 3, 3, 3)), {}, "3 input channels"),
    ("ConvTranspose", ((1, 3, 8, 8), (3, 3, 3)), {}, "does not fit"),
    ("ConvTranspose", ((1, 3, 8, 8), (3, 4, 3, 3)), {"pads": (9, 9, 9, 9)}, "an output"),
    ("ConvTranspose", ((1, 3, 8, 8), (3, 4, 3, 3)), {"pads": (1, 1)}, "do not fit"),
    ("MaxPool", ((1, 3),), {"kernel_shape": (2, 2)}, "no spatial"),
    ("MaxPool", ((1, 3, 8, 8),), {"kernel_shape": (2,)}, "1 dimensions on 2"),
    ("GlobalAveragePool", ((1, 3),), {}, "no spatial"),
    ("BatchNormalization", ((1, 3, 8, 8), (3,), (4,), (3,), (3,)), {}, "parameter"),
    ("Gemm", ((1, 3), (4, 5)), {}, "3 input features"),
    ("Gemm", ((1, 3, 4), (4, 5)), {}, "matrices"),
    ("Gemm", ((1, 3), (3, 5), (6,)), {}, "do not fit"),
    ("Gemm", ((1, 3), (3, 5), (2, 5)), {}, "bias"),
    ("MatMul", ((2, 3), (4, 5)), {}, "inner dimensions"),
    ("MatMul", ((), (4, 5)), {}, "scalar"),
    ("Add", ((2, 3), (4, 3)), {}, "do not fit"),
    ("Concat", ((2, 3), (2, 4, 1)), {"axis": 1}, "along axis 1"),
    ("Concat", ((2, 3), (3, 3)), {"axis": 1}, "along axis 1"),
    ("Concat", (), {"axis": 1}, "nothing to join"),
    ("Concat", ((2, 3),), {"axis": 2}, "axis 2"),
    ("Split", ((1, 8), value(3, 3)), {"axis": 1, "outputs": 2}, "parts"),
    ("Slice", ((1, 8), value(1), value(1, 2)), {}, "do not fit together"),
    ("Reshape", ((1, 8), value(3, 3)), {}, "number of elements"),
    ("Reshape", ((1, 8), value(1, 8, 0)), {}, "lacks"),
    ("Flatten", ((1, 8),), {"axis": 3}, "axis 3"),
    ("Transpose", ((1, 8),), {"perm": (0, 2)}, "perm"),
    ("Squeeze", ((1, 8),), {"axes": (1,)}, "not all 1"),
    ("Pad", ((1, 8), value(1, 1)), {}, "2 pads"),
    ("Pad", ((1, 8), value(0, -9, 0, 0)), {}, "more than"),
    ("Resize", ((1, 3, 8, 8),), {}, "neither"),
    ("Resize", ((1, 3, 8, 8), None, value(2, 2)), {}, "2 scales"),
    ("Resize", ((1, 3, 8, 8), None, None, value(2, 2)), {}, "a result"),
    ("Tile", ((1, 8), value(2)), {}, "1 repeats"),
    ("DepthToSpace", ((1, 6, 2, 2),), {"blocksize": 2}, "6 channels"),
    ("DepthToSpace", ((1, 6),), {"blocksize": 2}, "blocks"),
    ("SpaceToDepth", ((1, 6, 3, 2),), {"blocksize": 2}, "3x2"),
    ("TopK", ((1, 8), value(9)), {}, "top 9"),
    ("LayerNormalization", ((1, 8), (4,)), {}, "scale"),
    ("PRelu", ((1, 8, 2, 2), (3, 1, 1)), {}, "do not fit"),
    ("PRelu", ((1, 8, 1, 1), (8, 2, 2)), {}, "slope"),
]


@pytest.mark.parametrize(("op", "inputs", "attributes", "words"), REFUSED)
def test_what_does_not_fit_is_refused_in_one_line(
    op: str, inputs: tuple[Any, ...], attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput, match=re.escape(words)) as caught:
        result(op, *inputs, **attributes)
    assert str(caught.value).startswith(f"node 'it' ({op})")
    assert "\n" not in str(caught.value)
