"""Facts about reading ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import LIGHT, ints, model, node, ops, out, read

from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network, Source
from edgeprofiler.reading.front_end import FrontEnd, ReadOptions
from edgeprofiler.reading.graphs import with_input_shapes
from edgeprofiler.reading.lowering import lower
from edgeprofiler.reading.onnx.front_end import OnnxFrontEnd
from edgeprofiler.reading.operators.macs import graph_macs

# Parameters and MACs in millions, each with the tolerance of the digits that its source prints.
# torchvision 0.20's documentation (num_params, _ops): the same networks, layer for layer.
# https://pytorch.org/vision/0.20/models/generated/torchvision.models.resnet50.html (vgg19, ...)
TORCHVISION = {
    "resnet50": (25_557_032, 4089, 0.5),
    "vgg19": (143_667_240, 19_632, 0.5),
    "squeezenet": (1_235_496, 349, 0.5),
    "densenet121": (7_978_856, 2834, 0.5),
}
# Open Model Zoo (MParams, GFLOPs), commit 12242f74: the Caffe networks of these files, counted
# with batch normalisation folded. Its GFLOPs count more than products, so half of them bounds the
# MACs to 1.5 %; those of alexnet are for 227 pixels, those of googlenet-v1 count its pooling too.
# https://github.com/openvinotoolkit/open_model_zoo/tree/12242f74/models/public
OPEN_MODEL_ZOO = {
    "bvlc_alexnet": (60.965, None),  # alexnet/alexnet.md
    "inception_v1": (6.999, None),  # googlenet-v1/googlenet-v1.md
    "inception_v2": (11.185, 4.058),  # googlenet-v2/googlenet-v2.md
}


CONV = node("Conv", "x w", "y")


def test_it_is_a_front_end() -> None:
    front_end = OnnxFrontEnd()
    assert isinstance(front_end, FrontEnd)
    assert front_end.recognises("a/model.ONNX", b"")
    data = (LIGHT / "light_vgg19.onnx").read_bytes()
    assert front_end.recognises("a/model.bin", data[:4096])
    assert not front_end.recognises("layers.json", b'[{"name": 1}]')


def _side(name: str) -> Any:
    return helper.make_graph(
        [node("Relu", "y", name)], name, [],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)],
    )  # fmt: skip


@pytest.mark.parametrize(
    "dead",
    [
        [node("Conv", "y w2", "d")],
        [node("Conv", "y w2", "d"), node("Relu", "d", "e")],
        [node("Mystery", "y", "d", domain="mine")],
        [node("NonZero", "y", "d")],
        [node("Split", "y", "d e", axis=1)],
        [
            node("ReduceSum", "y", "r", keepdims=0),
            node("Cast", "r", "c", to=TensorProto.BOOL),
            node("If", "c", "d", then_branch=_side("t"), else_branch=_side("f")),
        ],
    ],
)
def test_nodes_whose_results_nobody_reads_cost_nothing(dead: list[Any]) -> None:
    """TensorRT removes them; what is known of the rest does not hang on them."""
    weights = {"w": (8, 3, 3, 3), "w2": (8, 8, 3, 3)}
    inputs = {"x": [1, 3, 16, 16]}

    def network(nodes: list[Any]) -> tuple[Graph, Network]:
        graph = read(model(nodes, inputs, ["y"], weights, domains=["mine"]))
        return graph, lower(graph)

    (alone, plain), (graph, found) = network([CONV]), network([CONV, *dead])
    assert (graph.nodes, graph.tensors) == (alone.nodes, alone.tensors)
    assert found.layers == plain.layers
    assert [text for text in graph.warnings if "results nobody uses are left out" in text]


@pytest.mark.parametrize("name", sorted(path.stem[6:] for path in LIGHT.glob("light_*.onnx")))
def test_every_layer_of_the_light_models_is_covered(name: str) -> None:
    """The nine networks that the onnx package ships make their weights with ConstantOfShape."""
    source = str(LIGHT / f"light_{name}.onnx")
    graph = OnnxFrontEnd().read(source, ReadOptions())
    assert graph.inputs in (("data_0",), ("gpu_0/data_0",))
    assert graph.tensors[graph.outputs[0]].shape[:2] == (1, 1000)
    assert not {"ConstantOfShape", "Shape", "Unsqueeze"} & set(ops(graph))
    network = lower(graph, "fp16")
    assert all(layer.macs is not None for layer in network.layers)
    assert network.columns.covered.all()
    if name in TORCHVISION:
        parameters, mega_macs, tolerance = TORCHVISION[name]
        # Caffe writes a normalisation and a scale after it; the others write one of the two.
        scales = {n for node in graph.nodes if node.op in ("Mul", "Add") for n in node.inputs}
        twice = [t.shape[0] for t in graph.tensors.values() if t.constant and t.name in scales]
        assert graph.parameters - sum(twice) == parameters
        assert network.macs / 1e6 == pytest.approx(mega_macs, abs=tolerance)
    if name in OPEN_MODEL_ZOO:  # ZFNet-512 and this ShuffleNet: no published count was found
        mega_parameters, giga_flops = OPEN_MODEL_ZOO[name]
        folded = sum(layer.weight_bytes or 0 for layer in network.layers) / 2  # fp16
        assert folded / 1e6 == pytest.approx(mega_parameters, abs=0.0005)
        if giga_flops is not None:
            assert 2 * network.macs / 1e9 == pytest.approx(giga_flops, rel=0.015)


@pytest.mark.parametrize("name", ["bvlc_alexnet", "shufflenet", "resnet50"])
def test_a_batch_reaches_reshapes_that_fix_the_files_own(name: str) -> None:
    """Eight images cost eight times the MACs of one, and the reader says what it changed."""
    source = str(LIGHT / f"light_{name}.onnx")
    one = OnnxFrontEnd().read(source, ReadOptions())
    eight = OnnxFrontEnd().read(source, ReadOptions(batch=8))
    assert eight.batch == 8
    assert eight.parameters == one.parameters
    assert lower(eight, "fp16").macs == 8 * lower(one, "fp16").macs
    assert any("made to follow the change (Reshape)" in warning for warning in eight.warnings)


def test_sizes_calculated_in_the_graph_leave_no_nodes_behind() -> None:
    """Shape, Gather, arithmetic and Concat are what the builder knows, not work."""
    built = model(
        [
            node("Conv", "x w", "c", pads=[1, 1, 1, 1]),
            node("Shape", "c", "s"),
            node("Gather", "s two", "h", axis=0),
            node("Gather", "s three", "v", axis=0),
            node("Mul", "h v", "hw"),
            node("Unsqueeze", "hw zero", "hw1"),
            node("Concat", "one hw1 minus", "target", axis=0),
            node("Reshape", "c target", "r"),
            node("Div", "hw even", "half"),
            node("Unsqueeze", "half zero", "half1"),
            node("Concat", "half1 half1", "sizes", axis=0),
            node("Split", "r sizes", "a b", axis=1),
            node("Slice", "a zero half1 one", "cut"),
            node("Add", "cut b", "y"),
        ],
        {"x": [1, 3, "h", "w"]},
        ["y"],
        {
            "w": (4, 3, 3, 3), "two": np.array(2), "three": np.array(3), "zero": ints(0),
            "one": ints(1), "minus": ints(-1), "even": np.array(2),
        },
    )  # fmt: skip
    graph = read(built, x=(1, 3, 6, 8))
    assert ops(graph) == ["Conv", "Reshape", "Split", "Slice", "Add"]
    assert out(graph) == (1, 24, 4)
    assert graph.integers(graph.nodes[2], "split", 1) == (24, 24)
    assert "s" in graph.calculated


def test_resize_takes_its_sizes_from_a_concatenation_of_shapes() -> None:
    """As exporters write nearest-neighbour upsampling to another tensor's size."""
    built = model(
        [
            node("Conv", "x w", "c", strides=[2, 2]),
            node("Shape", "c", "s"),
            node("Slice", "s zero two", "nc"),
            node("Shape", "x", "t"),
            node("Slice", "t two four", "hw"),
            node("Concat", "nc hw", "sizes", axis=0),
            node("Resize", "c - - sizes", "y", mode="nearest"),
        ],
        {"x": [2, 3, 17, 9]},
        ["y"],
        {"w": (5, 3, 2, 2), "zero": ints(0), "two": ints(2), "four": ints(4)},
        opset=13,
    )
    graph = read(built)
    assert ops(graph) == ["Conv", "Resize"]
    assert out(graph) == (2, 5, 17, 9)


