"""The front end for `.pt2` files, as `torch.export.save` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeprofiler.core.errors import Unsupported, UsageError
from edgeprofiler.core.graph import Graph, Shape
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.graphs import with_batch, with_input_shapes
from edgeprofiler.reading.pt2.aten import write
from edgeprofiler.reading.pt2.document import program_of
from edgeprofiler.reading.pt2.program import Program


class Pt2FrontEnd:
    """Reads `*.pt2`."""

    name = "pt2"

    def recognises(self, source: str, head: bytes) -> bool:
        """Say whether a file is an archive with the ending of exported programs."""
        return source.lower().endswith(".pt2") and head.startswith(b"PK")

    def read(self, source: str, options: ReadOptions) -> Graph:
        """Return the graph of an exported program.

        Sizes that the program leaves free are those that it was exported with, unless asked
        otherwise.

        Raises:
            InvalidInput: the file holds no exported program, or contradicts itself.
            UsageError: a shape is given for an input that the program lacks.
            Unsupported: the program cannot run at the shape asked for.
        """
        options.refuse_trips(source)
        path = Path(source)
        program = Program(program_of(path), path.stem)
        for _, call in program.calls():
            write(program, call)
        graph = program.finished()
        shapes = _named(graph, options.shapes)
        if shapes:
            graph = with_input_shapes(graph, shapes)
        if options.batch is not None and options.batch != graph.batch:
            graph = with_batch(graph, options.batch)
        return graph


def _named(graph: Graph, shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    known = ", ".join(graph.inputs)
    if "" in shapes and len(graph.inputs) != 1:
        raise Unsupported(f"{graph.name} has inputs {known}; name one")
    named = {name or graph.inputs[0]: tuple(shape) for name, shape in shapes.items()}
    for name in named:
        if name not in graph.inputs:
            raise UsageError(f"`shapes`: {graph.name} has no input {name!r}; its inputs: {known}")
    return named
