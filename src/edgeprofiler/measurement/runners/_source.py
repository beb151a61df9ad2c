"""From what a user typed to a model that a runtime can be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.files import check_readable
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Shape
from edgeprofiler.measurement.runners._onnx_model import model_of, name_nodes
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.read import read_model


@dataclass(frozen=True)
class Model:
    """A model to run: a graph, whose weights are made up, or a file's own bytes."""

    source: str
    """What the user typed, for messages."""
    name: str
    graph: Graph | None = None
    data: bytes = b""
    """ONNX with names of nodes of its own and bound inputs, or a built engine."""

    @property
    def random_weights(self) -> bool:
        """Whether the weights are made up."""
        return self.graph is not None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be said of it in every result."""
        return ("weights are random",) if self.random_weights else ()

    def onnx(self) -> bytes:
        """Return the model as ONNX."""
        if self.graph is None:
            return self.data
        data: bytes = model_of(self.graph).SerializeToString()
        return data


def read_to_run(
    source: str,
    batch: int | None = None,
    shapes: Mapping[str, Shape] | None = None,
    *,
    own_weights: bool = True,
) -> Model:
    """Return a model to run.

    Args:
        source: path of an ONNX file, or anything that a front end reads as a graph.
        batch: images at once; `None` keeps the model's own, and 1 where an ONNX file's is free.
        shapes: input shapes by input name; the empty name means the only input.
        own_weights: whether to take an ONNX file with the weights in it.

    Raises:
        InvalidInput: no front end reads it, or its weights cannot be read.
        UsageError: an input has no such shape, or one is missing.
        Unsupported: it is a built engine's description, which holds nothing that can be run.
    """
    if own_weights and source.endswith(".onnx"):
        return _from_file(source, ReadOptions(batch=batch, shapes=dict(shapes or {})))
    graph = read_model(source, batch=batch, shapes=shapes)
    if not isinstance(graph, Graph):
        raise Unsupported(
            f"{source}: describes a built engine, whose operators cannot be run; "
            "give the model that it was built from"
        )
    return Model(source, graph.name, graph)


def _from_file(source: str, options: ReadOptions) -> Model:
    import onnx
    from google.protobuf import message

    path = Path(source)
    check_readable(path, limits.ONNX_BYTES)
    try:
        model = onnx.load(source)
    except (message.DecodeError, onnx.checker.ValidationError) as error:
        raise InvalidInput(path, f"is not an ONNX model ({error})") from None
    except (OSError, ValueError) as error:  # external data that is missing or outside the folder
        raise InvalidInput(path, f"its weights cannot be read ({error})") from None
    if not model.graph.node:
        raise InvalidInput(path, "holds no operators, so it is no ONNX model")
    name_nodes(model)
    _bind_inputs(model, source, options)
    try:
        return Model(source, path.stem, data=model.SerializeToString())
    except (ValueError, message.EncodeError):
        raise Unsupported(
            f"{path}: with its weights it passes the 2 GB of one ONNX model"
        ) from None


def _bind_inputs(model: Any, source: str, options: ReadOptions) -> None:
    """Write the input shapes that are asked for into an `onnx.ModelProto`."""
    from edgeprofiler.reading.graphs.change import unknown_input
    from edgeprofiler.reading.onnx.inputs import bind, require_tensor

    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    declared = [require_tensor(value, source) for value in inputs]
    try:
        bound = bind(declared, options, source)
    except UsageError:
        if options.batch is not None:
            raise
        bound = bind(declared, ReadOptions(batch=1, shapes=options.shapes), source)
    for name in bound.given:
        raise unknown_input(name, [item.name for item in declared], source)
    for value in inputs:
        shape = value.type.tensor_type.shape
        del shape.dim[:]
        for length in bound.wanted[value.name]:
            shape.dim.add(dim_value=length)
    if any(bound.wanted[item.name] != item.dimensions for item in declared):
        # Drop what was stored for another shape; the runtime infers it again.
        del model.graph.value_info[:]
        for value in model.graph.output:
            for dimension in value.type.tensor_type.shape.dim:
                dimension.Clear()
