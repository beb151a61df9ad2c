"""Single layers of engine descriptions, as TensorRT 8 to 10 and Myelin write them."""

from typing import Any

import pytest

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Layer, Network, Source
from edgeprofiler.reading.engine import network_from_engine, operations

_FP16 = "Channel major FP16 format where channel % 8 == 0"


def tensor(name: str, *shape: int, kind: str = _FP16) -> dict[str, Any]:
    return {"Name": name, "Location": "Device", "Dimensions": [*shape], "Format/Datatype": kind}


def entry(
    engine_type: str, inputs: list[Any], outputs: list[Any], name: str = "layer", **fields: Any
) -> dict[str, Any]:
    return {"Name": name, "LayerType": engine_type, "Inputs": inputs, "Outputs": outputs, **fields}


def read(*entries: Any, bindings: tuple[str, ...] = ("x", "y", "z")) -> Network:
    document = {"Layers": [*entries], "Bindings": [*bindings]}
    return network_from_engine(document, Source("net.json", "tensorrt"))


def layer(engine_type: str, inputs: list[Any], outputs: list[Any], **fields: Any) -> Layer:
    return read(entry(engine_type, inputs, outputs, **fields)).layers[0]


def convolution(engine_type: str = "CaskConvolution", **fields: Any) -> Layer:
    given: dict[str, Any] = {
        "ParameterType": "Convolution",
        "Kernel": [3, 3],
        "Groups": 1,
        "Weights": {"Type": "Half", "Count": 64 * 32 * 9},
        "Bias": {"Type": "Half", "Count": 64},
    }
    sides = [tensor("x", 1, 32, 14, 14)], [tensor("y", 1, 64, 14, 14)]
    return layer(engine_type, *sides, **{**given, **fields})


MACS = 64 * 14 * 14 * 32 * 9


@pytest.mark.parametrize(
    "engine_type",
    ["CaskConvolution", "FusedConvActConvolution", "CudnnConvolution", "CudaGroupConvolution",
     "CublasConvolution", "LegacySASSConvolution", "CaskGemmConvolution", "NeverSeenBefore"],
)  # fmt: skip
def test_a_convolution_is_one_whatever_runs_it(engine_type: str) -> None:
    found = convolution(engine_type)
    assert (found.kind, found.op, found.macs) == ("convolutional", "convolution", MACS)
    assert found.weight_bytes == 2 * (64 * 32 * 9 + 64)
    assert found.engine_type == engine_type


def test_a_convolution_without_parameter_type_is_told_by_its_runner() -> None:
    assert convolution(ParameterType=None).op == "convolution"


def test_explicit_nulls_are_as_good_as_missing_fields() -> None:
    found = convolution(
        Stride=None, Dilation=None, PrePadding=None, Bias=None, Activation=None, HasReLU=None,
        Groups=None, Metadata=None, TacticName=None,
    )  # fmt: skip
    assert (found.macs, found.groups, found.fused_ops) == (MACS, 1, ())


def test_a_missing_kernel_follows_from_the_number_of_weights() -> None:
    assert convolution(Kernel=None).kernel == (3, 3)
    unknown = convolution(Kernel=None, Weights={"Type": "Half", "Count": 64 * 32 * 7 + 1})
    assert unknown.macs is None
    assert unknown.weight_bytes == 2 * (64 * 32 * 7 + 1 + 64)


def test_macs_that_nobody_can_count_leave_the_layer_uncovered_with_a_warning() -> None:
    network = read(
        entry("CaskConvolution", [tensor("x", 1, 32, 14, 14)], [tensor("y", 1, 64, 14, 14)])
    )
    assert not network.columns.covered.any()
    assert network.layers[0].weight_bytes is None
    assert "MACs of 1 layers cannot be counted" in network.warnings[0]


