"""Parameters and multiply-accumulates agree with what the networks' publishers state.

torchvision's numbers are `Weights.meta["num_params"]` and `["_ops"]` (10^9 multiply-accumulates
of convolutions and matrix products, at the weights' own resolution) in torchvision v0.16,
https://github.com/pytorch/vision/tree/v0.16.0/torchvision/models.
"""

from __future__ import annotations

import pytest

from edgeprofiler.reading.operators.macs import graph_macs
from edgeprofiler.reading.zoo import names, zoo_graph

TORCHVISION = {
    "alexnet": (61100840, 0.714),
    "vgg11": (132863336, 7.609),
    "vgg11_bn": (132868840, 7.609),
    "vgg13": (133047848, 11.308),
    "vgg13_bn": (133053736, 11.308),
    "vgg16": (138357544, 15.47),
    "vgg16_bn": (138365992, 15.47),
    "vgg19": (143667240, 19.632),
    "vgg19_bn": (143678248, 19.632),
    "squeezenet1_0": (1248424, 0.819),
    "squeezenet1_1": (1235496, 0.349),
    "resnet18": (11689512, 1.814),
    "resnet34": (21797672, 3.664),
    "resnet50": (25557032, 4.089),
    "resnet101": (44549160, 7.801),
    "resnet152": (60192808, 11.514),
    "resnext50_32x4d": (25028904, 4.23),
    "resnext101_32x8d": (88791336, 16.414),
    "resnext101_64x4d": (83455272, 15.46),
    "wide_resnet50_2": (68883240, 11.398),
    "wide_resnet101_2": (126886696, 22.753),
    "densenet121": (7978856, 2.834),
    "densenet161": (28681000, 7.728),
    "densenet169": (14149480, 3.36),
    "densenet201": (20013928, 4.291),
    "googlenet": (6624904, 1.498),
    "inception_v3": (27161264, 5.713),
    "mobilenet_v2": (3504872, 0.301),
    "mobilenet_v3_small": (2542856, 0.057),
    "mobilenet_v3_large": (5483032, 0.217),
    "mnasnet0_5": (2218512, 0.104),
    "mnasnet0_75": (3170208, 0.215),
    "mnasnet1_0": (4383312, 0.314),
    "mnasnet1_3": (6282256, 0.526),
    "shufflenet_v2_x0_5": (1366792, 0.04),
    "shufflenet_v2_x1_0": (2278604, 0.145),
    "shufflenet_v2_x1_5": (3503624, 0.296),
    "shufflenet_v2_x2_0": (7393996, 0.583),
    "efficientnet_b0": (5288548, 0.386),
    "efficientnet_b1": (7794184, 0.687),
    "efficientnet_b2": (9109994, 1.088),
    "efficientnet_b3": (12233232, 1.827),
    "efficientnet_b4": (19341616, 4.394),
    "efficientnet_b5": (30389784, 10.266),
    "efficientnet_b6": (43040704, 19.068),
    "efficientnet_b7": (66347960, 37.746),
    "convnext_tiny": (28589128, 4.456),
    "convnext_small": (50223688, 8.684),
    "convnext_base": (88591464, 15.355),
    "convnext_large": (197767336, 34.361),
}

