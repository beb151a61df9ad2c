"""What a benchmark found: times by backend, or why a backend cannot run here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.network import FloatArray

_EMPTY = read_only((), np.float64)


@dataclass(frozen=True, eq=False)
class LayerLatency:
    """Times of one layer in all profiled runs."""

    index: int
    name: str
    kind: str
    op: str
    duration_s: FloatArray
    """Shape (runs,); NaN where the profiler gave none."""

    @property
    def median_s(self) -> float:
        """Median of the times that are known."""
        known = self.duration_s[np.isfinite(self.duration_s)]
        return float(np.median(known)) if len(known) else math.nan


@dataclass(frozen=True, eq=False)
class BackendResult:
    """One backend: its times, or the reason why it has none."""

    backend: str
    reason: str = ""
    """Why it cannot run here; empty where it ran."""
    remedy: str = ""
    batch: int = 1
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the runner says of itself: runtime, precision, threads, ..."""
    latency_s: FloatArray = field(default_factory=lambda: _EMPTY)
    """Wall time of each run without a profiler; shape (runs,)."""
    profiled_s: FloatArray = field(default_factory=lambda: _EMPTY)
    """Wall time of each run with the profiler; shape (runs,)."""
    layers: tuple[LayerLatency, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def ran(self) -> bool:
        """Whether there are times."""
        return not self.reason

    def quantile_s(self, share: float) -> float:
        """Return a quantile of the latency; NaN where the backend did not run."""
        return float(np.quantile(self.latency_s, share)) if len(self.latency_s) else math.nan

    @property
    def median_s(self) -> float:
        """Median latency of one run."""
        return self.quantile_s(0.5)

    @property
    def throughput_per_s(self) -> float:
        """Images a second in a back-to-back loop of one stream: batch over mean latency."""
        return self.batch / float(np.mean(self.latency_s)) if len(self.latency_s) else math.nan

    @property
    def layer_sum_s(self) -> float:
        """Sum of the layers' median times; NaN where the backend tells of no layers."""
        known = [layer.median_s for layer in self.layers]
        return float(np.nansum(known)) if known else math.nan

    def slowest(self, count: int) -> list[LayerLatency]:
        """Return the layers of known time that take longest, the slowest first."""
        known = [layer for layer in self.layers if math.isfinite(layer.median_s)]
        return sorted(known, key=lambda layer: -layer.median_s)[:count]

    @property
    def profiling_overhead(self) -> float:
        """Relative change of the median latency with the profiler on."""
        if not len(self.profiled_s) or not len(self.latency_s):
            return math.nan
        return float(np.median(self.profiled_s)) / self.median_s - 1


@dataclass(frozen=True, eq=False)
class Benchmark:
    """All backends of one model on one machine."""

    model: str
    runs: int
    machine: Mapping[str, str]
    results: tuple[BackendResult, ...]

    @property
    def fastest(self) -> BackendResult | None:
        """The backend with the lowest median latency, of those that have one."""
        timed = [result for result in self.results if math.isfinite(result.median_s)]
        return min(timed, key=lambda result: result.median_s, default=None)
