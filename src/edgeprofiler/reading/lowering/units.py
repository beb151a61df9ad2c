"""Which operators run together: nodes gathered into the kernels that TensorRT would make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from edgeprofiler.core.graph import Node, Tensor
from edgeprofiler.core.network import elements
from edgeprofiler.reading.lowering import vocabulary as words
from edgeprofiler.reading.lowering.facts import Facts
from edgeprofiler.reading.lowering.patterns import normalization_nodes
from edgeprofiler.reading.lowering.rules import (
    CLAMPS_APART,
    FOLDED_SCALE,
    GENERATED_ACTIVATION,
    RESIDUAL,
    RESIDUAL_AFTER_ACTIVATION,
    SIBLINGS,
    SIMPLE_ACTIVATION,
    STEM_POOLING,
)
from edgeprofiler.reading.lowering.target import JETSON_ORIN, WINOGRAD_SAVING, BuildTarget
from edgeprofiler.reading.operators.macs import CONVOLUTIONS, GEMMS
from edgeprofiler.reading.operators.windows import window_of

Role = Literal[
    "convolution", "gemm", "matmul", "pool", "global_pool", "reduce", "pointwise", "concat",
    "slice", "reshape", "transpose", "softmax", "normalization", "resize", "copy", "topk",
    "quantize", "unknown",
]  # fmt: skip

_ROLES: tuple[tuple[frozenset[str], Role], ...] = (
    (CONVOLUTIONS | words.TRANSPOSED, "convolution"),
    (GEMMS, "gemm"),
    (words.MATMULS, "matmul"),
    (words.POINTWISE, "pointwise"),
    (words.MAX_POOLS | words.AVERAGE_POOLS, "pool"),
    (words.GLOBAL_POOLS, "global_pool"),
    (words.REDUCTIONS, "reduce"),
    (words.CONCATS, "concat"),
    (words.SLICES, "slice"),
    (words.RESHAPES, "reshape"),
    (frozenset({"Transpose"}), "transpose"),
    (words.SOFTMAXES, "softmax"),
    (words.NORMALIZATIONS, "normalization"),
    (words.RESIZES, "resize"),
    (words.COPIES | words.ALIASES, "copy"),  # an alias of a constant that is chosen at run time
    (words.TOPKS, "topk"),
    (frozenset({"QuantizeLinear", "DynamicQuantizeLinear", "Cast", "CastLike"}), "quantize"),
)
ROLE_OF: Mapping[str, Role] = {op: role for ops, role in _ROLES for op in ops}
"""What each operator's kernel is; others are `unknown`."""

_ABSORBING = frozenset({"convolution", "gemm", "matmul"})

# Bounds that no network comes near; they keep the work linear in the number of nodes.
_MOST_INPUTS = 16
_MOST_READERS = 64
_MOST_FOLDED = 32


@dataclass
class Unit:
    """Nodes that run as one kernel (or, for views, as none)."""

    role: Role
    nodes: list[Node]
    inputs: list[str]
    """Tensors read when the network runs; a convolution's own input first."""
    output: str
    """The tensor that leaves; a node with several outputs keeps them in its node."""
    last: int
    """Place of its last node: by then every input has been computed."""
    parameters: list[Tensor] = field(default_factory=list)
    """Weights of the nodes that joined, beside the anchor's own."""
    ops: set[str] = field(default_factory=set)
    """Operators of a point-wise unit."""
    scaled: bool = False
    activated: bool = False
    residual: bool = False
    sum_after_activation: bool = False
    unpooled: str = ""
    """What a convolution would write if no pooling had joined it; empty where none has."""
    siblings: list[Unit] = field(default_factory=list)
    """Convolutions that run side by side with this one, in one kernel."""
    inside: str = ""
    """Why a unit that moves data takes no kernel of its own; empty where it does."""
    copies_at_once: bool = False
    """Whether its kernel moves all parts of a tensor that are wanted."""
    beside: list[Unit] = field(default_factory=list)
    """Units that move other parts of the same tensor in this unit's kernel."""
    products: list[Node] = field(default_factory=list)
    """More products that run in this unit's kernel."""

    @property
    def repeats(self) -> int:
        """How often it runs in one inference."""
        return Facts.times(self.nodes[0])

    @property
    def writes_in_place(self) -> bool:
        """Whether its kernel can write into a part of a larger tensor."""
        return not self.sum_after_activation and not self.siblings

    @property
    def anchor(self) -> Node:
        """The node that gives the unit its role."""
        return self.nodes[0]


