"""Which QuantizeLinear nodes take a layer of their own (see `rules.QUANTIZED`)."""

from __future__ import annotations

from collections.abc import Iterable

from edgeprofiler.core.graph import Graph, Node
from edgeprofiler.reading.lowering.facts import Facts
from edgeprofiler.reading.lowering.vocabulary import (
    AVERAGE_POOLS,
    CONCATS,
    GLOBAL_POOLS,
    MATMULS,
    MAX_POOLS,
    POINTWISE,
    RESHAPES,
    RESIZES,
    SLICES,
    TRANSPOSED,
)
from edgeprofiler.reading.operators.macs import CONVOLUTIONS, GEMMS

_WRITES_INT8 = CONVOLUTIONS | TRANSPOSED | GEMMS | MATMULS | POINTWISE


_POOLS = MAX_POOLS | AVERAGE_POOLS | GLOBAL_POOLS
_MOVES = RESHAPES | SLICES | CONCATS | RESIZES | frozenset({"Transpose"})


_STORED = frozenset({"int8", "uint8", "int4", "uint4", "fp8"})
INTEGER_OPERATORS = frozenset({"QGemm", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear"})
"""Operators on integers, beside `QLinear...`; TensorRT's parser takes none of them."""


def on_integers(node: Node) -> bool:
    """Say whether an operator itself works on integers, without quantisers around it."""
    return node.op.startswith("QLinear") or node.op in INTEGER_OPERATORS


def is_explicit(graph: Graph) -> bool:
    """Say whether a model states itself what is quantised: then nothing else is."""
    products = CONVOLUTIONS | TRANSPOSED | GEMMS | MATMULS
    return any(
        node.op in ("QuantizeLinear", "DequantizeLinear")
        or (node.op in products and not on_integers(node) and _quantised(graph, node.inputs[1:2]))
        for node in graph.nodes
    )


def _quantised(graph: Graph, names: Iterable[str]) -> bool:
    tensors = (graph.tensors.get(name) for name in names)
    return any(t is not None and t.constant and t.dtype in _STORED for t in tensors)


def is_int8(facts: Facts, node: Node) -> bool:
    """Say whether a product is INT8 because the model says so (see `rules.QUANTIZED`).

    Both factors must come through a DequantizeLinear, weights too: half of it is a product of
    floats.
    """
    if on_integers(node):
        return True
    return len(node.inputs) > 1 and all(_is_dequantised(facts, name) for name in node.inputs[:2])


def _is_dequantised(facts: Facts, name: str) -> bool:
    if name not in facts.static:
        return facts.real(name) in facts.quantized
    producer = facts.graph.producers.get(name)
    dequantised = producer is not None and producer.op == "DequantizeLinear"
    return dequantised or _quantised(facts.graph, (name,))


class Quantizers:
    """The QuantizeLinear nodes so far, and which of them take no layer."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.first: dict[object, str] = {}
        self.scale_of: dict[str, object] = {}
        self.repeated: dict[str, set[int]] = {}

    def reason(self, node: Node) -> str:
        """Return why a quantiser takes no layer; empty where it does."""
        self.facts.quantized.add(node.outputs[0])
        scale = self._scale(node)
        if self._repeats(node, scale):
            return "the same quantisation as another"
        joins = self._joins_producer(node, scale)
        self.scale_of[self.facts.real(node.outputs[0])] = scale
        return "quantised where it is produced" if joins else ""

    def forget_repeated(self) -> None:
        """Take the quantisers that repeat another off the readers of their input."""
        for source, nodes in self.repeated.items():
            readers = self.facts.readers[source]
            self.facts.readers[source] = [n for n in readers if id(n) not in nodes]

    def _scale(self, node: Node) -> object:
        parameters = [self.facts.graph.tensors.get(name) for name in node.inputs[1:]]
        return tuple(
            (t.name if t.value is None else t.value) if t is not None else None for t in parameters
        )

    def _joins_producer(self, node: Node, scale: object) -> bool:
        facts, result = self.facts, node.outputs[0]
        source = facts.real(node.inputs[0])
        producer = facts.graph.producers.get(source)
        if producer is None or not facts.sole_reader(source):
            return False
        if producer.op not in _WRITES_INT8 and not self._passes_int8(producer, scale):
            return False
        facts.alias[result] = source
        facts.quantized.add(source)
        facts.readers[source] = facts.readers.pop(result, [])
        if result in facts.outputs:
            facts.outputs.add(source)
        return True

    def _passes_int8(self, producer: Node, scale: object) -> bool:
        """Whether a pooling or a movement of INT8 data writes INT8, so that nothing is quantised.

        A pooling's kernel can change the scale; what only moves data cannot.
        """
        facts = self.facts
        sources = facts.dynamic(producer)
        if not sources or not all(name in facts.quantized for name in sources):
            return False
        if producer.op in _POOLS:
            return True
        return producer.op in _MOVES and all(self.scale_of.get(n) == scale for n in sources)

    def _repeats(self, node: Node, scale: object) -> bool:
        """Whether a tensor has been quantised by this scale and zero point already.

        The kernel that produces a tensor could quantise it only for one reader, and TensorRT
        looks for that first: a tensor that is quantised twice is quantised by a layer of its own.
        """
        facts = self.facts
        source, result = facts.real(node.inputs[0]), node.outputs[0]
        first = self.first.setdefault((source, scale, facts.tensor(result).dtype), result)
        if first == result or result in facts.outputs:
            return False
        facts.alias[result] = first
        facts.readers.setdefault(first, []).extend(facts.readers.pop(result, []))
        self.repeated.setdefault(source, set()).add(id(node))
        return True
