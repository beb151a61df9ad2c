"""Small files on which something failed, each with its right value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.lowering import lower
from edgeprofiler.reading.onnx.front_end import OnnxFrontEnd
from edgeprofiler.reading.operators.macs import graph_macs


@pytest.fixture
def load(shared: Path) -> Any:
    def read(name: str, **options: Any) -> Graph:
        path = shared / "inputs" / "models" / f"{name}.onnx"
        return OnnxFrontEnd().read(str(path), ReadOptions(**options))

    return read


def out(graph: Graph) -> tuple[int, ...]:
    return graph.tensors[graph.outputs[0]].shape


@pytest.mark.parametrize(("name", "macs"), [("lstm64_l", 3_276_800), ("gru64_l", 2_457_600)])
def test_recurrent_layers_count(load: Any, name: str, macs: int) -> None:
    graph = load(name)
    network = lower(graph)
    assert graph_macs(graph) == network.macs == macs
    assert network.columns.covered.all()
    assert max(la.repeats for la in network.layers) == 100


@pytest.mark.parametrize("name", ["ext0", "ext1", "inline0"])
def test_values_beside_the_model_and_in_it_are_the_same(load: Any, name: str) -> None:
    """A convolution of 64x64, a resize by 4, a convolution of 256x256."""
    graph = load(name)
    assert out(graph) == (1, 16, 256, 256)
    assert graph_macs(graph) == 64 * 64 * 32 * 27 + 256 * 256 * 16 * 32 * 9
    assert not graph.warnings


def test_a_custom_convolution_before_plain_ones(load: Any) -> None:
    """Deformable, 96 to 48 channels; offsets and masks are made by convolutions too."""
    graph = load("mmcv_dcn")
    assert out(graph) == (1, 64, 120, 160)
    assert graph_macs(graph) == 120 * 160 * 9 * ((288 + 144 + 48) * 96 + 64 * 48)


def test_onnx_runtimes_fused_product(load: Any) -> None:
    graph = load("fmm")
    assert out(graph) == (1, 3, 196, 196)
    assert graph_macs(graph) == 3 * 196 * 196 * 64


def test_onnx_runtimes_channels_last_operators(load: Any) -> None:
    graph = load("ms_internal_nhwc")
    assert out(graph) == (1, 64, 64, 32)
    assert graph_macs(graph) == 64 * 64 * 32 * 16 * 9
    assert out(load("ms_internal_pool")) == (1, 32, 32, 16)


def test_one_normalisation_from_two_exporters(load: Any) -> None:
    first, second = (lower(load(name)) for name in ("gn_d", "gn_l"))
    assert first.macs == second.macs == 128 * 128 * 64 * 9 * (3 + 64)
    assert [(la.op, la.bytes_moved, la.flops) for la in first.layers] == [
        (la.op, la.bytes_moved, la.flops) for la in second.layers
    ]


def test_a_channels_last_file(load: Any) -> None:
    """Two convolutions with SAME padding, a mean, a dense layer."""
    graph = load("tfnhwc", batch=1)
    assert graph_macs(graph) == 80 * 80 * 32 * 27 + 80 * 80 * 32 * 9 + 320
    with pytest.raises(UsageError, match="is channels-last"):
        load("tfnhwc", shapes={"": (1, 3, 160, 160)})