def gather_units(
    facts: Facts, precision: str, builder: str = "trtexec", target: BuildTarget = JETSON_ORIN
) -> list[Unit]:
    """Return the units of a graph in an order in which they can run."""
    gathering = _Gathering(facts, precision, builder, target)
    chains = normalization_nodes(facts)
    members = {node.name for nodes in chains.values() for node in nodes}
    for place, node in facts.nodes:
        if node.name in chains:
            gathering.add_chain(place, chains[node.name])
        elif node.name not in members:
            gathering.add(place, node)
    units = {id(unit): unit for unit in gathering.unit_of.values()}
    place_of = {id(node): place for place, node in facts.nodes}
    for unit in units.values():
        unit.nodes.sort(key=lambda node: place_of[id(node)])  # an anchor comes before what joined
    found = list(units.values())
    if STEM_POOLING.holds(precision, target):
        found = join_stem_poolings(found, facts)
    return sorted(merge_siblings(found, facts), key=lambda unit: unit.last)


def join_stem_poolings(units: Iterable[Unit], facts: Facts) -> list[Unit]:
    """Return the units with the pooling of a stem inside its convolution."""
    kept = list(units)
    pools = {unit.inputs[0]: unit for unit in kept if unit.anchor.op in words.MAX_POOLS}
    for unit in list(kept):
        pool = pools.get(unit.output)
        if pool is None or not facts.sole_reader(unit.output) or not _is_stem(unit, pool, facts):
            continue
        unit.nodes.extend(pool.nodes)
        unit.unpooled, unit.output, unit.last = unit.output, pool.output, pool.last
        kept.remove(pool)
    return kept


def _is_stem(unit: Unit, pool: Unit, facts: Facts) -> bool:
    node, others = unit.anchor, [name for name in pool.anchor.outputs[1:] if name]
    if node.op != "Conv" or len(unit.inputs) != 1 or others:
        return False
    source, weight = facts.shape(unit.inputs[0]), facts.tensor(node.inputs[1]).shape
    middle, result = facts.shape(unit.output), facts.shape(pool.output)
    first, second = window_of(node, source, middle, weight), window_of(pool.anchor, middle, result)
    seven = (first.kernel, first.stride) == ((7, 7), (2, 2))
    return source[1] < 4 and seven and (second.kernel, second.stride) == ((3, 3), (2, 2))


def merge_siblings(units: Iterable[Unit], facts: Facts) -> list[Unit]:
    """Return the units with convolutions of one tensor and one window put side by side."""
    merged: list[Unit] = []
    groups: dict[object, Unit] = {}
    for unit in units:
        node = unit.anchor
        joined = tuple(n.op for n in unit.nodes[1:])
        plain = set(joined) <= SIBLINGS.ops and not unit.residual and len(unit.inputs) == 1
        if node.op != "Conv" or node.integer("group", 1) != 1 or not plain:
            merged.append(unit)
            continue
        source, result = facts.shape(unit.inputs[0]), facts.shape(node.outputs[0])
        window = window_of(node, source, result, facts.tensor(node.inputs[1]).shape)
        key = (unit.inputs[0], window, joined, unit.repeats)
        first = groups.setdefault(key, unit)
        if first is unit:
            merged.append(unit)
        else:
            first.siblings.append(unit)
            first.last = min(first.last, unit.last)  # all they wait for is their one input
    return merged


