"""Names of layers, in TensorRT's style."""

from __future__ import annotations

from edgeprofiler.core.graph import Node
from edgeprofiler.reading.lowering.units import Unit


def layer_name(unit: Unit, pad: Node | None = None) -> str:
    """Return the names of a unit's nodes joined as TensorRT joins them.

    `conv1 + bn1 + relu`; a generated point-wise kernel of several nodes is `PWN(a, b)`.
    """
    names = [node.name or node.op for node in unit.nodes]
    if unit.role == "pointwise":
        return f"PWN({', '.join(names)})"
    if pad is not None:
        names.insert(0, pad.name or pad.op)
    return " + ".join(names)
