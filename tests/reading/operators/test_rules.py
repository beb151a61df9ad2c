"""Shapes of results follow ONNX's specification; what does not fit is refused by name."""

from __future__ import annotations

import re
from typing import Any

import pytest

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import Node, Tensor
from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.operators.macs import graph_macs
from edgeprofiler.reading.operators.rules import infer_shapes


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
    made = [tensor.shape for tensor in infer_shapes(node, tensors)[0]]
    return made[0] if outputs == 1 else made


def value(*numbers: float) -> Tensor:
    """A constant that is known before the model runs."""
    return Tensor("value", (len(numbers),), "int64", constant=True, value=numbers)


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
    with pytest.raises(Unsupported, match="only while the model runs"):
        result("Reshape", (1, 8), (2,))


def test_types_of_results() -> None:
    tensors = {
        "x": Tensor("x", (2, 3), "fp16"),
        "i": Tensor("i", (2, 3), "int32"),
        "t": Tensor("t", (3, 2), "int8"),
    }

    def dtypes(op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        node = Node("it", op, inputs, tuple(f"y{i}" for i in range(outputs)), attributes)
        return [tensor.dtype for tensor in infer_shapes(node, tensors)[0]]

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
    made, _ = infer_shapes(node, {"x": Tensor("x", (1, 1, 4, 4))})
    assert [(tensor.name, tensor.dtype) for tensor in made] == [("indices", "int64")]


def test_an_operator_without_a_rule_is_left_to_onnx() -> None:
    """Its own inference tells what no rule here does."""
    assert result("AffineGrid", (2, 2, 3), value(2, 3, 5, 7)) == (2, 5, 7, 2)


def test_an_operator_that_nobody_knows_is_unsupported() -> None:
    with pytest.raises(Unsupported, match=r"'it'.*strange.Op"):
        result("strange.Op", (1, 3, 8, 8))


def test_onnx_is_not_asked_about_a_shape_of_endless_numbers() -> None:
    """It would make a dimension for each of them, which took 16 GB for a file of 120 bytes."""
    shape = Tensor("shape", (2**32,), "int64")
    with pytest.raises(Unsupported):
        result("CenterCropPad", (1, 3, 1), shape)


def test_more_than_there_is_are_all() -> None:
    """As behind a suppression whose result is known only by its largest size."""
    node = Node("it", "TopK", ("x", "k"), ("y", "i"))
    made, doubts = infer_shapes(node, {"x": Tensor("x", (1, 8)), "k": value(9)})
    assert made[0].shape == (1, 8)
    assert "top 9 of 8" in doubts[0]


REFUSED: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("Conv", ((1, 3, 8, 8), (4, 3, 3, 3), (5,)), {}, "bias of shape 5, not 4"),
    ("Conv", ((1, 3, 2, 8), (4, 3, 3, 3)), {}, "window of 3"),
    ("Conv", ((1, 4, 8, 8), (5, 2, 3, 3)), {"group": 2}, "2 groups, which do not fit"),
    ("ConvTranspose", ((1, 3, 8, 8), (3, 3, 3)), {}, "weights of 3"),
    ("ConvTranspose", ((1, 3, 8, 8), (3, 4, 3, 3)), {"pads": (1, 1)}, "2 pads"),
    ("MaxPool", ((1, 3, 8, 8),), {"kernel_shape": (2,)}, "1 kernel_shape"),
    ("BatchNormalization", ((1, 3, 8, 8), (3,), (4,), (3,), (3,)), {}, "shift of shape 4"),
    ("InstanceNormalization", ((1, 3, 8, 8), (4,), (3,)), {}, "scale of shape 4"),
    ("GroupNormalization", ((1, 8, 8), (4,), (8,)), {"num_groups": 2}, "4, not 8 or 2"),
    ("Gemm", ((1, 3), (3, 5), (6,)), {}, "cannot combine"),
    ("Gemm", ((1, 3), (3, 5), (2, 5)), {}, "bias of shape 2x5"),
    ("Concat", ((2, 3), (2, 4, 1)), {"axis": 1}, "at axis 1"),
    ("Pad", ((1, 8), value(0, -9, 0, 0)), {}, "takes more than"),
    ("Resize", ((1, 3, 8, 8),), {}, "lacks its input 1"),
    ("Resize", ((1, 3, 8, 8), None, value(1, 1, 0, 0)), {}, "resizes 8 to 0"),
    ("LayerNormalization", ((1, 8), (4,)), {}, "cannot combine"),
    ("LayerNormalization", ((1, 1), (4,)), {}, "scale of shape 4"),
    ("PRelu", ((1, 8, 1, 1), (8, 2, 2)), {}, "slope of shape 8x2x2"),
]


@pytest.mark.parametrize(("op", "inputs", "attributes", "words"), REFUSED)
def test_what_does_not_fit_is_refused_in_one_line(
    op: str, inputs: tuple[Any, ...], attributes: dict[str, Any], words: str
) -> None:
    """Beside what `test_onnx_cases` shows of files."""
    with pytest.raises(InvalidInput, match=re.escape(words)) as caught:
        result(op, *inputs, **attributes)
    assert str(caught.value).startswith(f"node 'it' ({op})")
    assert "\n" not in str(caught.value)
