"""How tensors lie in memory while a network runs: layouts, data types, and who wrote them."""

from __future__ import annotations

from collections.abc import Iterable

from edgeprofiler.reading.lowering.facts import FLOATS, Facts, spatial_size
from edgeprofiler.reading.lowering.units import Unit

ROWS = "rows"
"""Memory in the order of the tensor's own dimensions (TensorRT: row major linear)."""
CHANNELS_LAST = "channels last"
"""Memory with channels innermost (TensorRT: channel major)."""


class Memory:
    """The layout, the data type and the writer of every tensor so far."""

    def __init__(self, facts: Facts, precision: str) -> None:
        self.facts = facts
        self.precision = precision
        self.float_type = "fp16" if precision == "int8" else precision
        self.layout: dict[str, str] = dict.fromkeys(facts.graph.inputs, ROWS)
        self.type_of = {name: facts.tensor(name).dtype for name in facts.graph.inputs}
        for name in facts.states:
            own = facts.tensor(name).dtype
            self.type_of[name] = self.float_type if own in FLOATS else own
        self.writer: dict[str, Unit] = {}
        self.decided: dict[str, str] = {}
        """Data types that a kernel imposes on its result (see `rules.FIRST_LAYER`)."""
        self.interleaved: set[str] = set()
        """FP16 tensors in groups of 32 channels (see `rules.INTERLEAVED`)."""

    def stored(self, name: str) -> str:
        """Return the data type in which a tensor is stored."""
        return self.type_of.get(name) or self.facts.tensor(name).dtype

    def types(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the data types in which tensors are stored."""
        return tuple(self.stored(name) for name in names)

    def result_type(self, name: str, layout: str) -> str:
        """Return the data type in which a kernel writes a tensor."""
        own = self.facts.tensor(name).dtype
        if name in self.facts.quantized:
            return "int8"
        if name in self.decided:
            return self.decided[name]
        if own not in FLOATS:
            return own
        if self.precision == "int8" and layout == CHANNELS_LAST:
            return "int8"
        return self.float_type

    def produce(self, unit: Unit, name: str, layout: str) -> None:
        """Note that a unit has written a tensor."""
        self.layout[name] = layout
        self.type_of[name] = self.result_type(name, layout)
        self.writer[name] = unit

    def repeats(self, name: str) -> int:
        """Return how often a tensor is written in one inference."""
        writer = self.writer.get(name)
        return 1 if writer is None else writer.repeats

    def layout_matters(self, name: str) -> bool:
        """Say whether the two layouts of a tensor are different bytes."""
        shape = self.facts.shape(name)
        return len(shape) > 2 and shape[1] > 1 and spatial_size(shape) > 1

    def differs(self, name: str, layout: str) -> bool:
        """Say whether a tensor's bytes must be moved to be read in `layout`."""
        return self.layout.get(name, ROWS) != layout and self.layout_matters(name)

    def common_layout(self, names: Iterable[str]) -> str:
        """Return channels last where one of several tensors lies so, else rows."""
        found = [self.layout.get(name, ROWS) for name in names if self.layout_matters(name)]
        return CHANNELS_LAST if CHANNELS_LAST in found else ROWS

    def share(self, unit: Unit, name: str, source: str, layout: str) -> None:
        """Note that a tensor is a view of another."""
        self.layout[name], self.type_of[name] = layout, self.stored(source)
        self.writer[name] = unit
