"""Profiles that pages and pictures are tested with."""

from dataclasses import replace

import numpy as np

from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.core.profile import Profile
from edgeprofiler.prediction.predict import predict

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(2)>',
    "<!--<script>",
    "{{ 7*7 }}",
    "a|b`c*d_e$f$",
    "\u2028line\u2029",
    "line\nfeed",
    "acts\x1b[2J\x07\u202e\u2066",
)


def network(names: list[str], name: str = "net") -> Network:
    """A chain of 3x3 convolutions, one a name."""
    layers = tuple(
        make_layer(
            name=layer, kind="convolutional", op="convolution", kernel=(3, 3), dtype="fp16",
            input_shapes=[(1, 16, 8, 8)], output_shapes=[(1, 16, 8, 8)], weight_elements=2304,
        )
        for layer in names
    )  # fmt: skip
    return Network(name, layers, Source(name, "test"))


def hostile() -> Profile:
    """A profile whose every text wants to be markup."""
    profile = predict(network(list(HOSTILE), name=HOSTILE[0]), load_device("jetson-nano"))
    return replace(profile, warnings=HOSTILE, interval_kind=HOSTILE[0])


def measured() -> Profile:
    """A measured profile on a board that nobody knows, with samples and standard errors."""
    profile = predict(network(["one", "two", "three"]), load_device("jetson-nano"))
    costs = replace(
        profile.costs,
        known_by=("samples", "group:1", "group:1"),
        samples=np.array([1200.0, 34.0, 34.0]),
        standard_error_w=np.array([0.01, 0.2, 0.2]),
    )
    return replace(
        profile,
        costs=costs,
        device=replace(profile.device, name="my-board"),
        origin=replace(profile.origin, kind="measured", by="a test"),
        simulated=True,
    )