def test_free_dimensions_are_named_with_the_option_to_give() -> None:
    built = model([node("Relu", "image", "y")], {"image": ["batch", 3, "height", None]}, ["y"])
    with pytest.raises(UsageError, match=r"'batch', 'height', number 3.*`shapes` image=1x3x224"):
        read(built)
    with pytest.raises(UsageError, match=r"dimensions free: 'height', number 3"):
        read(built, batch=2)
    assert out(read(built, batch=2, image=(1, 3, 8, 9))) == (2, 3, 8, 9)
    free_batch = model([node("Relu", "x", "y")], {"x": ["n", 3, 4, 4]}, ["y"])
    with pytest.raises(UsageError, match=r"'n'\); give `batch` 1"):
        read(free_batch)
    assert out(read(free_batch, batch=3)) == (3, 3, 4, 4)


def test_a_named_dimension_given_once_holds_for_every_input() -> None:
    built = model([node("Add", "a b", "y")], {"a": ["n", 4, "h", 2], "b": ["n", 4, "h", 2]}, ["y"])
    assert out(read(built, a=(2, 4, 6, 2))) == (2, 4, 6, 2)


def test_options_that_fit_no_input_are_usage_errors() -> None:
    built = model([node("Add", "a b", "y")], {"a": [1, 4], "b": [1, 4]}, ["y"])
    options = {"c": (1, 4)}, {"": (1, 4)}, {"a": (1, 4, 4)}, {"a": (0, 4)}
    words = "no input 'c'; it has 'a', 'b'", "2 inputs", "2 dimensions", "cannot be"
    for shapes, text in zip(options, words, strict=True):
        with pytest.raises(UsageError, match=text):
            read(built, **shapes)
    with pytest.raises(UsageError, match="at least 1"):
        read(built, batch=0)


def test_the_empty_name_means_the_only_input() -> None:
    built = model([node("Relu", "x", "y")], {"x": [1, 3, 4, 4]}, ["y"])
    assert out(read(built, **{"": (1, 3, 9, 9)})) == (1, 3, 9, 9)