class _Gathering:
    def __init__(self, facts: Facts, precision: str, builder: str, target: BuildTarget) -> None:
        torch = builder == "torch-tensorrt"
        self.facts = facts
        self.precision = precision
        self.target = target
        self.apart = CLAMPS_APART.ops if torch else frozenset[str]()
        self.linear_sums_apart = torch and target.linear_sums_apart
        self.unit_of: dict[str, Unit] = {}

    def add(self, place: int, node: Node) -> None:
        role = ROLE_OF.get(node.op, "unknown")
        if role == "reduce" and is_spatial_mean(node, self.facts):
            role = "global_pool"
        unit = Unit(role, [node], self.facts.dynamic(node), node.outputs[0], place)
        self._own(unit, (node,))
        if role == "pointwise":
            unit.ops = {node.op}
            unit.parameters = _weights([node], self.facts)
            self._join_anchor(self._join_chains(unit))

    def add_chain(self, place: int, nodes: list[Node]) -> None:
        unit = Unit(
            "normalization", nodes, self.facts.dynamic(nodes[0]), nodes[-1].outputs[0], place
        )
        # groups are normalised with ones and zeros, which are no parameters where others follow
        scaled = [n for n in nodes if n.op != "InstanceNormalization"]
        unit.parameters = _weights(scaled, self.facts) or _weights(nodes, self.facts)
        self.unit_of[unit.output] = unit

    def _join_chains(self, unit: Unit) -> Unit:
        """Merge the point-wise units whose results only this node reads."""
        facts = self.facts
        shape = facts.shape(unit.output)
        for name in list(unit.inputs):
            before = self.unit_of.get(name)
            if before is None or before.role != "pointwise" or before is unit:
                continue
            if not facts.sole_reader(name) or facts.shape(name) != shape:
                continue
            if before.repeats != unit.repeats:
                continue
            others = [other for other in unit.inputs if other != name]
            inputs = list(dict.fromkeys((*before.inputs, *others)))
            if len(inputs) > _MOST_INPUTS:
                continue
            output, last = unit.output, unit.last
            kept, moved = (before, unit) if len(before.nodes) > len(unit.nodes) else (unit, before)
            kept.nodes.extend(moved.nodes)
            kept.parameters.extend(moved.parameters)
            kept.ops |= moved.ops
            kept.inputs, kept.output, kept.last = inputs, output, last
            self._own(kept, moved.nodes)
            unit = kept
        return unit

    def _own(self, unit: Unit, nodes: Iterable[Node]) -> None:
        for node in nodes:
            for name in node.outputs:
                if name:
                    self.unit_of[name] = unit

    def _join_anchor(self, unit: Unit) -> None:
        """Let the convolution or GEMM that feeds a point-wise unit take it over, if one can."""
        candidates = [
            anchor
            for name in unit.inputs
            if (anchor := self.unit_of.get(name)) is not None
            and anchor.role in _ABSORBING
            and anchor.repeats == unit.repeats
            and name not in self.facts.outputs
            and self.facts.shape(name) == self.facts.shape(unit.output)
            and self._reads_alone(unit, name)
        ]
        for anchor in sorted(candidates, key=lambda found: found.last, reverse=True):
            if self._accepts(anchor, unit):
                own = anchor.output
                anchor.inputs.extend(name for name in unit.inputs if name != own)
                anchor.nodes.extend(unit.nodes)
                anchor.parameters.extend(unit.parameters)
                anchor.output, anchor.last = unit.output, unit.last
                self._own(anchor, unit.nodes)
                return

    def _reads_alone(self, unit: Unit, name: str) -> bool:
        """Whether nobody but a unit reads a tensor."""
        readers = self.facts.readers[name]
        return len(readers) <= _MOST_READERS and all(
            self.unit_of.get(reader.outputs[0]) is unit for reader in readers
        )

    def _accepts(self, anchor: Unit, unit: Unit) -> bool:
        """Whether a rule lets `anchor` run `unit`; note what has joined."""
        ops = unit.ops
        others = [name for name in unit.inputs if name != anchor.output]
        if others:
            return self._accepts_residual(anchor, unit, ops, others)
        if ops <= FOLDED_SCALE.ops and not anchor.activated and not anchor.residual:
            if self._per_channel(unit, anchor):
                anchor.scaled = True
                return True
            return self._generated(anchor)
        if ops & self.apart or (anchor.role == "matmul" and not _by_weights(anchor, self.facts)):
            return False
        if ops <= SIMPLE_ACTIVATION.ops and len(unit.nodes) == 1 and not anchor.activated:
            anchor.activated = True
            return True
        return self._generated(anchor)

    def _generated(self, anchor: Unit) -> bool:
        matmul = anchor.role == "matmul" and not _by_weights(anchor, self.facts)
        if self._generates(anchor) and not matmul:
            anchor.activated = True
            return True
        return False

    def _generates(self, anchor: Unit) -> bool:
        """Whether the kernel of a product can be generated with what follows it."""
        if self.precision == "fp32":
            alone = anchor.anchor.integer("group", 1) == 1
            if not alone or self.target.tf32_ratio <= WINOGRAD_SAVING:
                return False  # FP32 kernels are ready-made
        return GENERATED_ACTIVATION.holds(self.precision, self.target)

    def _accepts_residual(self, anchor: Unit, unit: Unit, ops: set[str], others: list[str]) -> bool:
        if anchor.role == "matmul" or anchor.residual or len(unit.nodes) > 1 or len(others) > 1:
            return False
        if not ops <= RESIDUAL.ops or self.facts.shape(others[0]) != self.facts.shape(unit.output):
            return False
        if self.linear_sums_apart and not self._activated_next(unit):
            return False
        if anchor.activated:
            if not RESIDUAL_AFTER_ACTIVATION.holds(self.precision, self.target):
                return False
            anchor.sum_after_activation = True
        anchor.residual = True
        anchor.activated = False
        return True

    def _activated_next(self, unit: Unit) -> bool:
        readers = self.facts.readers.get(unit.output, [])
        return len(readers) == 1 and readers[0].op in SIMPLE_ACTIVATION.ops

    def _per_channel(self, unit: Unit, anchor: Unit) -> bool:
        """Whether every constant is one number, or one a channel, of an anchor's result."""
        if len(unit.nodes) > _MOST_FOLDED:
            return False
        shape = self.facts.shape(unit.output)
        axis = 1 if anchor.role == "convolution" else -1
        channels = shape[axis] if len(shape) > 1 else 1
        return all(
            elements(constant.shape) in (1, channels)
            for node in unit.nodes
            for constant in self.facts.constants(node)
        )


