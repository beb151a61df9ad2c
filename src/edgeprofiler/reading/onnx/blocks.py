"""How many channels ONNX Runtime's tensors in blocks of channels really have.

At its highest level the optimiser lays activations out in blocks of 8 or 16 channels and pads
weights to whole blocks. What was padded is not written down, but follows: from where a tensor
leaves the blocks, from biases, which are zero behind the last real channel, and from operators
that keep channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.reading.onnx.structure import RawNode
from edgeprofiler.reading.operators.call import Operand

BLOCKED = "com.microsoft.nchwc"
_BLOCK = 16
"""Most channels of a block (AVX-512); 8 on other processors."""

Arrays = Mapping[str, npt.NDArray[Any]]


def real_channels(
    nodes: Sequence[RawNode],
    values: Mapping[str, Operand],
    payloads: Callable[[Iterable[str]], Arrays],
) -> dict[str, int]:
    """Return the channels of each blocked tensor that can be told of.

    Args:
        nodes: a graph's, in order.
        values: its weights.
        payloads: gives the elements of weights by name, where they can be had; called for those
            that nothing else tells of.
    """
    if not any(node.domain == BLOCKED for node in nodes):
        return {}
    ties = _Ties()
    blocked: set[str] = set()
    filters: dict[str, str] = {}
    for node in nodes:
        if not node.outputs:
            continue
        result = node.outputs[0]
        if node.domain == BLOCKED and node.op == "ReorderOutput":
            ties.say(node.inputs[0], node.attributes.get("channels"))
            continue
        if node.domain != BLOCKED and not blocked.intersection(node.inputs):
            continue
        blocked.add(result)  # or an activation that works on blocks as on anything else
        if node.domain == BLOCKED and node.op == "Conv":
            filters[result] = node.inputs[1]
            ties.say(result, _by_bias(node, values))
        for source in _alike(node, values):
            ties.join(source, result)
    open_ones = {name: weight for name, weight in filters.items() if ties.known(name) is None}
    if open_ones:
        padded = [values[weight].shape[0] for weight in filters.values() if weight in values]
        block = _BLOCK if all(n % _BLOCK == 0 for n in padded) else _BLOCK // 2
        found = payloads(dict.fromkeys(open_ones.values()))
        for name, weight in open_ones.items():
            if weight in found:
                ties.say(name, _by_filters(found[weight], block))
    return {name: known for name in blocked if (known := ties.known(name)) is not None}


class _Ties:
    """Tensors of one number of channels, as groups, and the number where it is known."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._channels: dict[str, int] = {}

    def _root(self, name: str) -> str:
        self._parent.setdefault(name, name)
        while self._parent[name] != name:
            self._parent[name] = self._parent[self._parent[name]]
            name = self._parent[name]
        return name

    def join(self, one: str, other: str) -> None:
        """Say that two tensors have as many channels."""
        first, second = self._root(one), self._root(other)
        if first != second:
            self._parent[first] = second
            self.say(second, self._channels.pop(first, None))

    def say(self, name: str, channels: Any) -> None:
        """Say how many channels a tensor has, where that is a number; the fewest count."""
        root = self._root(name)
        if isinstance(channels, int):
            self._channels[root] = min(channels, self._channels.get(root, channels))

    def known(self, name: str) -> int | None:
        """Return the channels of a tensor."""
        return self._channels.get(self._root(name))


def _alike(node: RawNode, values: Mapping[str, Operand]) -> list[str]:
    """The inputs that have as many channels as the result."""
    if node.op in ("ReorderInput", "Concat"):  # whole blocks alone are put side by side
        return []
    if node.op != "Conv":
        return [name for name in node.inputs if name and name not in values]
    weight = values.get(node.inputs[1])
    group = node.attributes.get("group", 1)
    found = [name for name in node.inputs[3:4] if name]
    if weight is not None and group == weight.shape[0] and weight.shape[1] == 1 and group > 1:
        found.append(node.inputs[0])
    return found


def _by_bias(node: RawNode, values: Mapping[str, Operand]) -> int | None:
    """How many channels a convolution makes: those up to the last bias that is not zero."""
    bias = values.get(node.inputs[2]) if len(node.inputs) > 2 else None
    if bias is None or bias.data is None or not np.any(bias.data):
        return None
    padded, real = bias.elements, int(np.flatnonzero(bias.data)[-1]) + 1
    return real if padded - real < _BLOCK else None


def _by_filters(weight: npt.NDArray[Any], block: int) -> int | None:
    """The same from the filters, which stand in blocks too: a block's channels innermost."""
    if weight.size % (weight.shape[0] or 1) or weight.shape[0] % block:
        return None
    inner = np.any(weight.reshape(weight.shape[0] // block, -1, block)[-1], axis=0)
    used = np.flatnonzero(inner)
    return weight.shape[0] - block + int(used[-1]) + 1 if used.size else None
