"""Branches and loops: `If`, `Loop` and `Scan`, read into the graph around them.

A branch that is known to be taken stands in the place of its `If`. Where it is known only while
the model runs, both branches are read: the larger one runs, and the smaller one is the low end.
A loop's body is read once, and its nodes say how often they run; a loop whose tensors grow from
run to run is read once for each. How often a loop runs is found from its count, from the length
of what it scans, or by counting through a condition that depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import Choice, Factor, Node
from edgeprofiler.reading.graphs.trips import larger_runs, open_loop
from edgeprofiler.reading.onnx.counting import Counter, Dependence, varying_states
from edgeprofiler.reading.onnx.structure import RawNode, in_order, raw_nodes
from edgeprofiler.reading.operators.call import BadNodeError, Operand, text
from edgeprofiler.reading.operators.macs import work

if TYPE_CHECKING:
    from edgeprofiler.reading.onnx.reader import Reader

_MAX_DEPTH = 8
_ENDLESS = 2**31 - 1
"""A count from which exporters mean that the condition alone ends a loop."""
_SCAN_WITHOUT_BATCH = 9
"""The first opset whose `Scan` has no batch around its body."""
_MOST_UNROLLED = 512
"""Most runs of a loop with growing tensors that are read one by one."""


@dataclass(frozen=True)
class _Loop:
    """A `Loop` or `Scan` as it is read."""

    node: RawNode
    body: Any
    prefix: str
    states: tuple[str, ...]
    """What each state is before the first run."""
    scanned: tuple[tuple[str, int], ...]
    """Tensors that are read slice by slice, with their axis."""
    axes: tuple[int, ...]
    """Where the results of all runs are put side by side, for each collected output."""
    fixed: frozenset[int]
    """States that depend on nothing but how often the loop has run."""
    varying: frozenset[str] = frozenset()
    """Tensors of the body that depend on the number of the run."""
    changes: bool = False
    """Whether those decide what the body does, or how large its tensors are."""


class Subgraphs:
    """Reads operators with bodies into a reader's graph."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._by_run: set[str] = set()
        """Constants of bodies that are read once, but differ from run to run."""
        self._rules = {"If": self._branches, "Loop": self._loop, "Scan": self._scan,
                       "SequenceMap": self._map}  # fmt: skip

    def read(self, node: RawNode, depth: int) -> bool:
        """Read a node's bodies in its place; `False` where it has none, or none that can be read.

        Raises:
            Unsupported: a body cannot be read, and nothing else says what the node makes.
        """
        rule = self._rules.get(node.op)
        if rule is None or not node.outputs:
            return False
        if depth > _MAX_DEPTH:
            raise BadNodeError("is nested too deep")
        mark = self.reader.mark()
        try:
            return rule(node, depth)
        except Unsupported:
            self.reader.reset(mark)
            if not self.reader.is_told(node):
                raise
            return False

    # Branches.

    def _branches(self, node: RawNode, depth: int) -> bool:
        if not node.inputs:
            raise BadNodeError("has no condition")
        condition = self.reader.value(node.inputs[0], node).data
        if node.inputs[0] in self._by_run:
            condition = None
        branches = [self._body(node, name) for name in ("then_branch", "else_branch")]
        if any(len(branch.output) != len(node.outputs) for branch in branches):
            raise BadNodeError("lacks a branch, or the branch has other outputs")
        prefix = node.name or node.outputs[0]
        if condition is not None and condition.size == 1:
            taken = branches[0 if condition.item() else 1]
            self.reader.decide(node.inputs[0])
            made = self._enter(taken, node, prefix, {}, depth)
            for source, name in zip(made, node.outputs, strict=True):
                self.reader.rename(source, name, depth)
            return True
        return self._both(node, branches, prefix, depth)

    def _both(self, node: RawNode, branches: Sequence[Any], prefix: str, depth: int) -> bool:
        """Read both branches: the larger one runs, the smaller one is the low end."""
        reader = self.reader
        results: list[tuple[str, ...]] = []
        spans: list[slice] = []
        refused: list[InvalidInput] = []
        for which, branch in zip(("then", "else"), branches, strict=True):
            start, mark = len(reader.nodes), reader.mark()
            try:
                results.append(self._enter(branch, node, f"{prefix}/{which}", {}, depth))
            except InvalidInput as error:  # it cannot run at these sizes: then the other one does
                reader.reset(mark)
                refused.append(error)
                continue
            spans.append(slice(start, len(reader.nodes)))
        if not results:
            raise refused[0]
        if refused:
            reader.warn(f"a branch of {prefix!r} cannot run at this size ({refused[0].problem})")
            for source, name in zip(results[0], node.outputs, strict=True):
                reader.rename(source, name, depth)
            return True
        larger = larger_runs(reader.nodes, spans, self._work)
        for first, second, name in zip(
            results[larger], results[1 - larger], node.outputs, strict=True
        ):
            if first in reader.sequences.missing or second in reader.sequences.missing:
                there = second if first in reader.sequences.missing else first
                reader.rename(there, name, depth)  # as if it were always there, which costs more
                continue
            ours, theirs = reader.parts(first), reader.parts(second)
            if len(ours) != len(theirs):
                fewer, more = sorted((len(ours), len(theirs)))
                raise Unsupported(
                    f"{reader.source}: the branches of {node.op} {prefix!r} give out lists of "
                    f"{fewer} or {more} tensors; export the model with one of them"
                )
            if not reader.has_sequence(first):
                self._joined(node, prefix, first, second, name, depth)
                continue
            names = tuple(f"{name}/{place}" for place in range(len(ours)))
            for mine, other, part in zip(ours, theirs, names, strict=True):
                self._joined(node, prefix, mine, other, part, depth)
            reader.sequences.parts[name] = names
        return True

    def _joined(
        self, node: RawNode, prefix: str, first: str, second: str, name: str, depth: int
    ) -> None:
        """Let a tensor be the result of either branch."""
        reader = self.reader
        shapes = [reader.values[n].shape for n in (first, second)]
        if shapes[0] != shapes[1]:
            reader.warn(
                f"the branches of {prefix!r} make {name!r} {text(shapes[0])} or "
                f"{text(shapes[1])}: the first is used"
            )
        inputs = (first, second, node.inputs[0])
        reader.add(RawNode("", "Branch", "", inputs, (name,), {}), depth)

    def _work(self, nodes: Sequence[Node]) -> tuple[bool, int, int]:
        """How much nodes do, as `macs.work` tells it."""
        values = self.reader.values
        names = {n for node in nodes for n in (*node.inputs, *node.outputs) if n}
        names |= {f for node in nodes for f in node.repeats if isinstance(f, str)}
        tensors = {n: values[n].tensor(n, stated=True) for n in names if n in values}
        return work(nodes, tensors)

    # Loops.

    def _loop(self, node: RawNode, depth: int) -> bool:
        body = self._body(node, "body")
        given = (*node.inputs, "", "")
        count, condition, states = given[0], given[1], node.inputs[2:]
        if len(body.input) != 2 + len(states) or len(body.output) < 1 + len(states):
            raise BadNodeError("has a body with other inputs or outputs")
        collected = len(body.output) - 1 - len(states)
        dependence = Dependence(body, node, self.reader)
        fixed = varying_states(dependence, states)
        counted = [body.input[0].name, *(body.input[2 + place].name for place in fixed)]
        varying = frozenset(dependence.by_run(counted))
        loop = _Loop(
            node, body, node.name or node.outputs[0], states, (), (0,) * collected, fixed,
            varying, dependence.decides(varying),
        )  # fmt: skip
        return self._run(loop, self._trips(loop, count, condition), depth)

    def _trips(self, loop: _Loop, count: str, condition: str) -> Factor:
        """How often a loop runs."""
        reader = self.reader
        if count in self._by_run or condition in self._by_run:
            return self._asked(loop, 0, None)
        limit = reader.value(count, loop.node) if count else None
        start = reader.value(condition, loop.node) if condition else None
        most: int | None = None
        if limit is not None and limit.data is not None and limit.data.size == 1:
            most = int(limit.data.item())
            most = None if most >= _ENDLESS else max(most, 0)
        endless = limit is None or (limit.constant and limit.data is not None and most is None)
        begins = start is None or (start.data is not None and bool(start.data.all()))
        if start is not None and start.data is not None and not begins:
            return 0
        told = Counter(reader, loop.body, loop.node, loop.states, loop.fixed).runs(most)
        if told.always and not endless:
            if most is None:
                return self._asked(loop, int(begins), None)
            if begins:
                return count if count in reader.recipes else most
        if told.runs is not None:
            if begins:
                return told.runs
            most = told.runs
        return self._asked(loop, int(begins), most)

    def _asked(self, loop: _Loop, least: int, most: int | None) -> Factor:
        """A number of runs that the user says, or else one with its bounds and a warning."""
        reader = self.reader
        for axis, name in zip(loop.axes, loop.node.outputs[len(loop.states) :], strict=False):
            shape = reader.teller.declared_shape(name) if name else None
            if shape is not None and -len(shape) <= axis < len(shape):
                return shape[axis]  # the file says how many results are put side by side
        reader.asked_trips = True
        if reader.trips is not None:
            return reader.trips
        if most is None:
            found = Choice(1, min(least, 1), None, loop=True)
        else:
            found = Choice(most, min(least, most), most, loop=True)
        reader.warn(open_loop(loop.prefix, found))
        return found

    def _scan(self, node: RawNode, depth: int) -> bool:
        if self.reader.opset < _SCAN_WITHOUT_BATCH:
            return self._scan_of_batch(node, depth)
        return self._scan_of(node, depth)

    def _scan_of_batch(self, node: RawNode, depth: int) -> bool:
        """Read a `Scan` of opset 8: one after the other for each element of a batch.

        Its first input says how long each element's sequence is; the longest is counted for all.
        """
        reader, prefix = self.reader, node.name or node.outputs[0]
        inputs = node.inputs[1:]
        if not inputs or not all(inputs):
            raise BadNodeError("lacks inputs")
        if not all(reader.value(name, node).shape for name in inputs):
            raise BadNodeError("has an input without a batch")
        if node.inputs[0]:
            reader.warn(f"{prefix!r} is counted as if all its sequences had their full length")
        batch = self._length(f"{prefix}/batch", inputs[0], 0)
        with reader.repeated(batch):
            elements = [
                self._slice(name, 0, f"{prefix}/element {i}", 0, depth)
                for i, name in enumerate(inputs)
            ]
            made = tuple(f"{prefix}/of element/{name}" if name else "" for name in node.outputs)
            one = replace(node, name=f"{prefix}/of element", inputs=tuple(elements), outputs=made)
            if not self._scan_of(one, depth):
                return False
            for source, name in zip(made, node.outputs, strict=True):
                if name:
                    every = RawNode("", "Collect", "", (source, batch), (name,), {"axis": 0})
                    reader.add(every, depth)
        return True

    def _scan_of(self, node: RawNode, depth: int) -> bool:
        body = self._body(node, "body")
        scans = node.attributes.get("num_scan_inputs")
        first = len(node.inputs) - (scans if isinstance(scans, int) else 0)
        if not isinstance(scans, int) or scans < 1 or first < 0:
            raise BadNodeError("does not say how many inputs it scans")
        states = node.inputs[:first]
        if len(body.input) != len(node.inputs) or len(body.output) < first:
            raise BadNodeError("has a body with other inputs or outputs")
        collected = len(body.output) - first
        axes = self._axes(node, "scan_input_axes", scans)
        scanned = tuple(zip(node.inputs[first:], axes, strict=True))
        loop = _Loop(
            node, body, node.name or node.outputs[0], states, scanned,
            self._axes(node, "scan_output_axes", collected), frozenset(),
        )  # fmt: skip
        name, axis = scanned[0]
        shape = self.reader.value(name, node).shape
        if not -len(shape) <= axis < len(shape):
            raise BadNodeError(f"scans axis {axis} of {len(shape)} dimensions")
        return self._run(loop, self._length(loop.prefix, name, axis % len(shape)), depth)

    def _length(self, prefix: str, name: str, axis: int) -> str:
        """The constant that holds the length of what is scanned."""
        reader = self.reader
        reader.add(RawNode("", "Shape", "", (name,), (f"{prefix}/shape",), {}))
        reader.values[f"{prefix}/axis"] = Operand.of(np.array([axis], np.int64))
        inputs = (f"{prefix}/shape", f"{prefix}/axis")
        reader.add(RawNode("", "Gather", "", inputs, (f"{prefix}/length",), {"axis": 0}))
        return f"{prefix}/length"

    @staticmethod
    def _axes(node: RawNode, name: str, count: int) -> tuple[int, ...]:
        axes = node.attributes.get(name) or (0,) * count
        if not isinstance(axes, tuple) or len(axes) != count:
            raise BadNodeError(f"has other {name} than inputs or outputs")
        return axes

    def _run(self, loop: _Loop, trips: Factor, depth: int) -> bool:
        """Read a loop's body once, for all runs of it, or once for each."""
        reader = self.reader
        mark = reader.mark()
        lists = any(reader.has_sequence(name) for name in loop.states)
        grows = lists or self._together(loop, trips, depth)
        if not grows and not loop.changes:
            return True
        count = reader.count(trips)
        if not isinstance(trips, Choice) and count is not None and count <= _MOST_UNROLLED:
            reader.reset(mark)
            if isinstance(trips, str):
                reader.decide(trips)
            self._one_by_one(loop, count, depth)
        elif lists:
            raise Unsupported(
                f"{reader.source}: the loop {loop.prefix!r} makes a list whose length is not known"
            )
        elif not grows:
            reader.warn(
                f"what the loop {loop.prefix!r} does depends on the number of its run: the first "
                "is counted for all"
            )
        else:
            reader.warn(
                f"tensors of the loop {loop.prefix!r} grow from run to run: their size in the "
                "first is counted for all"
            )
        return True

    def _together(self, loop: _Loop, trips: Factor, depth: int) -> bool:
        """Read the body once, its nodes running `trips` times; say whether a state grows."""
        reader, prefix = self.reader, loop.prefix
        with reader.repeated(trips):
            found = []
            for place, name in enumerate(loop.states):
                if place in loop.fixed:
                    found.append(name)
                    continue
                state = f"{prefix}/state {place}"
                reader.add(RawNode("", "State", "", (name,), (state,), {}), depth)
                found.append(state)
            self._by_run.update(f"{prefix}/{name}" for name in loop.varying)
            made, collected, conditions = self._body_of(loop, prefix, found, 0, depth)
            reader.values[f"{prefix}/trips"] = Operand.of(
                np.array([reader.count(trips) or 0], np.int64)
            )
            counted = trips if isinstance(trips, str) else f"{prefix}/trips"
            outputs = loop.node.outputs[len(loop.states) :]
            for source, axis, name in zip(collected, loop.axes, outputs, strict=False):
                if name:
                    attributes = {"axis": axis}
                    reader.add(
                        RawNode("", "Collect", "", (source, counted), (name,), attributes), depth
                    )
        changing = [n for place, n in enumerate(made) if place not in loop.fixed]
        changing += [name for name in conditions if not reader.values[name].constant]
        grows = False
        for place, (before, after) in enumerate(zip(found, made, strict=True)):
            grows |= reader.values[before].shape != reader.values[after].shape
            name = loop.node.outputs[place] if place < len(loop.node.outputs) else ""
            if not name:
                continue
            if place in loop.fixed:
                value = reader.values[after]
                reader.values[name] = Operand(value.shape, value.dtype, constant=True)
                continue
            inputs = (after, *(n for n in changing if n != after))  # which the next run reads
            begins = {"begins": loop.states[place]}
            reader.add(RawNode("", "Carry", "", inputs, (name,), begins), depth)
        return grows

    def _one_by_one(self, loop: _Loop, count: int, depth: int) -> None:
        """Read the body once for each run, as if the loop were unrolled."""
        reader = self.reader
        states = list(loop.states)
        parts: list[list[str]] = [[] for _ in loop.axes]
        for index in range(count):
            prefix = f"{loop.prefix}/{index}"
            states, collected, _ = self._body_of(loop, prefix, states, index, depth)
            for part, axis, name in zip(parts, loop.axes, collected, strict=True):
                whole = f"{name}/unsqueezed"
                attributes = {"axes": (axis,)}
                reader.add(RawNode("", "Unsqueeze", "", (name,), (whole,), attributes), depth)
                part.append(whole)
        outputs = loop.node.outputs
        for source, name in zip(states, outputs, strict=False):
            if name:
                reader.rename(source, name, depth)
        for part, axis, name in zip(parts, loop.axes, outputs[len(states) :], strict=False):
            if name and part:
                reader.add(RawNode("", "Concat", "", tuple(part), (name,), {"axis": axis}), depth)

    def _body_of(
        self, loop: _Loop, prefix: str, states: Sequence[str], index: int, depth: int
    ) -> tuple[list[str], list[str], tuple[str, ...]]:
        """Read a body for one run; return its states, what is collected, and its condition."""
        reader = self.reader
        names = [i.name for i in loop.body.input]
        bound: dict[str, str] = {}
        skip = 0
        if loop.node.op == "Loop":
            reader.values[f"{prefix}/run"] = Operand.of(np.array(index, np.int64))
            reader.values[f"{prefix}/goes on"] = Operand.of(np.array(True))  # noqa: FBT003
            bound = {names[0]: f"{prefix}/run", names[1]: f"{prefix}/goes on"}
            skip = 2
        bound.update(zip(names[skip:], states, strict=False))
        for name, (source, axis) in zip(names[skip + len(states) :], loop.scanned, strict=True):
            bound[name] = self._slice(source, axis, f"{prefix}/{name}", index, depth)
        first = 1 if loop.node.op == "Loop" else 0
        reader.teller.keeps |= {
            f"{prefix}/{output.name}": state
            for output, state in zip(loop.body.output[first:], states, strict=False)
        }
        made = self._enter(loop.body, loop.node, prefix, bound, depth)
        end = first + len(states)
        return list(made[first:end]), list(made[end:]), made[:first]

    def _slice(self, source: str, axis: int, name: str, index: int, depth: int) -> str:
        bounds = {"starts": (index,), "ends": (index + 1,), "axes": (axis,)}
        cut = f"{name}/slice"
        self.reader.add(RawNode("", "Slice", "", (source,), (cut,), bounds), depth)
        self.reader.add(RawNode("", "Squeeze", "", (cut,), (name,), {"axes": (axis,)}), depth)
        return name

    def _map(self, node: RawNode, depth: int) -> bool:
        """Read a `SequenceMap`: its body once for each element of a list."""
        reader, prefix = self.reader, node.name or node.outputs[0]
        body = self._body(node, "body")
        if not node.inputs or len(body.input) != len(node.inputs):
            raise BadNodeError("has a body with other inputs")
        if len(body.output) != len(node.outputs):
            raise BadNodeError("has a body with other outputs")
        if not reader.has_sequence(node.inputs[0]):
            return False
        lists = [reader.parts(name) if reader.has_sequence(name) else () for name in node.inputs]
        length = len(lists[0])
        if any(len(parts) not in (0, length) for parts in lists):
            raise BadNodeError("takes lists of several lengths")
        made = []
        for index in range(length):
            given = [
                parts[index] if parts else name
                for parts, name in zip(lists, node.inputs, strict=True)
            ]
            bound = dict(zip([i.name for i in body.input], given, strict=True))
            made.append(self._enter(body, node, f"{prefix}/{index}", bound, depth))
        for place, name in enumerate(node.outputs):
            reader.sequences.parts[name] = tuple(results[place] for results in made)
        return True

    # Bodies.

    @staticmethod
    def _body(node: RawNode, name: str) -> Any:
        graph = node.attributes.get(name)
        if not hasattr(graph, "initializer"):
            raise BadNodeError(f"lacks its {name}")
        return graph

    def _enter(
        self, graph: Any, node: RawNode, prefix: str, bound: Mapping[str, str], depth: int
    ) -> tuple[str, ...]:
        """Read a body's nodes under names of their own; return the names of its results."""
        reader = self.reader
        made = {name for n in graph.node for name in n.output if name}
        made |= {t.name for t in graph.initializer}
        made |= {t.values.name for t in graph.sparse_initializer}
        rename = {**node.scope, **{name: f"{prefix}/{name}" for name in made}, **bound}
        reader.declare((*graph.value_info, *graph.output), rename)
        reader.initialisers(graph, rename)
        inner = [
            renamed(n, rename, f"{prefix}/{n.name}" if n.name and n.op in self._rules else n.name)
            for n in raw_nodes(graph, reader.tensors)
        ]
        results = tuple(rename.get(output.name, str(output.name)) for output in graph.output)
        reader.outputs.update(results)
        reader.read(in_order(inner, reader.known, reader.source, " of a body"), depth + 1)
        return results


def renamed(node: RawNode, rename: Mapping[str, str], name: str) -> RawNode:
    """Return a node of a body with the names that its tensors have in the graph around it.

    Args:
        node: the node.
        rename: by the names that its tensors have in the body.
        name: its own; what has bodies itself needs one that no other run of this body has.
    """
    return replace(
        node,
        name=name,
        inputs=tuple(rename.get(name, name) for name in node.inputs),
        outputs=tuple(rename.get(name, name) for name in node.outputs),
        scope=rename,
    )
