"""How often a loop runs, where that depends on nothing but how often it has run.

Exporters write `for` and counting `while` loops with a counter among the states and a condition
that compares it. Such a condition is followed run by run, within bounds, without the tensors
that the loop is about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeprofiler.core.graph import leading_to
from edgeprofiler.reading.onnx.structure import RawNode, raw_nodes
from edgeprofiler.reading.operators import fold
from edgeprofiler.reading.operators.call import BadNodeError, Call, Operand
from edgeprofiler.reading.operators.rules import by_rule
from edgeprofiler.reading.operators.selection import RANDOM, SHAPE_READS

if TYPE_CHECKING:
    from edgeprofiler.reading.onnx.reader import Reader

_MOST_EVALUATIONS = 20_000
"""Most operators that are computed while a loop is followed, which takes half a second."""
_MOST_ELEMENTS = 64
"""Most numbers of a state that a loop may count with."""


_SIZES_FROM: Mapping[str, int] = {
    "Slice": 1, "Reshape": 1, "Expand": 1, "Tile": 1, "Pad": 1, "Resize": 1, "Split": 1, "TopK": 1,
    "ConstantOfShape": 0, "Range": 0, "OneHot": 1,
}  # fmt: skip
"""The first input of operators from which on inputs say how large their results are."""


@dataclass(frozen=True)
class Runs:
    """What is known of how often a loop runs."""

    runs: int | None = None
    """The number, where the condition ends the loop at a known run."""
    always: bool = False
    """Whether the condition never ends it."""


def _captured(node: Any) -> Iterable[str]:
    """Names that a node's bodies read, from wherever."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            for inner in attribute.g.node:
                yield from inner.input
                yield from _captured(inner)
            yield from (output.name for output in attribute.g.output)


class Dependence:
    """Which of a body's tensors depend on data, for a choice of states that do not."""

    def __init__(self, body: Any, node: RawNode, reader: Reader) -> None:
        self.body = body
        self.node = node
        self.reader = reader
        self.inside = {i.name for i in body.input} | {t.name for t in body.initializer}
        self.inside |= {name for n in body.node for name in n.output}

    def of(self, sources: Iterable[str]) -> set[str]:
        """Return the tensors that depend on `sources`, or on data from outside the body."""
        return self._spread(
            sources,
            lambda op, read, found: (
                op in RANDOM
                or any(
                    name in found or (name and name not in self.inside and not self._constant(name))
                    for name in read
                )
            ),
        )

    def by_run(self, sources: Iterable[str]) -> set[str]:
        """Return the tensors that depend on `sources`, whatever else they depend on."""
        return self._spread(sources, lambda _, read, found: not found.isdisjoint(read))

    def _spread(
        self,
        sources: Iterable[str],
        depends: Callable[[str, Sequence[str], set[str]], bool],
    ) -> set[str]:
        """Return `sources`, and what nodes make that depend on what was found so far.

        `depends` is asked of a node's operator, the names that it reads, and those found.
        """
        found = set(sources)
        before = -1
        while len(found) != before:
            before = len(found)
            for n in self.body.node:
                made = [name for name in n.output if name]
                if n.op_type in SHAPE_READS or found.issuperset(made):
                    continue
                if depends(n.op_type, (*n.input, *_captured(n)), found):
                    found.update(made)
        return found

    def decides(self, varying: Collection[str]) -> bool:
        """Whether what the body does, or how large its tensors are, depends on `varying`."""
        for n in self.body.node:
            if n.op_type in ("If", "Loop", "Scan", "SequenceMap"):
                read = {*n.input[: 1 if n.op_type == "If" else 2], *_captured(n)}
            else:
                read = {*n.input[_SIZES_FROM.get(n.op_type, len(n.input)) :]}
            if not read.isdisjoint(varying):
                return True
        return False

    def _constant(self, name: str) -> bool:
        value = self.reader.values.get(self.node.scope.get(name, name))
        return value is not None and value.constant


