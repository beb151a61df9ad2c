"""From what a user typed to a model that a runtime can be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.files import check_readable
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.plugins import available, load
from edgeprofiler.measurement.runners._onnx_model import model_of, name_nodes
from edgeprofiler.reading.front_end import ReadOptions


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX model whose nodes have names of their own and whose inputs are bound."""

    name: str
    data: bytes
    random_weights: bool


def graph_of(source: str, options: ReadOptions) -> Graph:
    """Return the operators of a model.

    Raises:
        InvalidInput: no front end reads it.
        Unsupported: it is a built engine's description, which holds nothing that can be run.
    """
    path = Path(source)
    head = b""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(4096)
    for name in available("frontends"):
        front_end = load("frontends", name)()
        if front_end.recognises(source, head):
            found = front_end.read(source, options)
            if isinstance(found, Graph):
                return found
            raise Unsupported(
                f"{source}: describes a built engine, whose operators cannot be run; "
                "give the model that it was built from"
            )
    if not head:
        check_readable(path)
    raise InvalidInput(source, "no front end recognises it", "give an ONNX file or zoo:NAME")


def onnx_model(
    source: str, batch: int | None = None, shapes: Mapping[str, tuple[int, ...]] | None = None
) -> OnnxModel:
    """Return a model as ONNX: the file itself, or a graph with random weights.

    Args:
        source: path of an ONNX file, or anything that a front end reads as a graph.
        batch: images at once; `None` keeps the model's own, and 1 where that is free.
        shapes: input shapes by input name; the empty name means the only input.
    """
    if source.endswith(".onnx"):
        return _from_file(Path(source), batch, shapes or {})
    graph = graph_of(source, ReadOptions(batch=batch, shapes=shapes or {}))
    return OnnxModel(graph.name, model_of(graph).SerializeToString(), random_weights=True)


def _from_file(path: Path, batch: int | None, shapes: Mapping[str, tuple[int, ...]]) -> OnnxModel:
    import onnx
    from google.protobuf import message

    check_readable(path, limits.ONNX_BYTES)
    try:
        model = onnx.load(str(path))
    except (message.DecodeError, onnx.checker.ValidationError) as error:
        raise InvalidInput(path, f"is not an ONNX model ({error})") from None
    except (OSError, ValueError) as error:  # external data that is missing or outside the folder
        raise InvalidInput(path, f"its weights cannot be read ({error})") from None
    if not model.graph.node:
        raise InvalidInput(path, "holds no operators, so it is no ONNX model")
    name_nodes(model)
    _bind_inputs(model, path, batch, shapes)
    try:
        data = model.SerializeToString()
    except (ValueError, message.EncodeError):
        raise Unsupported(
            f"{path}: with its weights it passes the 2 GB of one ONNX model"
        ) from None
    return OnnxModel(path.stem, data, random_weights=False)


def _bind_inputs(
    model: Any, path: Path, batch: int | None, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if "" in shapes:
        if len(inputs) != 1:
            names = ", ".join(value.name for value in inputs)
            raise InvalidInput(path, f"has {len(inputs)} inputs", f"name one of: {names}")
        shapes = {inputs[0].name: shapes[""]}
    unknown = set(shapes) - {value.name for value in inputs}
    if unknown:
        names = ", ".join(value.name for value in inputs)
        raise InvalidInput(path, f"has no input {min(unknown)!r}", f"its inputs: {names}")
    for value in inputs:
        dimensions = value.type.tensor_type.shape.dim
        wanted = shapes.get(value.name)
        if wanted is not None and len(wanted) != len(dimensions):
            raise InvalidInput(path, f"input {value.name} has {len(dimensions)} dimensions")
        for place, dimension in enumerate(dimensions):
            if wanted is not None:
                dimension.dim_value = wanted[place]
            elif place == 0 and batch is not None:
                if dimension.WhichOneof("value") == "dim_value" and dimension.dim_value != batch:
                    _free_batch(model)
                dimension.dim_value = batch
            elif dimension.WhichOneof("value") != "dim_value" or dimension.dim_value < 1:
                if place > 0:
                    raise InvalidInput(
                        path,
                        f"input {value.name} leaves dimension {place} open",
                        f"give its shape, for example `shapes` {value.name}=1x3x224x224",
                    )
                dimension.dim_value = 1


def _free_batch(model: Any) -> None:
    """Drop shapes that were stored for another batch; the runtime infers them again."""
    del model.graph.value_info[:]
    for value in model.graph.output:
        dimensions = value.type.tensor_type.shape.dim
        if dimensions:
            dimensions[0].Clear()
