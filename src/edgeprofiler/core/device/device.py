"""A board in a stated power mode: its datasheet, its rails, and what was fitted on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from edgeprofiler.core.choices import runtime_named
from edgeprofiler.core.errors import UsageError


@dataclass(frozen=True)
class Datasheet:
    """What the maker says of the board, at the clocks of its fastest power mode."""

    gpu: str
    sms: int
    """Streaming multiprocessors."""
    gpu_clock_hz: float
    """GPU clock that the peaks below are stated at."""
    peak_flops: Mapping[str, float]
    """Dense FLOP/s (two a multiply-accumulate) by data type, tensor cores where there are any."""
    vector_flops: Mapping[str, float]
    """FLOP/s of the CUDA cores by data type."""
    bandwidth_bytes_per_s: float
    l2_bytes: int
    tensor_cores: bool
    compute_capability: float
    """CUDA's number for the generation, 8.7 for Orin."""
    sources: tuple[str, ...] = ()

    @property
    def async_copy(self) -> bool:
        """Whether kernels load data while they compute (CUDA: `cp.async`, from 8.0 on)."""
        return self.compute_capability >= 8.0


@dataclass(frozen=True)
class PowerMode:
    """One nvpmodel mode: what it caps."""

    name: str
    gpu_clock_hz: float
    bandwidth_bytes_per_s: float
    sms: int
    power_budget_w: float
    """Budget that the mode is named for; NaN where it is uncapped and none is stated."""
    idle_power_w: float
    note: str = ""


@dataclass(frozen=True)
class Calibration:
    """Numbers fitted on measurements of one board, power mode and software stack."""

    mode: str
    runtime: str
    """Host runtime of the measurements, one of `RUNTIMES`."""
    software: str
    parameters: Mapping[str, float]
    """Board deviations and rates by name; the predictor that reads them documents each."""
    provenance: str
    rows: int = 0
    networks: tuple[str, ...] = ()
    errors: Mapping[str, float] = field(default_factory=dict)
    """Errors it was validated with, by name: `lono_mape`, `residual_q90`, ..."""


@dataclass(frozen=True)
class Device:
    """A board in one power mode, called by one host runtime."""

    name: str
    mode: PowerMode
    runtime: str
    datasheet: Datasheet
    modes: tuple[PowerMode, ...]
    default_mode: str
    total_rails: tuple[str, ...] = ()
    """Power rails whose sum is the board's input."""
    other_rails: tuple[str, ...] = ()
    idle_power_source: str = ""
    calibrations: tuple[Calibration, ...] = ()
    like: str = ""
    """A board of the same chip, whose calibration stands in while this one has none."""
    stand_ins: tuple[Calibration, ...] = ()
    """That board's calibrations."""
    description: str = ""
    family: str = "jetson"
    source: str = "shipped"
    """`shipped`, or the path of the file it was read from."""

    @property
    def spec(self) -> str:
        """How a user names it: `jetson-orin-nano@25w`."""
        return f"{self.name}@{self.mode.name}"

    @property
    def gpu_clock_hz(self) -> float:
        """GPU clock in this mode."""
        return self.mode.gpu_clock_hz

    @property
    def bandwidth_bytes_per_s(self) -> float:
        """DRAM bandwidth in this mode."""
        return self.mode.bandwidth_bytes_per_s

    @property
    def idle_power_w(self) -> float:
        """Power of the board's input when nothing runs."""
        return self.mode.idle_power_w

    @property
    def scale(self) -> float:
        """Peak compute of this mode as a share of the datasheet's."""
        sheet = self.datasheet
        return (self.mode.gpu_clock_hz / sheet.gpu_clock_hz) * (self.mode.sms / sheet.sms)

    def peak_flops(self, dtype: str) -> float:
        """Dense FLOP/s of `dtype` in this mode; a type without a peak runs as fp32."""
        return self._peak(self.datasheet.peak_flops, dtype)

    def vector_flops(self, dtype: str) -> float:
        """FLOP/s of the CUDA cores for `dtype` in this mode."""
        return self._peak(self.datasheet.vector_flops, dtype)

    def _peak(self, table: Mapping[str, float], dtype: str) -> float:
        alias = {"bf16": "fp16", "uint8": "int8", "fp8": "int8", "int4": "int8"}
        for name in (dtype, alias.get(dtype, "fp32"), "fp32", "fp16"):
            if name in table:
                return table[name] * self.scale
        return max(table.values()) * self.scale

    def with_mode(self, name: str) -> Device:
        """Return the same board in another power mode."""
        wanted = name.lower()
        for mode in self.modes:
            if mode.name == wanted:
                return replace(self, mode=mode)
        names = ", ".join(mode.name for mode in self.modes)
        raise UsageError(f"{self.name} has no power mode {name!r}; choose one of: {names}")

    def with_runtime(self, runtime: str) -> Device:
        """Return the same board called by another host runtime."""
        return replace(self, runtime=runtime_named(runtime))
