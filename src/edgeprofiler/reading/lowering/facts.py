"""What must be known of a graph before its operators become layers.

Which nodes reach an output, which tensors are constants, which names mean the same tensor, and
who reads each. One pass each, so that the work grows with the number of nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.graph import Graph, Node, Shape, Tensor
from edgeprofiler.core.network import elements
from edgeprofiler.reading.lowering.quantizers import Quantizers
from edgeprofiler.reading.lowering.vocabulary import (
    ALIASES,
    AVERAGE_POOLS,
    CONVOLUTIONS,
    MAX_POOLS,
    RANDOM,
    SHAPE_READS,
)
from edgeprofiler.reading.lowering.windows import paddings, window

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

    def real(self, name: str) -> str:
        """Return the name that the producer of a tensor gave it."""
        start = name
        while name in self.alias:
            name = self.alias[name]
        while start != name:  # so that long chains of views are walked once
            self.alias[start], start = name, self.alias[start]
        return name

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


def gather_facts(graph: Graph) -> Facts:
    """Return what the lowering needs to know of `graph`."""
    facts = Facts(graph)
    live = _live(graph, facts)
    facts.static = {name for name, tensor in graph.tensors.items() if tensor.constant}
    facts.static.update(name for n in graph.nodes for name in n.inputs if _loose(graph, name))
    working: list[tuple[int, Node]] = []
    for place, node in live:
        if _is_static(node, facts):
            facts.static.update(name for name in node.outputs if name)
            facts.no_work[node.name] = "constant"
        elif _is_alias(node, facts):
            facts.alias[node.outputs[0]] = node.inputs[0]
            facts.no_work[node.name] = "view"
        else:
            working.append((place, node))
    _read(facts, working)
    quantizers = Quantizers(facts)
    for place, node in working:
        if node.op == "QuantizeLinear" and (reason := quantizers.reason(node)):
            facts.no_work[node.name] = reason
        elif node.op == "Pad" and _joins_convolutions(node, facts):
            facts.no_work[node.name] = "padding inside the convolution"
            facts.padded[node.outputs[0]] = node
        else:
            facts.nodes.append((place, node))
    quantizers.forget_repeated()
    facts.outputs = {facts.real(name) for name in graph.outputs}
    return facts


def _loose(graph: Graph, name: str) -> bool:
    """A tensor that nobody computes and no caller supplies is a weight, marked so or not."""
    return bool(name) and name not in graph.producers and name not in graph.inputs


def _live(graph: Graph, facts: Facts) -> list[tuple[int, Node]]:
    needed = set(graph.outputs)
    live: list[tuple[int, Node]] = []
    for place in range(len(graph.nodes) - 1, -1, -1):
        node = graph.nodes[place]
        if any(name in needed for name in node.outputs):
            needed.update(node.inputs)
            live.append((place, node))
        else:
            facts.no_work[node.name] = "dead"
    live.reverse()
    return live


def _is_static(node: Node, facts: Facts) -> bool:
    if node.op in SHAPE_READS:
        return True
    if node.op in RANDOM:
        return False
    return all(name in facts.static for name in node.inputs if name)


def _is_alias(node: Node, facts: Facts) -> bool:
    """Whether a node's first output is its first input under another name."""
    if not node.inputs or not node.inputs[0] or node.inputs[0] in facts.static:
        return False
    if not node.outputs or not node.outputs[0]:
        return False
    source, result = facts.tensor(node.inputs[0]), facts.tensor(node.outputs[0])
    if node.op in ("Cast", "CastLike"):
        return source.dtype in FLOATS and result.dtype in FLOATS
    if node.op in ALIASES or node.op == "DequantizeLinear":
        if node.op == "DequantizeLinear":
            facts.quantized.add(facts.real(node.inputs[0]))
        return True
    if node.op in ("Pad", "Resize", "Upsample", "Slice", "Expand", "Tile", "Transpose"):
        order = node.ints("perm")
        unmoved = node.op != "Transpose" or order == tuple(range(len(order)))
        return source.shape == result.shape and unmoved
    if node.op in ("Concat", "Sum", "Max", "Min", "Mean"):
        return len(node.inputs) == 1
    if node.op in MAX_POOLS | AVERAGE_POOLS:
        kernel, stride, _ = window(node, source.shape)
        unit = set(kernel) <= {1} and set(stride) <= {1}
        return unit and source.shape == result.shape and len([o for o in node.outputs if o]) == 1
    return False


def _read(facts: Facts, nodes: Iterable[tuple[int, Node]]) -> None:
    for _, node in nodes:
        for name in facts.dynamic(node):
            facts.readers.setdefault(name, []).append(node)
    facts.outputs = {facts.real(name) for name in facts.graph.outputs}


def _joins_convolutions(node: Node, facts: Facts) -> bool:
    result = node.outputs[0]
    readers = facts.readers.get(result, [])
    if result in facts.outputs or not readers or str(node.attributes.get("mode", "")) == "reflect":
        return False
    if any(r.op not in CONVOLUTIONS or facts.real(r.inputs[0]) != result for r in readers):
        return False
    value = node.attributes.get("value", 0)
    if len(node.inputs) > 2 and node.inputs[2]:
        constant = facts.graph.tensors.get(node.inputs[2])
        value = constant.value[0] if constant is not None and constant.value else 0
    before, after = paddings(node, facts.graph)
    return (
        not value and min((*before, *after), default=0) >= 0 and not any((*before[:2], *after[:2]))
    )


def spatial_size(shape: Shape) -> int:
    """Return the number of positions of an image tensor; 1 for vectors."""
    return elements(shape[2:]) if len(shape) > 2 else 1
