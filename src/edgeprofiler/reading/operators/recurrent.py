"""Recurrent layers: LSTM, GRU and RNN, and the marks that loops leave in a graph.

A recurrent layer multiplies its whole input by `W` at once, and its state by `R` once a step:
`steps x batch x gates x hidden x (input + hidden)` multiply-accumulates in each direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeprofiler.core.graph import AttributeValue, Shape
from edgeprofiler.reading.operators.call import BadNodeError, Call, Rule, Spec, axis_of, text

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
"""Products with the state in one step of each layer."""


@dataclass(frozen=True)
class Recurrence:
    """The sizes of a recurrent layer."""

    steps: int
    batch: int
    directions: int
    gates: int
    features: int
    hidden: int
    batch_first: bool

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all steps and directions."""
        outputs = self.steps * self.batch * self.directions * self.gates * self.hidden
        return outputs * (self.features + self.hidden)


def recurrence_of(
    op: str, shapes: Sequence[Shape | None], attributes: Mapping[str, AttributeValue]
) -> Recurrence:
    """Return the sizes of a recurrent layer from the shapes of its input and weights.

    Raises:
        BadNodeError: they do not fit together.
    """
    data, weight, state = (*shapes[:3], None, None, None)[:3]
    if data is None or weight is None or state is None:
        raise BadNodeError("lacks its input or weights")
    if not len(data) == len(weight) == len(state) == 3:
        raise BadNodeError(f"has an input {text(data)} and weights {text(weight)}, {text(state)}")
    batch_first = bool(attributes.get("layout", 0))
    steps, batch = (data[1], data[0]) if batch_first else (data[0], data[1])
    gates = GATES[op]
    hidden = state[2]
    rows = (weight[0], gates * hidden)
    if weight != (*rows, data[2]) or state[:2] != rows:
        raise BadNodeError(f"has an input {text(data)} and weights {text(weight)}, {text(state)}")
    return Recurrence(steps, batch, weight[0], gates, data[2], hidden, batch_first)


def _recurrent(call: Call) -> list[Spec]:
    """`LSTM`, `GRU`, `RNN`: what every step gives out, then the last state of each kind."""
    shapes = [None if value is None else value.shape for value in call.inputs]
    r = recurrence_of(call.op, shapes, call.attributes)
    dtype = call.value(0).dtype
    every = (r.steps, r.directions, r.batch, r.hidden)
    last = (r.directions, r.batch, r.hidden)
    if r.batch_first:
        every, last = (r.batch, r.steps, r.directions, r.hidden), (r.batch, r.directions, r.hidden)
    return [(every, dtype), (last, dtype), (last, dtype)][: max(call.outputs, 1)]


def _state(call: Call) -> list[Spec]:
    """`State`: what a run of a loop finds, first from outside, then from the run before."""
    return call.same()


def _carry(call: Call) -> list[Spec]:
    """`Carry`: a loop's result after its last run; `begins` names the state before the first."""
    return call.same()


def _branch(call: Call) -> list[Spec]:
    """`Branch`: the result of whichever branch runs."""
    return call.same()


def _collect(call: Call) -> list[Spec]:
    """`Collect`: what the runs of a loop give out, one behind the other along an axis."""
    value, count = call.value(0), call.data(1).reshape(-1)
    axis = axis_of(call.integer("axis", 0), len(value.shape) + 1)
    length = max(int(count[0]), 0)
    return [((*value.shape[:axis], length, *value.shape[axis:]), value.dtype)]


RULES: dict[str, Rule] = {
    **dict.fromkeys(GATES, _recurrent),
    "State": _state, "Carry": _carry, "Branch": _branch, "Collect": _collect,
}  # fmt: skip
