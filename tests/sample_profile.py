"""A small profile with all that a profile may have, for every test that needs one."""

import numpy as np

from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.core.profile import Costs, DeviceLabel, Origin, Part, Profile


def example() -> Profile:
    """A convolution that costs 0.5 mJ, a view that costs nothing, a plug-in nobody knows."""
    shapes = {"input_shapes": [(1, 3, 8, 8)], "output_shapes": [(1, 4, 8, 8)], "dtype": "fp16"}
    layers = (
        make_layer(name="conv", kind="convolutional", op="convolution", kernel=(3, 3), **shapes),
        make_layer(name="view", kind="other", op="noop", **shapes),
        make_layer(name="=cmd()", kind="other", op="plugin", engine_type="PluginV3", **shapes),
    )
    return Profile(
        network=Network("net", layers, Source("net.onnx", "onnx", "1.16")),
        device=DeviceLabel("jetson-orin-nano", "15w", "trtexec", "test"),
        origin=Origin("predicted", "roofline", "1"),
        idle_power_w=4.0,
        costs=Costs(
            runtime_s=np.array([5e-5, 0.0, np.nan]),
            power_w=np.array([10.0, np.nan, np.nan]),
            covered=np.array([True, True, False]),
            bound=("compute", "", ""),
            known_by=("model", "noop", ""),
        ),
        fixed=Part(1e-4, 6.0),
        host_gap=Part(1e-3, 5.0),
        total_intervals={"energy_j": (5e-3, 7e-3)},
        warnings=("a plug-in is not covered",),
    )
