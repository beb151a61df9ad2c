"""What the maker says of a board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeprofiler.core.device.clocks import ClockRange, Clocks, counts


@dataclass(frozen=True)
class Datasheet:
    """What the maker says of the board, at the clocks that it can reach."""

    gpu: str
    clocks: Clocks
    """The highest clock of each part and all cores, which the peaks below are stated at."""
    lowest: Mapping[str, float]
    """The lowest clock that can be set, in Hz, by the words of `clocks.AXES`, where it is known."""
    peak_flops: Mapping[str, float]
    """Dense FLOP/s (two a multiply-accumulate) by data type, tensor cores where there are any."""
    vector_flops: Mapping[str, float]
    """FLOP/s of the CUDA cores by data type."""
    bandwidth_bytes_per_s: float
    l2_bytes: int
    tensor_cores: bool
    compute_capability: float
    """CUDA's number for the generation, 8.7 for Orin."""
    memory_bytes: float | None = None
    """Memory that processor and GPU share."""
    sources: tuple[str, ...] = ()
    cpu_work: float = 1.0
    """What a core of the processor does in a clock, relative to Arm's Cortex-A78AE."""

    @property
    def async_copy(self) -> bool:
        """Whether kernels load data while they compute (CUDA: `cp.async`, from 8.0 on)."""
        return self.compute_capability >= 8.0

    @property
    def ranges(self) -> dict[str, ClockRange]:
        """What can be set, by the words of `clocks.AXES`.

        A lowest clock that is not known counts as a hundredth of the highest.
        """
        return {
            axis: ClockRange(1 if counts(axis) else self.lowest.get(axis, most / 100), most)
            for axis, most in self.clocks.items()
            if most is not None
        }

    def bandwidth_at(self, emc_hz: float) -> float:
        """Return the DRAM bandwidth at a memory clock; the file must say the highest."""
        assert self.clocks.emc_hz is not None
        return self.bandwidth_bytes_per_s * emc_hz / self.clocks.emc_hz
