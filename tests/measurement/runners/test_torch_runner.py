"""PyTorch runs for real on the CPU; Torch-TensorRT by a fake."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.core.errors import InsufficientData, Unavailable, Unsupported, UsageError
from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.measurement.runners._onnx_model import inputs_of, model_of, weights_of
from edgeprofiler.measurement.runners._torch_graph import OPERATORS, kernels_of, module_of
from edgeprofiler.measurement.runners.protocol import IsolatingRunner, Runner
from edgeprofiler.measurement.runners.torch import WHOLE, TorchRunner

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytestmark = pytest.mark.filterwarnings("ignore:.*jit:DeprecationWarning", "ignore::UserWarning")


def both(graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    """The result by PyTorch and by ONNX Runtime, of the same weights and inputs."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(
        model_of(graph).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    inputs = inputs_of(graph)
    with torch.inference_mode():
        ours = module_of(graph, weights_of(graph))(*map(torch.from_numpy, inputs.values()))
    return ours.numpy(), session.run(None, inputs)[0]


def test_a_graph_computes_the_same_in_pytorch_as_in_onnx_runtime(small_graph: Graph):
    ours, theirs = both(small_graph)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("op", "attributes", "result"),
    [
        ("LRN", {"size": 3, "alpha": 1e-2}, (1, 4, 6, 6)),
        ("Clip", {"min": 0.0, "max": 0.5}, (1, 4, 6, 6)),
        ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}, (1, 4, 6, 6)),
        ("HardSigmoid", {"alpha": 0.2, "beta": 0.4}, (1, 4, 6, 6)),
        ("HardSwish", {}, (1, 4, 6, 6)), ("LeakyRelu", {"alpha": 0.1}, (1, 4, 6, 6)),
        ("Tanh", {}, (1, 4, 6, 6)), ("Sigmoid", {}, (1, 4, 6, 6)), ("Gelu", {}, (1, 4, 6, 6)),
        ("Softmax", {"axis": 1}, (1, 4, 6, 6)), ("Transpose", {"perm": (0, 2, 3, 1)}, (1, 6, 6, 4)),
        ("ReduceMean", {"axes": (2, 3), "keepdims": 0}, (1, 4)),
        ("MaxPool", {"kernel_shape": (3, 3), "strides": (2, 2), "pads": (0, 0, 1, 1)},
         (1, 4, 3, 3)),
        ("MaxPool", {"kernel_shape": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1)},
         (1, 4, 3, 3)),
        ("MaxPool", {"kernel_shape": (3, 3), "strides": (2, 2), "ceil_mode": 1}, (1, 4, 3, 3)),
        ("AveragePool", {"kernel_shape": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1)},
         (1, 4, 3, 3)),
        ("AveragePool", {"kernel_shape": (2, 2), "strides": (2, 2), "output_size": (3, 3)},
         (1, 4, 3, 3)),
        ("Resize", {"mode": "nearest"}, (1, 4, 12, 12)), ("Reshape", {}, (1, 144)),
        ("Identity", {}, (1, 4, 6, 6)),
    ],
)  # fmt: skip
def test_each_operator_computes_what_onnx_runtime_does(op: str, attributes: dict, result: tuple):
    graph = Graph(
        "one", (Node("n", op, ("x",), ("y",), attributes),),
        {"x": Tensor("x", (1, 4, 6, 6)), "y": Tensor("y", result)}, ("x",), ("y",),
    )  # fmt: skip
    ours, theirs = both(graph)
    np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(
    ("op", "attributes", "weight", "result"),
    [
        ("Conv", {"pads": (0, 0, 1, 1), "strides": (2, 2)}, (8, 4, 3, 3), (1, 8, 2, 2)),
        ("Conv", {"pads": (1, 1, 1, 1), "group": 4}, (4, 1, 3, 3), (1, 4, 6, 6)),
        ("ConvTranspose", {"strides": (2, 2)}, (4, 3, 2, 2), (1, 3, 12, 12)),
        ("Add", {}, (4, 1, 1), (1, 4, 6, 6)),
        ("MatMul", {}, (6, 5), (1, 4, 6, 5)),
        ("LayerNormalization", {"axis": -1}, (6,), (1, 4, 6, 6)),
        ("Concat", {"axis": 1}, (1, 2, 6, 6), (1, 6, 6, 6)),
    ],
)
def test_operators_with_weights_compute_what_onnx_runtime_does(op, attributes, weight, result):
    graph = Graph(
        "one", (Node("n", op, ("x", "w"), ("y",), attributes),),
        {"x": Tensor("x", (1, 4, 6, 6)), "w": Tensor("w", weight, constant=True),
         "y": Tensor("y", result)}, ("x",), ("y",),
    )  # fmt: skip
    ours, theirs = both(graph)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_several_outputs_come_as_a_tuple_and_splits_share_an_axis():
    graph = Graph(
        "one", (Node("n", "Split", ("x",), ("a", "b"), {"axis": 1}),),
        {"x": Tensor("x", (1, 6)), "a": Tensor("a", (1, 3)), "b": Tensor("b", (1, 3))},
        ("x",), ("a", "b"),
    )  # fmt: skip
    a, b = module_of(graph, {})(torch.zeros(1, 6))
    assert a.shape == b.shape == (1, 3)


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("Strange", {}),
        ("MaxPool", {"kernel_shape": (3,)}),
        ("AveragePool", {"kernel_shape": (3, 3), "pads": (0, 0, 1, 1)}),
    ],
)
def test_what_is_not_translated_is_refused_by_name(op: str, attributes: dict):
    graph = Graph(
        "one", (Node("n", op, ("x",), ("y",), attributes),),
        {"x": Tensor("x", (1, 4, 6, 6)), "y": Tensor("y", (1, 4, 3, 3))}, ("x",), ("y",),
    )  # fmt: skip
    with pytest.raises(Unsupported, match=op):
        module_of(graph, {})


