"""ONNX Runtime runs for real."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.core.errors import (
    InsufficientData,
    InvalidInput,
    Unavailable,
    Unsupported,
    UsageError,
)
from edgeprofiler.measurement.runners import _source, onnxruntime
from edgeprofiler.measurement.runners._onnxruntime_profile import read_profile
from edgeprofiler.measurement.runners.onnxruntime import MAX_EVENTS, OnnxRuntimeRunner
from edgeprofiler.measurement.runners.protocol import IsolatingRunner, Runner

pytest.importorskip("onnxruntime")


@pytest.fixture
def loaded(small_onnx: Path) -> OnnxRuntimeRunner:
    runner = OnnxRuntimeRunner(threads=1)
    runner.load(str(small_onnx))
    yield runner
    runner.close()


def test_it_is_a_runner_that_can_isolate_layers():
    runner = OnnxRuntimeRunner()
    assert isinstance(runner, Runner)
    assert isinstance(runner, IsolatingRunner)


def test_the_kernels_that_ran_are_fused_and_have_shapes(loaded: OnnxRuntimeRunner):
    """Batch normalisation is folded into the convolution and the ReLU runs inside it."""
    network = loaded.network()
    assert [layer.engine_type for layer in network.layers] == [
        "FusedConv", "MaxPool", "GlobalAveragePool", "Flatten", "Gemm",
    ]  # fmt: skip
    first = network.layers[0]
    assert first.fused_ops == ("Relu",)
    assert first.macs == 4 * 8 * 8 * 3 * 9
    assert first.input_shapes == ((1, 3, 8, 8),)
    assert first.weight_bytes == 4 * (4 * 3 * 9 + 4)
    assert network.macs == first.macs + 4 * 5
    assert (network.batch, network.precision) == (1, "fp32")


def test_each_run_has_a_duration_and_an_end_for_each_kernel(loaded: OnnxRuntimeRunner):
    timeline = loaded.run(7)
    assert timeline.duration_s.shape == (7, 5)
    assert timeline.layer_names == tuple(layer.name for layer in loaded.network().layers)
    assert (timeline.duration_s >= 0).all()
    assert timeline.stamp_kind == "layer-end"
    assert (np.diff(timeline.stamp_s, axis=1) >= 0).all()
    assert (timeline.run_end_s > timeline.run_start_s).all()
    assert (np.diff(timeline.run_end_s) > 0).all()


def test_kernels_take_no_longer_than_their_run(loaded: OnnxRuntimeRunner):
    timeline = loaded.run(20)
    whole = timeline.run_end_s - timeline.run_start_s
    assert (np.nansum(timeline.duration_s, axis=1) <= whole).all()


def test_sessions_change_before_the_profile_is_full(small_onnx: Path):
    """Few events a session: several sessions, and no run is lost."""
    runner = OnnxRuntimeRunner(threads=1, events_per_session=30)
    runner.load(str(small_onnx))
    assert runner.run(11).duration_s.shape == (11, 5)
    runner.close()
    with pytest.raises(UsageError, match="events_per_session"):
        OnnxRuntimeRunner(events_per_session=MAX_EVENTS)


def test_a_profile_that_stopped_early_is_noticed(loaded: OnnxRuntimeRunner, monkeypatch):
    def cut(path: Path, kernels: frozenset[str]):
        times = read_profile(path, kernels)
        return type(times)(times.kernels, times.duration_s[1:], times.end_s[1:], times.run_s[1:])

    monkeypatch.setattr(onnxruntime, "read_profile", cut)
    with pytest.raises(InsufficientData, match="events_per_session"):
        loaded.run(3)


def test_pauses_lie_between_runs_and_not_in_them(loaded: OnnxRuntimeRunner):
    pauses = np.array([0.0, 0.02, 0.02])
    timeline = loaded.run(3, pauses)
    between = timeline.run_start_s[1:] - timeline.run_end_s[:-1]
    assert (between >= 0.02).all()


def test_latency_without_the_profiler_gives_its_overhead(loaded: OnnxRuntimeRunner):
    assert loaded.latencies(5).shape == (5,)
    loaded.run(5)
    facts = loaded.describe()
    assert facts["profiling_overhead"].endswith("%")
    assert facts["runtime"].startswith("onnxruntime ")
    assert facts["weights"] == "the model's"


def test_a_layer_runs_alone(loaded: OnnxRuntimeRunner):
    alone = loaded.isolated(loaded.network().layers[0])
    assert [layer.op for layer in alone.network().layers] == ["convolution"]
    assert alone.run(2).duration_s.shape == (2, 1)
    alone.close()


def test_options_make_an_equal_runner(small_onnx: Path):
    runner = OnnxRuntimeRunner(batch=2, shapes={"x": (2, 3, 8, 8)}, threads=1)
    again = OnnxRuntimeRunner(**json.loads(json.dumps(runner.options)))
    assert again.options == runner.options
    again.load(str(small_onnx))
    assert again.network().batch == 2
    again.close()


def test_a_zoo_network_runs_with_random_weights_and_says_so():
    runner = OnnxRuntimeRunner(threads=1)
    runner.load("zoo:lenet")
    assert "weights are random" in runner.network().warnings
    assert runner.describe()["weights"] == "random"
    assert runner.network().macs == 4_231_848
    runner.close()


def test_loops_count_once(tmp_path: Path):
    """A kernel inside a loop's body is part of the loop's own time."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    def value(name, kind, shape):
        return helper.make_tensor_value_info(name, kind, shape)

    body = helper.make_graph(
        [helper.make_node("Mul", ["v", "v"], ["w"]), helper.make_node("Identity", ["c"], ["d"])],
        "body",
        [value("i", TensorProto.INT64, []), value("c", TensorProto.BOOL, []),
         value("v", TensorProto.FLOAT, [4])],
        [value("d", TensorProto.BOOL, []), value("w", TensorProto.FLOAT, [4])],
    )  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("Loop", ["n", "t", "x"], ["y"], body=body)],
        "g", [value("x", TensorProto.FLOAT, [4])], [value("y", TensorProto.FLOAT, [4])],
        [helper.make_tensor("n", TensorProto.INT64, [], [3]),
         helper.make_tensor("t", TensorProto.BOOL, [], [True])],
    )  # fmt: skip
    path = tmp_path / "loop.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    runner = OnnxRuntimeRunner(threads=1)
    runner.load(str(path))
    assert [layer.engine_type for layer in runner.network().layers] == ["Loop"]
    runner.close()