def test_groups_follow_from_weights_or_from_the_runner() -> None:
    sides = [tensor("x", 1, 32, 14, 14)], [tensor("y", 1, 32, 14, 14)]
    weights = {"Type": "Half", "Count": 32 * 9}
    for engine_type in ("CaskConvolution", "CudaDepthwiseConvolution"):
        found = layer(engine_type, *sides, Kernel=[3, 3], Weights=weights)
        assert (found.groups, found.depthwise, found.macs) == (32, True, 32 * 14 * 14 * 9)
    found = layer("CudaDepthwiseConvolution", *sides, Kernel=[3, 3])
    assert (found.groups, found.weight_bytes) == (32, 2 * 32 * 9)


def test_weights_that_are_listed_as_inputs_are_no_activations() -> None:
    """torch-tensorrt may give the weight as a constant input that no layer produces."""
    sides = (
        [tensor("x", 1, 32, 14, 14), tensor("w", 64, 32, 3, 3, kind="Half")],
        [tensor("y", 1, 64, 14, 14)],
    )
    found = layer("CaskConvolution", *sides, Weights={"Type": "Half", "Count": 0})
    assert found.input_shapes == ((1, 32, 14, 14),)
    assert (found.kernel, found.macs, found.weight_bytes) == ((3, 3), MACS, 2 * 64 * 32 * 9)


def test_a_filter_that_another_layer_gives_is_an_input() -> None:
    sides = (
        [tensor("x", 1, 32, 14, 14), tensor("z", 64, 32, 3, 3)],
        [tensor("y", 1, 64, 14, 14)],
    )
    found = layer("CaskConvolution", *sides, Kernel=[3, 3], HasDynamicFilter=1)
    assert (len(found.input_shapes), found.weight_bytes, found.macs) == (2, 0, MACS)


def test_a_convolution_between_single_positions_is_dense() -> None:
    sides = [tensor("x", 8, 512, 1, 1)], [tensor("y", 8, 1000, 1, 1)]
    found = layer("CaskConvolution", *sides, ParameterType="Convolution", Kernel=[1, 1])
    assert (found.kind, found.op, found.macs) == ("dense", "gemm", 8 * 512 * 1000)


def test_a_transposed_convolution_multiplies_each_input_by_a_kernel() -> None:
    sides = [tensor("x", 1, 32, 7, 7)], [tensor("y", 1, 16, 14, 14)]
    for fields in ({"ParameterType": "Convolution"}, {"ParameterType": "Deconvolution"}, {}):
        found = layer("CaskDeconvolutionV2", *sides, Kernel=[2, 2], **fields)
        assert (found.op, found.macs) == ("transposed_convolution", 32 * 7 * 7 * 16 * 4)


def test_int8_weights_with_fp32_biases_are_counted_in_bytes() -> None:
    found = convolution(
        Weights={"Type": "Int8", "Count": 18432}, Bias={"Type": "Float", "Count": 64}
    )
    assert (found.dtype, found.weight_bytes) == ("int8", 18432 + 4 * 64)


def test_tensor_float_32_is_told_by_the_tactic() -> None:
    name = "sm80_xmma_fprop_implicit_gemm_tf32f32_tf32f32_f32"
    found = convolution(TacticName=name, Weights={"Type": "Float", "Count": 18432})
    assert found.dtype == "tf32"
    network = read(entry("CaskConvolution", [tensor("x", 1, 32, 14, 14)],
                         [tensor("y", 1, 64, 14, 14)], Kernel=[3, 3], TacticName=name,
                         Weights={"Type": "Float", "Count": 18432}))  # fmt: skip
    assert network.precision == "fp32"


def test_an_engine_with_an_implicit_batch_runs_one_image() -> None:
    sides = [tensor("x", 32, 14, 14)], [tensor("y", 64, 14, 14)]
    found = layer("CaskConvolution", *sides, Kernel=[3, 3], OutMaps=64)
    assert (found.input_shapes, found.macs) == (((1, 32, 14, 14),), MACS)


