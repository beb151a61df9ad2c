"""Shapes that no rule can tell: what the file declares, the user says, or the readers need.

A custom operator's result has the shape that the file declares. Where it declares none, or only
some dimensions, the weights of what reads the result say its channels, and the shape that is
declared of what they make says the rest; what is then still open is assumed to be as in the
operator's own input, or as in the state of a loop that it becomes, which a warning says. Nothing
is made up beyond that: a shape that cannot be told so is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edgeprofiler.core.graph import Dimension, Shape
from edgeprofiler.reading.onnx.inputs import Bound, Declared
from edgeprofiler.reading.onnx.structure import RawNode
from edgeprofiler.reading.operators.call import Operand
from edgeprofiler.reading.operators.pointwise import SAME

_PASSES = SAME | {
    "Add", "Sub", "Mul", "Div", "PRelu", "Cast", "Dropout", "BatchNormalization",
    "GroupNormalization", "InstanceNormalization", "LayerNormalization",
}  # fmt: skip
"""Operators that give out the shape of their first input, where their others are constants."""
_MOST_STEPS = 32
"""Most operators behind a result that are asked what they need."""


@dataclass
class ToldShapes:
    """The dimensions of a tensor as far as they are known, and which of them are assumed."""

    dimensions: tuple[Dimension, ...]
    assumed: tuple[int, ...] = ()
    """Axes that were taken over from another tensor."""
    like: str = "in its input"
    """What that tensor is."""


@dataclass
class Teller:
    """What a file tells of its tensors beside what follows from rules."""

    bound: Bound
    values: Mapping[str, Operand]
    declared: dict[str, Declared] = field(default_factory=dict)
    keeps: dict[str, str] = field(default_factory=dict)
    """The state of a loop that a body's result becomes, as the run found it."""
    _nodes: list[RawNode] = field(default_factory=list)
    _readers: dict[str, list[RawNode]] | None = None

    def add(self, nodes: Sequence[RawNode]) -> None:
        """Take in nodes, which may read what others make."""
        self._nodes += nodes
        self._readers = None

    def declared_shape(self, name: str) -> Shape | None:
        """Return the shape that the file declares of a tensor, where it is whole."""
        found = self.declared.get(name)
        return None if found is None else found.static(self.bound.free)

    def is_read(self, name: str) -> bool:
        """Whether some node reads a tensor."""
        return bool(name) and bool(self._who_reads(name))

    def tell(self, node: RawNode, name: str) -> ToldShapes | None:
        """Return the dimensions of a result, or `None` where even their number is not known."""
        given = self.bound.given.get(name)
        if given is not None:
            return ToldShapes(given)
        found = self._stated(name)
        need = self._needed(name)
        if need is None and found is None:
            return self._kept(name)
        if found is None or (need is not None and len(need) != len(found)):
            found = (None,) * len(need or ()) if found is None else found
        source = next(
            (n for n in node.inputs if n in self.values and not self.values[n].constant), ""
        )
        shape = self.values[source].shape if source else ()
        if need is not None and len(need) == len(found):
            alike = shape if len(shape) == len(found) else (None,) * len(found)
            found = tuple(  # a length that is needed and is the input's follows it to other sizes
                d if d is not None else (source, axis) if n is not None and n == alike[axis] else n
                for axis, (d, n) in enumerate(zip(found, need, strict=True))
            )
        missing = tuple(axis for axis, length in enumerate(found) if length is None)
        if missing and len(shape) != len(found):
            return None
        whole = tuple((source, i) if d is None else d for i, d in enumerate(found))
        return ToldShapes(whole, missing)

    def _kept(self, name: str) -> ToldShapes | None:
        """What a state of a loop was before, whose shape most loops keep."""
        state = self.keeps.get(name, "")
        if state not in self.values:
            return None
        axes = tuple(range(len(self.values[state].shape)))
        return ToldShapes(tuple((state, axis) for axis in axes), axes, "before the run of its loop")

    def _stated(self, name: str) -> tuple[Dimension | None, ...] | None:
        """What the file declares, with free dimensions as those of the inputs of their name."""
        info = self.declared.get(name)
        if info is None or info.dimensions is None:
            return None
        return tuple(d if isinstance(d, int) else self.bound.places.get(d) for d in info.dimensions)

    def _who_reads(self, name: str) -> list[RawNode]:
        if self._readers is None:
            self._readers = {}
            for node in self._nodes:
                for source in node.inputs:
                    self._readers.setdefault(source, []).append(node)
        return self._readers.get(name, [])

    def _needed(self, name: str) -> tuple[Dimension | None, ...] | None:
        """What the first reader that says it needs of a tensor."""
        waiting, seen = [name], 0
        while waiting and seen < _MOST_STEPS:
            current = waiting.pop(0)
            seen += 1
            stated = self._stated(current) if current != name else None
            if stated is not None:
                return stated
            for node in self._who_reads(current):
                found = self._by_weights(node, current)
                if found is not None:
                    return found
                if node.op in _PASSES and node.familiar and self._alone(node, current):
                    waiting += node.outputs[:1]
        return None

    def _alone(self, node: RawNode, name: str) -> bool:
        others = [n for n in node.inputs if n and n != name]
        return all(n in self.values and self.values[n].constant for n in others)

    def _by_weights(self, node: RawNode, name: str) -> tuple[Dimension | None, ...] | None:
        rule = _NEEDS.get(node.op) if node.familiar else None
        if rule is None or len(node.inputs) < 2 or node.inputs[0] != name:
            return None
        weight = self.values.get(node.inputs[1])
        made = self._stated(node.outputs[0]) if node.outputs else None
        return None if weight is None else rule(node, weight, made)


