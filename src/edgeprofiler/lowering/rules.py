"""The fusions that TensorRT makes, declared, each with where it can be seen.

The target is the ONNX path of TensorRT 10 (`trtexec`), which is what a user who starts from a
model file gets. Torch-TensorRT differs in one respect that its engines show: a ReLU6 written as
two clamps between casts stays a point-wise kernel of its own (`PointWiseV2` in
`orin-nano_mobilenet_v2_fp16_torch-trt.json`), while trtexec's engine of the same network runs it
inside the convolution (`CLIPPED_RELU` in `rtx3060m_mobilenet_v2_fp16_trtexec.json`).

Engine files are named as in NVIDIA's and fuzzylabs' public collections; "catalog" is NVIDIA's
list of fusions, https://docs.nvidia.com/deeplearning/tensorrt/latest/performance/fusion-catalog.html.
Published listings of YOLO engines (TensorRT 8.6 and 10.7, FP16 and FP32) are the evidence where
no engine file shows a case.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeprofiler.lowering.vocabulary import ACTIVATIONS


@dataclass(frozen=True)
class Rule:
    """One fusion or simplification, and why it is believed."""

    name: str
    effect: str
    """What becomes of the operators, in one sentence."""
    evidence: str
    """The engine file or document that shows it."""
    ops: frozenset[str] = frozenset()
    """Operators that the rule is about, where the rule is a list of them."""
    precisions: frozenset[str] = frozenset({"fp32", "fp16", "int8"})
    """Precisions in which TensorRT does it."""


SIMPLE_ACTIVATION = Rule(
    name="convolution + simple activation",
    effect="ReLU, ReLU6 (Clip) and LeakyReLU run in the epilogue of the convolution or GEMM.",
    evidence="Activation RELU in rtx3060m_resnet18_fp16_trtexec and a100_resnet18_fp32_trtexec; "
    "CLIPPED_RELU in rtx3060m_mobilenet_v2_fp16_trtexec and ..._onnx-trt (TF32). LeakyReLU: the "
    "catalog's 'Convolution and ReLU' family.",
    ops=frozenset({"Relu", "Clip", "LeakyRelu"}),
)
FOLDED_SCALE = Rule(
    name="convolution + scale",
    effect="Batch normalisation, and a bias or factor per channel, fold into the weights.",
    evidence="[SCALE]-[..._native_batch_norm...] is a part of each convolution's name in "
    "orin-nano_resnet18_fp16_torch-trt; catalog, 'Convolution and Scale'.",
    ops=frozenset({"BatchNormalization", "Add", "Sub", "Mul", "Div", "BiasAdd"}),
)
GENERATED_ACTIVATION = Rule(
    name="convolution + generated activation",
    effect="SiLU, HardSwish, GELU, Mish and other point-wise chains of the convolution's output "
    "alone join the convolution in FP16 and INT8; in FP32 they are one point-wise kernel after it.",
    evidence="'Conv + PWN(PWN(Sigmoid), Mul)' in published layer times of YOLOv8 engines "
    "(TensorRT 8.6, FP16); TensorRT 10.7: 21 PointWiseV2 layers in FP16, 87 in FP32 of one "
    "network; unfused lists in ultralytics issue 6471 (FP32). Catalog, 'Convolution and GELU'.",
    ops=ACTIVATIONS,
    precisions=frozenset({"fp16", "int8"}),
)
RESIDUAL = Rule(
    name="convolution + residual addition",
    effect="An addition joins the convolution that runs last of its two producers; the other "
    "operand becomes a second input. A ReLU after it joins too.",
    evidence="'downsample.0/Conv + Add + Relu' with two inputs, after 'conv2/Conv', in "
    "rtx3060m_resnet18_fp16_trtexec and a100_resnet18_fp16_trtexec; "
    "'conv.2/Conv + Add' in rtx3060m_mobilenet_v2_fp16_trtexec.",
    ops=frozenset({"Add", "Sum", "QLinearAdd"}),
)
RESIDUAL_AFTER_ACTIVATION = Rule(
    name="convolution + activation + residual addition",
    effect="Conv, SiLU and the addition after it are one kernel in FP16 and INT8.",
    evidence="'Conv + PWN(PWN(PWN(Sigmoid), Mul), Add)' in published layer times of YOLOv8 "
    "engines (TensorRT 8.6) and in tactic logs of TensorRT 10.",
    precisions=frozenset({"fp16", "int8"}),
)
POINTWISE_CHAIN = Rule(
    name="point-wise chain",
    effect="Neighbouring element-wise operations of one shape, with no other reader between them, "
    "are one generated kernel.",
    evidence="catalog, 'PointWise fusion'; PWN(...) layers in ultralytics/yolov5 issue 12248; "
    "PointWiseV2 'PWN(clamp_max, clamp_min)' in orin-nano_mobilenet_v2_fp16_torch-trt.",
)
PADDING = Rule(
    name="padding + convolution",
    effect="Zero padding of the spatial dimensions joins the convolutions that read it.",
    evidence="catalog, 'Padding and Convolution/Deconvolution'.",
    ops=frozenset({"Pad"}),
)
NO_WORK = Rule(
    name="views",
    effect="Identity, Dropout, casts between floating-point types, pooling by 1x1, padding by "
    "nothing, and reshapes that leave the bytes in place take no layer.",
    evidence="alexnet's 6x6 adaptive pooling of 6x6 is absent in all rtx3060m_alexnet files; "
    "NoOp layers (clone, _to_copy, squeeze, reshape) in the torch-trt files, which the profiles "
    "time at 0.",
)
IN_PLACE_CONCAT = Rule(
    name="concatenation in place",
    effect="A producer that only the concatenation reads writes straight into the result; what "
    "others read too, resized tensors, slices, reshaped tensors, network inputs and residual sums "
    "after an activation are copied, one kernel each; neighbouring slices of one tensor are one.",
    evidence="published layer times of YOLOv8 engines: '... copy' layers exist for exactly those "
    "('model.9/m/MaxPool_output_0 copy', 'Resize_output_0 copy', 'm.0/Add_output_0 copy', "
    "'cv1/act/Mul_output_0 copy' for both halves), and for no other producer. DenseNet-121, 161 "
    "and 201 become 779, 1389 and 2207 layers, and take 13, 23 and 33 ms on a Jetson AGX Xavier.",
)
SLICE_VIEW = Rule(
    name="slice as a view",
    effect="Convolutions, poolings and concatenations read channels of a larger tensor in place; "
    "where an element-wise operation reads the slice it is copied once.",
    evidence="'/model.2/Slice' runs where a residual addition reads the slice (models 2, 4, 6), "
    "and has no layer where only a convolution and a concatenation do (models 12 to 27).",
)
REFORMAT = Rule(
    name="reformat",
    effect="Convolutions and poolings compute channels-last in the engine's precision: a layer "
    "converts the network's input, and every tensor in rows that a convolution reads, and "
    "channels-last tensors that a reshape, GEMM or output needs in rows.",
    evidence="'Reformatting CopyNode for Input Tensor 0' (FP32 rows to FP16 channels-last) and "
    "'for Output Tensor 0' in a100_resnet18_fp16_trtexec; before the flatten of "
    "rtx3060m_alexnet_fp16_torch-trt and orin-nano_vgg16_fp16_torch-trt; none before resnet18's, "
    "whose flatten is of 1x1.",
)
DENSE = Rule(
    name="fully connected as GEMM",
    effect="Gemm, MatMul by weights, and a convolution of 1x1 space are GEMMs of kind dense; the "
    "bias and the activation run inside.",
    evidence="'gemm' layers in rtx3060m_alexnet_fp16_trtexec and ..._mobilenet_v2_fp16_trtexec; "
    "CaskGemmConvolution 'Gemm + ElementWise + Relu' in the onnx-trt files.",
)
TF32 = Rule(
    name="FP32 as TF32",
    effect="Convolutions with one group and GEMMs that are built for FP32 compute in TF32 where "
    "the device has it; tensors stay FP32.",
    evidence="..._tf32f32_... tactics in a100_resnet18_fp32_trtexec and in "
    "rtx3060m_mobilenet_v2_fp16_onnx-trt (FP32 despite its name). Engines time both: "
    "rtx3060m_resnet18_fp16_onnx-trt took FP32 kernels for 19 of 20 convolutions.",
    precisions=frozenset({"fp32"}),
)
SIBLINGS = Rule(
    name="convolutions side by side",
    effect="Convolutions of one tensor with one window, and no more than a scale and a ReLU "
    "after each, are one convolution with all their filters.",
    evidence="'inception_3a/1x1 + relu || inception_3a/3x3_reduce + relu || ...' in NVIDIA's "
    "GoogLeNet sample logs; '/model.22/cv2.0/cv2.0.0/conv/Conv || /model.22/cv3.0/...' in "
    "ultralytics issue 6471 (FP32). Published FP16 engines of YOLOv5 keep convolutions with SiLU "
    "apart.",
    ops=frozenset({"BatchNormalization", "Relu", "Clip", "Add", "Mul"}),
)
CLAMPS_APART = Rule(
    name="Torch-TensorRT's ReLU6",
    effect="Built by Torch-TensorRT, a Clip is a point-wise kernel of its own.",
    evidence="35 PointWiseV2 layers 'PWN(clamp_max, clamp_min)' in "
    "orin-nano_mobilenet_v2_fp16_torch-trt, 34 '__myl_MaxMinCas' kernels in "
    "rtx3060m_mobilenet_v2_fp16_torch-trt, between casts to FP32 and back.",
    ops=frozenset({"Clip"}),
)
QUANTIZED = Rule(
    name="explicit quantisation",
    effect="DequantizeLinear before a convolution makes it INT8 and takes no layer; "
    "QuantizeLinear joins the layer that produces its input if nothing else reads that, and is a "
    "reformat otherwise.",
    evidence="a100_resnet18_qat_trtexec: 'QuantizeLinear_15' is a Reformat layer (its input also "
    "feeds an addition), 'conv1.weight + QuantizeLinear_20 + Conv_22' writes INT8.",
    ops=frozenset({"QuantizeLinear", "DequantizeLinear"}),
)
DEAD = Rule(
    name="dead and constant nodes",
    effect="Nodes that reach no output, and nodes that depend on constants and shapes only, are "
    "computed at build time.",
    evidence="TensorRT's developer guide, 'Layer fusion': elimination of layers whose outputs are "
    "not used, and constant folding.",
)

RULES: tuple[Rule, ...] = (
    DEAD, NO_WORK, FOLDED_SCALE, SIMPLE_ACTIVATION, GENERATED_ACTIVATION, RESIDUAL,
    RESIDUAL_AFTER_ACTIVATION, CLAMPS_APART, POINTWISE_CHAIN, SIBLINGS, PADDING, DENSE,
    IN_PLACE_CONCAT, SLICE_VIEW, REFORMAT, QUANTIZED, TF32,
)  # fmt: skip
"""All rules in the order in which they act."""
