"""Every operator that ONNX documents by an example, read against that example."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx_cases import cases, readable_cases
from onnx_models import LIGHT, ints, model, node, out, read

from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.lowering import lower
from edgeprofiler.reading.onnx.front_end import read_model


@pytest.mark.slow
def test_output_shapes_are_those_of_onnxs_own_examples() -> None:
    """Over 1,700 examples of all operators; integer inputs are constants, as in real files."""
    wrong: list[str] = []
    count = 0
    for name, proto, fed, expected in readable_cases():
        first = proto.graph.input[0].name if proto.graph.input else ""
        for other, array in fed.items():
            if other != first and (array.dtype.kind in "iub" or array.size <= 8):
                proto.graph.initializer.append(numpy_helper.from_array(array, other))
        try:
            graph = read_model(proto.SerializeToString(), name, ReadOptions())
        except Unsupported as error:
            if "none of its nodes" not in str(error):  # a constant result has no layers
                wrong.append(str(error))
            continue
        count += 1
        wrong += [
            f"{name}: {graph.tensors[output].shape}, not {expected[output].shape}"
            for output in graph.outputs
            if graph.tensors[output].shape != expected[output].shape
        ]
    assert not wrong
    assert count > 1500


@pytest.mark.slow
def test_no_example_of_onnxs_is_called_invalid() -> None:
    """As they stand, whatever they need at run time: a valid file is read, or refused with why."""
    files = sorted((LIGHT.parent / "simple").rglob("*.onnx")) + sorted(LIGHT.glob("*.onnx"))
    examples = [(case.name, case.model.SerializeToString()) for case in cases()]
    examples += [(str(path), path.read_bytes()) for path in files]
    read_well = 0
    for name, data in examples:
        with suppress(Unsupported, UsageError):
            lower(read_model(data, name, ReadOptions()))
            read_well += 1
    assert read_well > 1700


@pytest.mark.slow
def test_constants_are_computed_as_onnxs_own_examples_say() -> None:
    """With every input constant, whatever is folded equals the example's output."""
    wrong: list[str] = []
    compared = 0
    for name, proto, fed, expected in readable_cases():
        for other, array in fed.items():
            proto.graph.initializer.append(numpy_helper.from_array(array, other))
        # Adding the result to a real input makes it visible as a constant of the graph.
        for output, array in expected.items():
            if array.dtype.kind not in "iuf" or array.dtype.itemsize < 2 or array.size > 4000:
                continue
            probe = ModelProto()
            probe.CopyFrom(proto)
            shaped = probe.graph.node.add()
            shaped.CopyFrom(node("Add", f"live {output}", "probed"))
            live = probe.graph.input.add()
            live.name = "live"
            live.type.tensor_type.elem_type = 1
            live.type.tensor_type.shape.dim.add().dim_value = 1
            del probe.graph.output[:]
            probe.graph.output.add().name = "probed"
            try:
                graph = read_model(probe.SerializeToString(), name, ReadOptions())
            except Unsupported:
                continue  # a shape that nobody tells: then nothing is folded either
            except InvalidInput as error:
                wrong.append(str(error))
                continue
            tensor = graph.tensors.get(output)
            if tensor is None or tensor.value is None:
                continue
            compared += 1
            found = np.array(tensor.value).reshape(array.shape)
            if not np.allclose(found, array, rtol=1e-4, atol=1e-4, equal_nan=True):
                wrong.append(f"{name}: {tensor.value[:6]}, not {array.reshape(-1)[:6]}")
    assert not wrong, "\n".join(wrong)
    assert compared > 100


