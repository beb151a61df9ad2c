"""Each fusion that TensorRT makes, on the smallest graph that shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.core.network import Network
from edgeprofiler.reading.graphs.build import GraphBuilder
from edgeprofiler.reading.lowering import (
    GEFORCE_AMPERE,
    JETSON_ORIN,
    RULES,
    lower,
    lower_traced,
)
from edgeprofiler.reading.zoo import zoo_graph


def image(channels: int = 16, size: int = 32) -> tuple[GraphBuilder, str]:
    build = GraphBuilder("net")
    x = build.input((1, channels, size, size))
    return build, build.conv(x, channels, 1, name="stem")


def ops(network: Network) -> list[str]:
    return [layer.op for layer in network.layers if layer.op != "reformat"]


def names(network: Network) -> list[str]:
    return [layer.name for layer in network.layers if layer.op != "reformat"]


def test_batch_normalisation_and_relu_run_inside_the_convolution() -> None:
    build, x = image()
    y = build.relu(build.bn(build.conv(x, 8, 3, name="conv1"), name="bn1"), name="relu")
    layer = lower(build.graph(y)).layers[2]
    assert layer.name == "conv1 + bn1 + relu"
    assert layer.fused_ops == ("BatchNormalization", "Relu")
    assert layer.nodes == ("conv1", "bn1", "relu")
    assert layer.macs == 32 * 32 * 16 * 8 * 9
    assert layer.weight_bytes == 2 * (8 * 16 * 9 + 8), "batch normalisation leaves one bias"


@pytest.mark.parametrize("kind", ["silu", "hardswish", "gelu"])
def test_generated_activations_join_the_convolution_where_its_kernel_is_generated(
    kind: str,
) -> None:
    build, x = image()
    graph = build.graph(build.act(build.conv(x, 8, 3, name="conv"), kind, name="act"))
    apart = ["convolution", "convolution", "pointwise"]
    assert ops(lower(graph)) == ["convolution", "convolution"]
    assert ops(lower(graph, "fp32")) == ["convolution", "convolution"], "TF32 kernels"
    assert ops(lower(graph, "fp32", target=GEFORCE_AMPERE)) == apart
    assert ops(lower(graph, target=replace(JETSON_ORIN, tensorrt=(8, 2)))) == apart
    assert ops(lower(graph, target=replace(JETSON_ORIN, tensorrt=(8, 4)))) == apart[:2]


def test_gelu_written_out_is_one_chain() -> None:
    build, x = image()
    x = build.conv(x, 8, 3, name="conv")
    scaled = build.node("Div", (x, build.number("root2", (1.414,))), "div")
    error = build.node("Erf", (scaled,), "erf")
    shifted = build.node("Add", (error, build.number("one", (1.0,))), "add")
    half = build.node("Mul", (build.mul(x, shifted), build.number("point5", (0.5,))), "half")
    assert names(lower(build.graph(half)))[1] == "conv + div + erf + add + mul + half"
    apart = lower(build.graph(half), "fp32", target=GEFORCE_AMPERE)
    assert names(apart)[2] == "PWN(div, erf, add, mul, half)"


def test_torch_tensorrt_leaves_relu6_outside() -> None:
    build, x = image()
    y = build.act(build.conv(x, 8, 3, name="conv"), "relu6")
    assert ops(lower(build.graph(y))) == ["convolution"] * 2
    built = lower(build.graph(y), builder="torch-tensorrt")
    assert ops(built) == ["convolution", "convolution", "pointwise"]


def test_a_residual_addition_joins_the_convolution_that_runs_last() -> None:
    build, x = image()
    main = build.conv(x, 16, 3, name="conv2")
    short = build.conv(x, 16, 1, name="downsample")
    graph = build.graph(build.relu(build.add(main, short)))
    network = lower(graph)
    assert names(network) == ["stem", "conv2", "downsample + add + relu"]
    assert network.layers[-2].input_shapes == ((1, 16, 32, 32), (1, 16, 32, 32))


def test_an_addition_after_an_activation_joins_from_tensorrt_8_6_on() -> None:
    build, x = image()
    stem = build.relu(x, name="r")
    y = build.add(stem, build.act(build.conv(stem, 16, 3, name="conv"), "silu", name="silu"))
    assert ops(lower(build.graph(y))) == ["convolution"] * 2
    before = lower(build.graph(y), target=replace(JETSON_ORIN, tensorrt=(8, 5)))
    assert names(before)[-2:] == ["conv + silu.sigmoid + silu", "PWN(add)"]
    apart = lower(build.graph(y), "fp32", target=GEFORCE_AMPERE)
    assert names(apart)[-1] == "PWN(silu.sigmoid, silu, add)"


def test_what_somebody_else_reads_does_not_disappear_into_a_kernel() -> None:
    build, x = image()
    conv = build.conv(x, 8, 3, name="conv")
    y = build.relu(conv)
    assert "pointwise" in ops(lower(build.graph(y, conv)))


def test_a_gate_is_a_kernel_of_its_own_and_its_convolutions_are_dense() -> None:
    build, x = image()
    x = build.relu(x, name="r")
    squeezed = build.conv(build.global_avg_pool(x, name="gap"), 4, 1, name="fc1", bias=True)
    gate = build.act(build.conv(squeezed, 16, 1, name="fc2", bias=True), "sigmoid", name="gate")
    network = lower(build.graph(build.mul(x, gate)))
    assert ops(network) == ["convolution", "global_pool", "gemm", "gemm", "pointwise"]
    assert [la.kind for la in network.layers][2:5] == ["pooling", "dense", "dense"]
    assert network.layers[3].macs == 16 * 4


def test_a_global_mean_is_a_pooling_over_the_whole_image() -> None:
    build, x = image()
    y = build.node("ReduceMean", (x,), "mean", {"axes": (2, 3), "keepdims": 0})
    layer = lower(build.graph(y)).layers[2]
    assert (layer.kind, layer.op, layer.kernel) == ("pooling", "global_pool", (32, 32))
    assert layer.output_shapes == ((1, 16, 1, 1),)


def test_pooling_by_one_and_flattening_one_pixel_take_no_layer() -> None:
    build, x = image()
    x = build.global_avg_pool(build.adaptive_avg_pool(x, 32, name="same"), name="gap")
    traced = lower_traced(build.graph(build.linear(build.flatten(x), 10, name="fc")))
    assert ops(traced.network) == ["convolution", "global_pool", "gemm"]
    assert traced.no_work == {"same": "view", "flatten": "view"}


def test_flattening_an_image_needs_a_reformat_to_rows() -> None:
    build, x = image()
    network = lower(build.graph(build.linear(build.flatten(x), 10, name="fc")))
    reformats = [layer.name for layer in network.layers if layer.op == "reformat"]
    assert reformats == [
        "Reformatting CopyNode for Input Tensor 0 to stem",
        "Reformatting CopyNode for Input Tensor 0 to flatten",
        "Reformatting CopyNode for Output Tensor 0 to fc",
    ]


def test_concatenation_copies_only_what_others_read_too() -> None:
    build, x = image()
    shared = build.relu(x, name="r")
    own = build.conv(shared, 8, 3, name="own")
    y = build.conv(build.concat(shared, own), 8, 1, name="after")
    layers = [la for la in lower(build.graph(y)).layers if la.op == "concat"]
    assert [la.input_shapes for la in layers] == [((1, 16, 32, 32),)]
    assert layers[0].bytes_moved == 2 * 2 * 16 * 32 * 32
    assert layers[0].nodes == ("concat",)


def test_concatenation_of_own_producers_is_in_place() -> None:
    build, x = image()
    parts = [build.conv(build.relu(x, name="r"), 8, k, name=f"c{k}") for k in (1, 3)]
    traced = lower_traced(build.graph(build.conv(build.concat(*parts), 8, 1, name="after")))
    assert traced.no_work["concat"] == "concatenation in place"
    assert "concat" not in ops(traced.network)


def test_neighbouring_slices_are_copied_as_one() -> None:
    build, x = image()
    first, second = build.chunk(build.act(x, "silu"), 2)
    inner = build.conv(second, 8, 3, name="inner")
    y = build.conv(build.concat(first, second, inner), 8, 1, name="after")
    copies = [la for la in lower(build.graph(y)).layers if la.op == "concat"]
    assert [la.input_shapes for la in copies] == [((1, 16, 32, 32),)]


def test_a_slice_that_an_addition_reads_is_copied_once() -> None:
    build, x = image()
    _, second = build.chunk(build.act(x, "silu"), 2)
    y = build.add(build.conv(second, 8, 3, name="inner"), second)
    assert ops(lower(build.graph(y))) == ["convolution", "copy", "convolution"]


def test_convolutions_of_one_tensor_with_one_window_run_side_by_side() -> None:
    build, x = image()
    x = build.max_pool(x, 3, name="pool")
    parts = [build.relu(build.conv(x, n, 1, name=f"c{n}"), name=f"r{n}") for n in (8, 24)]
    layer = lower(build.graph(*parts)).layers[3]
    assert layer.name == "c8 + r8 || c24 + r24"
    assert layer.output_shapes[0][1] == 32
    assert layer.macs == 16 * 32 * layer.output_shapes[0][2] ** 2


def test_padding_joins_the_convolution() -> None:
    build = GraphBuilder("net")
    x = build.input((1, 3, 30, 30))
    pads = build.number("pads", (0, 0, 1, 1, 0, 0, 2, 2))
    padded = build.node("Pad", (x, pads), "pad")
    graph = build.graph(build.conv(padded, 8, 3, name="conv", padding=0))
    layer = lower(graph).layers[1]
    assert layer.name == "pad + conv"
    assert (layer.padding_before, layer.padding_after) == ((1, 1), (2, 2))
    assert layer.input_shapes == ((1, 3, 30, 30),)


def test_channel_shuffle_moves_the_tensor_once() -> None:
    build, x = image()
    y = build.conv(build.channel_shuffle(x, 2), 8, 1, name="after")
    network = lower(build.graph(y))
    assert ops(network) == ["convolution", "copy", "convolution"]


def test_channels_last_transposes_around_a_norm_are_free() -> None:
    build, x = image()
    rows = build.permute(x, (0, 2, 3, 1), name="to")
    back = build.permute(build.layer_norm(rows, name="norm"), (0, 3, 1, 2), name="back")
    network = lower(build.graph(build.conv(back, 8, 3, name="after")))
    assert ops(network) == ["convolution", "normalization", "convolution"]
    assert sum(la.op == "reformat" for la in network.layers) == 2, "only at the ends"


def test_layer_normalisation_written_out_is_one_kernel() -> None:
    build = GraphBuilder("net")
    x = build.input((1, 49, 64))
    mean = build.node("ReduceMean", (x,), "m1", {"axes": (-1,)})
    difference = build.node("Sub", (x, mean), "sub")
    square = build.node("Pow", (difference, build.number("two", (2.0,))), "pow")
    variance = build.node("ReduceMean", (square,), "m2", {"axes": (-1,)})
    shifted = build.node("Add", (variance, build.number("eps", (1e-5,))), "eps")
    y = build.node("Div", (difference, build.node("Sqrt", (shifted,), "sqrt")), "div")
    y = build.scale(y, (64,), name="gain")
    assert ops(lower(build.graph(y))) == ["normalization"]


def test_fp32_convolutions_may_use_tf32_and_depthwise_ones_do_not() -> None:
    build, x = image()
    graph = build.graph(build.conv(x, 16, 3, name="dw", groups=16))
    types = [la.dtype for la in lower(graph, "fp32").layers if la.op == "convolution"]
    assert types == ["tf32", "fp32"]


def test_int8_computes_convolutions_in_int8_and_says_what_it_assumes() -> None:
    build, x = image()
    network = lower(build.graph(build.conv(build.act(x, "silu"), 8, 3, name="c")), "int8")
    assert {la.dtype for la in network.layers if la.op == "convolution"} == {"int8"}
    assert network.precision == "int8"
    assert "calibrated" in network.warnings[0]


def quantized_graph() -> Graph:
    build, x = image()
    x = build.relu(x, name="r")
    one = build.number("one", (1.0,))
    low = build.node("DequantizeLinear", (build.node("QuantizeLinear", (x, one), "q"), one), "dq")
    graph = build.graph(build.add(build.conv(low, 16, 3, name="conv"), x))
    weight = replace(graph.tensors["conv.weight"], dtype="int8")  # through a quantiser of its own
    return replace(graph, tensors={**graph.tensors, weight.name: weight})


def test_dequantised_inputs_make_int8_layers_and_shared_tensors_a_reformat() -> None:
    network = lower(quantized_graph())
    by_name = {la.name: la for la in network.layers}
    assert by_name["conv + add"].dtype == "int8"
    assert by_name["conv + add"].input_dtypes == ("int8", "fp16")
    assert by_name["q"].op == "reformat"
    assert by_name["q"].output_dtypes == ("int8",)
    assert network.precision == "int8"


def test_dead_heads_and_constant_subgraphs_take_no_layer() -> None:
    build, x = image()
    build.conv(x, 8, 3, name="auxiliary")
    build.node("Mul", (build.constant("w", (16, 1, 1)), build.constant("v", (16, 1, 1))), "folded")
    weight = build.node("Neg", (build.constant("u", (16, 1, 1)),), "negated")
    y = build.node("Add", (x, weight), "bias")
    traced = lower_traced(build.graph(y))
    assert traced.no_work == {"auxiliary": "dead", "folded": "dead", "negated": "constant"}
    assert "2 nodes reach no output" in traced.network.warnings[0]


def test_an_unknown_operator_has_bytes_and_no_macs() -> None:
    tensors = {"x": Tensor("x", (1, 8)), "y": Tensor("y", (1, 4))}
    graph = Graph("odd", (Node("n", "Mystery", ("x",), ("y",)),), tensors, ("x",), ("y",))
    network = lower(graph)
    layer = network.layers[0]
    assert (layer.op, layer.macs, layer.flops) == ("unknown", None, None)
    assert layer.bytes_moved == 8 * 4 + 4 * 2
    assert "Mystery" in network.warnings[0]


def test_an_omitted_first_output_is_no_tensor() -> None:
    tensors = {"x": Tensor("x", (5, 1, 8)), "h": Tensor("h", (1, 1, 4))}
    tensors["w"] = Tensor("w", (1, 16, 8), constant=True)
    graph = Graph("odd", (Node("n", "odd.Op", ("x", "w"), ("", "h")),), tensors, ("x",), ("h",))
    layer = lower(graph).layers[0]
    assert (layer.op, layer.output_shapes) == ("unknown", ((1, 1, 4),))


def test_products_of_activations_and_by_weights_differ() -> None:
    build = GraphBuilder("net")
    x = build.input((2, 49, 64))
    product = build.node("MatMul", (x, build.constant("w", (64, 32))), "by_weights")
    scores = build.node("MatMul", (product, build.permute(product, (0, 2, 1))), "scores")
    network = lower(build.graph(build.softmax(scores)))
    found = {la.name: la for la in network.layers}
    assert (found["by_weights"].op, found["by_weights"].macs) == ("gemm", 2 * 49 * 64 * 32)
    assert (found["scores"].op, found["scores"].macs) == ("matmul", 2 * 49 * 49 * 32)
    assert found["by_weights"].weight_bytes == 2 * 64 * 32
    assert found["softmax"].op == "softmax"


def test_an_einsum_counts_the_product_of_its_dimensions() -> None:
    tensors = {n: Tensor(n, s) for n, s in {"a": (2, 3, 4), "b": (2, 4, 5), "y": (2, 3, 5)}.items()}
    node = Node("e", "Einsum", ("a", "b"), ("y",), {"equation": "bij,bjk->bik"})
    graph = Graph("net", (node,), tensors, ("a", "b"), ("y",))
    assert lower(graph).macs == 2 * 3 * 4 * 5
    dotted = replace(graph, nodes=(replace(node, attributes={"equation": "...ij,...jk"}),))
    assert lower(dotted).macs == 2 * 3 * 4 * 5
    wrong = replace(graph, nodes=(replace(node, attributes={"equation": "ij,jk"}),))
    assert lower(wrong).layers[-2].macs is None


@pytest.mark.parametrize(
    ("op", "shape", "expected"),
    [
        ("Resize", (1, 16, 64, 64), "resize"),
        ("LRN", (1, 16, 32, 32), "normalization"),
        ("ArgMax", (1, 1, 32, 32), "topk"),
        ("Gather", (1, 4, 32, 32), "copy"),
        ("ReduceSum", (1, 1, 32, 32), "reduce"),
        ("LogSoftmax", (1, 16, 32, 32), "softmax"),
        ("Transpose", (32, 32, 16, 1), "copy"),
    ],
)
def test_other_operators_are_single_kernels(op: str, shape: tuple[int, ...], expected: str) -> None:
    tensors = {"x": Tensor("x", (1, 16, 32, 32)), "y": Tensor("y", shape)}
    graph = Graph("net", (Node("n", op, ("x",), ("y",)),), tensors, ("x",), ("y",))
    assert ops(lower(graph)) == [expected]


def test_a_network_in_half_precision_needs_no_change_of_type_at_its_ends() -> None:
    build, x = image()
    graph = build.graph(
        build.linear(build.flatten(build.global_avg_pool(x, name="g")), 9, name="f")
    )
    half = {n: replace(t, dtype="fp16") for n, t in graph.tensors.items()}
    reformats = [la for la in lower(replace(graph, tensors=half)).layers if la.op == "reformat"]
    assert [la.input_dtypes for la in reformats] == [("fp16",)]


def test_a_transposed_convolution_and_a_strided_slice() -> None:
    tensors = {
        "x": Tensor("x", (1, 8, 16, 16)), "w": Tensor("w", (8, 4, 2, 2), constant=True),
        "y": Tensor("y", (1, 4, 32, 32)), "z": Tensor("z", (1, 4, 16, 32)),
    }  # fmt: skip
    up = Node("up", "ConvTranspose", ("x", "w"), ("y",), {"strides": (2, 2)})
    cut = Node("cut", "Slice", ("y",), ("z",), {"steps": (2,)})
    network = lower(Graph("net", (up, cut), tensors, ("x",), ("z",)))
    assert ops(network) == ["transposed_convolution", "copy"]
    assert network.layers[1].macs == 8 * 16 * 16 * 4 * 4


def test_a_network_of_many_conversions_has_one_of_the_next_wider_type() -> None:
    graph = zoo_graph("lenet")
    wider = lower(graph, "int8").wider
    assert wider == lower(graph, "fp16")
    assert wider is not None
    assert wider.wider == lower(graph, "fp32")
    assert lower(graph, "fp32").wider is None
    assert lower(zoo_graph("resnet18"), "int8").wider is None


def test_wrong_choices_and_missing_shapes_are_said() -> None:
    build, x = image()
    graph = build.graph(x)
    with pytest.raises(Unsupported, match="fp32, fp16, int8"):
        lower(graph, "fp4")
    with pytest.raises(Unsupported, match="torch-tensorrt"):
        lower(graph, builder="tvm")
    lost = replace(graph, tensors={k: v for k, v in graph.tensors.items() if k != "input"})
    with pytest.raises(InvalidInput, match="'input' is not known"):
        lower(lost)


def test_every_rule_names_its_evidence() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(len(rule.evidence) > 20 and rule.effect.endswith(".") for rule in RULES)
