"""Loops and branches of a program, whose bodies are graphs of their own.

https://github.com/pytorch/pytorch/tree/main/torch/_higher_order_ops: `while_loop` runs while its
first graph says so, `scan` once for each slice, `cond` one of two graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from edgeprofiler.core.graph import Choice, Factor, Node, Tensor
from edgeprofiler.core.values import Value
from edgeprofiler.reading.graphs.trips import larger_runs, open_loop
from edgeprofiler.reading.operators.macs import work
from edgeprofiler.reading.pt2.document import Ref
from edgeprofiler.reading.pt2.program import Program, ProgramCall, Unlike

Write = Callable[[Program, ProgramCall], None]
_ENDLESS = Choice(1, 0, None, loop=True)


def _while_loop(p: Program, c: ProgramCall, write: Write) -> None:
    """A loop that its data end: `(condition, body, states, what both read besides)`."""
    (name, *_) = c.results
    states, besides = _names(c["2"]), _names(c.get("3", []))
    with _repeated(p, _ENDLESS):
        found = _begun(p, name, states)
        goes_on = _run(p, c["0"], f"{name}/condition", [*found, *besides], write)
        made = _run(p, c["1"], f"{name}/body", [*found, *besides], write)
    _carry(p, states, made, [*made, *goes_on], c.results)
    p.warnings.append(open_loop(name, _ENDLESS))


def _scan(p: Program, c: ProgramCall, write: Write) -> None:
    """A loop over slices: `(body, states, what is scanned, what it reads besides)`."""
    (name, *_) = c.results
    states, scanned, besides = _names(c["1"]), _names(c["2"]), _names(c.get("3", []))
    length = _length(p, scanned[0], name)
    with _repeated(p, length):
        found = _begun(p, name, states)
        for place, source in enumerate(scanned):
            cut = f"{name}/cut {place}"
            bounds = {"starts": (0,), "ends": (1,), "axes": (0,)}
            p.add("Slice", [source], [cut], bounds)
            found.append(p.add("Squeeze", [cut], [f"{name}/slice {place}"], {"axes": (0,)}))
        made = _run(p, c["0"], f"{name}/body", [*found, *besides], write)
        each = made[len(states) :]
        for source, result in zip(each, c.results[len(states) :], strict=True):
            p.add("Collect", [source, length], [result], {"axis": 0})
    _carry(p, states, made[: len(states)], made[: len(states)], c.results[: len(states)])


def _cond(p: Program, c: ProgramCall, write: Write) -> None:
    """One of two graphs: the larger runs, and the smaller is the low end."""
    condition, given = c["0"], _names(c.get("3", []))
    if not isinstance(condition, Ref):
        raise Unlike("a branch that a number decides")
    made: list[list[str]] = []
    spans: list[slice] = []
    for which in ("1", "2"):
        start = len(p.nodes)
        made.append(_run(p, c[which], f"{c.results[0]}/branch {which}", given, write))
        spans.append(slice(start, len(p.nodes)))
    larger = larger_runs(p.nodes, spans, partial(work, tensors=p.tensors))
    for first, second, result in zip(made[larger], made[1 - larger], c.results, strict=True):
        p.add("Branch", [first, second, condition], [result])


def _begun(p: Program, name: str, states: Sequence[str]) -> list[str]:
    """Add the states as a loop's body reads them; return their names there."""
    return [p.add("State", [s], [f"{name}/state {i}"]) for i, s in enumerate(states)]


def _run(p: Program, body: Any, prefix: str, bound: Sequence[str], write: Write) -> list[str]:
    """Add what a body does; return its results."""
    if not isinstance(body, Value):
        raise Unlike("a loop or branch without a body")
    entered = p.enter(body, prefix, bound)
    for call in entered.calls:
        write(p, call)
    return [p.tensor(name).name for name in entered.results]


def _carry(
    p: Program,
    states: Sequence[str],
    made: Sequence[str],
    changing: Sequence[str],
    results: Sequence[str],
) -> None:
    for state, source, result in zip(states, made, results, strict=True):
        sources = [source, *(n for n in changing if n != source)]
        p.add("Carry", sources, [result], {"begins": p.tensor(state).name})


def _length(p: Program, source: str, name: str) -> str:
    """The constant that holds how long what is scanned is."""
    tensor = p.tensor(source)
    shape, axis, length = f"{name}/shape", f"{name}/axis", f"{name}/length"
    p.tensors[shape] = Tensor(shape, (len(tensor.shape),), "int64", True, tensor.shape)  # noqa: FBT003
    p.tensors[axis] = Tensor(axis, (1,), "int64", True, (0,))  # noqa: FBT003
    p.tensors[length] = Tensor(length, (1,), "int64", True, tensor.shape[:1])  # noqa: FBT003
    p.calculated[shape] = Node(shape, "Shape", (tensor.name,), (shape,))
    p.calculated[length] = Node(length, "Gather", (shape, axis), (length,), {"axis": 0})
    return length


@contextmanager
def _repeated(p: Program, factor: Factor) -> Iterator[None]:
    outer = p.repeats
    p.repeats = (*outer, factor)
    try:
        yield
    finally:
        p.repeats = outer


def _names(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(item, Ref) for item in given):
        raise Unlike("states that are no tensors")
    return [str(item) for item in given]


BODIES: Mapping[str, Callable[[Program, ProgramCall, Write], None]] = {
    "while_loop": _while_loop, "scan": _scan, "cond": _cond,
}  # fmt: skip
"""By the name of the operator."""
