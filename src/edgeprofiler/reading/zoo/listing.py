"""The zoo as a table: what each network is for, what it reads, and how large it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgeprofiler.core.network import Shape
from edgeprofiler.core.table import Column, Table, tabulate
from edgeprofiler.reading.operators.macs import graph_macs
from edgeprofiler.reading.zoo.zoo import ENTRIES, entry_of, names, plain, zoo_graph


@dataclass(frozen=True)
class Listed:
    """A network of the zoo at the size that it was made for."""

    name: str
    task: str
    input: Shape
    """Batch, channels, height and width."""
    classes: int
    parameters: int
    macs: int
    """Multiply-accumulates of one image."""

    def document(self) -> dict[str, Any]:
        """Return the facts as values of JSON."""
        return asdict(self)


def zoo_list(text: str = "") -> tuple[Listed, ...]:
    """Return the networks whose name holds a text, family by family.

    Args:
        text: in any spelling of a name; empty for all networks.

    Raises:
        InvalidInput: no network's name holds it; the nearest names are said.

    >>> [network.name for network in zoo_list("mobilenet_v3")]
    ['mobilenet_v3_small', 'mobilenet_v3_large', 'ssdlite320_mobilenet_v3_large']
    """
    found = [name for name in names() if plain(text) in plain(name)]
    if not found:
        entry_of(text)  # says the nearest names
    return tuple(_listed(name) for name in found)


def zoo_table(networks: Sequence[Listed]) -> Table:
    """Return networks of the zoo as a table."""
    return tabulate("", networks, (
        (Column("network", kind="name"), lambda n: n.name),
        (Column("task", rank=1), lambda n: n.task),
        (Column("input", kind="shape"), lambda n: n.input),
        (Column("classes", kind="count", rank=1), lambda n: n.classes),
        (Column("parameters", kind="amount"), lambda n: n.parameters),
        (Column("MACs", kind="amount"), lambda n: n.macs),
    ), ("Each by its name: zoo:NAME, with other classes zoo:NAME?classes=3.",))  # fmt: skip


def _listed(name: str) -> Listed:
    entry, graph = ENTRIES[name], zoo_graph(name)
    shape = graph.tensors[graph.inputs[0]].shape
    return Listed(name, entry.task, shape, entry.classes, graph.parameters, graph_macs(graph))
