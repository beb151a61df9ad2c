"""The front end for `.pt2` files, as `torch.export.save` writes them."""

from __future__ import annotations

from pathlib import Path

from edgeprofiler.core.graph import Graph
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.graphs import named_shapes, resized, with_trips
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
        path = Path(source)
        program = Program(program_of(path), path.stem)
        for call in program.calls():
            write(program, call)
        graph = program.finished()
        if options.trips is not None:
            graph = with_trips(graph, options.trips)
        return resized(graph, named_shapes(graph, options.shapes), options.batch)
