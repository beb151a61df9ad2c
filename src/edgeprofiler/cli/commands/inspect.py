"""`edgeprofiler inspect`: a network before and after lowering."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking, take_defaults

_SIZE = ("batch", "resolution", "shapes", "front_end", "trips")
_BUILD = ("device", "runtime", "tensorrt", "precision")
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
    from edgeprofiler.core.errors import UsageError
    from edgeprofiler.core.graph import Graph
    from edgeprofiler.core.listing import graph_table, network_table
    from edgeprofiler.core.network import UNCOVERED_OPS
    from edgeprofiler.prediction.predict import board_of
    from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
    from edgeprofiler.prediction.question import Question
    from edgeprofiler.reading.engine import engine_document
    from edgeprofiler.reading.read import require_as_built

    screen = common.results_console(json)
    found = edgeprofiler.read_model(model, **{k: asked[k] for k in _SIZE if k in asked})
    for name in (name for name in _BUILD if name in asked):
        if isinstance(found, Graph) and not (lowered or json is not None):
            raise UsageError(f"`{name}` decides which layers there are: add `lowered`")
        if not isinstance(found, Graph) and name != "precision":
            raise UsageError(f"{model} is built already: `{name}` changes none of its layers")
    network = found
    if not isinstance(found, Graph):
        require_as_built(found, asked.get("precision"), None)
    elif lowered or json is not None:
        chosen = take_defaults([], asked)
        asked |= {name: chosen[name] for name in _BUILD if name in chosen}
        build = {name: asked[name] for name in _BUILD if name in asked}
        board = board_of(Question.of(model, **build))
        network = edgeprofiler.read(model, **asked | {"device": board, "runtime": board.runtime})
        (network,) = RooflinePredictor(board).built([network])
    graph = found if isinstance(found, Graph) and not lowered else None
    if graph is not None:
        screen.show(graph_table(graph))
    elif not isinstance(network, Graph):
        screen.show(network_table(network, found if isinstance(found, Graph) else None))
        unknown = [layer.name for layer in network.layers if layer.op in UNCOVERED_OPS]
        if unknown:
            names = ", ".join(unknown[:5])
            common.note(f"note: no cost is known of {len(unknown)} layers: {names}")
    for warning in (graph or network).warnings:
        common.note(f"note: {warning}")
    if not isinstance(network, Graph):
        common.write_json(json, partial(engine_document, network))