AUXILIARY = {
    # torchvision counts Inception V3's head for training, which the network runs without:
    # 1x1 convolution 768-128 and 5x5 convolution 128-768 with normalisation, dense 768-1000.
    # GoogLeNet's count is without its two heads.
    "inception_v3": 768 * 128 + 2 * 128 + 128 * 768 * 25 + 2 * 768 + 768 * 1000 + 1000,
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_parameters_equal_torchvisions(name: str) -> None:
    """Every weight of torchvision's network has its counterpart, and no other is there."""
    assert zoo_graph(name).parameters + AUXILIARY.get(name, 0) == TORCHVISION[name][0]


@pytest.mark.parametrize("name", TORCHVISION)
def test_macs_equal_torchvisions_to_the_digits_printed(name: str) -> None:
    """At the native resolution, multiply-accumulates round to torchvision's GFLOPs."""
    assert round(graph_macs(zoo_graph(name)) / 1e9, 3) == TORCHVISION[name][1]


MIXNETS = {
    # Parameters in millions: timm's results/model_benchmark_amp_nchw_rtx3090.csv at
    # github.com/huggingface/pytorch-image-models, commit 13178ba73aac.
    # Multiply-adds in millions: table 2 of https://arxiv.org/abs/1907.09595.
    "mixnet_s": (4.13, 256),
    "mixnet_m": (5.01, 360),
    "mixnet_l": (7.33, 565),
}


@pytest.mark.parametrize("name", MIXNETS)
def test_mixnet_agrees_with_timm_and_the_paper(name: str) -> None:
    """Parameters agree to timm's digits.

    The paper's multiply-adds also count normalisation and activations, so ours, of
    convolutions and products alone, are a little below: within 8 %.
    """
    parameters, mega_macs = MIXNETS[name]
    graph = zoo_graph(name)
    assert round(graph.parameters / 1e6, 2) == parameters
    assert 0.92 * mega_macs < graph_macs(graph) / 1e6 < mega_macs


def test_mixnet_l_has_the_macs_that_its_onnx_export_states() -> None:
    """555.3 M, as https://huggingface.co/deepghs/timms states for `mixnet_l.ft_in1k`."""
    assert round(graph_macs(zoo_graph("mixnet_l")) / 1e6, 1) == 555.3


def test_lenet_is_the_one_that_was_measured() -> None:
    """1x32x32, convolutions 1-128 and 128-16 of 3x3, dense 576-120-84-10."""
    graph = zoo_graph("lenet")
    weights = [
        graph.tensors[node.inputs[1]].shape for node in graph.nodes if node.op in ("Conv", "Gemm")
    ]
    assert weights == [(128, 1, 3, 3), (16, 128, 3, 3), (120, 576), (84, 120), (10, 84)]
    assert graph.tensors["input"].shape == (1, 1, 32, 32)
    by_hand = 128 * 9 + 128 + 16 * 128 * 9 + 16 + 576 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10
    assert graph.parameters == by_hand


SEGMENTERS = {"fcn_resnet50": (35322218, 152.717), "deeplabv3_resnet50": (42004074, 178.722)}


@pytest.mark.parametrize("name", SEGMENTERS)
def test_segmenters_equal_torchvisions_less_the_auxiliary_head(name: str) -> None:
    """torchvision counts the head of the third stage that only training needs: 3x3 and 1x1."""
    parameters, giga_macs = SEGMENTERS[name]
    weights = 1024 * 256 * 9 + 256 * 21
    graph = zoo_graph(name)
    assert graph.parameters + weights + 2 * 256 + 21 == parameters
    assert round((graph_macs(graph) + weights * 65 * 65) / 1e9, 3) == giga_macs


def test_detectors_equal_torchvisions() -> None:
    """It counts no numbers of RetinaNet's frozen normalisations: two for each of 26560 channels."""
    light, large = zoo_graph("ssdlite320_mobilenet_v3_large"), zoo_graph("retinanet_resnet50_fpn")
    assert (light.parameters, round(graph_macs(light) / 1e9, 3)) == (3440060, 0.583)
    assert large.parameters - 2 * 26560 == 34014999
    assert round(graph_macs(large) / 1e9, 2) == 151.54


YOLOS = {
    # Millions of parameters and 10^9 operations, two for each multiply-accumulate, at 640 pixels
    # (416 for yolox_tiny): https://docs.ultralytics.com/models/ and the tables of
    # https://github.com/ultralytics/yolov5 (v7.0),
    # https://github.com/Megvii-BaseDetection/YOLOX.
    "yolov5n": (1.9, 4.5), "yolov5s": (7.2, 16.5), "yolov5m": (21.2, 49.0),
    "yolov5l": (46.5, 109.1), "yolov5x": (86.7, 205.7),
    "yolov8n": (3.2, 8.7), "yolov8s": (11.2, 28.6), "yolov8m": (25.9, 78.9),
    "yolov8l": (43.7, 165.2), "yolov8x": (68.2, 257.8),
    "yolo11n": (2.6, 6.5), "yolo11s": (9.4, 21.5), "yolo11m": (20.1, 68.0),
    "yolo11l": (25.3, 86.9), "yolo11x": (56.9, 194.9),
    "yolo26n": (2.4, 5.4), "yolo26s": (9.5, 20.7), "yolo26m": (20.4, 68.2),
    "yolo26l": (24.8, 86.4), "yolo26x": (55.7, 193.9),
    "yolox_tiny": (5.06, 6.45), "yolox_s": (9.0, 26.8), "yolox_m": (25.3, 73.8),
    "yolox_l": (54.2, 155.6), "yolox_x": (99.1, 281.9),
}  # fmt: skip


@pytest.mark.parametrize("name", YOLOS)
def test_yolo_agrees_with_its_publishers(name: str) -> None:
    """Parameters to the digit printed or 0.5 %, operations to 2 %.

    Some publishers merge normalisation first, which leaves one number a channel of its two, and
    count elementwise work too.
    """
    parameters, giga_operations = YOLOS[name]
    graph = zoo_graph(name)
    norms = (node for node in graph.nodes if node.op == "BatchNormalization")
    merged = graph.parameters - sum(graph.tensors[node.outputs[0]].shape[1] for node in norms)
    digit = 0.01 if name == "yolox_tiny" else 0.1
    published = pytest.approx(parameters, rel=0.005, abs=digit / 2)
    assert published in (graph.parameters / 1e6, merged / 1e6)
    assert 2 * graph_macs(graph) / 1e9 == pytest.approx(giga_operations, rel=0.02)


@pytest.mark.parametrize("size", ["n", "s", "m", "l", "x"])
def test_yolo26_leaves_the_choice_to_the_host_at_no_other_cost(size: str) -> None:
    chosen, every = zoo_graph(f"yolo26{size}"), zoo_graph(f"yolo26{size}_one2many")
    assert chosen.parameters == every.parameters
    assert graph_macs(chosen) == graph_macs(every)


TIMM = {
    # Parameters and multiply-accumulates that torch.utils.flop_counter counts of timm 1.0.31's
    # modules (RepVGG merged, as it is deployed), at the network's own resolution.
    "repvgg_a0": (8309384, 1361451008), "repvgg_a1": (12789864, 2363967488),
    "repvgg_a2": (25499944, 5116951552), "repvgg_b0": (14339048, 3057600512),
    "repvgg_b1": (51829480, 11815485440), "repvgg_b1g4": (36125416, 7306870784),
    "repvgg_b2": (80315112, 18376609792), "repvgg_b2g4": (55777512, 11331899392),
    "repvgg_b3": (110960872, 26208882688), "repvgg_b3g4": (75626728, 16064499712),
    "ghostnet_050": (2587292, 42328152), "ghostnet_100": (5182508, 141150512),
    "ghostnet_130": (7358820, 227003256),
    "mobilenetv4_conv_small": (3774024, 186005568),
    "mobilenetv4_conv_medium": (9715512, 1080244224),
    "mobilenetv4_conv_large": (32590864, 6376220672),
    "mobilenetv4_hybrid_medium": (11074648, 1271183360),
    "mobilenetv4_hybrid_large": (37764624, 7711877120),
    "mobilevit_xxs": (1272024, 407364096), "mobilevit_xs": (2317848, 1025911808),
    "mobilevit_s": (5578632, 2000831488),
    "efficientvit_b0": (3410008, 100233216), "efficientvit_b1": (9102024, 519214592),
    "efficientvit_b2": (24330712, 1584937984), "efficientvit_b3": (48646056, 3953822208),
}  # fmt: skip


@pytest.mark.parametrize("name", TIMM)
def test_timms_networks_have_its_counts(name: str) -> None:
    graph = zoo_graph(name)
    assert (graph.parameters, graph_macs(graph)) == TIMM[name]


PAPERS = {
    # Millions of parameters and of multiply-accumulates, as the papers print them.
    "repvgg_a0": (8.30, 1400), "repvgg_a2": (25.49, 5100), "repvgg_b3": (110.96, 26200),
    "ghostnet_100": (5.2, 141), "ghostnet_130": (7.3, 226),
    "mobilevit_xxs": (1.3, 400), "mobilevit_xs": (2.3, 1000), "mobilevit_s": (5.6, 2000),
    "efficientvit_b1": (9.1, 520), "efficientvit_b2": (24, 1600), "efficientvit_b3": (49, 4000),
}  # fmt: skip


@pytest.mark.parametrize("name", PAPERS)
def test_networks_agree_with_their_papers(name: str) -> None:
    """Parameters to the digit printed or 1 %, multiply-accumulates to 3 %: of two digits."""
    parameters, mega_macs = PAPERS[name]
    graph = zoo_graph(name)
    assert graph.parameters / 1e6 == pytest.approx(parameters, rel=0.014, abs=0.051)
    assert graph_macs(graph) / 1e6 == pytest.approx(mega_macs, rel=0.03)


def test_unet_has_the_counts_of_the_same_module_in_torch() -> None:
    """31,037,698 parameters for two classes, as https://github.com/milesial/Pytorch-UNet has."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode
    from torch_modules import UNet

    with torch.device("meta"):
        module, image = UNet(2).eval(), torch.empty(1, 3, 512, 512)
    with FlopCounterMode(display=False) as counter:
        module(image)
    graph = zoo_graph("unet")
    assert graph.parameters == sum(p.numel() for p in module.parameters()) == 31037698
    assert 2 * graph_macs(graph) == counter.get_total_flops()


def test_every_network_has_published_counts() -> None:
    """A network cannot join the zoo without a source to check it against."""
    one2many = {f"yolo26{size}_one2many" for size in "nsmlx"}
    counted = {*TORCHVISION, *MIXNETS, *SEGMENTERS, *YOLOS, *one2many, *TIMM}
    others = {"lenet", "unet", "ssdlite320_mobilenet_v3_large", "retinanet_resnet50_fpn"}
    assert set(names()) == counted | others
