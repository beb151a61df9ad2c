"""TensorRT, by a fake that behaves as its documentation says."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from fake_tensorrt import FakeCuda, FakeTensorRT, ProfilingVerbosity, StepClock

from edgeprofiler.core.errors import InvalidInput, Unavailable, Unsupported, UsageError
from edgeprofiler.core.network import make_layer
from edgeprofiler.measurement.runners.protocol import IsolatingRunner, Runner
from edgeprofiler.measurement.runners.tensorrt import TensorRTRunner

pytest.importorskip("onnx")

LAYERS = [("conv + act", 0.25), ("pool", 0.05), ("dense", 0.1), ("dense", 0.2)]


def described(name: str, kind: str) -> dict:
    return {
        "Name": name, "LayerType": kind, "ParameterType": kind,
        "Inputs": [{"Name": "i", "Dimensions": [1, 3, 8, 8],
                    "Format/Datatype": "Row major linear FP16 format"}],
        "Outputs": [{"Name": "o", "Dimensions": [1, 4, 8, 8],
                     "Format/Datatype": "Row major linear FP16 format"}],
        "Kernel": [3, 3], "Stride": [1, 1], "PrePadding": [1, 1], "PostPadding": [1, 1],
        "Dilation": [1, 1], "Groups": 1, "OutMaps": 4,
    }  # fmt: skip


DESCRIPTION = {
    "Layers": [described("pool", "Reformat"), described("conv + act", "Convolution"),
               described("never told", "Convolution")],
    "Bindings": ["input", "output"],
}  # fmt: skip


@pytest.fixture
def fake() -> FakeTensorRT:
    return FakeTensorRT(LAYERS, DESCRIPTION, StepClock())


def on(cuda: FakeCuda, **options) -> TensorRTRunner:
    made = TensorRTRunner(**options)
    made.cuda = cuda
    return made


@pytest.fixture
def runner(fake: FakeTensorRT, monkeypatch) -> TensorRTRunner:
    monkeypatch.setitem(sys.modules, "tensorrt", fake.module())
    made = on(FakeCuda())
    made.clock = fake.clock
    return made


def test_it_is_a_runner_that_can_isolate_layers(runner: TensorRTRunner):
    assert isinstance(runner, Runner)
    assert isinstance(runner, IsolatingRunner)


def test_durations_come_from_the_calls_after_the_run(runner, small_onnx: Path):
    """The first call of the burst is the end of the run; the stamps are not the layers' ends."""
    runner.load(str(small_onnx))
    timeline = runner.run(3)
    np.testing.assert_allclose(timeline.duration_s, [[0.25e-3, 0.05e-3, 0.1e-3, 0.2e-3]] * 3)
    np.testing.assert_allclose(timeline.run_end_s - timeline.run_start_s, 0.6e-3)
    assert timeline.stamp_kind == "callback-burst"
    assert (timeline.stamp_s >= timeline.run_end_s[:, None]).all()
    assert timeline.layer_names == ("conv + act", "pool", "dense", "dense")


def test_the_network_follows_the_timeline(runner, small_onnx: Path):
    """What the profiler tells and the inspector does not is unknown; what is never told is left
    out, and both are said."""
    runner.load(str(small_onnx))
    runner.run(1)
    network = runner.network()
    assert [layer.name for layer in network.layers] == [name for name, _ in LAYERS]
    assert [layer.op for layer in network.layers][2:] == ["unknown", "unknown"]
    assert network.layers[0].kernel == (3, 3)
    text = " ".join(network.warnings)
    assert "never told" in text
    assert "2 timed layers are not in" in text


def test_the_engine_is_built_in_detail_and_in_half_precision(runner, fake, small_onnx: Path):
    runner.load(str(small_onnx))
    assert fake.verbosity is ProfilingVerbosity.DETAILED
    assert fake.flags == [0]
    assert fake.network_flags == 0
    assert fake.workspace is None
    assert runner.describe() == {
        "runtime": "tensorrt 10.3.0", "precision": "fp16", "weights": "the model's",
    }  # fmt: skip


def test_tensorrt_8_is_asked_for_an_explicit_batch(fake, small_onnx, monkeypatch):
    fake.version = "8.6.1"
    monkeypatch.setitem(sys.modules, "tensorrt", fake.module())
    runner = on(FakeCuda(), precision="fp32", workspace_mb=64)
    runner.load(str(small_onnx))
    assert fake.network_flags == 1
    assert fake.flags == []
    assert fake.workspace == 64 * 1024 * 1024


def test_device_memory_is_given_back(runner, small_onnx: Path):
    runner.load(str(small_onnx))
    cuda = runner.cuda
    assert len(cuda.taken) == 2
    assert next(iter(cuda.uploaded.values())).shape == (1, 3, 8, 8)
    runner.load(str(small_onnx))
    assert len(cuda.taken) == 2
    runner.close()
    assert not cuda.taken
    with pytest.raises(UsageError, match="load"):
        runner.run(1)
    assert runner.network() is None


