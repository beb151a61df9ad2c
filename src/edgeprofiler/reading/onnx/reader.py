"""One pass over the nodes: shapes are derived, constants computed, and a `Graph` is written."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import Choice, Dimension, Factor, Node
from edgeprofiler.reading.onnx.blocks import real_channels
from edgeprofiler.reading.onnx.foreign import written_out
from edgeprofiler.reading.onnx.inputs import Bound, declared
from edgeprofiler.reading.onnx.sequences import Sequences
from edgeprofiler.reading.onnx.structure import (
    DEFAULT_DOMAINS,
    RawNode,
    TensorReader,
    captured,
    describe,
)
from edgeprofiler.reading.onnx.subgraphs import Subgraphs
from edgeprofiler.reading.onnx.told import Teller
from edgeprofiler.reading.operators import fold, inference
from edgeprofiler.reading.operators.call import (
    BadNodeError,
    Call,
    Operand,
    Spec,
    check_size,
    lengths,
    text,
)
from edgeprofiler.reading.operators.rules import RULES, by_rule
from edgeprofiler.reading.operators.selection import RANDOM, SHAPE_READS

WEIGHT_SLOTS: Mapping[str, tuple[int, ...]] = {
    "Conv": (1, 2), "ConvTranspose": (1, 2), "DeformConv": (1, 3),
    "QLinearConv": (3, 8), "ConvInteger": (1,), "Gemm": (1, 2), "QGemm": (3, 6),
    "MatMul": (1,), "QLinearMatMul": (3,), "MatMulInteger": (1,),
    "BatchNormalization": (1, 2, 3, 4), "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2), "GroupNormalization": (1, 2), "PRelu": (1,),
}  # fmt: skip
"""Where operators take weights, which are never parameters of a shape."""

_FROM_SIZES = SHAPE_READS | {"Range", "EyeLike", "NonZero"}


@dataclass(frozen=True)
class Mark:
    """How far a model is read."""

    nodes: int
    lengths: tuple[int, ...]


class Reader:
    """What is known while the nodes of one model are read."""

    def __init__(
        self,
        source: str,
        opset: int,
        bound: Bound,
        tensors: TensorReader,
        outputs: Sequence[str] = (),
        trips: int | None = None,
    ) -> None:
        self.source = source
        self.opset = opset
        self.bound = bound
        self.tensors = tensors
        self.values: dict[str, Operand] = {}
        self.nodes: list[Node] = []
        self.teller = Teller(bound, self.values)
        self.told: dict[str, tuple[Dimension, ...]] = {}
        """Shapes of results that no rule can infer."""
        self.outputs = set(outputs)
        """Results of the model, and of the bodies that are read."""
        self.warnings: dict[str, int] = {}
        self.sequences = Sequences(self)
        self.subgraphs = Subgraphs(self)
        self.trips = trips
        self.asked_trips = False
        """Whether some loop's runs were asked for."""
        self.repeats: tuple[Factor, ...] = ()
        """How often what is read now runs: the loops around it."""
        self.decided: dict[str, None] = {}
        """Calculated constants that decided which nodes there are."""
        self._names: dict[str, int] = {}
        self._computed: dict[str, None] = {}
        self.from_sizes: dict[str, None] = {}
        """Constants calculated from sizes, such as a detector's grid: no weights."""
        self.recipes: dict[str, Node] = {}
        """The node that calculates each constant that depends on the shape of an activation."""
        self._channels: dict[str, int] = {}
        self._seen = 0
        self._assumed = ""
        """What to do about the latest dimension that was assumed, where one was."""

    def declare(self, infos: Iterable[Any], rename: Mapping[str, str] | None = None) -> None:
        """Note shapes that the file states, for operators that no rule knows."""
        for info in infos:
            found = declared(info)
            if found is None:
                continue
            name = (rename or {}).get(found.name, found.name)
            if found.dimensions is not None or name not in self.teller.declared:
                self.teller.declared[name] = found

    def initialisers(self, graph: Any, rename: Mapping[str, str]) -> None:
        """Take over a graph's weights as constants."""
        for tensor in graph.initializer:
            name = rename.get(tensor.name, tensor.name)
            if name in self.values:
                raise InvalidInput(self.source, f"holds two weights named {name!r}")
            self.values[name] = self.tensors.value(tensor)
        for tensor in graph.sparse_initializer:
            name = rename.get(tensor.values.name, tensor.values.name)
            self.values[name] = self.tensors.sparse(tensor)

    def read(self, nodes: Sequence[RawNode], depth: int = 0) -> None:
        """Read `nodes`, which are in order."""
        self.teller.add(nodes)
        self._channels.update(real_channels(nodes, self.values, self.tensors.payloads))
        for node in nodes:
            self._seen += 1
            if self._seen > limits.NODES:
                raise InvalidInput(self.source, f"has more than {limits.NODES} nodes")
            try:
                self._node(node, depth)
            except BadNodeError as error:
                if self._assumed:  # the model may be right, and what was assumed of it wrong
                    raise Unsupported(
                        f"{self.source}: {describe(node)} {error}; {self._assumed}"
                    ) from None
                raise InvalidInput(self.source, f"{describe(node)} {error}") from None

    def _node(self, node: RawNode, depth: int) -> None:
        if node.familiar:
            if node.op == "Constant":
                self._set(node.outputs[:1], [_constant(node)])
                return
            if self.subgraphs.read(node, depth):
                return
            if ("Sequence" in node.op or "Optional" in node.op) and self.sequences.read(node):
                return
        written = written_out(node, self.values, self._channels)
        if written is not None:
            self.values.update(written.constants)
            for plain in written.nodes:
                self._node(plain, depth)
            return
        inputs = tuple(self.value(name, node) if name else None for name in node.inputs)
        known = node.familiar and node.op in RULES
        call = Call(node.op, inputs, node.attributes, len(node.outputs))
        ruled = by_rule(call) if known else None
        specs: Sequence[Spec | None] = self._untold(node, call) if ruled is None else ruled
        if ruled is not None and not call.doubts:
            self._compare(node, ruled)
        outer = captured(node)
        if (
            ruled is not None
            and not outer
            and node.op not in RANDOM
            and self._foldable(node, inputs)
        ):
            self._fold(node, call, ruled)
            return
        for doubt in call.doubts:
            self.warn(f"{doubt}: {node.qualified}")
        self._set(node.outputs, [None if s is None else Operand(*s) for s in specs])
        self._emit(node, outer)

    def add(self, node: RawNode, depth: int = 0) -> None:
        """Read one more node, as if the file had it here."""
        self._node(node, depth)

    def rename(self, source: str, name: str, depth: int) -> None:
        """Let a tensor or a list of them have another name."""
        if source in self.sequences.parts:
            self.sequences.parts[name] = self.sequences.parts[source]
        elif source in self.sequences.missing:
            self.sequences.missing[name] = None
        else:
            self.add(RawNode("", "Identity", "", (source,), (name,), {}), depth)

    @property
    def known(self) -> Mapping[str, object]:
        """Everything that can be read by name so far."""
        sequences = self.sequences
        return ChainMap(self.values, sequences.parts, sequences.missing)  # type: ignore[arg-type]

    @contextmanager
    def repeated(self, factor: Factor) -> Iterator[None]:
        """Let what is read inside run as often as a loop does."""
        outer = self.repeats
        self.repeats = (*outer, factor) if factor != 1 else outer
        try:
            yield
        finally:
            self.repeats = outer

    def count(self, factor: Factor) -> int | None:
        """Return the number that is assumed of a factor."""
        if isinstance(factor, Choice):
            return factor.assumed
        if isinstance(factor, int):
            return factor
        data = self.values[factor].data
        return int(data.reshape(-1)[0]) if data is not None and data.size else None

    def decide(self, name: str) -> None:
        """Note that a constant decided which nodes there are."""
        if name in self.recipes:
            self.decided[name] = None

    def constant(self, node: RawNode) -> Operand:
        """Return the value of a `Constant`."""
        return _constant(node)

    def is_told(self, node: RawNode) -> bool:
        """Whether the file or its user says the shape of all that is read of a node's results."""
        read = [o for o in node.outputs if self.teller.is_read(o) or o in self.outputs]
        return all(self.teller.tell(node, name) is not None for name in read)

    def mark(self) -> Mark:
        """Return how far the model is read."""
        return Mark(len(self.nodes), tuple(len(part) for part in self._growing()))

    def reset(self, mark: Mark) -> None:
        """Forget what was read since `mark`."""
        del self.nodes[mark.nodes :]
        for part, length in zip(self._growing(), mark.lengths, strict=True):
            while len(part) > length:
                part.popitem()

    def _growing(self) -> tuple[dict[str, Any], ...]:
        return (
            self.values, self.told, self.recipes, self.decided, self.from_sizes, self.warnings,
            self._names, self._computed, self.sequences.parts, self.sequences.missing,
        )  # fmt: skip

    def _foldable(self, node: RawNode, inputs: Sequence[Operand | None]) -> bool:
        if node.op in SHAPE_READS:
            return True
        if node.op == "State":  # a constant before the first run alone
            return False
        if node.op == "CastLike":  # the second input lends its type alone
            return inputs[0] is not None and inputs[0].constant
        given = [value for value in inputs if value is not None]
        return bool(given) and all(value.constant for value in given)

    def _fold(self, node: RawNode, call: Call, specs: Sequence[Spec]) -> None:
        """Take over a constant that the file calculates."""
        self._set(node.outputs, _folded(call, specs))
        self._computed.update(dict.fromkeys(node.outputs))
        if node.op in _FROM_SIZES or not self.from_sizes.keys().isdisjoint(node.inputs):
            self.from_sizes.update(dict.fromkeys(node.outputs))
        read = call.inputs[0] if node.op in SHAPE_READS else None
        of_activation = read is not None and not read.constant
        if of_activation or not self.recipes.keys().isdisjoint(node.inputs):
            recipe = self._recipe(node)
            self.recipes.update((name, recipe) for name in node.outputs if name)

    def _recipe(self, node: RawNode) -> Node:
        attributes = {k: v for k, v in node.attributes.items() if not isinstance(v, Operand)}
        if node.op != "ConstantOfShape":
            return Node(node.name, node.op, node.inputs, node.outputs, attributes)
        fill = node.attributes.get("value")
        number = f"{node.outputs[0]}.value"
        self.values[number] = (
            Operand((), fill.dtype, constant=True, data=_first(fill.data))
            if isinstance(fill, Operand)
            else Operand.of(np.zeros((), np.float32))
        )
        return Node(node.name, "Expand", (number, node.inputs[0]), node.outputs)

    def _compare(self, node: RawNode, specs: Sequence[Spec]) -> None:
        """Warn where the file declares another shape than its operators make."""
        for name, (shape, _) in zip(node.outputs, specs, strict=False):
            declared_shape = self.teller.declared_shape(name)
            if declared_shape is not None and declared_shape != shape:
                self.warn(
                    f"the file declares {name!r} as {text(declared_shape)}, but {node.qualified} "
                    f"makes it {text(shape)}, which is used"
                )

    def has_sequence(self, name: str) -> bool:
        """Whether `name` is a list of tensors."""
        return name in self.sequences.parts

    def parts(self, name: str) -> tuple[str, ...]:
        """Return the tensors that `name` stands for: itself, the elements of a list, or none."""
        if name in self.sequences.missing:
            return ()
        return self.sequences.parts.get(name, (name,))

    def _untold(self, node: RawNode, call: Call) -> list[Spec | None]:
        """Return output shapes of an operator that no rule can tell; `None` for those unread."""
        declared_all = all(map(self.teller.declared_shape, node.outputs))
        if node.domain in DEFAULT_DOMAINS and node.op not in RULES and not declared_all:
            found = inference.infer(call, self.opset)
            if found is not None and len(found) == len(node.outputs):
                for shape, _ in found:
                    check_size(shape)
                return [*found]
        data = next((v for v in call.inputs if v is not None and not v.constant), None)
        dtype = data.dtype if data is not None else "fp32"
        specs: list[Spec | None] = []
        for name in node.outputs:
            if not self.teller.is_read(name) and name not in self.outputs:
                specs.append(None)
                continue
            told = self.teller.tell(node, name)
            if told is None:
                unread = next((n for n in node.inputs if n in self.tensors.unread), None)
                if unread is not None:
                    raise InvalidInput(
                        self.source,
                        f"{self.tensors.unread[unread]}; the shape of {describe(node)} depends on "
                        f"{unread!r} in it",
                    )
                raise Unsupported(self._asks_for(node, name))
            self.told[name] = told.dimensions
            shape = lengths(told.dimensions, lambda other: self.values[other].shape)
            check_size(shape)
            if told.assumed:
                axes = ", ".join(map(str, told.assumed))
                self._assumed = (
                    f"dimension {axes} of {name!r}, which {node.qualified} makes, is said by "
                    f"nothing: give its shape, as in `shapes` {name}=1x64x56x56"
                )
                self.warn(
                    f"nothing says dimension {axes} of the result of {node.qualified}; as "
                    f"{told.like}, {text(shape)} in all, is assumed (`shapes` {name}=... says "
                    "another)"
                )
            info = self.teller.declared.get(name)
            specs.append((shape, info.dtype if info is not None else dtype))
        return specs

    def _asks_for(self, node: RawNode, name: str) -> str:
        known = node.familiar and node.op in RULES
        why = (
            "depends on values known only while the model runs"
            if known
            else "is said by nothing: no rule knows the operator"
        )
        return (
            f"{self.source}: {describe(node)}: the shape of its result {name!r} {why}; give it, as "
            f"in `shapes` {name}=1x64x56x56, or declare it in the file (value_info)"
        )

    def value(self, name: str, node: RawNode) -> Operand:
        """Return what is known of a tensor that a node reads."""
        value = self.values.get(name)
        if value is None:
            if name in self.sequences.parts:
                parts = [self.values[part] for part in self.sequences.parts[name]]
                return parts[0] if parts else Operand((0,), "fp32")
            raise InvalidInput(self.source, f"{describe(node)} reads {name!r}, which nobody makes")
        return value

    def _set(self, names: Sequence[str], values: Sequence[Operand | None]) -> None:
        for name, value in zip(names, values, strict=False):
            if name and value is not None:
                self.values[name] = value

    def warn(self, text: str) -> None:
        """Note something that a user should know; what is noted often is counted."""
        self.warnings[text] = self.warnings.get(text, 0) + 1

    def _emit(self, node: RawNode, outer: Sequence[str] = ()) -> None:
        op = node.op if node.familiar and node.op in RULES else node.qualified
        base = node.name or f"{node.op}_{len(self.nodes)}"
        name = base
        while name in self._names:
            self._names[base] += 1
            name = f"{base}_{self._names[base]}"
        self._names[name] = 1
        attributes = {
            key: value
            for key, value in node.attributes.items()
            if isinstance(value, (int, float, str, tuple))
        }
        inputs = [part for i in node.inputs for part in self.sequences.parts.get(i, (i,))]
        if op in ("Conv", "ConvTranspose") and len(inputs) == 3 and self._is_nothing(inputs[2]):
            inputs.pop()
        extra = [i for i in outer if i in self.values and i not in inputs]
        outputs = tuple(name if name in self.values else "" for name in node.outputs)
        self.nodes.append(Node(name, op, (*inputs, *extra), outputs, attributes, self.repeats))

    def _is_nothing(self, name: str) -> bool:
        """Whether a bias is calculated zeros, as exporters write where there is none."""
        value = self.values.get(name)
        return value is not None and name in self._computed and _is_zero(value)