def test_one_dimensional_and_three_dimensional_convolutions_count_their_kernel() -> None:
    found = layer("CaskConvolution", [tensor("x", 1, 8, 100)], [tensor("y", 1, 4, 98)], Kernel=[3])
    assert found.macs == 4 * 98 * 8 * 3
    found = layer(
        "CaskConvolution", [tensor("x", 1, 8, 9, 9, 9)], [tensor("y", 1, 4, 9, 9, 9)],
        Kernel=[3, 3, 3],
    )  # fmt: skip
    assert found.macs == 4 * 9**3 * 8 * 27


def test_a_pooling_that_is_fused_does_not_make_the_convolution_cheaper() -> None:
    found = layer(
        "ConvActPool", [tensor("x", 1, 32, 14, 14)], [tensor("y", 1, 64, 7, 7)],
        ParameterType="ConvActPool", Kernel=[3, 3], PrePadding=[1, 1], PostPadding=[1, 1],
        Stride=[1, 1], Activation="RELU",
    )  # fmt: skip
    assert (found.macs, found.fused_ops) == (MACS, ("Relu", "Pool"))


_TORCH_TENSORRT = (
    "[CONVOLUTION]-[aten_ops.convolution.default]-[/c] + "
    "[SCALE]-[aten_ops._native_batch_norm_legit_no_training.default]-[/b] + "
    "[ACTIVATION]-[aten_ops.hardtanh.default]-[/r]"
)


@pytest.mark.parametrize(
    ("name", "fields", "fused"),
    [
        ("Conv_5 + Add_6 + Relu_7", {}, ("Add", "Relu")),
        ("Conv_5 + PWN(Clip_8)", {"Activation": "CLIPPED_RELU"}, ("Clip",)),
        ("/a/Conv + PWN(PWN(/b/Sigmoid), /b/Mul)", {}, ("Sigmoid", "Mul")),
        ("conv", {"HasReLU": 1}, ("Relu",)),
        ("conv", {"Activation": "LEAKY_RELU", "HasResidual": 1}, ("Add", "LeakyRelu")),
        ("conv", {"Activation": "NEVER_SEEN"}, ("NeverSeen",)),
        ("conv", {"Operations": ["auto const var0 = pwgen::iRelu(arg0);"]}, ("Relu",)),
        (_TORCH_TENSORRT, {}, ("Clip",)),
    ],
)  # fmt: skip
def test_fused_operations_come_from_names_and_fields(
    name: str, fields: dict[str, Any], fused: tuple[str, ...]
) -> None:
    assert convolution(name=name, **fields).fused_ops == fused


def test_poolings_take_their_kernel_from_window_size() -> None:
    sides = [tensor("x", 1, 8, 14, 14)], [tensor("y", 1, 8, 7, 7)]
    for engine_type in ("TiledPooling", "CudaPooling", "CaskPooling", "CudnnPooling"):
        found = layer(engine_type, *sides, PoolingType="MAX", WindowSize=[2, 2], Stride=[2, 2])
        assert (found.kind, found.op, found.kernel) == ("pooling", "max_pool", (2, 2))
    found = layer("TiledPooling", *sides, PoolingType="AVERAGE", WindowSize=[2, 2])
    assert found.op == "average_pool"
    assert layer("TiledPooling", *sides, name="MaxPool_3").op == "max_pool"


@pytest.mark.parametrize("shape", [(1, 8, 1, 1), (1, 8)])
def test_a_mean_over_space_is_a_global_pooling(shape: tuple[int, ...]) -> None:
    sides = [tensor("x", 1, 8, 14, 14)], [tensor("y", *shape)]
    found = [
        layer("Reduce", *sides, ParameterType="Reduce", Operation="AVG"),
        layer("Reduce", *sides, name="[REDUCE]-[aten_ops.mean.dim]-[mean]"),
        layer("kgen", *sides, TacticName="__myl_MaxMinMea_0x72a26e"),
        layer("CaskPooling", *sides, PoolingType="AVERAGE", WindowSize=[14, 14]),
    ]
    assert {(one.kind, one.op) for one in found} == {("pooling", "global_pool")}
    assert found[2].fused_ops == ("Max", "Min")


