"""Write `examples/tiny_cnn.onnx`: a small classifier, for trying the commands out.

Usage: python scripts/make_example_onnx.py [OUTPUT]

A stem, two residual blocks (the second depthwise), a squeeze-and-excite gate, and a classifier
with a softmax, for one colour image of 96 x 96. Weights are seeded noise.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

DEFAULT = Path(__file__).parents[1] / "examples" / "tiny_cnn.onnx"


class Builder:
    """Collects nodes and weights under readable names."""

    def __init__(self) -> None:
        self.nodes: list[object] = []
        self.weights: list[object] = []
        self.random = np.random.default_rng(0)

    def weight(self, name: str, *shape: int) -> str:
        values = self.random.normal(0, 0.1, shape).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def node(self, op: str, name: str, *inputs: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))  # type: ignore[arg-type]
        return name

    def conv(self, x: str, name: str, i: int, o: int, k: int, s: int = 1, group: int = 1) -> str:
        inputs = (
            x,
            self.weight(f"{name}.weight", o, i // group, k, k),
            self.weight(f"{name}.bias", o),
        )
        pads = [k // 2] * 4
        return self.node(
            "Conv", name, *inputs, kernel_shape=[k, k], strides=[s, s], pads=pads, group=group
        )


def build() -> object:
    """Return the model."""
    b = Builder()
    x = b.node("Relu", "stem.relu", b.conv("image", "stem", 3, 8, 3, 2))
    x = b.node("MaxPool", "pool", x, kernel_shape=[2, 2], strides=[2, 2])

    y = b.node("Relu", "block1.relu", b.conv(x, "block1.conv1", 8, 8, 3))
    y = b.node("Add", "block1.add", b.conv(y, "block1.conv2", 8, 8, 3), x)
    x = b.node("Relu", "block1.out", y)

    y = b.node("Relu", "block2.expand.relu", b.conv(x, "block2.expand", 8, 24, 1))
    y = b.node("Relu", "block2.dw.relu", b.conv(y, "block2.dw", 24, 24, 3, 2, group=24))
    gate = b.node("GlobalAveragePool", "se.mean", y)
    gate = b.node("Relu", "se.relu", b.conv(gate, "se.reduce", 24, 6, 1))
    gate = b.node("Sigmoid", "se.sigmoid", b.conv(gate, "se.expand", 6, 24, 1))
    y = b.node("Mul", "se.scale", y, gate)
    x = b.conv(y, "block2.project", 24, 16, 1)

    x = b.node("GlobalAveragePool", "mean", x)
    x = b.node("Flatten", "flatten", x)
    weights = (b.weight("classifier.weight", 10, 16), b.weight("classifier.bias", 10))
    x = b.node("Gemm", "classifier", x, *weights, transB=1)
    b.node("Softmax", "scores", x)

    graph = helper.make_graph(
        b.nodes,  # type: ignore[arg-type]
        "tiny_cnn",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 96, 96])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])],
        b.weights,  # type: ignore[arg-type]
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="edgeprofiler"
    )
    model.ir_version = 8
    checker.check_model(model, full_check=True)
    return model


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    data: bytes = build().SerializeToString(deterministic=True)  # type: ignore[attr-defined]
    path.write_bytes(data)
    print(f"{path}: {len(data)} bytes")


if __name__ == "__main__":
    main()