def _is_zero(value: Operand) -> bool:
    return value.constant and value.data is not None and not np.count_nonzero(value.data)


def _first(data: Any) -> Any:
    """Return the one number of an array, or nothing of nothing."""
    return None if data is None or not data.size else data.reshape(-1)[0].reshape(())


def _constant(node: RawNode) -> Operand:
    """Return the value of a `Constant`, whichever of its attributes holds it."""
    if not node.outputs:
        raise BadNodeError("has no output")
    for key, kind in (
        ("value_int", np.int64), ("value_ints", np.int64), ("value_float", np.float32),
        ("value_floats", np.float32),
    ):  # fmt: skip
        if key in node.attributes:
            return Operand.of(np.array(node.attributes[key], kind))
    found = node.attributes.get("value", node.attributes.get("sparse_value"))
    if isinstance(found, Operand):
        return found
    texts = node.attributes.get("value_strings", node.attributes.get("value_string"))
    if texts is not None:
        return Operand((len(texts),) if isinstance(texts, tuple) else (), "string", constant=True)
    raise BadNodeError("has no value")


def _folded(call: Call, specs: Sequence[Spec]) -> list[Operand]:
    """Return constant outputs, with their elements where they are small."""
    if call.op == "DequantizeLinear":
        # The weights of a quantised layer stay what they are stored as; biases become fp32.
        stored = call.value(0).dtype
        dtype = specs[0][1] if stored == "int32" else stored
        (elements,) = fold.fold(call, specs)  # of scales that were quantised with the rest
        return [Operand(specs[0][0], dtype, constant=True, data=elements)]
    data = fold.fold(call, specs)
    return [
        Operand(shape, dtype, constant=True, data=elements)
        for (shape, dtype), elements in zip(specs, data, strict=True)
    ]
