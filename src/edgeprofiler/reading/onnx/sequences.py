"""Operators on lists of tensors and on what may be missing, read as what they do to the tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeprofiler.reading.onnx.structure import RawNode
from edgeprofiler.reading.operators.call import BadNodeError, Operand, UnknownShapeError

if TYPE_CHECKING:
    from edgeprofiler.reading.onnx.reader import Reader

_INPUTS = {
    "SequenceInsert": 2, "SequenceAt": 2, "SplitToSequence": 1, "ConcatFromSequence": 1,
    "SequenceLength": 1, "SequenceErase": 1,
}  # fmt: skip
"""How many inputs an operator on lists needs at least."""
_MAX_LENGTH = 4096
"""Most tensors in a list, so that lists of lists cannot grow without end."""


class Sequences:
    """The lists of a model so far, by name."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.parts: dict[str, tuple[str, ...]] = {}
        self.missing: dict[str, None] = {}
        """Optional values that are known to hold nothing."""

    def read(self, node: RawNode) -> bool:
        """Read operators on lists and optional values as what they do to the tensors.

        `False` where that is known only while the model runs, or the operator is none of these.
        """
        try:
            return self._read(node)
        except UnknownShapeError:
            return False

    def _read(self, node: RawNode) -> bool:
        least = _INPUTS.get(node.op, 0)
        if len(node.inputs) < least or not node.outputs:
            raise BadNodeError("lacks inputs or outputs")
        if node.op == "SequenceEmpty":
            self.parts[node.outputs[0]] = ()
        elif node.op == "Optional" and not any(node.inputs):
            self.missing[node.outputs[0]] = None
        elif node.op == "OptionalHasElement":
            there = any(node.inputs) and node.inputs[0] not in self.missing
            self.reader.values[node.outputs[0]] = Operand.of(np.array(there))
        elif node.op in ("Optional", "OptionalGetElement"):
            if not any(node.inputs) or node.inputs[0] in self.missing:
                raise BadNodeError("takes what is not there")
            self.reader.rename(node.inputs[0], node.outputs[0], 0)
        elif node.op == "SequenceConstruct":
            self._set(node, node.inputs)
        elif node.op == "SequenceInsert" and node.inputs[0] in self.parts:
            before = self.parts[node.inputs[0]]
            place = self._place(node, 2, len(before), len(before), behind=True)
            self._set(node, (*before[:place], node.inputs[1], *before[place:]))
        elif node.op == "SequenceErase" and node.inputs[0] in self.parts:
            before = self.parts[node.inputs[0]]
            place = self._place(node, 1, len(before) - 1, len(before))
            self._set(node, (*before[:place], *before[place + 1 :]))
        elif node.op == "SplitToSequence":
            return self._split_to_sequence(node)
        elif node.op == "SequenceAt" and node.inputs[0] in self.parts:
            parts = self.parts[node.inputs[0]]
            part = parts[self._place(node, 1, 0, len(parts))]
            self.reader.add(_replaced(node, "Identity", (part,), {}))
        elif node.op == "ConcatFromSequence" and node.inputs[0] in self.parts:
            parts = self.parts[node.inputs[0]]
            axis = {"axis": node.attributes.get("axis", 0)}
            if node.attributes.get("new_axis"):
                parts = tuple(self._stacked(part, axis["axis"]) for part in parts)
            self.reader.add(_replaced(node, "Concat", parts, axis))
        elif node.op == "SequenceLength" and node.inputs[0] in self.parts:
            length = len(self.parts[node.inputs[0]])
            self.reader.values[node.outputs[0]] = Operand.of(np.array(length, np.int64))
        else:
            return False
        return True

    def _set(self, node: RawNode, parts: tuple[str, ...]) -> None:
        """Let a node's result be a list of tensors, which all are known."""
        if len(parts) > _MAX_LENGTH:
            raise BadNodeError(f"makes a list of more than {_MAX_LENGTH} tensors")
        for part in parts:
            if part in self.parts:
                raise BadNodeError("makes a list of lists")
            self.reader.value(part, node)
        self.parts[node.outputs[0]] = parts

    def _place(
        self, node: RawNode, index: int, default: int, length: int, *, behind: bool = False
    ) -> int:
        """Return which of `length` places an operator on a list means, or the one behind them."""
        place = default
        if len(node.inputs) > index and node.inputs[index]:
            data = self.reader.value(node.inputs[index], node).data
            if data is None:
                raise UnknownShapeError("known only while the model runs")
            if data.size != 1:
                raise BadNodeError("takes several elements of a list at once")
            self.reader.decide(node.inputs[index])
            place = int(data.item())
        if not -length <= place < length + behind:
            raise BadNodeError("takes an element that its sequence does not have")
        return place + length if place < 0 else place

    def _stacked(self, part: str, axis: Any) -> str:
        """Return a tensor with a new dimension."""
        made = f"{part}/of {axis}"
        if made not in self.reader.values:
            attributes = {"axes": (axis,)}
            self.reader.add(RawNode("", "Unsqueeze", "", (part,), (made,), attributes))
        return made

    def _split_to_sequence(self, node: RawNode) -> bool:
        data = self.reader.value(node.inputs[0], node)
        axis = node.attributes.get("axis", 0)
        if not isinstance(axis, int) or not -len(data.shape) <= axis < len(data.shape):
            raise BadNodeError("splits along an axis that its input does not have")
        length = data.shape[axis]
        if length > _MAX_LENGTH:
            raise BadNodeError(f"splits a length of {length}")
        if len(node.inputs) > 1 and node.inputs[1]:
            split = self.reader.value(node.inputs[1], node).data
            self.reader.decide(node.inputs[1])
            if split is None:
                return False
            if split.ndim > 1 or not split.size:
                raise BadNodeError("splits into sizes that are no list")
            if split.ndim:
                sizes = tuple(int(n) for n in split)
            else:
                step = max(int(split.item()), 1)
                sizes = tuple(min(step, length - i) for i in range(0, length, step))
        else:
            sizes = (1,) * length
        names = tuple(f"{node.outputs[0]}/{i}" for i in range(len(sizes)))
        part = RawNode(node.name, "Split", "", node.inputs[:1], names,
                       {"axis": axis, "split": sizes}, node.scope)  # fmt: skip
        self.reader.add(part)
        if not node.attributes.get("keepdims", 1) and len(node.inputs) < 2:
            squeezed = tuple(f"{name}/squeezed" for name in names)
            for before, after in zip(names, squeezed, strict=True):
                self.reader.add(
                    RawNode("", "Squeeze", "", (before,), (after,), {"axes": (axis,)}), 0
                )
            names = squeezed
        self.parts[node.outputs[0]] = names
        return True


def _replaced(
    node: RawNode, op: str, inputs: tuple[str, ...], attributes: dict[str, Any]
) -> RawNode:
    return RawNode(node.name, op, "", inputs, node.outputs, attributes, node.scope)
