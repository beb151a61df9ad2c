"""Loops and branches of exported programs cost what the same module costs unrolled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - skipped without torch

import edgeprofiler  # noqa: E402
from edgeprofiler.core.errors import UsageError  # noqa: E402
from edgeprofiler.core.graph import Choice, Graph  # noqa: E402
from edgeprofiler.reading.graphs import with_input_shapes  # noqa: E402
from edgeprofiler.reading.lowering import lower  # noqa: E402
from edgeprofiler.reading.operators.macs import graph_macs  # noqa: E402

CONV = 8 * 8 * 9 * 256


class Refining(nn.Module):
    """A convolution that runs until its result is large."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Any) -> Any:
        from torch._higher_order_ops.while_loop import while_loop

        return while_loop(  # type: ignore[no-untyped-call]
            lambda x: x.sum() < 9, lambda x: (torch.relu(self.conv(x)),), (x,)
        )[0]


class Recurring(nn.Module):
    """A recurrent layer written as a scan over the steps."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(6, 5))
        self.r = nn.Parameter(torch.zeros(5, 5))

    def forward(self, x: Any) -> Any:
        from torch._higher_order_ops.scan import scan

        def step(h: Any, s: Any) -> Any:
            new = torch.tanh(s @ self.w + h @ self.r)
            return new, new.clone()

        return scan(step, torch.zeros(2, 5), x)


class Choosing(nn.Module):
    """A convolution of one size or another, as the data say."""

    def __init__(self) -> None:
        super().__init__()
        self.small = nn.Conv2d(8, 8, 1)
        self.large = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Any) -> Any:
        return torch.cond(x.sum() > 0, self.small, self.large, (x,))


def saved(folder: Path, module: Any, example: Any, **more: Any) -> Path:
    path = folder / "program.pt2"
    torch.export.save(torch.export.export(module.eval(), (example,), **more), path)
    return path


def test_a_loop_that_data_end_is_open_and_its_runs_may_be_said(tmp_path: Path) -> None:
    path = saved(tmp_path, Refining(), torch.zeros(1, 8, 16, 16))
    graph = edgeprofiler.read_model(path)
    assert isinstance(graph, Graph)
    assert graph_macs(graph) == CONV
    assert "say how many with `trips`" in graph.warnings[0]
    network = lower(graph)
    assert any(layer.unbounded for layer in network.layers)
    said = edgeprofiler.read_model(path, trips=7)
    assert isinstance(said, Graph)
    assert graph_macs(said) == 7 * CONV
    assert not said.warnings
    pytest.importorskip("onnxscript")
    module = edgeprofiler.read_model(Refining(), shapes={"": (1, 8, 16, 16)}, trips=7)
    assert isinstance(module, Graph)
    assert graph_macs(module) == 7 * CONV


def test_a_scan_runs_once_for_each_slice_also_at_another_length(tmp_path: Path) -> None:
    steps = torch.export.Dim("steps", min=2, max=64)
    path = saved(tmp_path, Recurring(), torch.zeros(20, 2, 6), dynamic_shapes=({0: steps},))
    graph = edgeprofiler.read_model(path)
    assert isinstance(graph, Graph)
    assert graph_macs(graph) == 20 * 2 * 5 * (6 + 5)
    assert [graph.tensors[name].shape for name in graph.outputs] == [(2, 5), (20, 2, 5)]
    longer = with_input_shapes(graph, {graph.inputs[0]: (31, 2, 6)})
    assert graph_macs(longer) == 31 * 2 * 5 * 11
    assert longer.tensors[longer.outputs[1]].shape == (31, 2, 5)
    with pytest.raises(UsageError, match="no loop whose runs are known only"):
        edgeprofiler.read_model(path, trips=3)


def test_of_two_branches_the_larger_runs_and_the_smaller_is_the_low_end(tmp_path: Path) -> None:
    path = saved(tmp_path, Choosing(), torch.zeros(1, 8, 16, 16))
    graph = edgeprofiler.read_model(path)
    assert isinstance(graph, Graph)
    assert {f for n in graph.nodes for f in n.repeats} == {Choice(1, 0, 1), Choice(0, 1, 0)}
    network = lower(graph)
    assert network.macs == CONV
    assert network.least is not None
    assert network.least.macs == CONV // 9


def test_a_layer_that_is_called_twice_has_its_weights_once(tmp_path: Path) -> None:
    """As heads of detectors that are shared by all scales."""

    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(8, 8)

        def forward(self, x: Any) -> Any:
            return self.linear(torch.relu(self.linear(x)))

    graph = edgeprofiler.read_model(saved(tmp_path, Shared(), torch.zeros(2, 5, 8)))
    assert isinstance(graph, Graph)
    assert graph_macs(graph) == 2 * 10 * 64
    assert graph.parameters == 72
