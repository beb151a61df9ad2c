"""Facts about reading PyTorch modules."""

from __future__ import annotations

import importlib.util
import io
import math
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from edgeprofiler.core.errors import Unavailable, Unsupported, UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Layer
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.lowering import lower
from edgeprofiler.reading.onnx.front_end import OnnxFrontEnd
from edgeprofiler.reading.torch import from_torch

pytestmark = pytest.mark.slow

if importlib.util.find_spec("torch") is None or importlib.util.find_spec("onnxscript") is None:
    pytest.skip("torch or onnxscript is not installed", allow_module_level=True)

import torch  # noqa: E402 - only where it is installed
import torch_modules as own  # noqa: E402 - imports torch
from torch import nn  # noqa: E402 - only where it is installed

NETWORKS = {
    "detector": (own.Detector, (1, 3, 64, 96)),
    "functional": (own.Functional, (2, 3, 32, 32)),
    "inception": (own.Inception, (1, 8, 16, 16)),
}


def compute(graph: Graph) -> Counter[tuple[object, ...]]:
    """Return the layers that multiply or pool, by what decides their cost."""

    def key(layer: Layer) -> tuple[object, ...]:
        first = layer.input_shapes[0] if layer.input_shapes else ()
        return (layer.kind, first, layer.output_shapes, layer.kernel, layer.stride, layer.groups,
                layer.macs)  # fmt: skip

    layers = lower(graph, "fp16").layers
    return Counter(key(layer) for layer in layers if layer.kind != "other")


def macs_of(module: nn.Module, *inputs: torch.Tensor) -> int:
    """Count the MACs of convolutions and linear layers by running the module with hooks."""
    total = 0

    def count(part: Any, _: Any, result: torch.Tensor) -> None:
        nonlocal total
        weight = part.weight
        if isinstance(part, nn.ConvTranspose2d):
            total += inputs_of[part][0] * math.prod(weight.shape[1:])
        else:
            total += result.numel() * math.prod(weight.shape[1:])

    inputs_of: dict[Any, tuple[int]] = {}
    handles = []
    for part in module.modules():
        if isinstance(part, (nn.Conv2d, nn.Linear, nn.ConvTranspose2d)):
            handles.append(
                part.register_forward_pre_hook(
                    lambda p, args: inputs_of.__setitem__(p, (args[0].numel(),))
                )
            )
            handles.append(part.register_forward_hook(count))
    module.eval()
    with torch.no_grad():
        module(*inputs)
    for handle in handles:
        handle.remove()
    return total


def exported(module: nn.Module, x: torch.Tensor, path: Path, *, dynamo: bool) -> Graph:
    """Return the module as one of torch's exporters writes it by default, read from a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.eval()
        if dynamo:
            torch.onnx.export(module, (x,), path, dynamo=True, verbose=False)
        else:
            buffer = io.BytesIO()
            torch.onnx.export(module, (x,), buffer, dynamo=False)
            path.write_bytes(buffer.getvalue())
    return OnnxFrontEnd().read(str(path), ReadOptions())


@pytest.mark.parametrize("name", NETWORKS)
def test_both_exporters_and_from_torch_agree_layer_for_layer(name: str, tmp_path: Path) -> None:
    build, shape = NETWORKS[name]
    module, x = build(), torch.zeros(shape)
    direct = from_torch(module, x)
    new = exported(module, x, tmp_path / "new.onnx", dynamo=True)
    old = exported(module, x, tmp_path / "old.onnx", dynamo=False)
    assert compute(direct) == compute(new) == compute(old)
    module.eval()
    for graph in (direct, new, old):
        assert graph.tensors[graph.outputs[0]].shape == tuple(module(x).shape)
        assert lower(graph, "fp16").macs == macs_of(module, x)
    parameters = {n: p.numel() for n, p in module.named_parameters() if not n.startswith("aux")}
    assert direct.parameters == sum(parameters.values())
    assert lower(direct, "fp16").columns.covered.all()


def test_a_module_is_read_in_evaluation_mode_and_given_back_as_it_was() -> None:
    module = own.Inception().train()
    module.a.eval()
    graph = from_torch(module, (torch.zeros(1, 8, 16, 16),), name="mine")
    assert graph.name == "mine"
    assert graph.tensors[graph.outputs[0]].shape == (1, 6, 32, 32)  # not the auxiliary head
    assert module.training
    assert module.b.training
    assert not module.a.training


def test_python_that_depends_on_data_is_traced(capfd: pytest.CaptureFixture[str]) -> None:
    """What torch.export refuses, the tracing exporter follows along one path; quietly."""
    graph = from_torch(own.Branching(), torch.zeros(1, 3, 16, 16))
    assert [node.op for node in graph.nodes] == ["Conv", "Relu"]
    assert "Branching" in graph.name
    assert capfd.readouterr().err == ""


def test_large_weights_are_not_copied() -> None:
    """A gigabyte of weights need not exist: on the meta device they have shapes alone."""
    with torch.device("meta"):
        module = nn.Sequential(nn.Flatten(), nn.Linear(16_384, 16_384, bias=False))
        x = torch.zeros(1, 4, 64, 64)
    graph = from_torch(module, x)
    assert graph.parameters == 16_384**2
    assert lower(graph, "fp16").macs == 16_384**2


def test_keyword_arguments_and_several_inputs() -> None:
    class Two(nn.Module):
        def forward(self, a: torch.Tensor, *, b: torch.Tensor) -> torch.Tensor:
            return a * b

    graph = from_torch(Two(), torch.zeros(1, 3), kwargs={"b": torch.zeros(4, 1)})
    assert len(graph.inputs) == 2
    assert graph.tensors[graph.outputs[0]].shape == (4, 3)


def test_what_is_no_module_is_refused_without_loading_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not unpickled"):
        from_torch(str(tmp_path / "weights.pt"), torch.zeros(1))
    with pytest.raises(UsageError, match="wants an example input"):
        from_torch(nn.ReLU(), ())


def test_a_module_that_cannot_run_says_why() -> None:
    with pytest.raises(Unsupported, match=r"Conv2d: torch cannot export this module") as caught:
        from_torch(nn.Conv2d(3, 4, 3), torch.zeros(1, 5, 8, 8))
    assert "\n" not in str(caught.value)


class Refusing(nn.Module):
    """A module that Python stops, on a condition that only the values tell."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.sum() > 0:
            raise ValueError("it is too bright")
        return x


def test_the_reason_is_the_cause_and_not_the_exporters_advice() -> None:
    with pytest.raises(Unsupported, match="ValueError: it is too bright") as caught:
        from_torch(Refusing(), torch.ones(1, 3, 8, 8))
    assert "\x1b" not in str(caught.value)
    assert "Next steps" not in str(caught.value)


def test_a_missing_torch_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Unavailable, match=r"edgeprofiler\[torch\]"):
        from_torch(object(), ())