def test_latency_is_timed_without_the_profiler(runner, small_onnx: Path):
    """With the profiler each layer's call would be part of the time."""
    runner.load(str(small_onnx))
    np.testing.assert_allclose(runner.latencies(4), 0.6e-3)


def test_pauses_lie_before_runs(runner, small_onnx: Path):
    runner.load(str(small_onnx))
    timeline = runner.run(2, np.array([0.0, 0.5]))
    assert timeline.run_start_s[1] - timeline.run_end_s[0] >= 0.5
    assert timeline.run_end_s[1] - timeline.run_start_s[1] < 1e-3


def test_an_engine_file_is_loaded_only_from_a_trusted_place(runner, fake, tmp_path: Path):
    path = tmp_path / "net.engine"
    path.write_bytes(b"plan")
    with pytest.raises(UsageError, match="code that runs"):
        runner.load(str(path))
    trusting = on(FakeCuda(), trust_engine=True)
    trusting.clock = fake.clock
    trusting.load(str(path))
    assert trusting.run(1).duration_s.shape == (1, 4)
    path.write_bytes(b"of another version")
    with pytest.raises(InvalidInput, match="no engine"):
        trusting.load(str(path))


def test_an_engine_without_details_has_layers_of_unknown_work(fake, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", fake.module())
    runner = on(FakeCuda(), trust_engine=True)
    path = tmp_path / "net.plan"
    path.write_bytes(b"plan")
    runner.load(str(path))
    runner.run(1)
    network = runner.network()
    assert [layer.op for layer in network.layers] == ["unknown"] * 4
    assert network.warnings


def test_open_shapes_must_be_given_within_the_engines_profile(fake, tmp_path, monkeypatch):
    fake.input_shape = [-1, 3, 8, 8]
    monkeypatch.setitem(sys.modules, "tensorrt", fake.module())
    path = tmp_path / "net.trt"
    path.write_bytes(b"plan")
    cuda = FakeCuda()
    for shapes in ({}, {"input": (100, 3, 8, 8)}, {"input": (1, 3)}):
        with pytest.raises(InvalidInput, match="open"):
            on(cuda, trust_engine=True, shapes=shapes).load(str(path))
    runner = on(cuda, trust_engine=True, shapes={"": [2, 3, 8, 8]})
    runner.load(str(path))
    assert next(iter(cuda.uploaded.values())).shape == (2, 3, 8, 8)


def test_what_tensorrt_cannot_build_is_unsupported(fake, runner, small_onnx: Path):
    fake.parses = False
    with pytest.raises(Unsupported, match="NonZero"):
        runner.load(str(small_onnx))
    fake.parses, fake.builds = True, False
    with pytest.raises(Unsupported, match="could not build"):
        runner.load(str(small_onnx))
    with pytest.raises(Unsupported, match="scales"):
        on(FakeCuda(), precision="int8").load(str(small_onnx))
    with pytest.raises(UsageError, match="bf16"):
        TensorRTRunner(precision="bf16")


def test_a_failure_while_running_is_said(fake, runner, small_onnx: Path):
    runner.load(str(small_onnx))
    fake.silent_profiler = True
    with pytest.raises(Unavailable, match="told nothing"):
        runner.run(1)
    fake.fails_while_running = True
    with pytest.raises(Unavailable, match="failed while running"):
        runner.run(1)
    with pytest.raises(Unavailable, match="failed while running"):
        runner.load(str(small_onnx))
    assert not runner.cuda.taken


def test_a_layer_runs_alone(fake, runner):
    alone = runner.isolated(
        make_layer(name="a", kind="other", op="softmax", input_shapes=[(1, 4)],
                   output_shapes=[(1, 4)], dtype="fp16")
    )  # fmt: skip
    assert alone.describe()["weights"] == "random"
    assert alone.run(2).runs == 2
    assert "weights are random" in alone.network().warnings


def test_options_make_an_equal_runner(runner):
    again = TensorRTRunner(**json.loads(json.dumps(runner.options)))
    assert again.options == runner.options


def test_type_stubs_alone_are_no_tensorrt(monkeypatch):
    """Stubs import as an empty namespace: only `IProfiler` proves that TensorRT is there."""
    monkeypatch.setitem(sys.modules, "tensorrt", types.ModuleType("tensorrt"))
    with pytest.raises(Unavailable, match="TensorRT's Python module"):
        TensorRTRunner().probe()
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(Unavailable, match="JetPack 6"):
        TensorRTRunner().probe()


def test_without_the_cuda_library_the_remedy_names_it(fake, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", fake.module())
    monkeypatch.setattr("edgeprofiler.measurement.runners._cuda._NAMES", ("libnothing.so",))
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(Unavailable, match="libcudart"):
        TensorRTRunner().probe()