def test_a_changed_size_that_the_file_forbids_says_so() -> None:
    built = model(
        [node("Flatten", "x", "f"), node("Gemm", "f w", "y")],
        {"x": [1, 3, 4, 4]}, ["y"], {"w": (48, 5)},
    )  # fmt: skip
    assert out(read(built)) == (1, 5)
    with pytest.raises(Unsupported, match=r"'n_y' \(Gemm\): .* export the model at that shape"):
        read(built, x=(1, 3, 8, 8))


def test_weights_without_values_are_weights_all_the_same() -> None:
    """A model exported without its parameters lists them as inputs of fixed shape."""
    built = model(
        [node("Conv", "x w b", "c"), node("BatchNormalization", "c s t m v", "y")],
        {"x": ["n", 3, 4, 4], "w": [8, 3, 1, 1], "b": [8],
         "s": [8], "t": [8], "m": [8], "v": [8]},
        ["y"],
    )  # fmt: skip
    graph = read(built, batch=2)
    assert graph.inputs == ("x",)
    assert graph.tensors["w"].constant
    assert graph.parameters == 24 + 8 + 16


def test_weights_without_values_are_weights_behind_a_quantiser_too() -> None:
    built = model(
        [
            node("QuantizeLinear", "x one", "xq"), node("DequantizeLinear", "xq one", "xr"),
            node("QuantizeLinear", "w one", "wq"), node("DequantizeLinear", "wq one", "wr"),
            node("Conv", "xr wr", "y"),
        ],
        {"x": [1, 3, 4, 4], "w": [8, 3, 1, 1]}, ["y"], {"one": np.float32(1)},
    )  # fmt: skip
    graph = read(built)
    assert graph.inputs == ("x",)
    assert graph.parameters == 24
    assert [layer.dtype for layer in lower(graph, "fp16").layers if layer.macs] == ["int8"]


def test_initialisers_listed_among_the_inputs_are_no_inputs() -> None:
    built = model(
        [node("Conv", "x w", "y")], {"x": [1, 3, 4, 4], "w": [8, 3, 1, 1]}, ["y"],
        {"w": (8, 3, 1, 1)},
    )  # fmt: skip
    assert read(built).inputs == ("x",)


def test_weights_may_be_transposed_cast_and_reshaped_on_their_way() -> None:
    built = model(
        [
            node("Transpose", "w", "wt", perm=[1, 0]),
            node("Cast", "wt", "wc", to=TensorProto.FLOAT16),
            node("Identity", "wc", "wi"),
            node("MatMul", "x wi", "y"),
        ],
        {"x": [1, 300]}, ["y"], {"w": (500, 300)},
    )  # fmt: skip
    graph = read(built)
    assert ops(graph) == ["MatMul"]
    assert graph.tensors["wi"].shape == (300, 500)
    assert graph.tensors["wi"].dtype == "fp16"
    assert graph.parameters == 150_000


def beside(folder: Path, name: str = "beside.onnx") -> Path:
    """Write a model whose reshape and resize depend on values in a file beside it."""
    built = model(
        [node("Conv", "x w", "c"), node("Resize", "c - scales", "r"), node("Reshape", "r to", "y")],
        {"x": [1, 3, 4, 4]}, ["y"],
        {"w": (8, 3, 1, 1), "to": ints(1, 8, 64), "scales": np.array([1, 1, 2, 2], np.float32)},
    )  # fmt: skip
    path = folder / name
    onnx.save(built, path, save_as_external_data=True, location="data.bin", size_threshold=0)
    return path


def test_values_that_shapes_depend_on_are_read_from_beside_the_model(tmp_path: Path) -> None:
    """Integers and floating-point numbers; weights are never read."""
    graph = OnnxFrontEnd().read(str(beside(tmp_path)), ReadOptions())
    assert graph.tensors["r"].shape == (1, 8, 8, 8)
    assert out(graph) == (1, 8, 64)
    assert graph.name == "beside"
    assert not graph.warnings


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    path = beside(tmp_path)
    (tmp_path / "data.bin").unlink()
    with pytest.raises(InvalidInput, match=r"'data.bin' is missing; the shape of node 'n_r'"):
        OnnxFrontEnd().read(str(path), ReadOptions())
    weights_only = model(
        [node("Conv", "x w", "y")], {"x": [1, 3, 4, 4]}, ["y"], {"w": (8, 3, 1, 1)}
    )
    onnx.save(
        weights_only, tmp_path / "w.onnx", save_as_external_data=True, location="w.bin",
        size_threshold=0,
    )  # fmt: skip
    (tmp_path / "w.bin").unlink()
    graph = OnnxFrontEnd().read(str(tmp_path / "w.onnx"), ReadOptions())
    (warning,) = graph.warnings
    assert warning == "its data file 'w.bin' is missing: weights are counted by their shapes"


def test_a_data_file_that_is_too_short_is_named(tmp_path: Path) -> None:
    path = beside(tmp_path)
    (tmp_path / "data.bin").write_bytes(b"")
    with pytest.raises(InvalidInput, match=r"'data\.bin' ends before its values"):
        OnnxFrontEnd().read(str(path), ReadOptions())


def test_a_data_file_outside_the_models_folder_is_not_read(tmp_path: Path) -> None:
    stray = onnx.load(beside(tmp_path), load_external_data=False)
    inner = tmp_path / "inner"
    inner.mkdir()
    for tensor in stray.graph.initializer:
        for entry in tensor.external_data:
            entry.value = "../data.bin" if entry.key == "location" else entry.value
    (inner / "m.onnx").write_bytes(stray.SerializeToString())
    with pytest.raises(InvalidInput, match="lies outside its folder"):
        OnnxFrontEnd().read(str(inner / "m.onnx"), ReadOptions())