@pytest.mark.parametrize(
    ("content", "words"), [(b"hello", "is not an ONNX model"), (b"\x08\x08", "no operators")]
)
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=words):
        OnnxRuntimeRunner().load(str(path))


def test_inputs_must_be_bound(small_onnx: Path, tmp_path: Path):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(small_onnx))
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    dimensions[0].dim_param, dimensions[2].dim_param = "N", "H"
    open_model = tmp_path / "open.onnx"
    onnx.save(model, str(open_model))
    with pytest.raises(UsageError, match="leaves dimensions free"):
        _source.read_to_run(str(open_model))
    bound = OnnxRuntimeRunner(shapes={"": (2, 3, 8, 8)})
    bound.load(str(open_model))
    assert bound.network().batch == 2
    bound.close()
    for shapes, words in (({"z": (1,)}, "no input"), ({"x": (1,)}, "4 dimensions")):
        with pytest.raises(UsageError, match=words):
            _source.read_to_run(str(open_model), shapes=shapes)


def test_a_model_with_weights_elsewhere_that_are_missing_is_refused(small_onnx, tmp_path):
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "apart.onnx"
    onnx.save(onnx.load(str(small_onnx)), str(path), save_as_external_data=True,
              location="apart.bin", size_threshold=0)  # fmt: skip
    (tmp_path / "apart.bin").unlink()
    with pytest.raises(InvalidInput, match=r"apart\.onnx"):
        _source.read_to_run(str(path))


def test_a_runtime_that_refuses_a_model_is_quoted(tmp_path: Path):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Strange", ["x"], ["y"], domain="stranger")], "g", info[:1], info[1:]
    )
    model = helper.make_model(graph, ir_version=8)
    model.opset_import.append(helper.make_opsetid("stranger", 1))
    path = tmp_path / "strange.onnx"
    onnx.save(model, str(path))
    with pytest.raises((InvalidInput, Unsupported), match="Strange"):
        OnnxRuntimeRunner().load(str(path))


def test_what_is_missing_is_said_with_what_to_do(monkeypatch):
    with pytest.raises(Unavailable, match="NoSuchProvider"):
        OnnxRuntimeRunner(provider="NoSuchProvider").probe()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Unavailable, match=r"edgeprofiler\[onnxruntime\]"):
        OnnxRuntimeRunner().probe()


def test_running_before_loading_is_the_callers_mistake():
    with pytest.raises(UsageError, match="load"):
        OnnxRuntimeRunner().run(1)
    with pytest.raises(UsageError, match="load"):
        OnnxRuntimeRunner().latencies(1)
    OnnxRuntimeRunner().close()


def test_a_profile_is_read_by_run_and_kernel(tmp_path: Path):
    """A kernel that ran twice in a run counts both, one that did not run is unknown, not 0."""

    def node(name: str, ts: int, dur: int) -> dict:
        shape = [{"float": [1, 2]}]
        args = {"op_name": "Relu", "input_type_shape": shape, "output_type_shape": ""}
        return {"cat": "Node", "name": f"{name}_kernel_time", "ts": ts, "dur": dur, "args": args}

    events = [
        node("a", 11, 3), node("b", 15, 2), node("inner", 15, 1),
        {"cat": "Session", "name": "model_run", "ts": 10, "dur": 9, "args": {}},
        node("a", 31, 4), node("a", 36, 5),
        {"cat": "Session", "name": "model_run", "ts": 30, "dur": 12, "args": {}},
    ]  # fmt: skip
    path = tmp_path / "profile.json"
    path.write_text("[\n" + ",\n".join(map(json.dumps, events)) + "\n]\n")
    times = read_profile(path, frozenset({"a", "b"}))
    assert times.names == ("a", "b")
    np.testing.assert_allclose(times.duration_s, [[3e-6, 2e-6], [9e-6, np.nan]])
    np.testing.assert_allclose(times.end_s, [[4e-6, 7e-6], [11e-6, np.nan]])
    assert times.kernels[0].input_shapes == ((1, 2),)
    assert times.kernels[0].output_shapes == ()


def test_files_that_are_no_profile_are_refused(tmp_path: Path):
    path = tmp_path / "profile.json"
    path.write_text("[\n{broken\n]")
    with pytest.raises(InvalidInput, match="line 2"):
        read_profile(path, frozenset())
    path.write_text("[\n]")
    with pytest.raises(InsufficientData):
        read_profile(path, frozenset())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["light_squeezenet", "light_shufflenet", "light_inception_v1"])
def test_the_light_models_of_the_onnx_package_run(name: str):
    onnx = pytest.importorskip("onnx")
    path = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / f"{name}.onnx"
    runner = OnnxRuntimeRunner(threads=1)
    runner.load(str(path))
    timeline = runner.run(3)
    assert not any(layer.op == "unknown" for layer in runner.network().layers)
    assert np.isfinite(timeline.duration_s).all()
    whole = timeline.run_end_s - timeline.run_start_s
    assert (np.nansum(timeline.duration_s, axis=1) <= whole).all()
    runner.close()
