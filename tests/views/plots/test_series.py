"""What pictures show adds up to what the profile says."""

from dataclasses import replace

import numpy as np
import pytest
from profiles_to_show import measured, network
from sample_profile import example

from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.core.profile import DeviceLabel
from edgeprofiler.prediction.predict import predict
from edgeprofiler.views.plots.series import by_kind, by_stage, known_device, roofline, timeline
from edgeprofiler.views.plots.stages import MAX_STAGES, stages


@pytest.fixture(scope="module")
def resnet():
    return predict("zoo:resnet18", "jetson-orin-nano@25w")


def test_bars_follow_each_other_and_their_area_is_the_energy_of_one_inference(resnet):
    bars = timeline(resnet)
    assert bars.start_s[1:] == pytest.approx((bars.start_s + bars.width_s)[:-1])
    assert bars.width_s.sum() == pytest.approx(resnet.totals.end_to_end_s.value)
    assert (bars.width_s * bars.power_w).sum() == pytest.approx(resnet.totals.energy_j.value)
    assert bars.label[-2:] == ("fixed part", "host gap")


def test_layers_that_take_no_time_or_are_unknown_have_no_bar():
    bars = timeline(example())
    assert bars.label == ("conv", "fixed part", "host gap")


@pytest.mark.parametrize("group", [by_kind, by_stage])
def test_groups_add_up_to_the_totals(resnet, group):
    for profile in (resnet, example(), measured()):
        shares = group(profile)
        assert sum(s.energy_j for s in shares) == pytest.approx(profile.totals.energy_j.value)
        assert sum(s.runtime_s for s in shares) == pytest.approx(profile.totals.end_to_end_s.value)
        assert sum(s.layers for s in shares) == len(profile)


def test_the_stages_of_a_residual_network_are_its_resolutions(resnet):
    found = [share.label for share in by_stage(resnet)]
    assert found[:6] == ["224x224", "112x112", "56x56", "28x28", "14x14", "7x7"]


def _sizes(sizes, names=None):
    layers = tuple(
        make_layer(
            name=names[i] if names else f"l{i}", kind="other", op="pointwise", dtype="fp16",
            input_shapes=[(1, 4, *size)], output_shapes=[(1, 4, *size)],
        )
        for i, size in enumerate(sizes)
    )  # fmt: skip
    return Network("net", layers, Source("net", "test"))


def test_the_two_sides_of_a_u_net_are_stages_of_their_own():
    found = stages(_sizes([(64, 64), (32, 32), (16, 16), (32, 32), (64, 64)]))
    assert found == ("64x64 (1)", "32x32 (1)", "16x16", "32x32 (2)", "64x64 (2)")


def test_branches_that_take_turns_are_joined_by_resolution():
    sizes = [(64, 64), (32, 32), (16, 16)] * MAX_STAGES
    assert set(stages(_sizes(sizes))) == {"64x64", "32x32", "16x16"}


def test_a_network_without_images_has_stages_by_its_layers_names():
    names = [f"/blocks.{i}/{part}" for i in range(5) for part in ("attn", "mlp")]
    found = stages(_sizes([()] * 10, names))
    assert found[0] == found[1] == "blocks/0"
    assert len(set(found)) == 5


def test_names_that_say_nothing_leave_one_stage():
    assert len(set(stages(_sizes([(8, 8)] * 100)))) == 1


def test_no_layer_of_a_prediction_is_above_the_roof(resnet):
    found = roofline(resnet)
    limit = np.minimum(found.roofs[0].flops, found.bandwidth_bytes_per_s * found.intensity)
    assert (found.flops <= limit).all()
    device = load_device("jetson-orin-nano@25w")
    assert found.roofs[0].flops == device.peak_flops("fp16")
    assert found.bandwidth_bytes_per_s == device.bandwidth_bytes_per_s


def test_an_unknown_device_has_no_roof_unless_it_is_given():
    profile = measured()
    assert roofline(profile).roofs == ()
    assert roofline(profile, load_device("jetson-nano")).roofs


@pytest.mark.parametrize("name", ["my-board", "../board.toml", "/etc/passwd", "jetson-nano@maxn"])
def test_a_name_in_a_profile_is_never_taken_for_a_path(name):
    assert known_device(DeviceLabel(name, "maxn", "trtexec")) is None


def test_a_mode_that_a_device_has_not_is_an_unknown_device():
    assert known_device(DeviceLabel("jetson-nano", "99w", "trtexec")) is None


def test_a_profile_without_layers_is_drawn_empty():
    profile = predict(network([]), "jetson-nano")
    assert len(roofline(profile).index) == 0
    assert len(timeline(replace(profile))) == len(by_kind(profile))
