"""Latency and throughput of one network on every runtime that exists here."""

from edgeprofiler.benchmark.benchmark import BACKENDS, benchmark, benchmark_trtexec_files
from edgeprofiler.benchmark.document import to_json
from edgeprofiler.benchmark.result import BackendResult, Benchmark, LayerLatency

__all__ = [
    "BACKENDS",
    "BackendResult",
    "Benchmark",
    "LayerLatency",
    "benchmark",
    "benchmark_trtexec_files",
    "to_json",
]