def test_other_reductions_are_reductions() -> None:
    sides = [tensor("x", 1, 8, 14, 14)], [tensor("y", 1, 1, 14, 14)]
    assert layer("Reduce", *sides, Operation="AVG").op == "reduce"
    assert layer("kgen", *sides, TacticName="__myl_Sum_0x1").op == "reduce"
    assert layer("kgen", *sides, TacticName="__myl_MaxMin_0x1").op == "generated"


@pytest.mark.parametrize(
    ("tactic", "op"),
    [
        ("__myl_MaxMinCas_0xb1dd", "pointwise"),
        ("__myl_Add_0x45e1", "pointwise"),
        ("__myl_Res_0x63ad", "copy"),
        ("__myl_TraRes_0x63ad", "copy"),
        ("__myl_Con_0x63ad", "concat"),
        ("__myl_Cas_0x63ad", "reformat"),
        ("__myl_MaxSubExpSumDiv_0x63ad", "softmax"),
        ("__myl_MeaSubMulMeaAddSqrDivMulAdd_0x63ad", "normalization"),
        ("__myl_XyzAdd_0x63ad", "generated"),
        ("", "generated"),
    ],
)
def test_generated_kernels_are_told_by_their_names(tactic: str, op: str) -> None:
    found = layer(
        "kgen", [tensor("x", 1, 8, 4, 4, kind="Half")], [tensor("y", 1, 8, 4, 4, kind="Half")],
        TacticName=tactic, name="__myl_x",
    )  # fmt: skip
    assert (found.kind, found.op) == ("other", op)
    assert found.bytes_moved == 2 * 2 * 128


def test_a_hostile_kernel_name_takes_no_longer_to_read_than_it_is_long() -> None:
    """Nested repetitions in a pattern would take longer than the universe is old."""
    assert operations.generated("__myl_" + "A" * 5000 + "!") == ()


def test_a_product_finds_weights_bias_and_scalars_among_its_inputs() -> None:
    found = layer(
        "gemm",
        [tensor("x", 4, 1280), tensor("w", 1280, 1000), tensor("alpha", 1, kind="Float"),
         tensor("bias", 1, 1000)],
        [tensor("y", 4, 1000)],
        Metadata="[ONNX Layer: /fc/Gemm]\x1f[ONNX Layer: /fc/Relu]",
    )  # fmt: skip
    assert (found.kind, found.op, found.macs) == ("dense", "gemm", 4 * 1280 * 1000)
    assert found.weight_bytes == 2 * (1280 * 1000 + 1000) + 4
    assert (found.input_shapes, found.fused_ops) == (((4, 1280),), ("Relu",))
    assert found.nodes == ("/fc/Gemm", "/fc/Relu")


def test_a_product_of_two_activations_has_no_weights() -> None:
    found = layer(
        "MatrixMultiply", [tensor("x", 2, 8, 16, 32), tensor("z", 2, 8, 32, 64)],
        [tensor("y", 2, 8, 16, 64)], ParameterType="MatrixMultiply",
    )  # fmt: skip
    assert (found.kind, found.op, found.macs) == ("dense", "matmul", 2 * 8 * 16 * 32 * 64)
    assert found.weight_bytes == 0


def test_weights_that_the_engine_hides_follow_from_rows_and_columns() -> None:
    for shapes in (((4, 512), (4, 10)), ((4, 512, 1, 1), (4, 10, 1, 1))):
        found = layer("FullyConnected", [tensor("x", *shapes[0])], [tensor("y", *shapes[1])])
        assert (found.macs, found.weight_bytes) == (4 * 512 * 10, 2 * 512 * 10)
    lost = layer("gemm", [tensor("x", 4, 512)], [tensor("y", 3, 10)])
    assert (lost.macs, lost.weight_bytes) == (None, None)


def test_a_region_with_one_product_is_that_product() -> None:
    sides = [tensor("x", 1, 512)], [tensor("y", 1, 1000)]
    name = "{ForeignNode[fc.weight...Gemm_48]}"
    found = layer("Myelin", *sides, name=name, Metadata="[ONNX Layer: /fc/Gemm]")
    assert (found.kind, found.macs) == ("dense", 512_000)
    found = layer("Myelin", *sides, name=name)
    assert (found.kind, found.op, found.macs) == ("other", "generated", None)
    assert layer("", *sides, name=name).op == "generated"


