"""Layers from units: what computes, between the movements of data that it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgeprofiler.core.network import Layer
from edgeprofiler.reading.lowering import compute
from edgeprofiler.reading.lowering.facts import FLOATS, Facts, spatial_size
from edgeprofiler.reading.lowering.kernels import first_layer, float_convolution, one_row
from edgeprofiler.reading.lowering.memory import CHANNELS_LAST, ROWS
from edgeprofiler.reading.lowering.movement import Mover
from edgeprofiler.reading.lowering.names import layer_name
from edgeprofiler.reading.lowering.quantizers import is_int8
from edgeprofiler.reading.lowering.target import BuildTarget
from edgeprofiler.reading.lowering.units import Unit
from edgeprofiler.reading.lowering.vocabulary import TRANSPOSED
from edgeprofiler.reading.operators.windows import window_of

_KEEPS_LAYOUT = frozenset({"pointwise", "softmax", "normalization", "resize"})


class Emitter(Mover):
    """Turns units into layers, in order."""

    def __init__(
        self, facts: Facts, units: Sequence[Unit], precision: str, target: BuildTarget
    ) -> None:
        super().__init__(facts, units, precision, target)
        self.has_int8 = False
        self.made: list[list[Layer]] = []
        """The layers that each unit became."""
        self.widened = False
        """Whether a kernel that computes in INT8 writes FP32 (see `rules.FIRST_LAYER`)."""
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
            before = len(self.layers)
            if unit.inside:
                self._view(unit, unit.inside, self.memory.layout.get(unit.inputs[0], ROWS))
            elif unit.copies_at_once:
                self._copies(unit)
            else:
                self._steps.get(unit.role, self._plain)(unit)
            self.made.append(self.layers[before:])
        for name in dict.fromkeys(self.facts.graph.outputs):
            self._deliver(name)
        return self.layers

    def _add(
        self, unit: Unit, layer: Layer, layout: str, inputs: Sequence[str] | None = None
    ) -> None:
        written = [
            name
            for part in (unit, *unit.siblings)
            for node in part.nodes
            for name in node.outputs
            if name and name in self.facts.graph.tensors
        ]
        self._put(layer, unit.inputs if inputs is None else inputs, written)
        self.name_of.update(dict.fromkeys(written, layer.name))
        outputs = [o for o in unit.nodes[-1].outputs if o] if len(unit.nodes) == 1 else []
        for name in outputs or [unit.output]:
            self.memory.produce(unit, name, layout)

    def _convolution(self, unit: Unit) -> None:
        pad = self.facts.padded.get(unit.inputs[0]) if unit.inputs else None
        source = self.facts.real(pad.inputs[0]) if pad is not None else unit.inputs[0]
        name = layer_name(unit, pad)
        dtype, layout = self._convolution_kernel(unit, source)
        self._convert(source, layout, dtype, name, "Input", widens=True)
        if self.precision == "fp32":
            for other_input in unit.inputs[1:]:
                self._convert(other_input, layout, dtype, name, "Input")
        if pad is not None:
            self.no_work.pop(pad.name, None)
        inputs = [source, *unit.inputs[1:]]
        layout = self._result_layout(unit, source, dtype, layout)
        result_type = self.memory.result_type(unit.output, layout)
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
        self._add(unit, layer, layout, inputs)
        for other in unit.siblings:
            self.memory.produce(unit, other.output, layout)
        self.has_int8 |= dtype == "int8"

    def _convolution_kernel(self, unit: Unit, source: str) -> tuple[str, str]:
        """Return the data type that a convolution computes in, and the layout of its input."""
        dtype, node = self._compute_type(unit), unit.anchor
        if not self.target.tensor_cores or (dtype == "fp32" and not self.target.tf32_ratio):
            return dtype, ROWS  # nothing in the engine asks for another layout
        if dtype != "tf32":
            return dtype, CHANNELS_LAST
        shape, result = self.facts.shape(source), self.facts.shape(unit.output)
        if spatial_size(shape) == 1 and one_row(result, 1):
            return "fp32", CHANNELS_LAST
        weight = self.facts.graph.tensors.get(node.inputs[1])
        window = window_of(node, shape, result, weight.shape if weight is not None else ())
        stays = self.memory.layout.get(source, ROWS) == ROWS and not self._foreign(source, "fp32")
        return float_convolution(
            self.target,
            channels=shape[1],
            kernel=() if node.op in TRANSPOSED else window.kernel,
            stride=window.stride,
            dilation=window.dilation,
            lies=ROWS if stays else CHANNELS_LAST,
        )

    def _result_layout(self, unit: Unit, source: str, dtype: str, layout: str) -> str:
        """Return the layout of a convolution's result; note the type where its kernel sets one."""
        if dtype != "int8":
            return layout
        if first_layer(self.facts.shape(source)[1], self.target):
            self.memory.decided[unit.output] = "fp32"
            self.widened = True
            return ROWS
        if self._delivers(unit):
            return ROWS
        if self.memory.result_type(unit.output, layout) == "fp16":
            self.memory.interleaved.add(unit.output)
        return layout

    def _delivers(self, unit: Unit) -> bool:
        """Whether an INT8 kernel writes what the caller wants; if so, in the declared type."""
        name = unit.output
        wanted = self.facts.tensor(name).dtype
        if name not in self.facts.outputs or self.facts.readers.get(name) or wanted not in FLOATS:
            return False
        self.memory.decided[name] = wanted
        return True

    def _gemm(self, unit: Unit) -> None:
        dtype = self._compute_type(unit)
        if dtype == "tf32" and one_row(self.facts.shape(unit.output), -1):
            dtype = "fp32"
        if dtype == "int8":
            self._delivers(unit)
        name = layer_name(unit)
        for source in unit.inputs:
            self._convert(source, ROWS, dtype, name, "Input", widens=True)
        layer = compute.product(
            self.facts, unit, name, dtype, self.memory.types(unit.inputs),
            self.memory.result_type(unit.output, ROWS),
        )  # fmt: skip
        self._add(unit, layer, ROWS)
        self.has_int8 |= dtype == "int8"

    def _compute_type(self, unit: Unit) -> str:
        """INT8 where asked for or quantised; TF32 where FP32 may use it (see `rules.TF32`)."""
        if is_int8(self.facts, unit.anchor):
            return "int8"
        # calibration leaves what stands in loops and generated regions alone
        apart = unit.repeats > 1 or (unit.role == "matmul" and len(unit.inputs) > 1)
        if self.precision == "int8" and not apart:
            return "int8"
        alone = unit.anchor.integer("group", 1) == 1
        if self.precision == "fp32" and alone and self.target.tf32_ratio > 0:
            return "tf32"
        return self.memory.float_type

    def _pool(self, unit: Unit) -> None:
        name = layer_name(unit)
        source = unit.inputs[0]
        dtype, layout = self.memory.float_type, CHANNELS_LAST
        if source in self.memory.decided:
            dtype = self.memory.stored(source)
            self.memory.decided[unit.output] = dtype
        if dtype == "fp32" or not self.target.tensor_cores:
            layout = self.memory.layout.get(source, ROWS)
        self._convert(source, layout, dtype, name, "Input")
        layer = compute.pooling(
            self.facts, unit, name, dtype, self.memory.types((source,)),
            self.memory.result_type(unit.output, layout),
        )  # fmt: skip
        self._add(unit, layer, layout)

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
        readers = self.facts.readers.get(source, [])
        if source in self.memory.decided and any(n.op != "QuantizeLinear" for n in readers):
            self._convert(source, layout, self.memory.float_type, layer_name(unit), "Input")
        self._plain(unit)
        self.memory.layout[result] = layout
