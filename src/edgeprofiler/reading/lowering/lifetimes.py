"""How much memory activations take at once: what is alive from the layer that writes it on.

An engine gives tensors that do not live at once the same memory (TensorRT's "activation memory").
The lowered order says when each is written and last read; a view, and what a concatenation joins in
place, lies in the memory of another. Inputs and outputs are the caller's and live all along.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgeprofiler.core.network import Layer, elements, output_bytes
from edgeprofiler.core.units import dtype_bytes
from edgeprofiler.reading.lowering.facts import Facts
from edgeprofiler.reading.lowering.memory import Memory
from edgeprofiler.reading.lowering.units import Unit


class Lifetimes:
    """When each piece of memory is needed, in steps of one unit each."""

    def __init__(self, facts: Facts, memory: Memory) -> None:
        self._facts = facts
        self._memory = memory
        self._within: dict[str, str] = {}
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._bytes: dict[str, float] = {}

    def spans(
        self, units: Sequence[Unit], made: Sequence[Sequence[Layer]]
    ) -> tuple[tuple[int, int, float], ...]:
        """Return the first and last step of each piece of memory, and its bytes.

        Args:
            units: in the order in which they run.
            made: the layers that each became, conversions among them.
        """
        written: dict[int, list[str]] = {}
        for name, unit in self._memory.writer.items():
            written.setdefault(id(unit), []).append(name)
        for unit, layers in zip(units, made, strict=True):
            self._join(unit, written.get(id(unit), ()), layers)
        for step, unit in enumerate(units):
            for name in (*unit.inputs, *written.get(id(unit), ())):
                self._touch(name, step)
        for name in (*self._facts.graph.inputs, *self._facts.outputs):
            self._touch(name, 0)
            self._touch(name, len(units) - 1)
        copies = [
            (step, step, output_bytes(layer))
            for step, layers in enumerate(made)
            for layer in layers
            if layer.op == "reformat"
        ]
        spans = [(self._first[k], self._last[k], size) for k, size in self._bytes.items()]
        return (*spans, *copies)

    def _join(self, unit: Unit, outputs: Sequence[str], layers: Sequence[Layer]) -> None:
        """Note what lies in whose memory: of a unit that moves nothing, or joins in place."""
        if unit.role == "concat":
            for name in unit.inputs:
                self._within.setdefault(self._root(name), self._root(unit.output))
        elif all(layer.op == "reformat" for layer in layers) and unit.inputs:
            for name in outputs:
                self._within.setdefault(self._root(name), self._root(unit.inputs[0]))

    def _root(self, name: str) -> str:
        name = self._facts.real(name)
        seen = {name}
        while (above := self._within.get(name, name)) not in seen:
            seen.add(above)
            name = above
        return name

    def _touch(self, name: str, step: int) -> None:
        real = self._facts.real(name)
        if real in self._facts.static or real not in self._facts.graph.tensors:
            return
        root = self._root(real)
        size = elements(self._facts.shape(real)) * dtype_bytes(self._memory.stored(real))
        self._bytes[root] = max(size, self._bytes.get(root, 0.0))
        self._first[root] = min(step, self._first.get(root, step))
        self._last[root] = max(step, self._last.get(root, step))
