"""Latency and throughput of one network on every runtime that exists here."""

from edgeprofiler.measurement.benchmark.benchmark import (
    BACKENDS,
    benchmark,
    benchmark_trtexec_files,
)
from edgeprofiler.measurement.benchmark.document import to_json
from edgeprofiler.measurement.benchmark.result import BackendResult, Benchmark, LayerLatency

__all__ = [
    "BACKENDS",
    "BackendResult",
    "Benchmark",
    "LayerLatency",
    "benchmark",
    "benchmark_trtexec_files",
    "to_json",
]