def test_the_translation_covers_the_whole_zoo():
    from edgeprofiler.core import plugins
    from edgeprofiler.reading.front_end import ReadOptions

    front_end = plugins.load("frontends", "zoo")()
    for name in ("lenet", "mobilenet_v3_small", "shufflenet_v2_x0_5", "convnext_tiny", "mixnet_s"):
        graph = front_end.read(f"zoo:{name}", ReadOptions())
        assert {node.op for node in graph.nodes} <= set(OPERATORS)


@pytest.fixture
def runner(small_onnx: Path):
    made = TorchRunner(threads=1)
    made.load(str(small_onnx))
    yield made
    made.close()


def test_every_operator_is_timed(runner: TorchRunner):
    timeline = runner.run(4)
    network = runner.network()
    assert isinstance(runner, Runner)
    assert isinstance(runner, IsolatingRunner)
    assert timeline.duration_s.shape == (4, 7)
    assert timeline.layer_names == tuple(layer.name for layer in network.layers)
    whole = timeline.run_end_s - timeline.run_start_s
    assert (timeline.duration_s.sum(axis=1) < whole).all()
    assert [layer.engine_type for layer in network.layers][:2] == ["Conv", "BatchNormalization"]
    assert "weights are random" in network.warnings


def test_hooks_are_gone_after_a_run(runner: TorchRunner):
    runner.run(1)
    assert not any(leaf._forward_hooks for leaf in runner.loaded().forward.modules())
    assert runner.latencies(3).shape == (3,)


def test_pauses_lie_between_runs(runner: TorchRunner):
    timeline = runner.run(2, np.array([0.0, 0.02]))
    assert timeline.run_start_s[1] - timeline.run_end_s[0] >= 0.02


def test_torchscript_is_one_layer(small_onnx: Path):
    runner = TorchRunner(mode="script", threads=1)
    runner.load(str(small_onnx))
    timeline = runner.run(3)
    assert timeline.layer_names == (WHOLE,)
    assert runner.network() is None
    whole = timeline.run_end_s - timeline.run_start_s
    np.testing.assert_allclose(timeline.duration_s[:, 0], whole, atol=1e-4)
    assert runner.describe()["execution"] == "script"


def test_a_module_of_ones_own_is_timed_by_its_leaves():
    """A module that is called twice is two layers; what lies in no leaf is in the run only."""

    class Twice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = torch.nn.ReLU()
            self.dense = torch.nn.Linear(4, 4)

        def forward(self, x):
            return self.act(self.dense(self.act(x))) + 1

    runner = TorchRunner(threads=1)
    runner.load_module(Twice(), (torch.zeros(2, 4),))
    assert runner.run(2).layer_names == ("act", "dense", "act#2")
    assert runner.network() is None


def test_a_module_that_runs_differently_each_time_cannot_be_timed_by_layer():
    class Growing(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act, self.calls = torch.nn.ReLU(), 0

        def forward(self, x):
            self.calls += 1
            for _ in range(self.calls):
                x = self.act(x)
            return x

    runner = TorchRunner(threads=1)
    runner.load_module(Growing(), (torch.zeros(1),))
    with pytest.raises(InsufficientData, match="every run"):
        runner.run(2)


def test_what_torchscript_cannot_trace_is_unsupported():
    class Bad(torch.nn.Module):
        def forward(self, x):
            return {"a": {"b": object()}, "x": x}

    with pytest.raises(Unsupported, match="trace"):
        TorchRunner(mode="script").load_module(Bad(), (torch.zeros(1),), "bad")


def test_a_layer_runs_alone(runner: TorchRunner):
    alone = runner.isolated(runner.network().layers[0])
    assert alone.run(2).duration_s.shape == (2, 1)


def test_options_and_mistakes(runner: TorchRunner):
    assert TorchRunner(**json.loads(json.dumps(runner.options))).options == runner.options
    for wrong in ({"mode": "jit"}, {"precision": "int8"}):
        with pytest.raises(UsageError):
            TorchRunner(**wrong)
    with pytest.raises(UsageError, match="load"):
        TorchRunner().latencies(1)


def test_what_is_missing_is_said(monkeypatch):
    if not torch.cuda.is_available():
        with pytest.raises(Unavailable, match="no CUDA device"):
            TorchRunner(processor="cuda").probe()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Unavailable, match=r"edgeprofiler\[torch\]"):
        TorchRunner().probe()