def test_padding_stays_as_the_file_states_it() -> None:
    """So that the same file at another size is padded as it says there."""
    built = model(
        [node("Conv", "x w", "c", auto_pad="SAME_UPPER", strides=[2, 2]),
         node("MaxPool", "c", "y", kernel_shape=[3, 3], auto_pad="SAME_LOWER", strides=[2, 2])],
        {"x": [1, 3, 14, 14]}, ["y"], {"w": (8, 3, 3, 3)},
    )  # fmt: skip
    graph = read(built)
    assert [n.attributes["auto_pad"] for n in graph.nodes] == ["SAME_UPPER", "SAME_LOWER"]
    conv, pool = [la for la in lower(graph, "fp32").layers if la.kernel]
    assert (conv.kernel, conv.padding_before, conv.padding_after) == ((3, 3), (0, 0), (1, 1))
    assert (pool.padding_before, pool.padding_after) == ((1, 1), (1, 1))
    at_25 = with_input_shapes(graph, {"x": (1, 3, 25, 25)})
    assert at_25.tensors["c"].shape == (1, 8, 13, 13)
    assert graph_macs(at_25) == 13 * 13 * 8 * 27
    assert at_25 == read(built, x=(1, 3, 25, 25))


def test_quantised_weights_keep_their_type() -> None:
    """QDQ: the dequantised weights stay int8, quantisation of activations stays a node."""
    built = model(
        [
            node("QuantizeLinear", "x s z", "xq"),
            node("DequantizeLinear", "xq s z", "xd"),
            node("DequantizeLinear", "w s z", "wd"),
            node("DequantizeLinear", "b s", "bd"),
            node("Conv", "xd wd bd", "c"),
            node("Relu", "c", "r"),
            node("QuantizeLinear", "r s z", "rq"),
            node("DequantizeLinear", "rq s z", "y"),
        ],
        {"x": [1, 16, 8, 8]}, ["y"],
        {"w": np.zeros((32, 16, 3, 3), np.int8), "b": np.ones(32, np.int32),
         "s": np.array(0.1, np.float32), "z": np.array(0, np.int8)},
    )  # fmt: skip
    graph = read(built)
    assert ops(graph).count("DequantizeLinear") == 2
    assert graph.tensors["wd"].dtype == "int8"
    assert graph.tensors["bd"].dtype == "fp32"
    assert graph.parameters == 32 * 16 * 9 + 32
    layers = [layer for layer in lower(graph, "fp16").layers if layer.op == "convolution"]
    assert [layer.dtype for layer in layers] == ["int8"]


def test_qlinear_convolutions_are_int8_layers() -> None:
    built = model(
        [node("QuantizeLinear", "x s z", "xq"),
         node("QLinearConv", "xq s z w s z s z", "cq"), node("DequantizeLinear", "cq s z", "y")],
        {"x": [1, 16, 8, 8]}, ["y"],
        {"w": np.zeros((32, 16, 1, 1), np.int8), "s": np.array(0.1, np.float32),
         "z": np.array(0, np.int8)},
    )  # fmt: skip
    graph = read(built)
    assert out(graph) == (1, 32, 8, 8)
    layer = next(n for n in lower(graph, "fp16").layers if n.op == "convolution")
    assert (layer.dtype, layer.macs) == ("int8", 32 * 16 * 64)


def _custom(result: list[int | None] | None = None, **options: Any) -> Any:
    """A custom operator of two inputs before a convolution of 12 channels."""
    return model(
        [helper.make_node("Mystery", ["x", "k"], ["m"], name="odd", domain="strange"),
         node("Relu", "m", "r"), node("Conv", "r w", "y")],
        {"x": [1, 3, 4, 4]}, ["y"], {"k": (7, 3, 5, 5), "w": (8, 12, 1, 1)}, domains=["strange"],
        value_info=None if result is None else {"m": result}, **options,
    )  # fmt: skip


def test_an_unknown_operators_result_is_what_its_reader_needs() -> None:
    """Its channels are those of the next weights; what nothing says is assumed, with a warning."""
    graph = read(_custom())
    assert ops(graph) == ["strange.Mystery", "Relu", "Conv"]
    assert graph.tensors["m"].shape == (1, 12, 4, 4)
    assert "dimension 0, 2, 3 of the result of strange.Mystery" in graph.warnings[0]
    layer = next(n for n in lower(graph, "fp32", Source("t", "onnx")).layers if n.op == "unknown")
    assert layer.macs is None
    assert layer.bytes_moved == (48 + 192 + 7 * 75) * 4
    assert with_input_shapes(graph, {"x": (2, 3, 6, 6)}) == read(_custom(), x=(2, 3, 6, 6))
    assert read(_custom(), x=(2, 3, 6, 6)).tensors["m"].shape == (2, 12, 6, 6)


def test_an_unknown_operators_result_is_what_the_file_declares_or_the_user_says() -> None:
    assert read(_custom([1, 12, 9, 9])).tensors["m"].shape == (1, 12, 9, 9)
    assert not read(_custom([1, 12, 9, 9])).warnings
    assert read(_custom([None, None, 2, 2])).tensors["m"].shape == (1, 12, 2, 2)
    graph = read(_custom(), m=(1, 12, 3, 5))
    assert graph.tensors["y"].shape == (1, 8, 3, 5)
    assert not graph.warnings
    with pytest.raises(UsageError, match="no input 'r'"):
        read(_custom(), r=(1, 12, 3, 5))