@pytest.mark.parametrize(
    ("engine_type", "operation", "op"),
    [
        ("Reformat", "Reformat", "reformat"),
        ("MyelinReformat", None, "reformat"),
        ("Scale", "Scale", "pointwise"),
        ("PointWiseV2", "PointWise", "pointwise"),
        ("ElementWise", "ElementWise", "pointwise"),
        ("Resize", "Resize", "resize"),
        ("Concat", "Concatenation", "concat"),
        ("Concat", None, "concat"),
        ("Shuffle", "Shuffle", "copy"),
        ("Slice", "Slice", "copy"),
        ("Gather", None, "copy"),
        ("CudaSoftMax", "SoftMax", "softmax"),
        ("TopK", "TopK", "topk"),
        ("CudnnNormalization", None, "normalization"),
        ("Constant", "Constant", "noop"),
        ("NoOp", None, "noop"),
        ("shape_call", None, "noop"),
        ("PluginV2", None, "plugin"),
        ("PluginV3", "PluginV3", "plugin"),
        ("CustomPlugin", None, "plugin"),
        ("_gemm_mha_v2", None, "generated"),
        ("DLA", None, "unknown"),
        ("NeverSeenBefore", "NorThis", "unknown"),
    ],
)
def test_every_type_becomes_a_layer_of_a_stated_kind(
    engine_type: str, operation: str | None, op: str
) -> None:
    found = layer(
        engine_type, [tensor("x", 1, 8, 4, 4)], [tensor("y", 1, 8, 4, 4)], ParameterType=operation
    )
    assert (found.kind, found.op) == ("other", op)
    assert found.bytes_moved == (0 if op == "noop" else 512)


def test_layers_without_tensors_are_views_or_unknown() -> None:
    assert layer("shape_call", [], []).op == "noop"
    assert layer("signal", [], []).op == "noop"
    found = layer("PluginV3", [], [])
    assert (found.op, found.bytes_moved, found.weight_bytes) == ("plugin", None, None)


def test_unknown_types_and_plugins_are_warned_of() -> None:
    sides = [tensor("x", 1, 8)], [tensor("y", 1, 8)]
    network = read(entry("DLA", *sides), entry("PluginV2", *sides), entry("PluginV2", *sides))
    assert network.warnings == (
        "layers of a type that no rule knows, whose cost is unknown: DLA (1)",
        "layers that are plug-ins, whose cost is unknown: PluginV2 (2)",
    )


@pytest.mark.parametrize("shape", [(), (1000,), (1, 8, 4), (1, 2, 3, 4, 5)])
def test_tensors_of_any_rank_are_read(shape: tuple[int, ...]) -> None:
    found = layer("PointWise", [tensor("x", *shape)], [tensor("y", *shape)])
    assert found.input_shapes == (shape,)


@pytest.mark.parametrize(
    ("description", "dtype"),
    [
        ("Row major linear FP32", "fp32"),
        ("Thirty-two wide channel vectorized row major Int8 format", "int8"),
        ("Row major linear BFloat16 format", "bf16"),
        ("Row major linear Int64 format", "int64"),
        ("Row major linear UInt8 format", "uint8"),
        ("Row major linear BOOL", "bool"),
        ("Row major linear FP8 format", "fp8"),
        ("Half", "fp16"),
        ("Float", "fp32"),
        ("Unknown format", "fp32"),
    ],
)
def test_formats_name_data_types(description: str, dtype: str) -> None:
    found = layer("Shuffle", [tensor("x", 2, 2, kind=description)], [tensor("y", 2, 2)])
    assert found.input_dtypes[0] == (dtype if description != "Unknown format" else "fp16")