@given(
    data=st.lists(st.integers(-20, 20), min_size=1, max_size=6),
    start=st.integers(-9, 9),
    end=st.integers(-9, 9),
    step=st.sampled_from([-3, -2, -1, 1, 2, 3]),
)
def test_slices_of_shapes_agree_with_the_reference(
    data: list[int], start: int, end: int, step: int
) -> None:
    """Any start, end and step, beyond the ends too."""
    built = model(
        [node("Slice", "data start end axis step", "cut"), node("Add", "x cut", "y")],
        {"x": [1]}, ["y"],
        {"data": np.array(data, np.int64), "start": ints(start), "end": ints(end),
         "axis": ints(0), "step": ints(step)},
    )  # fmt: skip
    graph = read(built)
    proto = ModelProto()
    proto.CopyFrom(built)
    del proto.graph.node[1:]
    del proto.graph.output[:]
    proto.graph.output.add().name = "cut"
    expected = ReferenceEvaluator(proto).run(None, {"x": np.zeros(1, np.float32)})[0]
    assert graph.tensors["cut"].shape == expected.shape
    assert graph.tensors["cut"].value == tuple(expected.tolist())


@given(
    size=st.integers(1, 40),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
)
def test_a_transposed_convolution_inverts_a_convolutions_shape(
    size: int, kernel: int, stride: int, dilation: int, before: int, after: int
) -> None:
    """Convolving what a transposed convolution made gives the size that it started from."""
    attributes = {"strides": [stride], "dilations": [dilation], "pads": [before, after]}
    if stride * (size - 1) + (kernel - 1) * dilation + 1 - before - after < 1:
        return
    built = model(
        [node("ConvTranspose", "x w", "t", **attributes), node("Conv", "t v", "y", **attributes)],
        {"x": [1, 3, size]}, ["y"], {"w": (3, 5, kernel), "v": (7, 5, kernel)},
    )  # fmt: skip
    assert out(read(built)) == (1, 7, size)


def test_ceil_mode_lets_no_window_start_in_the_padding() -> None:
    """PyTorch's rule, which ONNX took over: 2x2 windows by 2 with padding 1 on 3 give 2."""
    built = model(
        [node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1],
              ceil_mode=1)],
        {"x": [1, 1, 4, 3]}, ["y"],
    )  # fmt: skip
    assert out(read(built)) == (1, 1, 3, 2)


@pytest.mark.parametrize(("opset", "inputs"), [(9, "x scales"), (13, "x - scales")])
def test_upsampling_by_a_factor(opset: int, inputs: str) -> None:
    op = "Upsample" if opset == 9 else "Resize"
    built = model(
        [node(op, inputs, "y", mode="nearest")], {"x": [1, 3, 5, 8]}, ["y"],
        {"scales": np.array([1, 1, 2, 1.6], np.float32)}, opset=opset,
    )  # fmt: skip
    assert out(read(built)) == (1, 3, 10, 12)


def test_operators_of_one_to_three_dimensions() -> None:
    for rank in (1, 2, 3):
        built = model(
            [node("Conv", "x w", "c", group=4), node("ConvTranspose", "c v", "t"),
             node("AveragePool", "t", "p", kernel_shape=[2] * rank, strides=[2] * rank),
             node("GlobalMaxPool", "p", "y")],
            {"x": [2, 4, *[9] * rank]}, ["y"],
            {"w": (8, 1, *[3] * rank), "v": (8, 6, *[3] * rank)},
        )  # fmt: skip
        graph = read(built)
        assert graph.tensors["c"].shape == (2, 8, *[7] * rank)
        assert graph.tensors["t"].shape == (2, 6, *[9] * rank)
        assert graph.tensors["p"].shape == (2, 6, *[4] * rank)
        assert out(graph) == (2, 6, *[1] * rank)