def test_a_result_that_nothing_tells_is_asked_for() -> None:
    """No shape is made up: the operator is named, and what to do."""
    built = model(
        [helper.make_node("Conv", ["x", "w"], ["m"], domain="strange"), node("Relu", "m", "y")],
        {"x": [1, 3, 4, 4]}, ["y"], {"w": (8, 3, 1, 1)}, domains=["strange"],
    )  # fmt: skip
    with pytest.raises(Unsupported, match=r"node 'm' \(Conv\).* give it, as in `shapes` m=1x"):
        read(built)
    assert ops(read(built, m=(1, 8, 4, 4))) == ["strange.Conv", "Relu"]


@pytest.mark.parametrize("outputs", [0, 1, 3])
@pytest.mark.parametrize("inputs", [0, 1, 5])
def test_custom_operators_may_have_any_number_of_inputs_and_outputs(
    inputs: int, outputs: int
) -> None:
    """Results that nobody reads need no shape."""
    names = ["x", *(f"k{i}" for i in range(1, inputs))][:inputs]
    made = [f"m{i}" for i in range(outputs)]
    built = model(
        [helper.make_node("Odd", names, made, domain="strange"),
         node("Conv", "m0 w" if outputs else "x w", "y")],
        {"x": [1, 3, 4, 4]}, ["y"],
        {"w": (8, 3, 1, 1), **{f"k{i}": (2, 3) for i in range(1, inputs)}}, domains=["strange"],
        value_info={"m0": [1, 3, 4, 4]} if outputs else None,
    )  # fmt: skip
    assert out(read(built)) == (1, 8, 4, 4)


def test_a_declaration_that_is_wrong_is_said() -> None:
    built = model(
        [node("Relu", "x", "r"), node("Abs", "r", "y")], {"x": [1, 3]}, ["y"],
        value_info={"r": [1, 4]},
    )  # fmt: skip
    graph = read(built)
    assert graph.tensors["r"].shape == (1, 3)
    assert graph.warnings == ("the file declares 'r' as 1x4, but Relu makes it 1x3, which is used",)


def test_stated_shapes_serve_operators_that_no_rule_knows() -> None:
    built = model(
        [helper.make_node("EfficientNMS_TRT", ["b", "s"], ["n", "boxes"], name="nms"),
         node("Identity", "boxes", "y")],
        {"b": [1, 100, 4], "s": [1, 100, 80]}, ["n", "y"],
        value_info={"boxes": [1, 20, 4], "n": [1, 1]},
    )  # fmt: skip
    graph = read(built)
    assert graph.tensors["boxes"].shape == (1, 20, 4)
    assert not graph.warnings


def test_non_maximum_suppression_is_bounded_by_what_it_may_keep() -> None:
    """A torchvision-like SSD head: boxes, scores, selection, gathering of what was selected."""
    built = model(
        [
            node("NonMaxSuppression", "boxes scores most iou", "selected"),
            node("Gather", "selected two", "which", axis=1),
            node("Squeeze", "which one", "flat"),
            node("Gather", "boxes flat", "kept", axis=1),
        ],
        {"boxes": [1, 400, 4], "scores": [1, 20, 400]}, ["kept"],
        {"most": ints(10), "iou": np.array([0.5], np.float32), "two": ints(2), "one": ints(1)},
    )  # fmt: skip
    graph = read(built)
    assert out(graph) == (1, 200, 4)
    assert "largest is assumed" in graph.warnings[0]


def _branch(name: str, channels: int, source: str) -> object:
    weight = helper.make_tensor(
        "w", TensorProto.FLOAT, [channels, 3, 1, 1], np.zeros(channels * 3).tolist()
    )
    return helper.make_graph(
        [node("Conv", f"{source} w", "inner")], name, [],
        [helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)], [weight],
    )  # fmt: skip


@pytest.mark.parametrize("rank", [4, 3])
def test_an_if_on_sizes_takes_its_branch(rank: int) -> None:
    """Exporters ask for the rank or a size; the branch taken runs in the If's place."""
    built = model(
        [
            node("Relu", "x", "r"),
            node("Shape", "r", "s"),
            node("Size", "s", "rank"),
            node("Equal", "rank wanted", "yes"),
            node("If", "yes", "y", then_branch=_branch("t", 8, "r"),
                 else_branch=_branch("e", 16, "r")),
        ],
        {"x": [1, 3, 4, 4]}, ["y"], {"wanted": np.array(rank)},
    )  # fmt: skip
    graph = read(built)
    assert ops(graph) == ["Relu", "Conv", "Identity"]
    assert out(graph) == (1, 8 if rank == 4 else 16, 4, 4)


def test_the_files_own_functions_are_expanded() -> None:
    function = helper.make_function(
        "mine", "Block", ["a", "k"], ["b"],
        [node("Conv", "a k", "c"), node("Relu", "c", "b")], [helper.make_opsetid("", 17)],
    )  # fmt: skip
    built = model(
        [helper.make_node("Block", ["x", "w"], ["m"], domain="mine"),
         helper.make_node("Block", ["m", "w"], ["y"], domain="mine")],
        {"x": [1, 3, 4, 4]}, ["y"], {"w": (3, 3, 1, 1)}, domains=["mine"], functions=[function],
    )  # fmt: skip
    assert ops(read(built)) == ["Conv", "Relu", "Conv", "Relu"]


