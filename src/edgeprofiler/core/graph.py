"""The nouns of a model before lowering: tensors, nodes and the graph they make.

Operator and attribute names are ONNX's (`Conv` with `kernel_shape`, `strides`, `pads`,
`dilations`, `group`), whatever the model came from, so that one set of rules lowers all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal, Protocol, TypeVar

AttributeValue = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]
Shape = tuple[int, ...]
Dimension = int | tuple[str, int]
"""A length, or the tensor and axis that it is as long as."""

End = Literal["assumed", "least", "most"]
"""Which of its possible numbers a `Choice` is taken for."""

_EMPTY: Mapping[str, AttributeValue] = MappingProxyType({})


@dataclass(frozen=True)
class Choice:
    """A number that is known only while the model runs, and its bounds."""

    assumed: int
    least: int
    most: int | None
    """`None` where there is no bound."""
    loop: bool = False
    """Whether it counts the runs of a loop, which a user can say; else it is a branch's."""


Factor = int | str | Choice
"""How often something runs: a number, the constant that holds it, or a choice."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of known shape; a constant one is a weight, a bias or a computed parameter."""

    name: str
    shape: Shape
    dtype: str = "fp32"
    constant: bool = False
    value: tuple[int, ...] | tuple[float, ...] | None = None
    """Elements in row-major order of a small constant that shapes depend on, else `None`."""


@dataclass(frozen=True)
class Node:
    """One operator. An omitted optional input is the empty string, as in ONNX."""

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, AttributeValue] = field(default_factory=lambda: _EMPTY)
    repeats: tuple[Factor, ...] = ()
    """How often it runs in one inference, each run after the last: the product of the loops
    around it; once where there are none."""

    def ints(self, name: str, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return an attribute that is a list of integers; the default where it is none."""
        value = self.attributes.get(name, default)
        if isinstance(value, int):
            return (value,)
        if not isinstance(value, tuple):
            return default
        try:
            return tuple([int(v) for v in value])
        except (ValueError, OverflowError):  # texts, NaN, infinity: a stranger's file
            return default

    def integer(self, name: str, default: int = 0) -> int:
        """Return an attribute that is one integer; the default where it is none."""
        value = self.attributes.get(name, default)
        if isinstance(value, (str, tuple)):
            return default
        if isinstance(value, float):
            return int(value) if math.isfinite(value) else default
        return value


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which every input is computed before its use."""

    name: str
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    inputs: tuple[str, ...]
    """Names of the tensors that a caller supplies (weights are constants, not inputs)."""
    outputs: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    opset: int = 0
    """Version of ONNX's operators that the nodes follow; 0 for the newest."""
    free: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Axes of inputs whose length the model leaves to its caller, by input."""
    calculated: Mapping[str, Node] = field(default_factory=dict)
    """The node that calculates each constant that depends on shapes, in an order in which they
    can run: such a constant is known before the model runs, and new where a shape is."""
    told: Mapping[str, tuple[Dimension, ...]] = field(default_factory=dict)
    """Shapes of results that no rule can infer, as the model or its user tells them."""
    decided: tuple[str, ...] = ()
    """Calculated constants that decided which nodes there are: branches, and loops that were
    counted through. Sizes at which they differ are another graph's."""
    stated: Graph | None = field(default=None, init=False, repr=False, compare=False)
    """The graph with the sizes that its model states, where this one was changed to others. Every
    change starts there, so that it does not matter how many came before; `replace` drops it."""

    @cached_property
    def producers(self) -> Mapping[str, Node]:
        """The node that computes each tensor."""
        return {output: node for node in self.nodes for output in node.outputs if output}

    @cached_property
    def consumers(self) -> Mapping[str, tuple[Node, ...]]:
        """The nodes that read each tensor, in order; tensors that nobody reads are absent."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                if name:
                    found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def integers(self, node: Node, name: str, index: int) -> tuple[int, ...]:
        """Return a parameter that is an attribute or, in later opsets, a constant input.

        Empty where it is neither given nor known before the model runs.
        """
        if name in node.attributes:
            return node.ints(name)
        given = node.inputs[index] if index < len(node.inputs) else ""
        tensor = self.tensors.get(given) if given else None
        value = tensor.value if tensor is not None else None
        return () if value is None else tuple(int(number) for number in value)

    def times(self, node: Node, end: End = "assumed") -> int | None:
        """Return how often a node runs in one inference; `None` where there is no bound."""
        total = 1
        for factor in node.repeats:
            count: int | None
            if isinstance(factor, Choice):
                count = getattr(factor, end)
            elif isinstance(factor, str):
                value = self.tensors[factor].value
                count = int(value[0]) if value else 1
            else:
                count = factor
            if count is None:
                return None
            total *= max(count, 0)
        return total

    @cached_property
    def open(self) -> bool:
        """Whether how often some node runs is known only while the model runs."""
        return any(isinstance(f, Choice) for node in self.nodes for f in node.repeats)

    @property
    def batch(self) -> int:
        """First dimension of the first input; 1 where there is none."""
        shape = self.tensors[self.inputs[0]].shape if self.inputs else ()
        return shape[0] if shape else 1

    @property
    def parameters(self) -> int:
        """Number of floating-point weights and biases.

        Like a framework's count: batch normalisation has two (scale and shift); its running
        statistics are buffers.
        """
        buffers = {
            name
            for node in self.nodes
            if node.op == "BatchNormalization"
            for name in node.inputs[3:5]
        }
        total = 0
        for tensor in self.tensors.values():
            if tensor.name in self.calculated:
                continue
            if tensor.constant and tensor.dtype.startswith(("fp", "bf", "int8", "uint8")):
                if tensor.name in buffers or tensor.value is not None:
                    continue
                size = 1
                for length in tensor.shape:
                    size *= length
                total += size
        return total


class Operation(Protocol):
    """Something that reads tensors and makes tensors, by name."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what it reads."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what it makes; the empty string for what nobody asked for."""


AnyOperation = TypeVar("AnyOperation", bound=Operation)


def leading_to(wanted: Iterable[str], nodes: Sequence[AnyOperation]) -> list[AnyOperation]:
    """Return the nodes that lead to some tensors, in their order.

    Args:
        nodes: in an order in which they can run.

    >>> relu, tanh = Node("a", "Relu", ("x",), ("y",)), Node("b", "Tanh", ("x",), ("z",))
    >>> [node.name for node in leading_to(["z"], [relu, tanh])]
    ['b']
    """
    needed = set(wanted)
    kept = []
    for node in reversed(nodes):
        if any(name in needed for name in node.outputs if name):
            kept.append(node)
            needed.update(node.inputs)
    return kept[::-1]
