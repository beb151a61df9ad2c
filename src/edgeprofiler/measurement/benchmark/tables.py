"""A benchmark as tables: a row for each backend, and each backend's slowest layers."""

from __future__ import annotations

import math

from edgeprofiler.core.quantity import Estimate
from edgeprofiler.core.table import Column, Table, Words, tabulate
from edgeprofiler.measurement.benchmark.result import BackendResult, Benchmark


def benchmark_table(benchmark: Benchmark) -> Table:
    """Return the times of the backends that ran; the notes say why the others did not."""
    machine = benchmark.machine
    notes: list[str | Words] = []
    if machine:
        name = machine.get("board") or machine.get("processor")
        notes.append(f"{name}, {machine.get('cores')} cores, load {machine.get('load', '-')}")
    silent = [result for result in benchmark.results if not result.ran]
    for reason, remedy in dict.fromkeys((found.reason, found.remedy) for found in silent):
        names = ", ".join(f.backend for f in silent if (f.reason, f.remedy) == (reason, remedy))
        notes.append(Words(f"{names}: {reason}", "doubt"))
        if remedy:
            notes.append(f"  {remedy}")
    warnings = (text for result in benchmark.results for text in result.warnings)
    notes += [f"note: {text}" for text in dict.fromkeys(warnings)]
    ran = [result for result in benchmark.results if result.ran]
    return tabulate(f"{benchmark.model}, {benchmark.runs} runs", ran, (
        (Column("backend"), lambda result: result.backend),
        (Column("median", "ms", "estimate", digits=4), _latency),
        (Column("5-95 %", "ms", "interval", digits=4), _latency),
        (Column("images/s", kind="number", digits=4), lambda result: result.throughput_per_s),
        (Column("layers", kind="count"), lambda result: len(result.layers) or None),
        (Column("sum", "ms", "number", digits=4), lambda result: result.layer_sum_s),
        (Column("profiler", "%", "signed"), lambda result: result.profiling_overhead),
    ), notes)  # fmt: skip


def slowest_table(result: BackendResult, count: int) -> Table:
    """Return the slowest layers of a backend."""
    total = result.layer_sum_s or math.nan
    return tabulate(f"{result.backend}: slowest layers", result.slowest(count), (
        (Column("layer", kind="name"), lambda layer: layer.name),
        (Column("op"), lambda layer: layer.op),
        (Column("time", "ms", "number", digits=4), lambda layer: layer.median_s),
        (Column("share", "%", "number"), lambda layer: layer.median_s / total),
    ))  # fmt: skip


def _latency(result: BackendResult) -> Estimate:
    return Estimate(result.median_s, result.quantile_s(0.05), result.quantile_s(0.95))
