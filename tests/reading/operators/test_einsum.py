"""Multiply-accumulates of sums of products, against those that PyTorch's counter finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import edgeprofiler
from edgeprofiler.core.graph import Graph
from edgeprofiler.reading.operators.einsum import einsum_macs

EQUATIONS = [
    ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
    ("...ij,...jk->...ik", [(2, 7, 3, 4), (2, 7, 4, 5)]),
    ("...ij,jk", [(2, 7, 3, 4), (4, 5)]),
    ("i...,...j->ij...", [(3, 7, 2), (7, 2, 5)]),
    ("blhk,bpk->blhp", [(2, 9, 4, 8), (2, 6, 8)]),
    ("ij,jk,kl->il", [(3, 4), (4, 5), (5, 6)]),
    ("...ij,jk,kl,lm->...im", [(2, 3, 4), (4, 5), (5, 6), (6, 7)]),
    ("bn,anm,bm->ba", [(2, 4), (3, 4, 5), (2, 5)]),
    ("ij,jk->k", [(3, 4), (4, 5)]),
    ("i,j->ij", [(3,), (4,)]),
    ("bij,bij->bij", [(2, 3, 4), (2, 3, 4)]),
    ("bii->bi", [(2, 3, 3)]),
    ("i j, j k", [(3, 4), (4, 5)]),
    ("ij->", [(3, 4)]),
]


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS)
def test_macs_are_those_that_pytorch_counts(equation: str, shapes: list[tuple[int, ...]]) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        torch.einsum(equation, *(torch.zeros(shape) for shape in shapes))
    assert 2 * (einsum_macs(equation, shapes) or 0) == counter.get_total_flops()


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS)
def test_a_file_is_read_with_the_shape_that_numpy_gives(
    equation: str, shapes: list[tuple[int, ...]], tmp_path: Path
) -> None:
    names = [f"x{place}" for place in range(len(shapes))]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in zip(names, shapes, strict=True)
    ]
    result = np.einsum(equation, *(np.zeros(shape) for shape in shapes))
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, result.shape)
    node = helper.make_node("Einsum", names, ["y"], equation=equation)
    model = helper.make_model(
        helper.make_graph([node], "g", inputs, [output]),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    onnx.save(model, tmp_path / "einsum.onnx")
    graph = edgeprofiler.read_model(tmp_path / "einsum.onnx")
    assert isinstance(graph, Graph)
    assert graph.tensors["y"].shape == result.shape
    assert not graph.warnings


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [("ij,jk", [(3, 4)]), ("ij,jk", [(3, 4, 2), (4, 5)]), ("i.j,jk", [(3, 4), (4, 5)])],
)
def test_what_does_not_fit_its_equation_has_no_count(
    equation: str, shapes: list[tuple[int, ...]]
) -> None:
    assert einsum_macs(equation, shapes) is None
