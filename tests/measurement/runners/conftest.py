"""Small models that run in milliseconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeprofiler.core.graph import Graph, Node, Tensor


@pytest.fixture
def small_graph() -> Graph:
    """Convolution, batch normalisation, ReLU, two poolings, a reshape and a dense layer."""
    shapes = {
        "x": (1, 3, 8, 8), "c": (1, 4, 8, 8), "b": (1, 4, 8, 8), "r": (1, 4, 8, 8),
        "p": (1, 4, 4, 4), "g": (1, 4, 1, 1), "f": (1, 4), "y": (1, 5),
    }  # fmt: skip
    weights = {"cw": (4, 3, 3, 3), "cb": (4,), "s": (4,), "o": (4,), "m": (4,), "v": (4,),
               "dw": (5, 4), "db": (5,)}  # fmt: skip
    tensors = {n: Tensor(n, s) for n, s in shapes.items()}
    tensors |= {n: Tensor(n, s, constant=True) for n, s in weights.items()}
    nodes = (
        Node("conv", "Conv", ("x", "cw", "cb"), ("c",), {"kernel_shape": (3, 3), "pads": (1,) * 4}),
        Node("norm", "BatchNormalization", ("c", "s", "o", "m", "v"), ("b",)),
        Node("act", "Relu", ("b",), ("r",)),
        Node("pool", "MaxPool", ("r",), ("p",), {"kernel_shape": (2, 2), "strides": (2, 2)}),
        Node("global", "GlobalAveragePool", ("p",), ("g",)),
        Node("flat", "Flatten", ("g",), ("f",), {"axis": 1}),
        Node("dense", "Gemm", ("f", "dw", "db"), ("y",), {"transB": 1}),
    )
    return Graph("small", nodes, tensors, ("x",), ("y",))


@pytest.fixture
def small_onnx(small_graph: Graph, tmp_path: Path) -> Path:
    """The same as an ONNX file whose nodes have no names of their own."""
    pytest.importorskip("onnx")
    from edgeprofiler.measurement.runners._onnx_model import model_of

    model = model_of(small_graph)
    for node in model.graph.node:
        node.name = "same"
    path = tmp_path / "small.onnx"
    path.write_bytes(model.SerializeToString())
    return path
