"""`edgeprofiler inspect`: a network before and after lowering."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking, say_device
from edgeprofiler.core.choices import DEFAULT_DEVICE

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.core.graph import Graph
    from edgeprofiler.core.network import Network

_SIZE = ("batch", "resolution", "shapes", "front_end")
_BUILD = ("device", "runtime", "precision")
"""What decides which layers an engine has."""


@asking(*_BUILD, *_SIZE, says_device=False)
def inspect(
    model: common.ModelArgument,
    asked: dict[str, Any],
    lowered: Annotated[
        bool, typer.Option("--lowered", help="Show the layers a device runs, not the operators.")
    ] = False,
    json: Annotated[
        str | None,
        common.option(
            "FILE|-",
            "Write the lowered layers as TensorRT writes an engine's; - is standard output alone.",
        ),
    ] = None,
) -> None:
    """Show a model's operators, or the layers that it becomes on a device."""
    import edgeprofiler
    from edgeprofiler.core.device import load_device
    from edgeprofiler.core.errors import UsageError
    from edgeprofiler.core.graph import Graph
    from edgeprofiler.reading.engine import engine_document
    from edgeprofiler.reading.read import require_precision

    out = common.results_console(json)
    found = edgeprofiler.read_model(model, **{k: asked[k] for k in _SIZE if k in asked})
    for name in (name for name in _BUILD if name in asked):
        if isinstance(found, Graph) and not (lowered or json is not None):
            raise UsageError(f"`{name}` decides which layers there are: add `lowered`")
        if not isinstance(found, Graph) and name != "precision":
            raise UsageError(f"{model} is built already: `{name}` changes none of its layers")
    network = found
    if not isinstance(found, Graph):
        require_precision(found, asked.get("precision"))
    elif lowered or json is not None:
        say_device([], asked)
        board = load_device(asked.get("device") or DEFAULT_DEVICE, asked.get("runtime"))
        network = edgeprofiler.read(model, **asked | {"device": board, "runtime": board.runtime})
    if isinstance(found, Graph) and not lowered:
        _print_graph(out, found)
    elif not isinstance(network, Graph):
        _print_network(out, network, found if isinstance(found, Graph) else None)
    if not isinstance(network, Graph):
        common.write_json(json, partial(engine_document, network))


def _dimensions(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _print_graph(out: Console, graph: Graph) -> None:
    from rich.text import Text

    rows = []
    for node in graph.nodes:
        known = [graph.tensors[n] for n in node.inputs if n in graph.tensors]
        moving = [_dimensions(t.shape) for t in known if not t.constant]
        results = [_dimensions(graph.tensors[n].shape) for n in node.outputs if n in graph.tensors]
        rows.append((node.name, node.op, "".join(moving[:1]), "".join(results[:1])))
    _print_table(out, ("node", "op", "input", "output"), rows)
    inputs = ", ".join(f"{n} {_dimensions(graph.tensors[n].shape)}" for n in graph.inputs)
    out.print(
        Text(
            f"\n{graph.name}: {len(graph.nodes)} nodes, {graph.parameters:,} parameters; "
            f"input: {inputs}"
        )
    )
    for warning in graph.warnings:
        common.note(f"note: {warning}")


def _print_network(out: Console, network: Network, graph: Graph | None) -> None:
    from rich.text import Text

    from edgeprofiler.core.units import engineering

    rows = []
    for layer in network.layers:
        result = layer.output_shapes[0] if layer.output_shapes else ()
        macs, size = engineering(layer.macs, ""), engineering(layer.bytes_moved, "B")
        rows.append((layer.name, layer.op, layer.dtype, _dimensions(result), macs, size))
    _print_table(out, ("layer", "op", "type", "output", "MACs", "moved"), rows, right=2)
    kinds = ", ".join(
        f"{count} {kind}"
        for kind in ("convolutional", "pooling", "dense", "other")
        if (count := sum(layer.kind == kind for layer in network.layers))
    )
    macs = engineering(network.macs, "MACs")
    summary = f"{network.name}: {len(network)} layers ({kinds}), {macs}"
    if graph is not None:
        summary += f", {graph.parameters:,} parameters"
    out.print(Text(f"\n{summary}; batch {network.batch}, {network.precision}"))
    unknown = [layer.name for layer in network.layers if layer.op in ("unknown", "plugin")]
    if unknown:
        common.note(f"note: no cost is known of {len(unknown)} layers: {', '.join(unknown[:5])}")
    for warning in network.warnings:
        common.note(f"note: {warning}")


def _print_table(
    out: Console, titles: Sequence[str], rows: Sequence[Sequence[str]], right: int = 0
) -> None:
    """Print rows whose first column takes the width that the others leave.

    Args:
        right: number of last columns that hold numbers.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    widths = [max(len(text) for text in column) for column in zip(titles, *rows, strict=True)]
    left = max(out.width - sum(widths[1:]) - 2 * len(titles), 12)
    for place, title in enumerate(titles):
        justify = "right" if place >= len(titles) - right else "left"
        table.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(Text(_shortened(row[0], left)), *(Text(text) for text in row[1:]))
    out.print(table)


def _shortened(text: str, width: int) -> str:
    """Return `text` with its middle left out where it is wider than `width`."""
    text = text.removeprefix("Reformatting CopyNode for ")
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"
