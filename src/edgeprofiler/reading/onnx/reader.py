"""One pass over the nodes: shapes are derived, constants computed, and a `Graph` is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import Dimension, Node
from edgeprofiler.reading.onnx.blocks import real_channels
from edgeprofiler.reading.onnx.foreign import written_out
from edgeprofiler.reading.onnx.inputs import Bound, declared
from edgeprofiler.reading.onnx.structure import (
    DEFAULT_DOMAINS,
    RawNode,
    TensorReader,
    captured,
    describe,
    in_order,
    raw_nodes,
)
from edgeprofiler.reading.onnx.told import Teller
from edgeprofiler.reading.operators import fold, inference
from edgeprofiler.reading.operators.call import (
    BadNodeError,
    Call,
    Spec,
    Value,
    check_size,
    lengths,
    text,
)
from edgeprofiler.reading.operators.rules import RULES, by_rule

WEIGHT_SLOTS: Mapping[str, tuple[int, ...]] = {
    "Conv": (1, 2), "ConvTranspose": (1, 2), "DeformConv": (1, 3),
    "QLinearConv": (3, 8), "ConvInteger": (1,), "Gemm": (1, 2), "QGemm": (3, 6),
    "MatMul": (1,), "QLinearMatMul": (3,), "MatMulInteger": (1,),
    "BatchNormalization": (1, 2, 3, 4), "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2), "GroupNormalization": (1, 2), "PRelu": (1,),
}  # fmt: skip
"""Where operators take weights, which are never parameters of a shape."""

_RANDOM = frozenset({
    "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial",
    "Bernoulli",
})  # fmt: skip
_ALWAYS_KNOWN = frozenset({"Shape", "Size"})
_FROM_SIZES = frozenset({"Shape", "Size", "Range", "EyeLike", "NonZero"})
_SEQUENCE_INPUTS = {
    "SequenceInsert": 2, "SequenceAt": 2, "SplitToSequence": 1, "ConcatFromSequence": 1,
    "SequenceLength": 1,
}  # fmt: skip
"""How many inputs an operator on lists needs at least."""
_MAX_INLINE_DEPTH = 8
_MAX_SEQUENCE = 4096
"""Most tensors in a list, so that lists of lists cannot grow without end."""


class Reader:
    """What is known while the nodes of one model are read."""

    def __init__(
        self,
        source: str,
        opset: int,
        bound: Bound,
        tensors: TensorReader,
        outputs: Sequence[str] = (),
    ) -> None:
        self.source = source
        self.opset = opset
        self.bound = bound
        self.tensors = tensors
        self.values: dict[str, Value] = {}
        self.nodes: list[Node] = []
        self.teller = Teller(bound, self.values)
        self.told: dict[str, tuple[Dimension, ...]] = {}
        """Shapes of results that no rule can infer."""
        self.outputs = frozenset(outputs)
        self.warnings: dict[str, int] = {}
        self._sequences: dict[str, tuple[str, ...]] = {}
        self._names: dict[str, int] = {}
        self._computed: set[str] = set()
        self.from_sizes: set[str] = set()
        """Constants calculated from sizes, such as a detector's grid: no weights."""
        self.recipes: dict[str, Node] = {}
        """The node that calculates each constant that depends on the shape of an activation."""
        self._channels: dict[str, int] = {}
        self._seen = 0

    def declare(self, infos: Iterable[Any]) -> None:
        """Note shapes that the file states, for operators that no rule knows."""
        for info in infos:
            found = declared(info)
            if found is not None and (
                found.dimensions is not None or found.name not in self.teller.declared
            ):
                self.teller.declared[found.name] = found

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
                raise InvalidInput(self.source, f"{describe(node)} {error}") from None

    def _node(self, node: RawNode, depth: int) -> None:
        if node.familiar:
            if node.op == "Constant":
                self._set(node.outputs[:1], [_constant(node)])
                return
            if node.op == "If" and self._inlined(node, depth):
                return
            if "Sequence" in node.op and self._sequence(node):
                return
        written = written_out(node, self.values, self._channels)
        if written is not None:
            self.values.update(written.constants)
            for plain in written.nodes:
                self._node(plain, depth)
            return
        inputs = tuple(self._value(name, node) if name else None for name in node.inputs)
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
            and node.op not in _RANDOM
            and self._foldable(node, inputs)
        ):
            self._fold(node, call, ruled)
            return
        for doubt in call.doubts:
            self._warn(f"{doubt}: {node.qualified}")
        self._set(node.outputs, [None if s is None else Value(*s) for s in specs])
        self._emit(node, outer)

    def _foldable(self, node: RawNode, inputs: Sequence[Value | None]) -> bool:
        if node.op in _ALWAYS_KNOWN:
            return True
        if node.op == "CastLike":  # the second input lends its type alone
            return inputs[0] is not None and inputs[0].constant
        given = [value for value in inputs if value is not None]
        return bool(given) and all(value.constant for value in given)

    def _fold(self, node: RawNode, call: Call, specs: Sequence[Spec]) -> None:
        """Take over a constant that the file calculates."""
        self._set(node.outputs, _folded(call, specs))
        self._computed.update(node.outputs)
        if node.op in _FROM_SIZES or not self.from_sizes.isdisjoint(node.inputs):
            self.from_sizes.update(node.outputs)
        of_activation = node.op in _ALWAYS_KNOWN and not self.values[node.inputs[0]].constant
        if of_activation or not self.recipes.keys().isdisjoint(node.inputs):
            recipe = self._recipe(node)
            self.recipes.update((name, recipe) for name in node.outputs if name)

    def _recipe(self, node: RawNode) -> Node:
        attributes = {k: v for k, v in node.attributes.items() if not isinstance(v, Value)}
        if node.op != "ConstantOfShape":
            return Node(node.name, node.op, node.inputs, node.outputs, attributes)
        fill = node.attributes.get("value")
        number = f"{node.outputs[0]}.value"
        self.values[number] = (
            Value((), fill.dtype, constant=True, data=_first(fill.data))
            if isinstance(fill, Value)
            else Value.of(np.zeros((), np.float32))
        )
        return Node(node.name, "Expand", (number, node.inputs[0]), node.outputs)

    def _compare(self, node: RawNode, specs: Sequence[Spec]) -> None:
        """Warn where the file declares another shape than its operators make."""
        for name, (shape, _) in zip(node.outputs, specs, strict=False):
            declared_shape = self.teller.declared_shape(name)
            if declared_shape is not None and declared_shape != shape:
                self._warn(
                    f"the file declares {name!r} as {text(declared_shape)}, but {node.qualified} "
                    f"makes it {text(shape)}, which is used"
                )

    def has_sequence(self, name: str) -> bool:
        """Whether `name` is a list of tensors."""
        return name in self._sequences

    def parts(self, name: str) -> tuple[str, ...]:
        """Return the tensors that `name` stands for: itself, or the elements of a list."""
        return self._sequences.get(name, (name,))

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
                self._warn(
                    f"nothing says dimension {axes} of the result of {node.qualified}; as in its "
                    f"input, {text(shape)} in all, is assumed (`shapes` {name}=... says another)"
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

    def _value(self, name: str, node: RawNode) -> Value:
        value = self.values.get(name)
        if value is None:
            if name in self._sequences:
                parts = [self.values[part] for part in self._sequences[name]]
                return parts[0] if parts else Value((0,), "fp32")
            raise InvalidInput(self.source, f"{describe(node)} reads {name!r}, which nobody makes")
        return value

    def _set(self, names: Sequence[str], values: Sequence[Value | None]) -> None:
        for name, value in zip(names, values, strict=False):
            if name and value is not None:
                self.values[name] = value

    def _warn(self, text: str) -> None:
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
        inputs = [part for i in node.inputs for part in self._sequences.get(i, (i,))]
        if op in ("Conv", "ConvTranspose") and len(inputs) == 3 and self._is_nothing(inputs[2]):
            inputs.pop()
        extra = [i for i in outer if i in self.values and i not in inputs]
        outputs = tuple(name if name in self.values else "" for name in node.outputs)
        self.nodes.append(Node(name, op, (*inputs, *extra), outputs, attributes))

    def _is_nothing(self, name: str) -> bool:
        """Whether a bias is calculated zeros, as exporters write where there is none."""
        value = self.values.get(name)
        return value is not None and name in self._computed and _is_zero(value)

    def _sequence(self, node: RawNode) -> bool:
        """Read operators on lists of tensors as what they do to the tensors."""
        least = _SEQUENCE_INPUTS.get(node.op, 0)
        if len(node.inputs) < least or not node.outputs:
            raise BadNodeError("lacks inputs or outputs")
        if node.op == "SequenceEmpty":
            self._sequences[node.outputs[0]] = ()
        elif node.op == "SequenceConstruct":
            self._sequences[node.outputs[0]] = node.inputs
        elif node.op == "SequenceInsert" and node.inputs[0] in self._sequences:
            before = self._sequences[node.inputs[0]]
            if len(node.inputs) != 2:
                return False
            if len(before) >= _MAX_SEQUENCE:
                raise BadNodeError(f"makes a list of more than {_MAX_SEQUENCE} tensors")
            self._sequences[node.outputs[0]] = (*before, node.inputs[1])
        elif node.op == "SplitToSequence":
            return self._split_to_sequence(node)
        elif node.op == "SequenceAt" and node.inputs[0] in self._sequences:
            parts = self._sequences[node.inputs[0]]
            index = self._value(node.inputs[1], node).data
            if (
                index is None
                or index.size != 1
                or not -len(parts) <= int(index.item()) < len(parts)
            ):
                raise BadNodeError("takes an element that its sequence does not have")
            part = parts[int(index.item())]
            self._node(_replaced(node, "Identity", (part,), {}), 0)
        elif node.op == "ConcatFromSequence" and node.inputs[0] in self._sequences:
            parts = self._sequences[node.inputs[0]]
            if node.attributes.get("new_axis"):
                return False
            axis = {"axis": node.attributes.get("axis", 0)}
            self._node(_replaced(node, "Concat", parts, axis), 0)
        elif node.op == "SequenceLength" and node.inputs[0] in self._sequences:
            length = len(self._sequences[node.inputs[0]])
            self._set(node.outputs, [Value.of(np.array(length, np.int64))])
        else:
            return False
        return True

    def _split_to_sequence(self, node: RawNode) -> bool:
        data = self._value(node.inputs[0], node)
        axis = node.attributes.get("axis", 0)
        if not isinstance(axis, int) or not -len(data.shape) <= axis < len(data.shape):
            raise BadNodeError("splits along an axis that its input does not have")
        length = data.shape[axis]
        if length > _MAX_SEQUENCE:
            raise BadNodeError(f"splits a length of {length}")
        if len(node.inputs) > 1 and node.inputs[1]:
            split = self._value(node.inputs[1], node).data
            if split is None:
                return False
            if split.size and split.ndim:
                sizes = tuple(int(n) for n in split)
            else:
                step = max(int(split.item()), 1)
                sizes = tuple(min(step, length - i) for i in range(0, length, step))
        else:
            sizes = (1,) * length
        names = tuple(f"{node.outputs[0]}/{i}" for i in range(len(sizes)))
        part = RawNode(node.name, "Split", "", node.inputs[:1], names,
                       {"axis": axis, "split": sizes}, node.scope)  # fmt: skip
        self._node(part, 0)
        if not node.attributes.get("keepdims", 1) and len(node.inputs) < 2:
            squeezed = tuple(f"{name}/squeezed" for name in names)
            for before, after in zip(names, squeezed, strict=True):
                self._node(RawNode("", "Squeeze", "", (before,), (after,), {"axes": (axis,)}), 0)
            names = squeezed
        self._sequences[node.outputs[0]] = names
        return True

    def _inlined(self, node: RawNode, depth: int) -> bool:
        """Read the branch that an `If` with a known condition takes, in its place."""
        condition = self._value(node.inputs[0], node).data if node.inputs else None
        if condition is None or condition.size != 1 or not node.outputs:
            return False
        if depth > _MAX_INLINE_DEPTH:
            raise BadNodeError("is nested too deep")
        graph: Any = node.attributes.get("then_branch" if condition.item() else "else_branch")
        if not hasattr(graph, "initializer") or len(graph.output) != len(node.outputs):
            raise BadNodeError("lacks a branch, or the branch has other outputs")
        prefix = node.name or node.outputs[0]
        made = {name for n in graph.node for name in n.output if name}
        made |= {t.name for t in graph.initializer}
        made |= {t.values.name for t in graph.sparse_initializer}
        rename = {**node.scope, **{name: f"{prefix}/{name}" for name in made}}
        for info in graph.value_info:
            found = declared(info)
            if found is not None:
                self.teller.declared[rename.get(found.name, found.name)] = found
        self.initialisers(graph, rename)
        inner = [_renamed(n, rename) for n in raw_nodes(graph, self.tensors)]
        self.read(in_order(inner, self.values, self.source, " of a branch"), depth + 1)
        for output, name in zip(graph.output, node.outputs, strict=True):
            source: str = rename.get(output.name, str(output.name))
            if source in self._sequences:
                self._sequences[name] = self._sequences[source]
            else:
                self._node(RawNode("", "Identity", "", (source,), (name,), {}), depth)
        return True


def _replaced(
    node: RawNode, op: str, inputs: tuple[str, ...], attributes: dict[str, Any]
) -> RawNode:
    return RawNode(node.name, op, "", inputs, node.outputs, attributes, node.scope)


def _renamed(node: RawNode, rename: Mapping[str, str]) -> RawNode:
    return RawNode(
        node.name,
        node.op,
        node.domain,
        tuple(rename.get(name, name) for name in node.inputs),
        tuple(rename.get(name, name) for name in node.outputs),
        node.attributes,
        rename,
    )


def _is_zero(value: Value) -> bool:
    return value.constant and value.data is not None and not np.count_nonzero(value.data)


def _first(data: Any) -> Any:
    """Return the one number of an array, or nothing of nothing."""
    return None if data is None or not data.size else data.reshape(-1)[0].reshape(())


def _constant(node: RawNode) -> Value:
    """Return the value of a `Constant`, whichever of its attributes holds it."""
    if not node.outputs:
        raise BadNodeError("has no output")
    for key, kind in (
        ("value_int", np.int64), ("value_ints", np.int64), ("value_float", np.float32),
        ("value_floats", np.float32),
    ):  # fmt: skip
        if key in node.attributes:
            return Value.of(np.array(node.attributes[key], kind))
    found = node.attributes.get("value", node.attributes.get("sparse_value"))
    if isinstance(found, Value):
        return found
    texts = node.attributes.get("value_strings", node.attributes.get("value_string"))
    if texts is not None:
        return Value((len(texts),) if isinstance(texts, tuple) else (), "string", constant=True)
    raise BadNodeError("has no value")


def _folded(call: Call, specs: Sequence[Spec]) -> list[Value]:
    """Return constant outputs, with their elements where they are small."""
    if call.op == "DequantizeLinear":
        # The weights of a quantised layer stay what they are stored as; biases become fp32.
        stored = call.value(0).dtype
        dtype = specs[0][1] if stored == "int32" else stored
        return [Value(specs[0][0], dtype, constant=True)]
    data = fold.fold(call, specs)
    return [
        Value(shape, dtype, constant=True, data=elements)
        for (shape, dtype), elements in zip(specs, data, strict=True)
    ]
