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

from edgeprofiler.core.activations import OPERATORS as ACTIVATIONS
from edgeprofiler.reading.lowering.target import BuildTarget


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
    since: tuple[int, int] = (0, 0)
    """First version of TensorRT that is known to do it."""

    def holds(self, precision: str, target: BuildTarget) -> bool:
        """Say whether an engine of `precision` that is built on `target` shows it."""
        return precision in self.precisions and target.has_tensorrt(self.since)


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
    ops=frozenset({"BatchNormalization", "Add", "Sub", "Mul", "Div"}),
)
GENERATED_ACTIVATION = Rule(
    name="convolution + generated activation",
    effect="SiLU, HardSwish, GELU, Mish and other point-wise chains of the convolution's output "
    "alone join the convolution in FP16 and INT8, and in TF32 where that is far faster than FP32; "
    "else they are one point-wise kernel after it.",
    evidence="'Conv + PWN(PWN(Sigmoid), Mul)' in published layer times of YOLOv8 engines "
    "(TensorRT 8.6, FP16); TensorRT 10.7: 21 PointWiseV2 layers in FP16, 87 in FP32 of one "
    "network on a GeForce RTX 30; unfused lists in ultralytics issue 6471 (FP32). No FP32 engine "
    "of an Orin is public: published times of YOLO11 and YOLO26 on three of them, 1.9 to 2.1 of "
    "FP16's, leave no room for kernels that move all activations once more. Not before 8.4: the "
    "MobileNetV3 and MixNet of Jetsons with JetPack 4.6. Catalog, 'Convolution and GELU'.",
    ops=ACTIVATIONS,
    since=(8, 4),
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
    "engines (TensorRT 8.6) and in tactic logs of TensorRT 10. TensorRT 8.5.2 still ran "
    "'PWN(PWN(PWN(Sigmoid), Mul), Add)' after the convolution, and the first convolution's SiLU "
    "too (layer times of yolov8m on a Jetson Orin, FP16; 4.4 % of its 16 ms).",
    since=(8, 6),
)
POINTWISE_CHAIN = Rule(
    name="point-wise chain",
    effect="Neighbouring element-wise operations of one shape, with no other reader between them, "
    "are one generated kernel.",
    evidence="catalog, 'PointWise fusion'; PWN(...) layers in ultralytics/yolov5 issue 12248; "
    "PointWiseV2 'PWN(clamp_max, clamp_min)' in orin-nano_mobilenet_v2_fp16_torch-trt.",
)
GENERATED_REGION = Rule(
    name="movement beside a product",
    effect="Around a product of two activations, slices, transposes, padding and point-wise "
    "operations are generated together: what moves data runs inside the point-wise kernel or "
    "softmax that reads or writes it, a transpose that a product reads is an argument of the "
    "product, and what is left of one tensor is one copy.",
    evidence="TensorRT 10.7's listing of YOLO26n's attention (FP16 and FP32): 'MovSliSliTra', "
    "MatMul, 'MulMaxSubExpSum', 'DivMulTra', MatMul, 'Add', and no other kernel between the "
    "convolutions. '{ForeignNode[...]}' regions around MatMul and Softmax in builder logs of 8.4 "
    "to 8.6 (NVIDIA/TensorRT issues 2308 and 2577). GPUs before tensor cores were not seen.",
    since=(8, 4),
)
ATTENTION = Rule(
    name="attention as one kernel",
    effect="Product, scale, softmax and product of equal head widths are one kernel in FP16, from "
    "compute capability 7.5 on; the scores stay on the chip.",
    evidence="NVIDIA/TensorRT issue 3243: an 'mha' kernel on a Jetson Orin by TensorRT 8.6.0. "
    "YOLO's attention, whose keys are half as wide as its values, stays apart in 10.7.",
    precisions=frozenset({"fp16", "int8"}),
    since=(8, 6),
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
GROWING_CONCAT = Rule(
    name="concatenation channel after channel",
    effect="Without tensor cores activations lie channel after channel, so that a concatenation "
    "along channels is a longer tensor that begins with its first: only slices and other views "
    "are copied into it.",
    evidence="DenseNet-121 to 201, whose blocks concatenate anew after each layer, take 25 to 41 "
    "ms on a Jetson Nano; a copy a piece would be 589 to 1897 kernels of some 50 µs.",
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
    effect="Convolutions with one group and GEMMs that are built for FP32 compute in TF32, "
    "channels-last, where TF32's peak is above what FP32's multiplications reach; tensors stay "
    "FP32.",
    evidence="Peak ratio 8: ..._tf32f32_..._nhwc tactics for 19 of 19 convolutions behind the "
    "first and for the GEMM in a100_resnet18_fp32_trtexec, 3x3 ones too. Every TF32 tactic in "
    "all engine files is channels-last. No public FP32 engine of an Orin (ratio 4) is known.",
    precisions=frozenset({"fp32"}),
)
WINOGRAD = Rule(
    name="Winograd in FP32",
    effect="A 3x3 convolution of stride 1 is FP32, in rows, where TF32's peak is less than 2.25 "
    "times FP32's: Winograd's F(2x2, 3x3) saves that factor of multiplications.",
    evidence="Peak ratio 1: 'wngd2x2' and 'winograd' tactics, all NCHW, for 11 of 13 such "
    "convolutions in rtx3060m_resnet18_fp16_onnx-trt (direct FP32 for the two others, of 7x7), "
    "and 3 of 3 in rtx3060m_alexnet_fp16_onnx-trt. Both are FP32 despite their names. Peak ratio "
    "8: none of 13 in a100_resnet18_fp32_trtexec.",
    precisions=frozenset({"fp32"}),
)
TIE = Rule(
    name="equal peaks",
    effect="Where both peaks promise the same, a convolution is TF32 if its input lies "
    "channels-last or must be converted anyway, else FP32 in rows.",
    evidence="Peak ratio 1: TF32 for the first layers (the FP16 input is converted), for the 5x5 "
    "in rtx3060m_alexnet_fp16_onnx-trt and for 34 of 34 1x1 in "
    "rtx3060m_mobilenet_v2_fp16_onnx-trt; FP32 'ffma' for the 6 strided ones between Winograd's "
    "in rtx3060m_resnet18_fp16_onnx-trt. One of those was timed best channels-last, with two "
    "reformats around it: no rule gives that.",
    precisions=frozenset({"fp32"}),
)
ONE_ROW = Rule(
    name="one row of a product",
    effect="A fully connected layer of one image built for FP32 is a matrix-vector product in "
    "FP32: each weight is used once, so that bandwidth bounds it and tensor cores do not help.",
    evidence="'cublas_gemvx_f32f32_f32_f32' for 5 of 5 in the rtx3060m_*_onnx-trt files; TF32 "
    "for the batch of 32 in a100_resnet18_fp32_trtexec.",
    precisions=frozenset({"fp32"}),
)
FIRST_LAYER = Rule(
    name="first layer of TensorRT 8",
    effect="A convolution of fewer than four channels runs in rows and writes FP32, in FP32 and "
    "INT8 engines; a pooling after it stays so, and the result is converted once.",
    evidence="'ampere_scudnn_128x64_relu_xregs_large' in a100_resnet18_fp32_trtexec, "
    "'ampere_fp32_icudnn_int8x4_128x64_relu' in a100_resnet18_qat_trtexec, TiledPooling and "
    "'Reformatting CopyNode for Output Tensor 0 to MaxPool' after each, and in the calibrated "
    "ResNet of NVIDIA/TensorRT issue 1293 (8.0); that convolution takes a quarter of the FP32 "
    "engine's time. TensorRT 10 has TF32 kernels for three channels ('aligna4' in the "
    "rtx3060m_*_onnx-trt files), and INT8 ones that write INT8 (see STEM_POOLING).",
    precisions=frozenset({"fp32", "int8"}),
)
STEM_POOLING = Rule(
    name="stem with its pooling",
    effect="In calibrated INT8 engines a convolution of 7x7 and stride 2 of the image, its ReLU "
    "and the 3x3 maximum pooling of stride 2 behind it are one kernel.",
    evidence="CaskConvActPool 'resnetv15_conv0_fwd + batchnorm0 + relu0 + pool0', whose results "
    "are all INT8, in NVIDIA/TensorRT issue 4020 (TensorRT 10.1, trtexec --fp16 --int8); "
    "'Conv_0 + Relu_1 + MaxPool_2' of resnet50 in issue 2518, where NVIDIA says that only INT8 "
    "has it. TensorRT 8.0 kept the pooling apart (issue 1293). Other windows were not seen.",
    precisions=frozenset({"int8"}),
    since=(10, 0),
)
INTERLEAVED = Rule(
    name="INT8's groups of channels",
    effect="INT8 convolutions write FP16 in groups of 32 channels; an FP16 kernel behind one "
    "reads it after a reformat. At the network's output they write the declared type in rows.",
    evidence="'Thirty-two wide channel vectorized row major' tensors, 'Reformatting CopyNode for "
    "Input Tensor 0 to GlobalAveragePool_246', and tactic i8f32_..._nchw of the last layer, with "
    "no reformat after it, in a100_resnet18_qat_trtexec.",
    precisions=frozenset({"fp16", "int8"}),
)
SIBLINGS = Rule(
    name="convolutions side by side",
    effect="Convolutions of one tensor with one window, and no more than a scale and a ReLU "
    "after each, are one convolution with all their filters.",
    evidence="GoogLeNet's builder log of TensorRT 5 ('Merging layers: inception_3a/1x1 + relu_1x1 "
    "|| 3x3_reduce + relu_3x3_reduce || 5x5_reduce + relu_5x5_reduce', then 'Generating copy' for "
    "the concatenation, 9 of 9 modules), and its layer times with '... || ...' and 'inception_3a/"
    "1x1 copy' in TensorRT 2.1; 'Conv_45 + Relu_46 || Conv_52 + Relu_53' of a calibrated INT8 "
    "detector in NVIDIA/TensorRT issue 1602 (8.x), and with quantisers in issue 2823; "
    "'/model.22/cv2.0/cv2.0.0/conv/Conv || /model.22/cv3.0/...' in ultralytics issue 6471 (FP32). "
    "No public FP16 engine of TensorRT 10 with such convolutions is known. With SiLU, versions "
    "differ: published FP16 engines of YOLOv5 keep convolutions apart, one of yolov8m by TensorRT "
    "8.5.2 on a Jetson Orin puts the head's three pairs side by side and runs each SiLU after it.",
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
LINEAR_SUMS_APART = Rule(
    name="Torch-TensorRT's sums without activation",
    effect="Built by Torch-TensorRT with a TensorRT 10 later than 10.1, a residual addition that "
    "no ReLU follows is a kernel of its own.",
    evidence="10 '__myl_Add' kernels in rtx3060m_mobilenet_v2_fp16_torch-trt; none in "
    "orin-nano_mobilenet_v2_fp16_torch-trt (10.1), nor in rtx3060m_resnet18_fp16_torch-trt, "
    "where a ReLU follows each sum.",
    ops=frozenset({"Add"}),
)
QUANTIZED = Rule(
    name="explicit quantisation",
    effect="DequantizeLinear before a convolution makes it INT8 and takes no layer; "
    "QuantizeLinear joins the layer that produces its input if nothing else reads that, and is a "
    "reformat otherwise; quantisers of one tensor with one scale are one. Poolings between "
    "quantisers, and what moves data between two of one scale, work on INT8.",
    evidence="a100_resnet18_qat_trtexec: 'QuantizeLinear_15' is a Reformat layer (its input also "
    "feeds an addition), 'conv1.weight + QuantizeLinear_20 + Conv_22' writes INT8; "
    "'QuantizeLinear_65' is the one Reformat for both convolutions of layer2.0, each of which "
    "has a quantiser in the model. TensorRT's developer guide, 'Explicit Quantization': a "
    "quantizable AveragePool takes the quantisers around it, and quantisers move past MaxPool.",
    ops=frozenset({"QuantizeLinear", "DequantizeLinear"}),
)
FASTER_TYPE = Rule(
    name="the faster type",
    effect="An engine for a narrower type may hold wider kernels, a calibrated one FP16's: where "
    "the conversions of the whole network cost more than the narrower type saves, it keeps the "
    "wider one (`Network.wider`; the predictor compares).",
    evidence="NVIDIA in NVIDIA/TensorRT issue 2905: a precision is enabled, not set, and the "
    "fastest kernels of all that are enabled are kept; in pytorch/TensorRT issue 93: an FP16 "
    "kernel may be faster than INT8's for a model, batch or size. That it is decided for the "
    "network at once is a simplification: TensorRT times layers, each with its conversions.",
    precisions=frozenset({"fp16", "int8"}),
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
    RESIDUAL_AFTER_ACTIVATION, CLAMPS_APART, LINEAR_SUMS_APART, POINTWISE_CHAIN, SIBLINGS,
    GENERATED_REGION, ATTENTION, PADDING, DENSE, IN_PLACE_CONCAT, GROWING_CONCAT, SLICE_VIEW,
    REFORMAT, QUANTIZED, INTERLEAVED, FIRST_LAYER, STEM_POOLING, ONE_ROW, WINOGRAD, TF32, TIE,
    FASTER_TYPE,
)  # fmt: skip
"""All rules in the order in which they act."""
