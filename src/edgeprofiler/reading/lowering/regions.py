"""Products of two activations with what moves and computes beside them, as generated kernels.

TensorRT hands attention and its like to a code generator, which knows no difference between
computing a value and finding it: see `rules.GENERATED_REGION` and `rules.ATTENTION`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgeprofiler.core.network import elements
from edgeprofiler.reading.lowering.facts import Facts
from edgeprofiler.reading.lowering.units import Unit

_COMPUTES = frozenset({"pointwise", "softmax", "normalization"})
_MOVES = frozenset({"slice", "transpose", "copy"})
_MEMBERS = _COMPUTES | _MOVES | {"matmul", "reshape"}


def generate_regions(units: Sequence[Unit], facts: Facts, *, attention: bool) -> list[Unit]:
    """Return the units with those around products of activations put together.

    Args:
        units: in an order in which they can run.
        facts: of their graph.
        attention: whether product, softmax and product become one kernel.
    """
    regions = _Regions(units, facts)
    for unit in [u for u in units if u in regions and u.role == "softmax"]:
        regions.take_scale(unit)
    for unit in [u for u in units if u in regions and u.role == "pointwise"]:
        regions.take_broadcast(unit)
    if attention:
        for unit in [u for u in units if u in regions and u.role == "softmax"]:
            regions.take_products(unit)
    for unit in reversed(units):
        if unit in regions and unit.role in _MOVES:
            unit.inside = regions.reason(unit)
    regions.gather_copies(units)
    return sorted(regions.kept(units), key=lambda unit: unit.last)


class _Regions:
    """Which units belong to a region, who writes and who reads each of their tensors."""

    def __init__(self, units: Sequence[Unit], facts: Facts) -> None:
        self.facts = facts
        self.writer: dict[str, Unit] = {}
        self.gone: set[int] = set()
        self._note(units)
        self.members = self._found(units)

    def __contains__(self, unit: Unit) -> bool:
        return id(unit) in self.members and id(unit) not in self.gone

    def kept(self, units: Iterable[Unit]) -> list[Unit]:
        """Return the units that no other has taken."""
        return [unit for unit in units if id(unit) not in self.gone]

    def _note(self, units: Iterable[Unit]) -> None:
        for unit in units:
            for node in unit.nodes:
                self.writer.update((name, unit) for name in node.outputs if name)

    def _found(self, units: Sequence[Unit]) -> set[int]:
        """Return the members of components that hold a product of two activations."""
        root: dict[int, int] = {id(u): id(u) for u in units if u.role in _MEMBERS}

        def find(key: int) -> int:
            while root[key] != key:
                root[key] = root[root[key]]
                key = root[key]
            return key

        for unit in units:
            for name in unit.inputs:
                before = self.writer.get(name)
                if id(unit) in root and before is not None and id(before) in root:
                    root[find(id(unit))] = find(id(before))
        products = {find(id(u)) for u in units if is_product(u)}
        return {key for key in root if find(key) in products}

    def readers(self, name: str) -> list[Unit]:
        """Return the units that read a tensor, looking through reshapes of the region."""
        found: dict[int, Unit] = {}
        for node in self.facts.readers.get(name, []):
            unit = self.writer[node.outputs[0]]
            seen = [unit]
            if unit in self and unit.role == "reshape":
                seen = self.readers(unit.output) if unit.output not in self.facts.outputs else seen
            found.update((id(u), u) for u in seen)
        return list(found.values())

    def alone(self, name: str, unit: Unit) -> bool:
        """Say whether nobody but `unit` needs a tensor."""
        return name not in self.facts.outputs and self.readers(name) == [unit]

    def _take(self, unit: Unit, other: Unit, *, first: bool) -> None:
        """Let `unit` run what `other` does, before or after its own."""
        written = {other.output} if first else {unit.output}
        inputs = (*other.inputs, *unit.inputs) if first else (*unit.inputs, *other.inputs)
        unit.nodes = [*other.nodes, *unit.nodes] if first else [*unit.nodes, *other.nodes]
        unit.inputs = [name for name in dict.fromkeys(inputs) if name not in written]
        unit.parameters.extend(other.parameters)
        unit.ops |= other.ops
        if not first:
            unit.output = other.output
        unit.last = max(unit.last, other.last)
        self.gone.add(id(other))
        self._note([unit])

    def take_scale(self, softmax: Unit) -> None:
        """Let a softmax compute the scale or mask before it."""
        before = self.writer.get(softmax.inputs[0])
        if before is None or before not in self or before.role != "pointwise":
            return
        if before.output == softmax.inputs[0] and self.alone(before.output, softmax):
            self._take(softmax, before, first=True)

    def take_broadcast(self, unit: Unit) -> None:
        """Let a point-wise kernel compute the smaller operands that only it reads."""
        size = elements(self.facts.shape(unit.output))
        for name in list(unit.inputs):
            before = self.writer.get(name)
            if before is None or before not in self or before.role != "pointwise":
                continue
            smaller = elements(self.facts.shape(name)) < size
            if smaller and before is not unit and self.alone(name, unit):
                self._take(unit, before, first=True)

    def take_products(self, softmax: Unit) -> None:
        """Make one kernel of a softmax and the products before and after it."""
        scores = softmax.inputs[0]
        before = self.writer.get(scores)
        readers = self.readers(softmax.output)
        if before is None or before not in self or not is_product(before) or len(readers) != 1:
            return
        after = readers[0]
        direct = softmax.output in after.inputs[:1]
        if after not in self or not is_product(after) or not direct:
            return
        width = self.facts.shape(before.inputs[0])[-1]
        if not self.alone(scores, softmax) or self.facts.shape(after.output)[-1] != width:
            return
        self._take(before, softmax, first=False)
        before.products.append(after.anchor)
        self._take(before, after, first=False)

    def reason(self, unit: Unit) -> str:
        """Return why a unit that moves data needs no kernel; empty where it needs one."""
        facts, source = self.facts, unit.inputs[0]
        outputs = [name for node in unit.nodes for name in node.outputs if name]
        if len(unit.inputs) > 1 or unit.role == "copy" or set(outputs) & facts.outputs:
            return ""
        readers = [reader for name in outputs for reader in self.readers(name)]
        before = self.writer.get(source)
        sliced = before is not None and before.role in ("slice", "copy")
        if all(reader in self and self._finds(reader, unit, sliced) for reader in readers):
            return "inside the kernel that reads it"
        computed = before is not None and before in self and before.role in _COMPUTES
        others = self.readers(source)
        if computed and all(reader in self and reader.role in _MOVES for reader in others):
            return "inside the kernel before it"
        return ""

    @staticmethod
    def _finds(reader: Unit, unit: Unit, sliced: bool) -> bool:
        """Say whether a reader can find its operand where `unit` would have moved it from."""
        if reader.role == "matmul":
            return unit.role == "transpose" and not sliced
        return reader.role in _COMPUTES | _MOVES

    def gather_copies(self, units: Iterable[Unit]) -> None:
        """Put the copies that are left of one tensor into one kernel."""
        first: dict[str, Unit] = {}
        for unit in units:
            if unit not in self or unit.role not in _MOVES or unit.inside or len(unit.inputs) > 1:
                continue
            kept = first.setdefault(self._root(unit.inputs[0]), unit)
            kept.copies_at_once = unit.role != "copy" or kept is not unit or kept.copies_at_once
            if kept is not unit:
                kept.beside.append(unit)
                unit.inside = "in one copy with others of its tensor"

    def _root(self, name: str) -> str:
        unit = self.writer.get(name)
        while unit is not None and unit in self and (unit.inside or unit.role == "reshape"):
            name = unit.inputs[0]
            unit = self.writer.get(name)
        return name


def is_product(unit: Unit) -> bool:
    """Say whether a unit multiplies two activations."""
    return unit.role == "matmul" and len(unit.inputs) > 1
