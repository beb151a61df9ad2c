"""Layers that move data and compute nothing: conversions, copies, and the views that need none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from edgeprofiler.core.graph import Node
from edgeprofiler.core.network import Layer, elements, make_layer
from edgeprofiler.core.reads import merged
from edgeprofiler.core.units import dtype_bytes
from edgeprofiler.reading.lowering.facts import FLOATS, Facts
from edgeprofiler.reading.lowering.memory import CHANNELS_LAST, ROWS, Memory
from edgeprofiler.reading.lowering.names import layer_name
from edgeprofiler.reading.lowering.target import BuildTarget
from edgeprofiler.reading.lowering.units import Unit

_WRITES_IN_PLACE = frozenset({
    "convolution", "gemm", "matmul", "pool", "global_pool", "pointwise", "softmax",
    "normalization", "reduce", "concat",
})  # fmt: skip


class Mover:
    """Emits conversions and copies; the layers so far, and what each tensor is called."""

    def __init__(
        self, facts: Facts, units: Sequence[Unit], precision: str, target: BuildTarget
    ) -> None:
        self.facts = facts
        self.units = units
        self.precision = precision
        self.target = target
        self.memory = Memory(facts, precision)
        self.layers: list[Layer] = []
        self.no_work: dict[str, str] = {}
        self.name_of: dict[str, str] = {}
        self.reads: list[tuple[int, ...]] = []
        """Places of the layers that each layer reads."""
        self._held: dict[str, tuple[int, ...]] = {}
        """Places of the layers that wrote each tensor, or its parts; the caller's have none."""
        self._slice_of: dict[str, str] = {}
        self._elementwise: set[str] = set()
        for unit in units:
            if unit.role == "pointwise":
                self._elementwise.update(unit.inputs)
            elif unit.role in ("convolution", "gemm"):
                self._elementwise.update(unit.inputs[1:])

    def _put(self, layer: Layer, inputs: Iterable[str], outputs: Iterable[str] = ()) -> None:
        """Add a layer that reads tensors and, from now on, holds others."""
        self.reads.append(merged(self._held.get(name, ()) for name in inputs))
        here = (len(self.layers),)
        self.layers.append(layer)
        for name in outputs:
            self._held[name] = here

    def _convert(
        self, name: str, layout: str, dtype: str, layer: str, what: str, *, widens: bool = False
    ) -> None:
        """Add the layer that makes a tensor readable, where one is needed; do so only once.

        A product of floats needs what the model has quantised for others as floats (`widens`).
        """
        dtype = "fp32" if dtype == "tf32" else dtype
        stored = self.memory.stored(name)
        foreign = self._foreign(name, dtype)
        grouped = dtype != "int8" and name in self.memory.interleaved
        regrouped = grouped and self.memory.layout_matters(name)
        quantised = stored in ("int8", "uint8") and name in self.facts.quantized
        widened = widens and quantised and dtype in FLOATS
        if not self.memory.differs(name, layout) and not (foreign or regrouped or widened):
            return
        target = dtype if foreign or widened or stored in FLOATS else stored
        shape = self.facts.shape(name)
        self._put(
            make_layer(
                name=f"Reformatting CopyNode for {what} Tensor 0 to {layer}",
                kind="other",
                op="reformat",
                input_shapes=(shape,),
                output_shapes=(shape,),
                dtype=target,
                input_dtypes=(stored,),
                output_dtypes=(target,),
                repeats=self.memory.repeats(name),
            ),
            (name,),
            (name,),
        )
        self.memory.layout[name] = layout
        self.memory.type_of[name] = target
        self.memory.interleaved.discard(name)

    def _foreign(self, name: str, dtype: str) -> bool:
        """Whether a tensor has a type that the engine's own kernels of `dtype` did not choose."""
        stored = self.memory.stored(name)
        imposed = name not in self.memory.writer or name in self.memory.decided
        return stored in FLOATS and stored != dtype and imposed

    def _view(self, unit: Unit, reason: str, layout: str = ROWS) -> None:
        source = unit.inputs[0]
        for node in unit.nodes:
            self.no_work[node.name] = reason
            for name in node.outputs:
                if name:
                    self.memory.share(unit, name, source, layout)
                    self.name_of[name] = self.name_of.get(source, node.name)
                    self._held.setdefault(name, self._held.get(source, ()))

    def _reshape(self, unit: Unit) -> None:
        source = unit.inputs[0]
        self._convert(source, ROWS, self.memory.float_type, layer_name(unit), "Input")
        self._view(unit, "view")

    def _transpose(self, unit: Unit) -> None:
        source = unit.inputs[0]
        shape = self.facts.shape(source)
        order = unit.anchor.ints("perm") or tuple(reversed(range(len(shape))))
        last = (0, *range(2, len(shape)), 1)
        first = (0, len(shape) - 1, *range(1, len(shape) - 1))
        layout = self.memory.layout.get(source, ROWS)
        if len(shape) > 2 and order == last and self.memory.differs(source, ROWS):
            self._view(unit, "view: channels already lie last")
        elif len(shape) > 2 and order == first and layout == ROWS:
            self._view(unit, "view: channels already lie last", CHANNELS_LAST)
        elif [a for a in order if shape[a] > 1] == sorted(a for a in order if shape[a] > 1):
            self._convert(source, ROWS, self.memory.float_type, layer_name(unit), "Input")
            self._view(unit, "view")
        else:
            self._convert(source, ROWS, self.memory.float_type, layer_name(unit), "Input")
            self._move(unit, unit.output, unit.nodes, "copy", layer_name(unit), ROWS)

    def _copies(self, unit: Unit) -> None:
        """Add the one kernel that moves several parts of a tensor (`rules.GENERATED_REGION`)."""
        units = [unit, *unit.beside]
        source = unit.inputs[0]
        self._convert(source, ROWS, self.memory.float_type, layer_name(unit), "Input")
        results = [name for u in units for node in u.nodes for name in node.outputs if name]
        stored = self.memory.stored(source)
        moved = 2 * sum(elements(self.facts.shape(name)) for name in results)
        label = " + ".join(layer_name(u) for u in units)
        self._put(
            make_layer(
                name=label,
                kind="other",
                op="copy",
                input_shapes=(self.facts.shape(source),),
                output_shapes=tuple(self.facts.shape(name) for name in results),
                dtype=stored,
                input_dtypes=(stored,),
                output_dtypes=(stored,) * len(results),
                bytes_moved=math.floor(moved * dtype_bytes(stored)),
                nodes=tuple(node.name for u in units for node in u.nodes),
            ),
            (source,),
            results,
        )
        for name in results:
            self.memory.share(unit, name, source, ROWS)
            self.name_of[name] = label

    def _slice(self, unit: Unit) -> None:
        source, node = unit.inputs[0], unit.anchor
        shape = self.facts.shape(source)
        layout = self.memory.layout.get(source, ROWS)
        nodes = list(unit.nodes)
        for name in (o for o in node.outputs if o):
            self._slice_of[name] = source
            result = self.facts.shape(name)
            cut = [i for i, (a, b) in enumerate(zip(shape, result, strict=False)) if a != b]
            contiguous = layout == ROWS and len(cut) == 1 and elements(shape[: cut[0]]) == 1
            channels = cut in ([], [0], [1]) and len(result) == len(shape)
            stepped = any(step != 1 for step in self.facts.graph.integers(node, "steps", 4))
            if not stepped and (contiguous or (channels and name not in self._elementwise)):
                self.memory.layout[name], self.memory.type_of[name] = (
                    layout,
                    self.memory.stored(source),
                )
                self.memory.writer[name] = unit
                self._held[name] = self._held.get(source, ())
                self.name_of[name] = self.name_of.get(source, node.name)
            else:
                label = node.name if len(node.outputs) == 1 else f"{name} copy"
                self._move(unit, name, nodes, "copy", label, layout)
                nodes = []
        if nodes:
            self.no_work[node.name] = "view"

    def _concat(self, unit: Unit) -> None:
        names = [n for n in unit.inputs if elements(self.facts.shape(n))]
        layout = self.memory.common_layout(names)
        self.memory.produce(unit, unit.output, layout)
        self.name_of[unit.output] = layer_name(unit)
        nodes = list(unit.nodes)
        held = {name: self._held.get(name, ()) for name in names}
        for parts in self._copied(names):
            whole = self._slice_of[parts[0]] if len(parts) > 1 else parts[0]
            self._move(unit, whole, nodes, "concat", f"{whole} copy", layout, source=whole)
            held.update(dict.fromkeys(parts, (len(self.layers) - 1,)))
            nodes = []
        constants = [t for t in self.facts.constants(unit.anchor) if elements(t.shape) and names]
        for tensor in constants:
            self._constant_copy(tensor.name, nodes)
            held[tensor.name] = (len(self.layers) - 1,)
            nodes = []
        if nodes:
            self.no_work[unit.anchor.name] = "concatenation in place"
        self.memory.produce(unit, unit.output, layout)
        self._held[unit.output] = merged(held.values())

    def _copied(self, names: Sequence[str]) -> list[list[str]]:
        """Return the inputs that must be copied; slices that make up one tensor go together."""
        groups: list[list[str]] = []
        taken = 0  # elements of the last group
        for name in names:
            writer = self.memory.writer.get(name)
            parent = self._slice_of.get(name)
            alone = self.facts.sole_reader(name)
            in_place = writer is not None and writer.role in _WRITES_IN_PLACE
            grows = not self.target.tensor_cores and parent is None
            if writer is not None and in_place and writer.writes_in_place and (alone or grows):
                continue
            previous = groups[-1] if groups else []
            if parent is not None and previous and self._slice_of.get(previous[0]) == parent:
                more = taken + elements(self.facts.shape(name))
                if more <= elements(self.facts.shape(parent)):
                    previous.append(name)
                    taken = more
                    continue
            groups.append([name])
            taken = elements(self.facts.shape(name))
        return [part for group in groups for part in self._whole_or_parts(group)]

    def _whole_or_parts(self, group: list[str]) -> list[list[str]]:
        if len(group) == 1:
            return [group]
        parent = self._slice_of[group[0]]
        taken = sum(elements(self.facts.shape(name)) for name in group)
        return [group] if taken == elements(self.facts.shape(parent)) else [[n] for n in group]

    def _constant_copy(self, name: str, nodes: Sequence[Node]) -> None:
        shape = self.facts.shape(name)
        self._put(
            make_layer(
                name=f"{name} copy", kind="other", op="concat", input_shapes=(shape,),
                output_shapes=(shape,), dtype=self.memory.float_type,
                nodes=tuple(n.name for n in nodes),
            ),
            (),
        )  # fmt: skip

    def _move(
        self,
        unit: Unit,
        name: str,
        nodes: Sequence[Node],
        op: str,
        label: str,
        layout: str,
        source: str | None = None,
    ) -> None:
        """Add a layer that copies as many bytes as it writes."""
        origin = source or unit.inputs[0]
        shape = self.facts.shape(name)
        stored = self.memory.stored(origin)
        result = stored if source else self.memory.result_type(name, layout)
        size = elements(shape)
        self._put(
            make_layer(
                name=label,
                kind="other",
                op=op,
                input_shapes=(self.facts.shape(origin),),
                output_shapes=(shape,),
                dtype=result,
                input_dtypes=(stored,),
                output_dtypes=(result,),
                bytes_moved=math.floor(size * (dtype_bytes(stored) + dtype_bytes(result))),
                nodes=tuple(node.name for node in nodes),
                repeats=unit.repeats,
            ),
            (origin,),
            () if source else (name,),
        )
        if source is None:
            self.memory.produce(unit, name, layout)
            self.name_of[name] = label

    def _deliver(self, name: str) -> None:
        """Give the caller an output in rows, in the type that the model declares."""
        real = self.facts.real(name)
        if real in self.facts.static or real in self.facts.graph.inputs:
            return
        wanted = self.facts.tensor(name)
        stored = self.memory.stored(real)
        retype = wanted.dtype in FLOATS and stored != wanted.dtype
        if not retype and not self.memory.differs(real, ROWS):
            return
        target = wanted.dtype if wanted.dtype in FLOATS else stored
        self._put(
            make_layer(
                name="Reformatting CopyNode for Output Tensor 0 to " + self.name_of.get(real, real),
                kind="other",
                op="reformat",
                input_shapes=(wanted.shape,),
                output_shapes=(wanted.shape,),
                dtype=target,
                input_dtypes=(stored,),
                output_dtypes=(target,),
            ),
            (real,),
        )
