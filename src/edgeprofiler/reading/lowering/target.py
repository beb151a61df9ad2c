"""What an engine is built on, as far as the choice of kernels depends on it."""

from __future__ import annotations

from dataclasses import dataclass

from edgeprofiler.core.device import Device
from edgeprofiler.core.device.software import version_of

WINOGRAD_SAVING = 36 / 16
"""Multiplications of a direct 3x3 convolution over those of F(2x2, 3x3): Lavin and Gray, "Fast
algorithms for convolutional neural networks", 2016; `wngd2x2` in the names of FP32 kernels."""

_MINORS = 1000
"""More than a version has minor ones."""


@dataclass(frozen=True)
class BuildTarget:
    """A GPU and a TensorRT that build engines."""

    name: str
    tf32_ratio: float
    """Dense TF32 peak over FP32 peak; 0 where the GPU has no TF32."""
    tensorrt: tuple[int, int] = (10, 3)
    """Version of TensorRT."""
    linear_sums_apart: bool = False
    """Whether Torch-TensorRT's residual sums without activation are kernels of their own."""
    tensor_cores: bool = True
    """Whether FP16 and INT8 are multiplied by tensor cores, which want channels last."""
    int8: bool = True
    """Whether INT8 multiplies faster than FP16, without which TensorRT keeps FP16 kernels: not so
    on compute capability 5.3 and 6.2 (Nano, TX2)."""

    def has_tensorrt(self, version: tuple[int, int]) -> bool:
        """Whether TensorRT is of a version or newer."""
        # As one number: part by part, `plans` would note the answer to each comparison.
        major, minor = self.tensorrt
        return major * _MINORS + minor >= version[0] * _MINORS + version[1]

    @staticmethod
    def of(device: Device) -> BuildTarget:
        """Return the target of engines for `device`: its data sheet says whether it has TF32."""
        tf32 = "tf32" in device.datasheet.peak_flops
        ratio = device.peak_flops("tf32") / device.peak_flops("fp32") if tf32 else 0.0
        return BuildTarget(
            device.name,
            tf32_ratio=round(ratio, 2),
            tensorrt=version_of(device.tensorrt),
            tensor_cores=device.datasheet.tensor_cores,
            int8=device.peak_flops("int8") > device.peak_flops("fp16"),
        )


JETSON_ORIN = BuildTarget("Jetson Orin", tf32_ratio=4.0)
"""The default. 512 TF32 against 128 FP32 multiply-accumulates a clock and multiprocessor: the
peaks of the device files, from the Jetson AGX Orin Series Technical Brief."""
GEFORCE_AMPERE = BuildTarget(
    "GeForce RTX 30", tf32_ratio=1.0, tensorrt=(10, 7), linear_sums_apart=True
)
"""29.8 TFLOP/s dense in TF32 and in FP32 (RTX 3080; the same multiprocessors in all of them):
NVIDIA Ampere GA102 GPU Architecture whitepaper, appendix A."""
A100_TENSORRT_8 = BuildTarget("A100, TensorRT 8", tf32_ratio=8.0, tensorrt=(8, 4))
"""156 TFLOP/s in TF32, 19.5 in FP32: NVIDIA A100 datasheet."""
