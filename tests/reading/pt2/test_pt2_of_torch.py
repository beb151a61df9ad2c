"""Programs that PyTorch exports: the same layers as the module captured directly."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
if importlib.util.find_spec("onnxscript") is None:
    pytest.skip("onnxscript is not installed", allow_module_level=True)

import torch_modules as own  # noqa: E402 - imports torch
from torch import nn  # noqa: E402

from edgeprofiler.core.graph import Graph  # noqa: E402
from edgeprofiler.reading.lowering import lower  # noqa: E402
from edgeprofiler.reading.read import read_graph  # noqa: E402
from edgeprofiler.reading.torch import from_torch  # noqa: E402


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.norm = nn.Linear(64, 192), nn.LayerNorm(64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        y = self.qkv(self.norm(x)).reshape(batch, length, 3, 4, 16).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(*y.unbind(0))
        return y.transpose(1, 2).reshape(batch, length, width)


class Shifts(nn.Module):
    """What windows of attention are made with, beside a rarer operator or two."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.roll(x, (-2, 3), (2, 3))
        y = nn.functional.pad(y, (1, 1, 2, 2)).masked_fill(x.mean() > 0, -1.0)
        return torch.stack([y[:, 1], y[:, 0]], 1)[..., ::2].amax(-1)


NETWORKS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "detector": (own.Detector, (1, 3, 64, 96)),
    "functional": (own.Functional, (2, 3, 32, 32)),
    "inception": (own.Inception, (1, 8, 16, 16)),
    "unet": (lambda: own.UNet(2), (1, 3, 32, 32)),
    "attention": (Attends, (2, 49, 64)),
}


def saved(module: nn.Module, shape: tuple[int, ...], path: Path, **more: Any) -> Graph:
    program = torch.export.export(module.eval(), (torch.zeros(shape),), **more)
    torch.export.save(program, path)
    return read_graph(path)


def compute(graph: Graph) -> list[tuple[object, ...]]:
    layers = lower(graph, "fp16").layers
    return sorted(
        (layer.op, layer.input_shapes[0], layer.output_shapes, layer.macs, layer.kernel)
        for layer in layers
        if layer.macs or layer.kind == "pooling"
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_a_saved_program_has_the_layers_of_the_module(name: str, tmp_path: Path) -> None:
    build, shape = NETWORKS[name]
    module = build()
    program, captured = saved(module, shape, tmp_path / "net.pt2"), from_torch(module, shape)
    assert compute(program) == compute(captured)
    assert program.parameters == captured.parameters
    assert lower(program, "fp16").columns.covered.all()
    results = [program.tensors[name].shape for name in program.outputs]
    assert results == [captured.tensors[name].shape for name in captured.outputs]


def test_every_operator_of_shifted_windows_is_known(tmp_path: Path) -> None:
    graph = saved(Shifts(), (1, 4, 8, 8), tmp_path / "net.pt2")
    assert not [node.op for node in graph.nodes if "." in node.op]


@pytest.mark.parametrize(("layers", "both"), [(1, False), (2, False), (2, True)])
@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3)])
def test_recurrent_layers_count_their_steps(
    kind: str, gates: int, layers: int, both: bool, tmp_path: Path
) -> None:
    """Steps x gates x hidden x (input + hidden), of each layer and direction."""
    module = getattr(nn, kind)(24, 32, layers, batch_first=True, bidirectional=both)
    graph = saved(module, (1, 50, 24), tmp_path / "net.pt2")
    ways = 2 if both else 1
    inputs = [24, *[32 * ways] * (layers - 1)]
    expected = sum(50 * gates * 32 * (i + 32) * ways for i in inputs)
    assert lower(graph, "fp16").macs == expected
    assert graph.parameters == sum(p.numel() for p in module.parameters())


def test_free_sizes_are_asked_for_like_any(tmp_path: Path) -> None:
    batch = torch.export.Dim("batch", min=1, max=64)
    free = {"dynamic_shapes": ({0: batch},)}
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 5))
    graph = saved(module, (2, 3, 8, 8), tmp_path / "net.pt2", **free)
    assert (graph.batch, list(graph.free.values())) == (2, [(0,)])
    again = read_graph(tmp_path / "net.pt2", batch=16)
    assert again.tensors[again.outputs[0]].shape == (16, 5)
