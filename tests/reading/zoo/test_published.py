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


def test_every_network_has_published_counts() -> None:
    """A network cannot join the zoo without a source to check it against."""
    assert set(names()) == {*TORCHVISION, *MIXNETS, "lenet"}