def varying_states(dependence: Dependence, states: Sequence[str]) -> frozenset[int]:
    """Return the places of the states that depend on nothing but how often the loop has run."""
    body, values = dependence.body, dependence.reader.values
    fixed = {place for place, name in enumerate(states) if _counts(values.get(name))}
    while fixed:
        data = dependence.of(i.name for place, i in enumerate(body.input[2:]) if place not in fixed)
        kept = {place for place in fixed if body.output[1 + place].name not in data}
        if kept == fixed:
            break
        fixed = kept
    return frozenset(fixed)


def _counts(value: Operand | None) -> bool:
    return (
        value is not None
        and value.constant
        and value.data is not None
        and value.data.dtype.kind in "iub"
        and value.data.size <= _MOST_ELEMENTS
    )


class Counter:
    """Follows the condition of a `Loop`."""

    def __init__(
        self, reader: Reader, body: Any, node: RawNode, states: Sequence[str], fixed: frozenset[int]
    ) -> None:
        self.reader = reader
        self.body = body
        self.node = node
        self.states = states
        self.fixed = fixed
        self.condition = str(body.output[0].name)

    def runs(self, most: int | None) -> Runs:
        """Return how often the loop runs, `most` times at most."""
        names = [i.name for i in self.body.input]
        states = {names[2 + place]: place for place in self.fixed}
        dynamic = [name for name in names[2:] if name not in states]
        dependence = Dependence(self.body, self.node, self.reader)
        if self.condition in dependence.of(dynamic):
            return Runs()
        varies = self.condition in dependence.of([*dynamic, names[0], *states])
        env = {
            names[0]: Operand.of(np.array(0, np.int64)),
            names[1]: Operand.of(np.array(True)),  # noqa: FBT003
            **{name: self.reader.values[self.states[place]] for name, place in states.items()},
        }
        wanted = {name: str(self.body.output[1 + place].name) for name, place in states.items()}
        body = raw_nodes(self.body, self.reader.tensors)
        nodes = leading_to([self.condition, *wanted.values()], body)
        return self._follow(nodes, env, wanted, names[0], most, varies=varies)

    def _follow(
        self,
        nodes: Sequence[RawNode],
        env: dict[str, Operand],
        wanted: dict[str, str],
        counter: str,
        most: int | None,
        *,
        varies: bool,
    ) -> Runs:
        done = 0
        limit = _MOST_EVALUATIONS if most is None else min(_MOST_EVALUATIONS, most)
        while done < limit and done * max(len(nodes), 1) < _MOST_EVALUATIONS:
            env[counter] = Operand.of(np.array(done, np.int64))
            after = self._evaluated(nodes, env)
            condition = self._get(self.condition, after)
            done += 1
            if condition is None or condition.data is None:
                return Runs()
            if not bool(condition.data.all()):
                return Runs(runs=done)
            if not varies:
                return Runs(always=True)
            for name, source in wanted.items():
                value = self._get(source, after)
                if value is None or value.data is None:
                    return Runs()
                env[name] = value
        return Runs(runs=done) if most is not None and done >= most else Runs()

    def _evaluated(self, nodes: Sequence[RawNode], env: dict[str, Operand]) -> dict[str, Operand]:
        found = dict(env)
        for node in nodes:
            if node.op == "Constant":
                found.update(zip(node.outputs[:1], [self.reader.constant(node)], strict=True))
                continue
            inputs = [self._get(name, found) if name else None for name in node.inputs]
            if any(v is None for v, name in zip(inputs, node.inputs, strict=True) if name):
                continue
            call = Call(node.op, inputs, node.attributes, len(node.outputs))
            try:
                specs = by_rule(call) if node.familiar else None
            except BadNodeError:
                specs = None
            for name, spec, data in zip(
                node.outputs, specs or (), fold.fold(call, specs or ()), strict=False
            ):
                found[name] = Operand(*spec, constant=True, data=data)
        return found

    def _get(self, name: str, found: dict[str, Operand]) -> Operand | None:
        """Return a tensor of the body, one of its weights, or one from outside."""
        if name in found:
            return found[name]
        for tensor in self.body.initializer:
            if tensor.name == name:
                return self.reader.tensors.value(tensor)
        outside = self.node.scope.get(name, name)
        self.reader.decide(outside)
        return self.reader.values.get(outside)
