"""Layers to try the cost model on."""

from __future__ import annotations

from edgeprofiler.core.device import Device, load_device
from edgeprofiler.core.network import Columns, Layer, make_layer
from edgeprofiler.prediction.costmodel.hardware import Hardware
from edgeprofiler.prediction.costmodel.model import LayerTimes, layer_times
from edgeprofiler.prediction.costmodel.parameters import Parameters, shared_parameters
from edgeprofiler.prediction.costmodel.work import Work

NUMBERS = shared_parameters()
ORIN, NANO, XAVIER = (
    load_device(name) for name in ("jetson-orin-nano", "jetson-nano", "jetson-agx-xavier")
)


def convolution(
    channels: int = 64, out: int = 64, size: int = 56, kernel: int = 3, groups: int = 1,
    dtype: str = "fp16", stride: int = 1, dilation: int = 1,
) -> Layer:  # fmt: skip
    return make_layer(
        name="c", kind="convolutional", op="convolution",
        input_shapes=[(1, channels, size, size)],
        output_shapes=[(1, out, size // stride, size // stride)],
        dtype=dtype, weight_elements=out * channels // groups * kernel**2,
        kernel=(kernel, kernel), stride=(stride, stride), dilation=(dilation, dilation),
        groups=groups,
    )  # fmt: skip


def other(op: str, *, kind: str = "other") -> Layer:
    return make_layer(
        name=op, kind=kind, op=op, input_shapes=[(1, 64, 56, 56)],  # type: ignore[arg-type]
        output_shapes=[(1, 64, 56, 56)], dtype="fp16",
    )  # fmt: skip


def work(*layers: Layer) -> Work:
    return Work.of(Columns.of(layers))


def times(*layers: Layer, on: Device = ORIN, numbers: Parameters = NUMBERS) -> LayerTimes:
    found = work(*layers)
    return layer_times(found, Hardware.seen_by(found, on), numbers)


def seconds(layer: Layer, on: Device = ORIN, numbers: Parameters = NUMBERS) -> float:
    return float(times(layer, on=on, numbers=numbers).runtime_s[0])
