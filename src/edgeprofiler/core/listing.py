"""What a model is made of, as tables: operators before lowering, layers behind it."""

from __future__ import annotations

from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import KINDS, Layer, Network
from edgeprofiler.core.table import Column, Content, Table, shape_words, tabulate
from edgeprofiler.core.units import engineering


def graph_table(graph: Graph) -> Table:
    """Return a model's operators, with the first input and output of each that is no constant."""
    inputs = ", ".join(f"{n} {shape_words(graph.tensors[n].shape)}" for n in graph.inputs)
    about = (
        f"{graph.name}: {len(graph.nodes)} nodes, {graph.parameters:,} parameters; input: {inputs}"
    )

    def first(names: tuple[str, ...]) -> Content:
        known = (graph.tensors[name] for name in names if name in graph.tensors)
        return next((tensor.shape for tensor in known if not tensor.constant), "")

    return tabulate("", graph.nodes, (
        (Column("node", kind="name"), lambda node: node.name),
        (Column("op"), lambda node: node.op),
        (Column("input", kind="shape"), lambda node: first(node.inputs)),
        (Column("output", kind="shape"), lambda node: first(node.outputs)),
    ), (about,))  # fmt: skip


def network_table(network: Network, graph: Graph | None = None) -> Table:
    """Return the layers that a device runs.

    Args:
        graph: what they were lowered from, to say how many parameters it has.
    """
    counts = ((sum(layer.kind == kind for layer in network.layers), kind) for kind in KINDS)
    kinds = ", ".join(f"{count} {kind}" for count, kind in counts if count)
    parameters = "" if graph is None else f", {graph.parameters:,} parameters"
    about = (
        f"{network.name}: {len(network)} layers ({kinds}), {engineering(network.macs, 'MACs')}"
        f"{parameters}; batch {network.batch}, {network.precision}"
    )
    return tabulate("", enumerate(network.layers), (
        (Column("#", kind="count", rank=2), lambda item: item[0]),
        (Column("layer", kind="name"), lambda item: item[1].name),
        (Column("operation"), lambda item: item[1].op.replace("_", " ")),
        (Column("type"), lambda item: item[1].dtype),
        (Column("output", kind="shape"), lambda item: first_output(item[1])),
        (Column("MACs", kind="amount"), lambda item: item[1].macs),
        (Column("moved", "B", "amount", rank=1), lambda item: item[1].bytes_moved),
    ), (about,))  # fmt: skip


def first_output(layer: Layer) -> Content:
    """Return the shape of what a layer writes first; empty where it is not known."""
    return layer.output_shapes[0] if layer.output_shapes else ""