def test_a_point_wise_layer_counts_its_operations() -> None:
    sides = [tensor("x", 1, 8, 4, 4)], [tensor("y", 1, 8, 4, 4)]
    found = layer(
        "PointWiseV2", *sides,
        Operations=["var0 = pwgen::iMax(arg0, l1);", "var1 = pwgen::iMin(var0, l0);"],
    )  # fmt: skip
    assert (found.fused_ops, found.flops) == (("Min",), 2 * 128)
    assert layer("PointWise", *sides, NbOperations=3).flops == 3 * 128


def test_only_the_first_profile_of_an_engine_runs() -> None:
    sides = [tensor("x", 1, 8)], [tensor("y", 1, 8)]
    network = read(
        entry("PointWise", *sides, name="a"), entry("PointWise", *sides, name="a [profile 1]")
    )
    assert [one.name for one in network.layers] == ["a"]
    assert network.warnings[0].startswith("the engine has 2 optimisation profiles")


def test_a_list_of_layers_is_an_engine_too() -> None:
    found = network_from_engine(
        [entry("PointWise", [tensor("x", 5, 8)], [tensor("y", 5, 8)])], Source("a.json", "t")
    )
    assert (found.layers[0].input_shapes, found.batch) == (((5, 8),), 5)


def test_a_name_that_utf8_cannot_hold_is_made_readable() -> None:
    found = layer("NoOp", [], [], name="bad \ud800 name")
    assert found.name == "bad ? name"


REFUSED = [
    ({}, "has no Layers"),
    ("text", "is no engine description"),
    ({"Layers": []}, "describes no layers"),
    ({"Layers": ["a", "b"]}, "holds only the names of the engine's layers; build it with det"),
    ([{"count": 5}, {"name": "a", "averageMs": 1.0}], "holds times of layers"),
    ([{"name": "a"}], "holds no layers of an engine"),
    ({"Layers": {"a": 1}}, "Layers is .*, where a list is expected"),
    ({"Layers": [entry("NoOp", [], []), "b"]}, r"Layers\[1\] is 'b', where an object"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "message"), REFUSED)
def test_what_is_no_engine_description_is_refused(document: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        network_from_engine(document, Source("a.json", "tensorrt"))


def test_names_alone_come_with_the_command_that_gives_more() -> None:
    with pytest.raises(InvalidInput, match="--profilingVerbosity=detailed --exportLayerInfo"):
        read("conv1", "conv2")


X, Y = tensor("x", 1, 8, 4, 4), tensor("y", 1, 8, 4, 4)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (entry("CaskConvolution", [], [Y]), "'layer' is a convolution without input or output"),
        (entry("CaskPooling", [X], []), "'layer' is a pooling without input or output"),
        (entry("gemm", [X], None), "'layer' is a matrix product without input or output"),
        (entry("PointWise", [], []), r"'layer' \(PointWise\) has no tensors"),
        (entry("Scale", [{"Name": "x"}], [Y]), "'layer' has a tensor 'x' without Dimensions"),
        (entry("Scale", [tensor("x", 1, -8)], [Y]), "tensor 'x': Dimensions has a negative"),
        (entry("Scale", [tensor("x", -1, 8)], [Y]), "dynamic shapes; .*--shapes="),
        (entry("Scale", [tensor("x", 2**40)], [Y]), "absurdly large dimension"),
        (entry("Scale", [tensor("x", 2**30, 2**30)], [Y]), r"more than 2\*\*40 elements"),
        (entry("Scale", [tensor("x", *[1] * 65)], [Y]), "has 65 dimensions"),
        (entry("CaskConvolution", [X], [Y], Kernel=[3, 3], Groups=3), "3 Groups, which do not"),
        (entry("CaskConvolution", [X], [Y], Kernel=[2**30, 2**30]), r"Kernel has more than"),
        (entry("CaskConvolution", [tensor("x", 8)], [Y]), "fewer than two dimensions"),
        (entry("CaskConvolution", [X], [Y], Weights={"Count": -1}), "Weights.Count is -1"),
        (entry("PointWise", [X], [Y], Operations=7), "Operations is 7, where a list"),
    ],
)
def test_an_impossible_layer_is_refused_by_name(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(broken)