def _by_weights(unit: Unit, facts: Facts) -> bool:
    return len(facts.dynamic(unit.anchor)) == 1


_NUMBERS = frozenset({"int64", "bool"})
"""Types of what sizes and indices are said by."""


def _weights(nodes: Iterable[Node], facts: Facts) -> list[Tensor]:
    """Return the constants of nodes that are read as tensors, not as parameters."""
    found: list[Tensor] = []
    for node in nodes:
        constants = facts.constants(node)
        if node.op == "BatchNormalization":
            constants = constants[:2]  # the running statistics fold into scale and shift
        found += [c for c in constants if elements(c.shape) > 1 and c.dtype not in _NUMBERS]
    return found


def is_spatial_mean(node: Node, facts: Facts) -> bool:
    """Say whether a reduction is a mean or maximum over all positions of an image tensor."""
    if node.op not in ("ReduceMean", "ReduceMax"):
        return False
    source = facts.shape(node.inputs[0])
    rank = len(source)
    if rank < 3:
        return False
    axes = facts.graph.integers(node, "axes", 1)
    if axes:
        return {a % rank for a in axes} == set(range(2, rank))
    result = facts.shape(node.outputs[0])
    return rank > 3 and elements(result) == source[0] * source[1] and result[:2] == source[:2]
