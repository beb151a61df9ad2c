"""A benchmark as JSON, `edgeprofiler.benchmark/1`."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeprofiler.core.files import dump_json
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.units import known
from edgeprofiler.measurement.benchmark.result import BackendResult, Benchmark

SCHEMA = "edgeprofiler.benchmark/1"


def to_json(result: Benchmark) -> str:
    """Return the benchmark as JSON text; unknown numbers are null."""
    return dump_json(
        {
            "schema": SCHEMA,
            **attributes(result, "model runs machine"),
            "fastest": result.fastest.backend if result.fastest is not None else None,
            "backends": [_backend(backend) for backend in result.results],
        }
    )


def _backend(result: BackendResult) -> dict[str, Any]:
    if not result.ran:
        return attributes(result, "backend ran reason remedy")
    return {
        **attributes(result, "backend ran batch facts"),
        "latency_s": _summary(result.latency_s),
        "throughput_per_s": known(result.throughput_per_s),
        "profiled_latency_s": _summary(result.profiled_s) if len(result.profiled_s) else None,
        **attributes(result, "profiling_overhead layer_sum_s"),
        "layers": [
            {**attributes(layer, "index name kind op"), "runtime_s": _summary(layer.duration_s)}
            for layer in result.layers
        ],
        "warnings": list(result.warnings),
    }


_QUANTILES = {
    "min": 0.0, "p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1.0,
}  # fmt: skip


def _summary(values: FloatArray) -> dict[str, float | None]:
    known = values[np.isfinite(values)]
    if not len(known):
        return dict.fromkeys(("mean", *_QUANTILES))
    found = np.quantile(known, tuple(_QUANTILES.values())).tolist()
    return {"mean": float(known.mean()), **dict(zip(_QUANTILES, found, strict=True))}
