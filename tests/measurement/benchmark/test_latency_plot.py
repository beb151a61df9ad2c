"""Box plots of a benchmark."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from edgeprofiler.core.errors import InsufficientData, Unavailable
from edgeprofiler.measurement.benchmark import BackendResult, Benchmark, LayerLatency
from edgeprofiler.views.plots.latency import SLOWEST, draw_benchmark


def made(layers: int) -> Benchmark:
    times = np.random.default_rng(0).normal(5e-3, 1e-4, (layers, 20))
    named = tuple(
        LayerLatency(i, "block" * 10 + str(i), "pooling" if i % 2 else "dense", "gemm", row)
        for i, row in enumerate(times)
    )
    return Benchmark(
        "net", 20, {},
        (BackendResult("fast", latency_s=np.full(20, 1e-2), layers=named),
         BackendResult("whole", latency_s=np.full(20, 2e-2)), BackendResult("not here", "no")),
    )  # fmt: skip


def test_there_is_a_box_for_each_backend_that_ran_and_each_slow_layer():
    pytest.importorskip("matplotlib")
    figure = draw_benchmark(made(30))
    first, second = figure.axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["fast", "whole"]
    names = [label.get_text() for label in second.get_yticklabels()]
    assert len(names) == SLOWEST
    assert all("…" in name for name in names)


def test_nothing_is_drawn_of_nothing():
    pytest.importorskip("matplotlib")
    with pytest.raises(InsufficientData):
        draw_benchmark(Benchmark("net", 1, {}, (BackendResult("x", "no"),)))


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(Unavailable, match=r"edgeprofiler\[plot\]"):
        draw_benchmark(made(2))
