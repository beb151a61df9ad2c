"""Layers from units: what computes, between the movements of data that it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgeprofiler.lowering import compute
from edgeprofiler.lowering.facts import Facts
from edgeprofiler.lowering.memory import CHANNELS_LAST, ROWS
from edgeprofiler.lowering.movement import Mover
from edgeprofiler.lowering.names import layer_name
from edgeprofiler.lowering.units import Unit
from edgeprofiler.network import Layer

_KEEPS_LAYOUT = frozenset({"pointwise", "softmax", "normalization", "resize"})


class Emitter(Mover):
    """Turns units into layers, in order."""

    def __init__(self, facts: Facts, units: Sequence[Unit], precision: str) -> None:
        super().__init__(facts, units, precision)
        self.has_int8 = False
        self._steps: dict[str, Callable[[Unit], None]] = {
            "convolution": self._convolution,
            "gemm": self._gemm,
            "matmul": self._gemm,
            "pool": self._pool,
            "global_pool": self._pool,
            "concat": self._concat,
            "slice": self._slice,
            "reshape": self._reshape,
            "transpose": self._transpose,
            "quantize": self._quantize,
        }

    def run(self) -> list[Layer]:
        """Return the layers of all units, with the conversions between them."""
        for unit in self.units:
            self._steps.get(unit.role, self._plain)(unit)
        for name in dict.fromkeys(self.facts.graph.outputs):
            self._deliver(name)
        return self.layers

    def _add(self, unit: Unit, layer: Layer, layout: str) -> None:
        self.layers.append(layer)
        for node in unit.nodes:
            for output in node.outputs:
                if output and output in self.facts.graph.tensors:
                    self.name_of[output] = layer.name
        outputs = [o for o in unit.nodes[-1].outputs if o] if len(unit.nodes) == 1 else []
        for name in outputs or [unit.output]:
            self.memory.produce(unit, name, layout)

    def _convolution(self, unit: Unit) -> None:
        dtype = self._compute_type(unit)
        pad = self.facts.padded.get(unit.inputs[0]) if unit.inputs else None
        source = self.facts.real(pad.inputs[0]) if pad is not None else unit.inputs[0]
        name = layer_name(unit, pad)
        self._convert(source, CHANNELS_LAST, dtype, name, "Input")
        if pad is not None:
            self.no_work.pop(pad.name, None)
        inputs = [source, *unit.inputs[1:]]
        result_type = self.memory.result_type(unit.output, CHANNELS_LAST)
        types = self.memory.types(inputs)
        layer = compute.convolution(self.facts, unit, name, inputs, pad, dtype, types, result_type)
        if unit.siblings:
            others = [
                compute.convolution(
                    self.facts, other, layer_name(other), inputs, pad, dtype, types, result_type
                )
                for other in unit.siblings
            ]
            layer = compute.side_by_side([layer, *others])
        self._add(unit, layer, CHANNELS_LAST)
        for other in unit.siblings:
            self.name_of[other.output] = layer.name
            self.memory.produce(unit, other.output, CHANNELS_LAST)
        self.has_int8 |= dtype == "int8"

    def _gemm(self, unit: Unit) -> None:
        dtype = self._compute_type(unit)
        name = layer_name(unit)
        for source in unit.inputs:
            self._convert(source, ROWS, dtype, name, "Input")
        layer = compute.product(
            self.facts, unit, name, dtype, self.memory.types(unit.inputs),
            self.memory.result_type(unit.output, ROWS),
        )  # fmt: skip
        self._add(unit, layer, ROWS)
        self.has_int8 |= dtype == "int8"

    def _compute_type(self, unit: Unit) -> str:
        """INT8 where asked for or quantised; TF32 where FP32 may use it (see `rules.TF32`)."""
        explicit = unit.inputs and self.memory.stored(unit.inputs[0]) in ("int8", "uint8")
        if self.precision == "int8" or explicit or unit.anchor.op.startswith(("QLinear", "QGemm")):
            return "int8"
        if self.precision == "fp32" and unit.anchor.integer("group", 1) == 1:
            return "tf32"
        return self.memory.float_type

    def _pool(self, unit: Unit) -> None:
        name = layer_name(unit)
        source = unit.inputs[0]
        self._convert(source, CHANNELS_LAST, self.memory.float_type, name, "Input")
        layer = compute.pooling(
            self.facts, unit, name, self.memory.float_type, self.memory.types((source,)),
            self.memory.result_type(unit.output, CHANNELS_LAST),
        )  # fmt: skip
        self._add(unit, layer, CHANNELS_LAST)

    def _plain(self, unit: Unit) -> None:
        """Point-wise kernels, softmax, normalisation, resizing and what no rule knows."""
        layout = ROWS
        if unit.role in _KEEPS_LAYOUT:
            layouts = [
                self.memory.layout.get(n, ROWS)
                for n in unit.inputs
                if self.memory.layout_matters(n)
            ]
            layout = CHANNELS_LAST if CHANNELS_LAST in layouts else ROWS
        name = layer_name(unit)
        outputs = [o for o in unit.anchor.outputs if o] if len(unit.nodes) == 1 else [unit.output]
        layer = compute.plain(
            self.facts, unit, name, outputs, self.memory.float_type, self.memory.types(unit.inputs),
            tuple(self.memory.result_type(o, layout) for o in outputs),
        )  # fmt: skip
        self._add(unit, layer, layout)

    def _quantize(self, unit: Unit) -> None:
        source, result = unit.inputs[0], unit.output
        layout = CHANNELS_LAST if len(self.facts.shape(source)) > 3 else ROWS
        self._plain(unit)
        self.memory.layout[result] = layout
