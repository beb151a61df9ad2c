"""Runtimes of a machine side by side."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import InvalidInput, Unavailable, Unsupported, UsageError
from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.measurement.benchmark import (
    BACKENDS,
    BackendResult,
    Benchmark,
    LayerLatency,
    benchmark,
    benchmark_trtexec_files,
    to_json,
)
from edgeprofiler.measurement.recording import Timeline


class FakeRunner:
    """A runner whose every run takes as long as it is told."""

    name = "fake"
    simulated = False
    needs_network = False
    closed = 0
    made_with: dict = {}
    probe_error: Exception | None = None
    load_error: Exception | None = None
    layers = ("a", "b")

    def __init__(self, *, batch=None, shapes=None, precision=None, mode=None) -> None:
        options = {"batch": batch, "shapes": shapes, "precision": precision, "mode": mode}
        self.options = type(self).made_with = {k: v for k, v in options.items() if v is not None}

    def probe(self) -> None:
        if self.probe_error:
            raise self.probe_error

    def load(self, source: str, network=None) -> None:
        if self.load_error:
            raise self.load_error

    def network(self) -> Network | None:
        if len(self.layers) < 2:
            return None
        made = [
            make_layer(name=n, kind="other", op="softmax", input_shapes=[(4, 2)],
                       output_shapes=[(4, 2)], dtype="fp32")
            for n in self.layers
        ]  # fmt: skip
        return Network("net", tuple(made), Source("net", "fake"), batch=4, warnings=("careful",))

    def run(self, runs: int, pauses_s=None) -> Timeline:
        end = 10e-3 * np.arange(1, runs + 1)
        return Timeline(self.layers, np.full((runs, len(self.layers)), 4e-3), end, end - 10e-3)

    def latencies(self, runs: int):
        return np.full(runs, 8e-3)

    def describe(self):
        return {"runtime": "fake 1"}

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture
def runner(monkeypatch) -> type[FakeRunner]:
    class Runner(FakeRunner):
        pass

    monkeypatch.setattr(plugins, "load", lambda kind, name: Runner)
    return Runner


def test_latency_throughput_and_layers_of_a_backend(runner):
    result = benchmark("fake:m", ["torch"], runs=6).results[0]
    assert result.ran
    assert result.median_s == pytest.approx(8e-3)
    assert result.throughput_per_s == pytest.approx(4 / 8e-3)
    assert result.layer_sum_s == pytest.approx(8e-3)
    assert result.profiling_overhead == pytest.approx(0.25)
    assert [layer.op for layer in result.layers] == ["softmax", "softmax"]
    assert runner.closed == 1


def test_options_reach_the_runners_and_what_one_does_not_know_is_its_reason(runner):
    benchmark("fake:m", ["torch"], batch=4, shapes={"x": (1,)}, precision="fp16")
    assert runner.made_with == {"batch": 4, "shapes": {"x": (1,)}, "precision": "fp16"}
    benchmark("fake:m", ["torchscript"])
    assert runner.made_with == {"mode": "script"}


def test_threads_are_of_runners_that_take_them(monkeypatch, runner):
    with pytest.raises(UsageError, match="`threads` are of CPU runtimes"):
        benchmark("fake:m", ["torch"], threads=2)

    class Threaded(runner):
        def __init__(self, *, threads=0) -> None:
            super().__init__()
            type(self).made_with = {"threads": threads}

    monkeypatch.setattr(plugins, "load", lambda kind, name: Threaded)
    benchmark("fake:m", ["torch"], threads=2)
    assert Threaded.made_with == {"threads": 2}


def test_a_runtime_that_takes_no_precision_says_so(monkeypatch, runner):
    """ONNX Runtime runs a file in the types that it has."""

    class Plain(runner):
        def __init__(self, *, batch=None) -> None:
            super().__init__(batch=batch)

    monkeypatch.setattr(plugins, "load", lambda kind, name: Plain)
    (result,) = benchmark("fake:m", ["onnxruntime"], precision="fp16").results
    assert "no option 'precision'" in result.reason


@pytest.mark.parametrize("when", ["probe_error", "load_error"])
def test_a_backend_that_cannot_run_says_why(runner, when: str):
    setattr(runner, when, Unavailable("no GPU", "buy one"))
    result = benchmark("fake:m", ["tensorrt"], runs=1)
    assert not result.results[0].ran
    assert (result.results[0].reason, result.results[0].remedy) == ("no GPU", "buy one")
    assert result.fastest is None
    assert math.isnan(result.results[0].throughput_per_s)
    assert math.isnan(result.results[0].layer_sum_s)
    assert math.isnan(result.results[0].profiling_overhead)
    setattr(runner, when, Unsupported("no such operator"))
    assert benchmark("fake:m", ["tensorrt"]).results[0].reason == "no such operator"
    setattr(runner, when, UsageError("no int8"))
    assert benchmark("fake:m", ["tensorrt"]).results[0].reason == "no int8"


def test_a_model_that_nobody_can_read_is_an_error_and_no_reason(runner):
    runner.load_error = InvalidInput("m", "no such file")
    with pytest.raises(InvalidInput):
        benchmark("fake:m", ["torch"])


def test_a_runtime_that_tells_no_layers_has_none(runner):
    runner.layers = ("whole network",)
    result = benchmark("fake:m", ["torchscript"], runs=2, batch=3).results[0]
    assert result.layers == ()
    assert result.batch == 3
    assert math.isnan(result.profiling_overhead)
    assert len(result.profiled_s) == 0


def test_a_runner_that_cannot_run_without_its_profiler_is_timed_with_it(runner, monkeypatch):
    monkeypatch.delattr(FakeRunner, "latencies")
    result = benchmark("fake:m", ["onnxruntime"], runs=2).results[0]
    assert result.median_s == pytest.approx(10e-3)


def test_a_simulated_device_is_no_backend(runner):
    runner.needs_network = True
    assert "collect" in benchmark("fake:m", ["sim"]).results[0].reason


def test_mistakes_of_the_caller():
    with pytest.raises(UsageError, match="at least one run"):
        benchmark("fake:m", runs=0)
    with pytest.raises(UsageError, match="no backend 'caffe'"):
        benchmark("fake:m", ["caffe"])


def test_the_document_holds_what_the_table_shows(runner):
    text = to_json(benchmark("fake:m", ["torch", "torchscript"], runs=5))
    document = json.loads(text)
    assert document["schema"] == "edgeprofiler.benchmark/1"
    assert document["fastest"] == "torch"
    first = document["backends"][0]
    assert first["latency_s"]["median"] == pytest.approx(8e-3)
    assert first["layers"][1]["runtime_s"]["p95"] == pytest.approx(4e-3)
    assert first["warnings"] == ["careful"]


def test_unknown_numbers_are_null_and_reasons_are_kept():
    unknown = LayerLatency(0, "a", "other", "unknown", np.array([np.nan]))
    ran = BackendResult("x", latency_s=np.array([1.0]), layers=(unknown,))
    document = json.loads(to_json(Benchmark("m", 1, {}, (ran, BackendResult("y", "no", "yes")))))
    assert document["backends"][0]["layers"][0]["runtime_s"]["median"] is None
    assert document["backends"][0]["profiled_latency_s"] is None
    assert document["backends"][1] == {
        "backend": "y", "ran": False, "reason": "no", "remedy": "yes",
    }  # fmt: skip


def test_a_backend_without_times_is_not_the_fastest():
    timed = BackendResult("timed", latency_s=np.array([1.0]))
    assert Benchmark("m", 1, {}, (BackendResult("none"), timed)).fastest is timed
    assert Benchmark("m", 1, {}, (BackendResult("none"),)).fastest is None


def test_trtexecs_files_are_a_backend(tmp_path: Path):
    (tmp_path / "e.json").write_text('{"Layers": []}')
    (tmp_path / "p.json").write_text('[{"count": 2}, {"name": "a", "averageMs": 1.0}]')
    rows = [{"startComputeMs": i, "endComputeMs": i + 0.9, "latencyMs": 1.1} for i in range(3)]
    (tmp_path / "t.json").write_text(json.dumps(rows))
    files = [tmp_path / name for name in ("e.json", "p.json", "t.json")]
    result = benchmark_trtexec_files(*files)
    assert result.runs == 3
    assert result.results[0].median_s == pytest.approx(1.1e-3)
    assert result.results[0].layer_sum_s == pytest.approx(1e-3)
    assert benchmark_trtexec_files(*files[:2]).results[0].median_s == pytest.approx(1e-3)


@pytest.mark.slow
def test_the_backends_of_this_machine_run_a_network_for_real():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    result = benchmark("zoo:lenet", tuple(BACKENDS), runs=3, threads=1)
    by_name = {r.backend: r for r in result.results}
    assert by_name["onnxruntime"].ran
    assert by_name["onnxruntime"].layer_sum_s > 0
    assert all(r.ran or r.reason for r in result.results)
