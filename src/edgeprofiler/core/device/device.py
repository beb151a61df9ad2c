"""A board in a stated power mode: its datasheet, its rails, and what was fitted on it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from edgeprofiler.core import limits
from edgeprofiler.core.alike import Alike
from edgeprofiler.core.choices import DEFAULT_PRECISION, runtime_named
from edgeprofiler.core.device.clocks import parse_changes, parse_sweep
from edgeprofiler.core.device.datasheet import Datasheet
from edgeprofiler.core.device.modes import PowerMode, named_mode, with_clocks
from edgeprofiler.core.device.software import DEFAULT_TENSORRT, version_of
from edgeprofiler.core.errors import UsageError

_CPU_HZ = 1.5e9
"""Clock of the processor where a board's file states none: between those of the shipped boards."""


@dataclass(frozen=True)
class Calibration:
    """Numbers fitted on measurements of one board, power mode and software stack."""

    mode: PowerMode
    """What it was measured in."""
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


@dataclass(frozen=True, eq=False)
class Device(Alike):
    """A board in one power mode, called by one host runtime."""

    name: str
    mode: PowerMode
    runtime: str
    datasheet: Datasheet
    modes: tuple[PowerMode, ...]
    default_mode: str
    board_idle_power_w: float = math.nan
    """Typical power of the board's input when nothing runs, on `carrier`."""
    carrier: str = ""
    """The carrier board that the idle power is of; empty where it is not known."""
    idle_power_source: str = ""
    total_rails: tuple[str, ...] = ()
    """Power rails whose sum is the board's input."""
    other_rails: tuple[str, ...] = ()
    jetpacks: tuple[str, ...] = ()
    """JetPack releases that run on it, oldest first."""
    jetpack: str = ""
    """The one that is assumed where nothing else is said."""
    tensorrt: str = DEFAULT_TENSORRT
    """TensorRT that builds the engines: what that JetPack carries, or the board's file states."""
    fitted_rows: int = 0
    """Published measurements of the board that the shipped numbers were fitted on."""
    calibrations: tuple[Calibration, ...] = ()
    """A user's own."""
    base: str = ""
    """The shipped board that a user's file builds on."""
    like: str = ""
    """A board of the same chip, whose factors answer where this one was never measured."""
    description: str = ""
    family: str = "jetson"
    source: str = field(default="shipped", compare=False)
    """`shipped`, or the path of the file it was read from."""
    precision: str = field(default=DEFAULT_PRECISION, compare=False)
    """What networks are built for where nothing is asked: what a trained predictor knows."""
    cuda_graph: bool = False
    """Whether the host replays a CUDA graph, and so enqueues no kernel by itself."""

    @property
    def spec(self) -> str:
        """How a user names it: `jetson-orin-nano@25w`, `jetson-orin-nano@25w,gpu=510MHz`."""
        return f"{self.name}@{self.mode.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """What rows of it may call it: its own name, and that of the board that it builds on."""
        return (self.name, self.base) if self.base else (self.name,)

    @property
    def gpu_clock_hz(self) -> float:
        """GPU clock in this mode."""
        return self.mode.clocks.gpu_hz

    @property
    def bandwidth_bytes_per_s(self) -> float:
        """DRAM bandwidth in this mode."""
        return self.mode.bandwidth_bytes_per_s

    @property
    def idle_power_w(self) -> float:
        """Power of the board's input when nothing runs."""
        own = self.mode.idle_power_w
        return self.board_idle_power_w if math.isnan(own) else own

    @property
    def cpu_speed(self) -> float:
        """Work a second of one core of the processor, in clocks of a Cortex-A78AE."""
        return (self.mode.clocks.cpu_hz or _CPU_HZ) * self.datasheet.cpu_work

    @property
    def scale(self) -> float:
        """Peak compute of this mode as a share of the datasheet's."""
        mine, most = self.mode.clocks, self.datasheet.clocks
        return (mine.gpu_hz / most.gpu_hz) * (mine.sms / most.sms)

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

    def with_mode(self, text: str) -> Device:
        """Return the same board in another power mode, or with other clocks.

        Args:
            text: a power mode, by its name here or nvpmodel's, clocks that differ from the mode it
                is in (`gpu=612MHz,emc=2133MHz`), or both: `30w,gpu=510MHz`.

        Raises:
            UsageError: no such mode, or clocks that the board cannot be set to.

        >>> from edgeprofiler.core.device import load_device
        >>> load_device("jetson-agx-orin").with_mode("MODE_30W").with_mode("gpu=510MHz").spec
        'jetson-agx-orin@30w,gpu=510MHz'
        """
        name, comma, clocks = text.partition(",")
        if "=" in name:
            mode, changes = self.mode, parse_changes(text)
        else:
            mode = named_mode(self.name, self.modes, name)
            changes = parse_changes(clocks) if comma else {}
        if changes:
            mode = with_clocks(self.name, self.datasheet, self.modes, mode, changes)
        return replace(self, mode=mode)

    def runs_in(self, mode: str) -> bool:
        """Return whether a table's mode is the one it is in, by any of its names, or none at all.

        >>> from edgeprofiler.core.device import load_device
        >>> load_device("jetson-agx-orin@30w").runs_in("MODE_30W")
        True
        """
        try:
            there = self.with_mode(self.default_mode).with_mode(mode) if mode else self
        except UsageError:
            return False
        return there.mode.clocks == self.mode.clocks

    def settings(self, text: str) -> tuple[Device, ...]:
        """Return the same board in every combination of the clocks of a sweep, in their order.

        Args:
            text: clocks with one or several values each, as `clocks.parse_sweep` reads them; the
                rest is as in the mode it is in.

        Raises:
            UsageError: no clocks, clocks that the board cannot be set to, or too many settings.

        >>> from edgeprofiler.core.device import load_device
        >>> [d.mode.name for d in load_device("jetson-nano").settings("gpu=460.8/921.6MHz")]
        ['maxn,gpu=460.8MHz', 'maxn']
        """
        sweep = parse_sweep(text)
        count = math.prod(len(values) for values in sweep.values())
        if count > limits.SWEEP_POINTS:
            most = f"{limits.SWEEP_POINTS:,}"
            raise UsageError(f"clocks {text!r}: {count:,} settings; at most {most} are swept")
        found = (
            with_clocks(
                self.name,
                self.datasheet,
                self.modes,
                self.mode,
                dict(zip(sweep, values, strict=True)),
            )
            for values in product(*sweep.values())
        )
        return tuple(replace(self, mode=mode) for mode in dict.fromkeys(found))

    def with_tensorrt(self, version: str) -> Device:
        """Return the same board with engines of another TensorRT.

        Raises:
            UsageError: the text is no version.
        """
        version_of(version)
        return replace(self, tensorrt=version)

    def with_idle_power(self, idle_power_w: float, source: str = "stated by the user") -> Device:
        """Return the same board with another idle power, in all of its modes.

        Raises:
            UsageError: the mode has no such power to give.
        """
        if idle_power_w >= self.mode.power_budget_w:
            raise UsageError(
                f"an idle power of {idle_power_w:g} W, where {self.spec} has "
                f"{self.mode.power_budget_w:g} W for all"
            )
        return replace(
            self,
            mode=replace(self.mode, idle_power_w=math.nan),
            modes=tuple(replace(mode, idle_power_w=math.nan) for mode in self.modes),
            board_idle_power_w=idle_power_w,
            carrier="",
            idle_power_source=source,
        )

    def with_runtime(self, runtime: str) -> Device:
        """Return the same board called by another host runtime."""
        return replace(self, runtime=runtime_named(runtime))