def test_functions_that_never_end_are_refused() -> None:
    def calls(name: str, other: str) -> object:
        body = [
            helper.make_node(other, ["a"], ["t"], domain="mine"),
            helper.make_node(other, ["t"], ["b"], domain="mine"),
        ]
        return helper.make_function(
            "mine", name, ["a"], ["b"], body, [helper.make_opsetid("mine", 1)]
        )

    start = [helper.make_node("F0", ["x"], ["y"], domain="mine")]
    loop = model(start, {"x": [1]}, ["y"], domains=["mine"], functions=[calls("F0", "F0")])
    with pytest.raises(InvalidInput, match="calls itself"):
        read(loop)
    doubling = [calls(f"F{i}", f"F{i + 1}") for i in range(40)]
    bomb = model(start, {"x": [1]}, ["y"], domains=["mine"], functions=doubling)
    with pytest.raises(InvalidInput, match="more than 200000 nodes"):
        read(bomb)


def test_a_tensor_in_fifty_thousand_slices_is_copied_as_one() -> None:
    """Linear in the number of slices, whose sizes are as many numbers."""
    count = 50_000
    slices = " ".join(f"s{place}" for place in range(count))
    graph = read(
        model(
            [node("Split", "x sizes", slices, axis=1), node("Concat", slices, "y", axis=1),
             node("Relu", "y", "z")],
            {"x": (1, count)}, ["z"], {"sizes": np.ones(count, np.int64)},
        )
    )  # fmt: skip
    assert out(graph) == (1, count)
    assert [la.op for la in lower(graph).layers].count("concat") == 1


def test_lists_of_tensors_grow_and_shrink_at_any_place() -> None:
    graph = read(
        model(
            [
                node("SequenceEmpty", "", "none"),
                node("SequenceInsert", "none x", "one"),
                node("SequenceInsert", "one small zero", "two"),
                node("SequenceInsert", "two x minus", "three"),
                node("SequenceErase", "three one_", "rest"),
                node("SequenceErase", "rest", "last"),
                node("SequenceAt", "rest zero", "a"),
                node("SequenceAt", "last minus", "b"),
            ],
            {"x": (2, 3), "small": (1, 3)}, ["a", "b"],
            {"zero": np.array(0), "minus": np.array(-1), "one_": np.array(1)},
        )
    )  # fmt: skip
    assert [out(graph, i) for i in range(2)] == [(1, 3), (1, 3)]


def test_lists_of_tensors_are_read_as_their_elements() -> None:
    """The tracing exporter writes chunk and stack with sequences."""
    built = model(
        [
            node("SplitToSequence", "x two", "parts", axis=1),
            node("SequenceAt", "parts zero", "a"),
            node("SequenceAt", "parts minus", "b"),
            node("SequenceConstruct", "b a b", "again"),
            node("ConcatFromSequence", "again", "y", axis=1),
        ],
        {"x": [1, 5, 4, 4]}, ["y"],
        {"two": np.array(2), "zero": np.array(0), "minus": np.array(-1)},
    )  # fmt: skip
    graph = read(built)
    assert ops(graph) == ["Split", "Identity", "Identity", "Concat"]
    assert out(graph) == (1, 1 + 2 + 1, 4, 4)


def test_nodes_that_lead_nowhere_are_left_out() -> None:
    built = model(
        [node("Relu", "x", "y"), node("Conv", "x w", "dead"), node("Sigmoid", "dead", "deader")],
        {"x": [1, 3, 4, 4]}, ["y"], {"w": (3, 3, 1, 1)},
    )  # fmt: skip
    graph = read(built)
    assert ops(graph) == ["Relu"]
    assert "w" not in graph.tensors
    assert "2 nodes" in graph.warnings[0]


def test_separate_networks_in_one_file_are_both_read() -> None:
    built = model(
        [node("Relu", "a", "y"), node("Sigmoid", "b", "z")],
        {"a": [1, 3], "b": [1, 5]}, ["y", "z"],
    )  # fmt: skip
    assert read(built).outputs == ("y", "z")


def test_nodes_may_stand_in_any_order_and_without_names() -> None:
    nodes = [node("Relu", "b", "y"), node("Conv", "x w", "a"), node("Relu", "a", "b")]
    for item in nodes:
        item.name = ""
    built = model(nodes, {"x": [1, 3, 4, 4]}, ["y"], {"w": (3, 3, 1, 1)})
    graph = read(built)
    assert ops(graph) == ["Conv", "Relu", "Relu"]
    assert len({n.name for n in graph.nodes}) == 3