Needed = tuple[Dimension | None, ...] | None
"""The dimensions that an operator needs or makes; `None` where even their number is open."""


def _of_conv(node: RawNode, weight: Operand, made: Needed) -> Needed:
    group = node.attributes.get("group", 1)
    if len(weight.shape) < 3 or not isinstance(group, int):
        return None
    channels = weight.shape[0] if node.op == "ConvTranspose" else weight.shape[1] * group
    if made is None or len(made) != len(weight.shape):
        return (None, channels, *(None,) * (len(weight.shape) - 2))
    return (made[0], channels, *_before(node, weight.shape[2:], made[2:]))


def _before(
    node: RawNode, kernel: Shape, made: tuple[Dimension | None, ...]
) -> tuple[int | None, ...]:
    """Return the lengths from which a window makes `made`; open where several would do."""
    rank = len(kernel)
    strides, dilations, pads = (
        node.attributes.get(name, (default,) * count)
        for name, default, count in (("strides", 1, rank), ("dilations", 1, rank),
                                     ("pads", 0, 2 * rank))
    )  # fmt: skip
    stated = _integers(dilations, rank) and _integers(pads, 2 * rank)
    padding = node.attributes.get("auto_pad", "NOTSET")
    if node.op != "Conv" or strides != (1,) * rank or not stated:
        return (None,) * rank
    if padding in ("SAME_UPPER", "SAME_LOWER"):
        return tuple(n if isinstance(n, int) else None for n in made)
    if padding == "VALID":
        pads = (0,) * 2 * rank
    return tuple(
        n + (kernel[i] - 1) * dilations[i] - pads[i] - pads[i + rank]
        if isinstance(n, int)
        else None
        for i, n in enumerate(made)
    )


def _integers(value: object, count: int) -> bool:
    """Whether an attribute holds so many integers; the operator's own rule says what is wrong."""
    return (
        isinstance(value, tuple)
        and len(value) == count
        and all(isinstance(item, int) for item in value)
    )


def _of_gemm(node: RawNode, weight: Operand, made: Needed) -> Needed:
    if len(weight.shape) != 2 or node.attributes.get("transA"):
        return None
    rows = made[0] if made is not None and len(made) == 2 else None
    return (rows, weight.shape[1 if node.attributes.get("transB") else 0])


def _of_matmul(_node: RawNode, weight: Operand, made: Needed) -> Needed:
    if len(weight.shape) != 2 or made is None or len(made) < 2:
        return None
    return (*made[:-1], weight.shape[0])


_NEEDS: Mapping[str, Callable[[RawNode, Operand, Needed], Needed]] = {
    "Conv": _of_conv, "ConvTranspose": _of_conv, "Gemm": _of_gemm, "MatMul": _of_matmul,
}  # fmt: skip