REFUSED = [
    ("Conv", "x w", {"strides": [1]}, "1 strides"),
    ("Conv", "x w", {"strides": [0, 1]}, "below 1"),
    ("Conv", "x w", {"pads": [1, 1]}, "2 pads"),
    ("Conv", "x w", {"auto_pad": "ODD"}, "unknown auto_pad"),
    ("Conv", "x w", {"kernel_shape": [5, 5]}, "kernel_shape"),
    ("Conv", "x w", {"group": 0}, "fewer than one group"),
    ("Conv", "x w", {"group": 2}, "do not fit"),
    ("Conv", "x w", {"pads": "text"}, "wants integers as pads"),
    ("Conv", "x w", {"group": "text"}, "wants an integer as group"),
    ("Conv", "x w", {"auto_pad": 3}, "wants text as auto_pad"),
    ("Conv", "x m", {}, "weights of 2"),
    ("Conv", "x", {}, "lacks its input 1"),
    ("ConvTranspose", "x w", {}, "3 input channels"),
    ("ConvTranspose", "x v", {"output_shape": [1]}, "wrong length"),
    ("ConvTranspose", "x v", {"pads": [9, 9, 9, 9]}, "makes an output"),
    ("MaxPool", "m", {"kernel_shape": [2]}, "pools an input of 2"),
    ("GlobalMaxPool", "m", {}, "pools an input of 2"),
    ("Gemm", "x m", {}, "4 and 2 dimensions"),
    ("Gemm", "m m", {}, "multiplies 4x5 by 4x5"),
    ("MatMul", "x zero", {}, "multiplies a scalar"),
    ("MatMul", "x m", {}, "multiplies 1x3x8x8 by 4x5"),
    ("Resize", "x - two", {}, "wants 4 scales"),
    ("Resize", "x - - two", {}, "1 sizes for 4"),
    ("RoiAlign", "m m zero", {}, "four dimensions and regions"),
    ("DepthToSpace", "x", {"blocksize": 2}, "3 channels over blocks"),
    ("DepthToSpace", "x", {"blocksize": 0}, "a block size"),
    ("SpaceToDepth", "x", {"blocksize": 3}, "into blocks of 3"),
    ("Reshape", "x two", {}, "cannot reshape 1x3x8x8 to 2"),
    ("Reshape", "x many", {}, "cannot reshape"),
    ("Reshape", "x floats", {}, "wants integers as shape"),
    ("Flatten", "x", {"axis": 9}, "axis 9"),
    ("Squeeze", "x two", {}, "not 1"),
    ("Unsqueeze", "x", {}, "lacks axes"),
    ("Unsqueeze", "x same", {}, "twice"),
    ("Transpose", "x", {"perm": [0, 1]}, "permutes 4 dimensions"),
    ("Concat", "x m", {"axis": 0}, "concatenates 1x3x8x8 and 4x5"),
    ("Concat", "", {"axis": 0}, "concatenates nothing"),
    ("Split", "x two", {"axis": 1}, "splits 3 into"),
    ("Split", "x", {"axis": 1, "num_outputs": 7}, "splits into 7"),
    ("Slice", "x", {}, "lacks starts"),
    ("Slice", "x two same", {}, "do not fit together"),
    ("GatherND", "x zero", {}, "by a scalar"),
    ("GatherND", "x many", {}, "at depth"),
    ("Expand", "x m5", {}, "cannot combine"),
    ("Tile", "x two", {}, "repeats 4 dimensions"),
    ("Pad", "x two", {}, "has pads"),
    ("Range", "two zero zero", {}, "counts from"),
    ("TopK", "x same", {}, "takes the top"),
    ("OneHot", "x same m", {}, "one depth"),
    ("NonMaxSuppression", "x x", {}, "three dimensions"),
    ("RandomNormal", "", {}, "lacks a shape"),
    ("BatchNormalization", "x m5 m5 m5 m5", {}, "scale of shape 1, not 3"),
    ("Add", "x m", {}, "cannot combine shapes 1x3x8x8 and 4x5"),
    ("Constant", "", {}, "has no value"),
]


@pytest.mark.parametrize(("op", "inputs", "attributes", "words"), REFUSED)
def test_a_node_that_contradicts_its_inputs_is_named(
    op: str, inputs: str, attributes: dict[str, Any], words: str
) -> None:
    """One line that names the node, the operator and what does not fit."""
    built = model(
        [node(op, inputs, "y", **attributes), node("Add", "x y", "z")],
        {"x": [1, 3, 8, 8]}, ["z"],
        {"w": (4, 3, 3, 3), "v": (3, 4, 3, 3), "m": (4, 5), "m5": ints(5), "two": ints(2),
         "zero": np.array(0), "same": ints(1, 1), "many": ints(*range(7)),
         "floats": np.array([1.0, 2.0], np.float32)}, opset=13,
    )  # fmt: skip
    with pytest.raises(InvalidInput, match=words) as caught:
        read(built)
    assert f"'n_y' ({op})" in str(caught.value)
