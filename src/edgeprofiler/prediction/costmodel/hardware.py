"""What the cost model knows of a board in its power mode, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.prediction.costmodel.work import DTYPES, TENSOR_TYPES, Work

Values = float | FloatArray
"""One number for all layers or networks, or one for each."""

LANE_FLOPS = 256
"""FP32 operations a clock of 128 lanes. A multiprocessor counts as that whatever its generation
where depthwise work is meant: Volta has half the FP32 lanes, but as many schedulers and load
units, which bound it."""

CACHE_SHARE = 0.5
"""Of the L2 that a layer's tensors can lie in: the rest holds weights and what comes next."""

MEMORY_REFERENCE_HZ = 2.133e9
"""Clock of the memory that the share of its bandwidth is stated at; and what stands for the clock
where a board's file does not say it."""


@dataclass(frozen=True)
class Hardware:
    """A board's numbers, as seen by each of many layers; by data type where types differ."""

    tensor_flops: Values
    """Dense peak of the tensor cores; 0 where none multiply this type."""
    lane_flops: Values
    """Peak of the CUDA cores: in FP32 beside tensor cores, else in the layer's type."""
    depthwise_flops: Values
    """Operations of the lanes in the layer's type, multiprocessors counted as `LANE_FLOPS`."""
    bandwidth_bytes_per_s: Values
    memory_clock_hz: Values
    sms: Values
    clock_hz: Values
    cache_bytes: Values
    tensor_cores: bool | BoolArray
    tf32: bool | BoolArray
    """Whether the layer multiplies in TF32."""
    packed: bool | BoolArray
    """Whether it multiplies in INT8, whose channels come in packs twice as wide."""

    @staticmethod
    def seen_by(work: Work, device: Device) -> Hardware:
        """Return the numbers of `device` for each layer of `work`."""
        sheet, codes = device.datasheet, work.dtype_code
        peaks = np.array([device.peak_flops(dtype) for dtype in DTYPES])
        vector = np.array([device.vector_flops(dtype) for dtype in DTYPES])
        # Four INT8 products fit in a lane where two FP16 ones do; data sheets seldom say.
        int8 = DTYPES.index("int8")
        vector[int8] = max(vector[int8], vector[DTYPES.index("fp16")])
        tensor = np.where(np.isin(DTYPES, TENSOR_TYPES), peaks, 0.0) * sheet.tensor_cores
        if "tf32" not in sheet.peak_flops:
            tensor[DTYPES.index("tf32")] = 0.0
        lanes = np.full(len(DTYPES), device.vector_flops("fp32")) if sheet.tensor_cores else vector
        base = LANE_FLOPS * device.mode.clocks.sms * device.gpu_clock_hz
        return Hardware(
            tensor_flops=tensor[codes],
            lane_flops=lanes[codes],
            depthwise_flops=(base * vector / device.vector_flops("fp32"))[codes],
            bandwidth_bytes_per_s=device.bandwidth_bytes_per_s,
            memory_clock_hz=device.mode.clocks.emc_hz or MEMORY_REFERENCE_HZ,
            sms=float(device.mode.clocks.sms),
            clock_hz=device.gpu_clock_hz,
            cache_bytes=CACHE_SHARE * sheet.l2_bytes,
            tensor_cores=sheet.tensor_cores,
            tf32=codes == DTYPES.index("tf32"),
            packed=codes == int8,
        )

    @staticmethod
    def concatenate(parts: list[Hardware], sizes: list[int]) -> Hardware:
        """Return the numbers of several boards for layers that lie one after another.

        Args:
            parts: what each part's layers see.
            sizes: how many layers each part has.
        """

        def joined(name: str) -> Any:
            pairs = zip((getattr(part, name) for part in parts), sizes, strict=True)
            return np.concatenate([np.broadcast_to(values, size) for values, size in pairs])

        return Hardware(**{field.name: joined(field.name) for field in fields(Hardware)})