def test_leaves_on_a_gpu_are_timed_by_events(small_graph: Graph, monkeypatch):
    """Events give milliseconds between two marks on the GPU's own clock."""
    from edgeprofiler.measurement.runners._torch_timing import LeafTimer

    class Event:
        count = 0

        def __init__(self, enable_timing: bool) -> None:
            assert enable_timing

        def record(self) -> None:
            Event.count += 1
            self.mark = Event.count

        def elapsed_time(self, other: Event) -> float:
            return 2.0 * (other.mark - self.mark)

    monkeypatch.setattr(torch.cuda, "Event", Event)
    module = module_of(small_graph, weights_of(small_graph))
    timer = LeafTimer(module, cuda=True)
    timer.attach()
    module(*map(torch.from_numpy, inputs_of(small_graph).values()))
    np.testing.assert_allclose(timer.take(), [2e-3] * len(kernels_of(small_graph)))
    timer.detach()


@pytest.fixture
def compiled(small_graph: Graph, monkeypatch):
    """Torch-TensorRT's module with one engine, on a machine that pretends to have a GPU."""
    from fake_tensorrt import FakeTensorRT, ProfilingVerbosity, StepClock

    clock = StepClock()
    fake = FakeTensorRT([("a", 1.0), ("b", 2.0)], {"Layers": []}, clock)
    fake.verbosity = ProfilingVerbosity.LAYER_NAMES_ONLY
    trt = fake.module()
    engine = trt.Runtime(trt.Logger(1)).deserialize_cuda_engine(b"plan")

    class Part(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.engine, self.context = engine, engine.create_execution_context()

        def forward(self, x):
            self.context.execute_v2([1, 2])
            return x

    module = types.ModuleType("torch_tensorrt")
    module.__version__ = "2.5.0"
    module.engines = 1
    module.asked = {}

    def compile_(given, **options):
        module.asked = options
        if module.engines < 0:
            raise RuntimeError("conversion failed")
        return torch.nn.Sequential(*(Part() for _ in range(module.engines)))

    module.compile = compile_
    monkeypatch.setitem(sys.modules, "torch_tensorrt", module)
    monkeypatch.setitem(sys.modules, "tensorrt", trt)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, *a: self)
    real_from_numpy = torch.from_numpy

    class OnGpu:
        def __init__(self, value):
            self._value = real_from_numpy(value)

        def to(self, device, dtype):
            assert device == "cuda"
            return self._value.to(dtype)

        def __getattr__(self, name):
            return getattr(self._value, name)

    monkeypatch.setattr("torch.from_numpy", OnGpu)
    from edgeprofiler.measurement.runners import torch_tensorrt

    monkeypatch.setattr(torch_tensorrt, "module_of", lambda g, w: torch.nn.Identity())
    runner = torch_tensorrt.TorchTensorRTRunner()
    runner.clock = clock
    return runner, module


def test_engines_of_torch_tensorrt_are_timed_by_tensorrts_profiler(compiled, small_onnx: Path):
    runner, module = compiled
    assert isinstance(runner, Runner)
    module.engines = 2
    runner.load(str(small_onnx))
    assert module.asked["use_python_runtime"] is True
    assert module.asked["enabled_precisions"] == {torch.float16}
    np.testing.assert_allclose(runner.latencies(2), 6e-3)
    timeline = runner.run(3)
    assert timeline.layer_names == ("a", "b", "a", "b")
    np.testing.assert_allclose(timeline.duration_s, [[1e-3, 2e-3] * 2] * 3)
    np.testing.assert_allclose(timeline.run_end_s - timeline.run_start_s, 6.004e-3)
    assert [layer.name for layer in runner.network().layers] == ["a", "b", "a", "b"]
    assert "weights are random" in runner.network().warnings
    assert runner.describe()["engines"] == "2"
    with pytest.raises(UsageError, match="before run"):
        runner.latencies(1)
    assert runner.run(1, np.array([1.0])).runs == 1
    runner.close()
    assert runner.network() is None
    with pytest.raises(UsageError, match="load"):
        runner.loaded()


def test_what_torch_tensorrt_cannot_do_is_said(compiled, small_onnx: Path, monkeypatch):
    runner, module = compiled
    module.engines = 0
    with pytest.raises(Unsupported, match="no engine"):
        runner.load(str(small_onnx))
    module.engines = -1
    with pytest.raises(Unsupported, match="conversion failed"):
        runner.load(str(small_onnx))
    with pytest.raises(UsageError, match="int8"):
        type(runner)(precision="int8")
    assert type(runner)(**json.loads(json.dumps(runner.options))).options == runner.options
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Unavailable, match="CUDA"):
        runner.probe()
    monkeypatch.setitem(sys.modules, "torch_tensorrt", None)
    with pytest.raises(Unavailable, match="Torch-TensorRT is not installed"):
        runner.probe()
