"""Plain nodes in place of one that says more at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgeprofiler.reading.onnx.structure import RawNode
from edgeprofiler.reading.operators.call import Operand

Attributes = dict[str, Any]


class Writer:
    """Collects the plain nodes that a foreign one is written out as."""

    def __init__(
        self, node: RawNode, values: Mapping[str, Operand], channels: Mapping[str, int]
    ) -> None:
        self.node = node
        self.values = values
        self.channels = channels
        self.nodes: list[RawNode] = []
        self.constants: dict[str, Operand] = {}

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        what: str,
        attributes: Attributes | None = None,
        outputs: Sequence[str] = (),
    ) -> str:
        """Add a node that makes a tensor of its own, or `outputs`; return the first."""
        made = tuple(outputs) or (f"{self.node.outputs[0]}/{what}",)
        name = f"{self.node.name or self.node.outputs[0]}/{what}" if what else self.node.name
        self.nodes.append(
            RawNode(name, op, "", tuple(inputs), made, attributes or {}, self.node.scope)
        )
        return made[0]

    def constant(self, what: str, value: Operand) -> str:
        """Add a constant; return its name."""
        name = f"{self.node.outputs[0]}/{what}"
        self.constants[name] = value
        return name

    def activation(self, source: str, result: str) -> None:
        """Add the activation that a fused operator says, or let `result` be its source."""
        kind = str(self.node.attributes.get("activation", ""))
        given = self.node.attributes.get("activation_params", ())
        numbers = [float(n) for n in given] if isinstance(given, tuple) else []
        if not kind:
            self.nodes[-1] = replace(self.nodes[-1], outputs=(result, *self.nodes[-1].outputs[1:]))
            return
        if kind == "Clip":
            bounds = [
                self.constant(what, Operand.of(np.array(number, np.float32)))
                for what, number in zip(("min", "max"), numbers, strict=False)
            ]
            self.add("Clip", (source, *bounds), kind, outputs=(result,))
            return
        names = ("alpha", "beta")
        attributes: Attributes = dict(zip(names, numbers, strict=False))
        self.add(kind, (source,), kind, attributes, outputs=(result,))
