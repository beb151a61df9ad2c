"""What must be known of a graph before its operators become layers.

Which nodes reach an output, which tensors are constants, which names mean the same tensor, and
who reads each. One pass each, so that the work grows with the number of nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.graph import Graph, Node, Shape, Tensor
from edgeprofiler.core.network import elements

FLOATS = frozenset({"fp64", "fp32", "tf32", "fp16", "bf16", "fp8"})


@dataclass
class Facts:
    """A graph with its dead, constant and empty nodes set apart."""

    graph: Graph
    nodes: list[tuple[int, Node]] = field(default_factory=list)
    """Nodes that do something, with their place in the graph."""
    static: set[str] = field(default_factory=set)
    """Tensors whose content the builder knows: weights, and what is computed from them."""
    alias: dict[str, str] = field(default_factory=dict)
    readers: dict[str, list[Node]] = field(default_factory=dict)
    """Who reads each tensor, under the name that its producer gave it."""
    quantized: set[str] = field(default_factory=set)
    """Tensors that explicit quantisation stores as INT8."""
    padded: dict[str, Node] = field(default_factory=dict)
    """Outputs of padding that the convolutions that read them take over."""
    no_work: dict[str, str] = field(default_factory=dict)
    """Nodes that take no layer, by name, with the reason."""
    outputs: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)
    """What a loop's runs find from the runs before; an engine's own, like what it computes."""

    def real(self, name: str) -> str:
        """Return the name that the producer of a tensor gave it."""
        start = name
        while name in self.alias:
            name = self.alias[name]
        while start != name:  # so that long chains of views are walked once
            self.alias[start], start = name, self.alias[start]
        return name

    @staticmethod
    def times(node: Node) -> int:
        """Return how often a node runs; `compound.written_out` has made it one number."""
        (count,) = node.repeats or (1,)
        return count if isinstance(count, int) else 1

    def tensor(self, name: str) -> Tensor:
        """Return a tensor's shape and type."""
        tensor = self.graph.tensors.get(name)
        if tensor is None:
            raise InvalidInput(
                self.graph.name, f"the shape of tensor {name!r} is not known", "give input shapes"
            )
        return tensor

    def shape(self, name: str) -> Shape:
        """Return a tensor's shape."""
        return self.tensor(name).shape

    def dynamic(self, node: Node) -> list[str]:
        """Return the tensors that a node reads when the network runs, each once, in order."""
        names = (self.real(name) for name in node.inputs if name and name not in self.static)
        return list(dict.fromkeys(names))

    def constants(self, node: Node) -> list[Tensor]:
        """Return the weights and parameters that a node reads, where their shapes are known."""
        found = (self.graph.tensors.get(n) for n in node.inputs if n and n in self.static)
        return [tensor for tensor in found if tensor is not None]

    def sole_reader(self, name: str) -> bool:
        """Say whether one node reads a tensor, and the caller of the network does not."""
        return len(self.readers.get(name, ())) == 1 and name not in self.outputs


def spatial_size(shape: Shape) -> int:
    """Return the number of positions of an image tensor; 1 for vectors."""
    return elements(shape[2:]) if len(shape) > 2 else 1