BROKEN = {
    "cycle": ([node("Add", "x b", "a"), node("Relu", "a", "b")], "has a cycle through"),
    "missing": ([node("Relu", "nowhere", "b")], "reads 'nowhere', which is neither"),
    "twice": ([node("Relu", "x", "b"), node("Abs", "x", "b")], "make the tensor 'b'"),
    "over an input": ([node("Relu", "x", "x"), node("Abs", "x", "b")], "make the tensor 'x'"),
    "channels": ([node("Conv", "x w", "b")], "3 input channels"),
    "window": ([node("MaxPool", "x", "b", kernel_shape=[9, 9])], "window of 9"),
    "axis": ([node("Concat", "x x", "b", axis=7)], "has axis 7"),
    "no attribute": ([node("MaxPool", "x", "b")], "kernel_shape"),
    "no input": ([node("Add", "", "b")], "has no input"),
    "absurd": ([node("Pad", "x huge", "b")], "makes a tensor"),
    "negative": ([node("Expand", "x negative", "b")], "expands to"),
    "infinite": ([node("Resize", "x - inf", "b")], "scale"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_graph_is_one_clear_line(case: str) -> None:
    nodes, words = BROKEN[case]
    built = model(
        nodes, {"x": [1, 3, 4, 4]}, ["b"],
        {"w": (8, 4, 1, 1), "huge": ints(*[2**60] * 8), "negative": ints(-3),
         "inf": np.array([np.inf] * 4, np.float32)},
    )  # fmt: skip
    with pytest.raises(InvalidInput, match=words) as caught:
        read(built)
    assert "\n" not in str(caught.value)


def test_opsets_that_cannot_be_read_are_named() -> None:
    good = model([node("Relu", "x", "y")], {"x": [1]}, ["y"])
    for version, error, words in (
        (0, InvalidInput, "opset 0"),
        (-3, InvalidInput, "opset -3"),
        (6, Unsupported, "opset 6 is too old"),
        (10**9, InvalidInput, "does not exist"),
    ):
        good.opset_import[0].version = version
        with pytest.raises(error, match=words):
            read(good)
    del good.opset_import[:]
    with pytest.raises(InvalidInput, match="which opset"):
        read(good)


def test_graphs_without_content_are_refused() -> None:
    with pytest.raises(InvalidInput, match="no outputs"):
        read(model([node("Relu", "x", "y")], {"x": [1]}, []))
    with pytest.raises(InvalidInput, match="nobody"):
        read(model([node("Relu", "x", "y")], {"x": [1]}, ["z"]))
    with pytest.raises(Unsupported, match="none of its nodes"):
        read(model([node("Shape", "x", "y")], {"x": [1]}, ["y"]))
    twice = model([node("Relu", "x", "y")], {"x": [1]}, ["y"])
    twice.graph.input.append(twice.graph.input[0])
    with pytest.raises(InvalidInput, match="two inputs named 'x'"):
        read(twice)


def test_files_that_are_no_onnx_files_are_refused(tmp_path: Path) -> None:
    front_end = OnnxFrontEnd()
    for name, data in (
        ("text.onnx", b"this is not a protobuf"), ("zeros.onnx", bytes(4000)),
        ("half.onnx", (LIGHT / "light_resnet50.onnx").read_bytes()[:40_000]),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InvalidInput, match="is not an ONNX file"):
            front_end.read(str(tmp_path / name), ReadOptions())
    (tmp_path / "empty.onnx").write_bytes(b"")
    with pytest.raises(InvalidInput, match="is empty"):
        front_end.read(str(tmp_path / "empty.onnx"), ReadOptions())
    with pytest.raises(InvalidInput, match="no such file"):
        front_end.read(str(tmp_path / "none.onnx"), ReadOptions())
    with pytest.raises(InvalidInput, match="is a folder"):
        front_end.read(str(tmp_path), ReadOptions())


LISTS = {
    "at": ([node("SequenceAt", "x", "y")], "lacks inputs"),
    "insert": ([node("SequenceInsert", "", "y")], "lacks inputs"),
    "nothing": ([node("SequenceConstruct", "- x", "s"), node("SequenceAt", "s five", "y")],
                "reads '', which nobody makes"),
    "beyond": ([node("SequenceConstruct", "x", "s"), node("SequenceAt", "s five", "y")],
               "an element that its sequence does not have"),
    "axis": ([node("SplitToSequence", "x", "s", axis=9), node("SequenceAt", "s five", "y")],
             "an axis that its input does not have"),
    "growing": ([node("SequenceEmpty", "", "s0"),
                 *[node("SequenceInsert", f"s{i} x", f"s{i + 1}") for i in range(4100)],
                 node("ConcatFromSequence", "s4100", "y", axis=0)], "more than 4096 tensors"),
    "rank": ([node("Unsqueeze", "x many", "y")], "40 dimensions"),
}  # fmt: skip


@pytest.mark.parametrize("case", LISTS)
def test_lists_and_ranks_are_bounded(case: str) -> None:
    nodes, words = LISTS[case]
    built = model(nodes, {"x": [1, 3]}, ["y"], {"five": np.array(5), "many": ints(*range(38))})
    with pytest.raises(InvalidInput, match=words):
        read(built)


def test_splitting_without_keeping_the_axis_and_counting_the_parts() -> None:
    built = model(
        [
            node("SplitToSequence", "x", "parts", axis=1, keepdims=0),
            node("SequenceLength", "parts", "count"),
            node("SequenceAt", "parts zero", "a"),
            node("SequenceEmpty", "", "none"),
            node("SequenceInsert", "none a", "list"),
            node("ConcatFromSequence", "list", "c", axis=1),
            node("Unsqueeze", "count zero1", "count1"),
            node("Tile", "one count1", "times"),
            node("Expand", "c times", "y"),
        ],
        {"x": [1, 3, 4]}, ["y"],
        {"zero": np.array(0), "zero1": ints(0), "one": ints(1)},
    )  # fmt: skip
    graph = read(built)
    assert graph.tensors["a"].shape == (1, 4)
    assert graph.tensors["times"].value == (1, 1, 1)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_resize_may_keep_the_aspect_ratio(policy: str) -> None:
    built = model(
        [node("Resize", "x - - sizes", "y", axes=[2, 3], keep_aspect_ratio_policy=policy)],
        {"x": [1, 3, 10, 20]}, ["y"], {"sizes": ints(20, 60)}, opset=18,
    )  # fmt: skip
    assert out(read(built)) == ((1, 3, 20, 40) if policy == "not_larger" else (1, 3, 30, 60))


def test_microsofts_operators_have_rules() -> None:
    """Quantised and fused operators that ONNX Runtime's tools write."""
    domain = "com.microsoft"
    built = model(
        [
            node("QuantizeLinear", "x s z", "q"),
            helper.make_node("QLinearAdd", ["q", "s", "z", "q", "s", "z", "s", "z"], ["a"],
                             domain=domain),
            helper.make_node("QLinearConcat", ["s", "z", "a", "s", "z", "q", "s", "z"], ["c"],
                             domain=domain, axis=1),
            helper.make_node("QLinearGlobalAveragePool", ["c", "s", "z", "s", "z"], ["g"],
                             domain=domain),
            node("Flatten", "g", "f"),
            helper.make_node("QGemm", ["f", "s", "z", "w", "s", "z", "-"[:0], "s", "z"], ["o"],
                             domain=domain, transB=1),
            node("DequantizeLinear", "o s z", "y"),
        ],
        {"x": [2, 8, 4, 4]}, ["y"],
        {"s": np.array(0.1, np.float32), "z": np.array(0, np.int8),
         "w": np.zeros((10, 16), np.int8)}, domains=[domain],
    )  # fmt: skip
    graph = read(built)
    assert ops(graph)[1:4] == ["QLinearAdd", "QLinearConcat", "QLinearGlobalAveragePool"]
    assert out(graph) == (2, 10)
    assert lower(graph, "fp16").columns.covered.all()


def test_inputs_that_are_no_tensors_are_unsupported() -> None:
    built = model([node("SequenceAt", "x zero", "y")], {}, ["y"], {"zero": np.array(0)})
    built.graph.input.append(helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [1, 3]))
    with pytest.raises(Unsupported, match="'x' is no tensor"):
        read(built)


def test_an_input_without_dimensions_asks_for_them() -> None:
    built = model([node("Relu", "x", "y")], {"x": None}, ["y"])
    with pytest.raises(UsageError, match="does not say its dimensions"):
        read(built)
    assert out(read(built, x=(1, 3, 8, 8))) == (1, 3, 8, 8)


def test_settings_are_values_and_weights_are_not() -> None:
    """Rules read the bounds of a Clip; a bias of a few numbers still counts as parameters."""
    built = model(
        [node("Conv", "x w b", "c"), node("Clip", "c low high", "y")],
        {"x": [1, 2, 4, 4]}, ["y"],
        {"w": (2, 2, 1, 1), "b": (2,), "low": np.array(0, np.float32),
         "high": np.array(6, np.float32)},
    )  # fmt: skip
    graph = read(built)
    assert graph.tensors["high"].value == (6.0,)
    assert graph.tensors["b"].value is None
    assert graph.parameters == 4 + 2


def test_what_exporters_write_without_effect_takes_no_layer() -> None:
    built = model(
        [
            node("Cast", "x", "a", to=TensorProto.FLOAT),
            node("Expand", "a same", "b"),
            node("Concat", "b", "c", axis=0),
            node("Transpose", "c", "d", perm=[0, 1]),
            node("Pad", "d none", "e"),
            node("Slice", "e zero end", "f"),
            node("Relu", "f", "y"),
        ],
        {"x": [2, 3]}, ["y"],
        {"same": ints(2, 3), "none": ints(0, 0, 0, 0), "zero": ints(0), "end": ints(9)},
    )  # fmt: skip
    assert [la.name for la in lower(read(built), "fp32").layers] == ["PWN(n_y)"]


def test_a_batch_reaches_a_resize_that_fixes_the_files_own() -> None:
    built = model(
        [node("Resize", "x - - sizes", "y")], {"x": [1, 3, 4, 4]}, ["y"],
        {"sizes": ints(1, 3, 8, 8)},
    )  # fmt: skip
    assert out(read(built, batch=5)) == (5, 3, 8, 8)


def test_free_dimensions_are_called_what_they_are() -> None:
    """Steps in time are no batch, wherever the batch stands."""
    built = model([node("Relu", "x", "y")], {"x": ["time", "batch", 16]}, ["y"])
    with pytest.raises(UsageError, match=r"free: 'time', 'batch'; .* `shapes` x=100x1x16"):
        read(built)
    with pytest.raises(UsageError, match=r"free: 'time'; give its size"):
        read(built, batch=2)
    assert out(read(built, batch=2, x=(50, 1, 16))) == (50, 2, 16)
    steps = model([node("Relu", "x", "y")], {"x": ["seq_len", 16]}, ["y"])
    with pytest.raises(UsageError, match=r"free: 'seq_len'; .* `shapes` x=100x16"):
        read(steps)


def test_a_channels_last_file_that_is_given_channels_first_says_so() -> None:
    built = model(
        [node("Transpose", "x", "t", perm=[0, 3, 1, 2]), node("Conv", "t w", "y")],
        {"x": ["n", 160, 160, 3]}, ["y"], {"w": (8, 3, 3, 3)},
    )  # fmt: skip
    with pytest.raises(
        UsageError, match=r"is channels-last \(n x 160.*write `shapes` x=1x160x160x3"
    ):
        read(built, x=(1, 3, 160, 160))
    assert out(read(built, x=(1, 96, 96, 3))) == (1, 8, 94, 94)
