"""From what a user names to layers: find the front end, read, lower."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeprofiler.core import plugins
from edgeprofiler.core.choices import (
    DEFAULT_DEVICE,
    precision_named,
    runtime_named,
)
from edgeprofiler.core.device import Device, load_device
from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.files import check_readable, head_of
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network, Shape, Source
from edgeprofiler.core.profile.document import says_profile
from edgeprofiler.core.values import read_json
from edgeprofiler.reading.formats import known_format
from edgeprofiler.reading.front_end import FrontEnd, ReadOptions
from edgeprofiler.reading.graphs import named_shapes, resized, with_trips
from edgeprofiler.reading.graphs.images import images, sized
from edgeprofiler.reading.lowering import BuildTarget, lower
from edgeprofiler.reading.torch import TorchModule, is_module, module_graph

Model = str | Path | Graph | Network | TorchModule


def front_end_for(source: str | Path, name: str | None = None) -> FrontEnd:
    """Return the front end that reads `source`.

    Args:
        source: a path, or an address such as `zoo:resnet18`.
        name: the front end to use; found from the source where `None`.

    Raises:
        InvalidInput: no such file, or no front end knows what it is.
    """
    if name is not None:
        front_end: FrontEnd = plugins.load("frontends", name)()
        return front_end
    text = str(source)
    head = head_of(Path(text))
    if says_profile(head):
        raise InvalidInput(
            text, "is a saved profile, no model", "`report`, `compare` and `impact` take profiles"
        )
    for candidate in plugins.names("frontends"):
        front_end = plugins.load("frontends", candidate)()
        if front_end.recognises(text, head):
            return front_end
    there = _is_there(Path(text))
    if text.isidentifier() and not there:
        raise InvalidInput(
            text, "no such file", f"check the path, or write zoo:{text} for a network of the zoo"
        )
    if not there:
        check_readable(Path(text))
    _explain(Path(text), head)
    raise InvalidInput(
        text,
        "is not a model that any front end knows",
        "expected an ONNX or .pt2 file, a TensorRT engine's layer JSON, a graph JSON, or zoo:NAME",
    )


def read_model(
    source: Model,
    *,
    batch: int | None = None,
    shapes: Mapping[str, Shape] | None = None,
    resolution: int | None = None,
    front_end: str | None = None,
    trips: int | None = None,
    trust: bool | None = None,
) -> Graph | Network:
    """Return a model as its front end gives it: a `Graph`, or a `Network` for an engine.

    Args:
        source: a path, an address such as `zoo:resnet18`, or a model that is read already; a
            PyTorch module with `shapes` or `resolution`.
        batch: images at once; the model's own where `None`.
        shapes: input shapes by name; the empty name means the only input.
        resolution: height and width of image inputs, in place of `shapes`.
        front_end: name of the front end; found from the source where `None`.
        trips: runs of each loop that are known only while the model runs; a range where `None`.
        trust: whether to run the Python code that a source as `net.py:Net` names.

    Raises:
        UsageError: two of the arguments contradict each other; a module has no shape; code is not
            trusted.
        InvalidInput: the source cannot be read.
        Unsupported: a built engine is asked for another batch or size.

    >>> import edgeprofiler
    >>> edgeprofiler.read_model("zoo:lenet", batch=4).batch
    4
    """
    if resolution is not None:
        if shapes:
            raise UsageError("give `resolution` or `shapes`, not both")
        shapes = input_shapes(source, resolution, front_end, batch)
    if is_module(source):
        return module_graph(source, shapes or {}, batch, trips)
    if isinstance(source, (Graph, Network)):
        if front_end is not None:
            raise UsageError(f"`front_end` reads files; {source.name} is read already")
        if isinstance(source, Network):
            ReadOptions(trips=trips).refuse_trips(source.name)
            if batch is None and not shapes:
                return source
            raise Unsupported(
                f"{source.name}: its layers are built for one batch and shape; "
                "change the model and build it again"
            )
        graph = source if trips is None else with_trips(source, trips)
        return resized(graph, named_shapes(graph, shapes or {}), batch)
    if not isinstance(source, (str, Path)):
        raise UsageError(f"{type(source).__name__} is no model: no path, address, graph or module")
    reader = front_end_for(source, front_end)
    return reader.read(str(source), ReadOptions(batch, dict(shapes or {}), trips, bool(trust)))


def read_graph(
    source: Model,
    *,
    batch: int | None = None,
    shapes: Mapping[str, Shape] | None = None,
    resolution: int | None = None,
    front_end: str | None = None,
    trips: int | None = None,
    trust: bool | None = None,
) -> Graph:
    """Return a model as a `Graph`, which can be changed. Args are those of `read_model`.

    Raises:
        Unsupported: the source is a built engine.
    """
    model = read_model(
        source,
        batch=batch,
        shapes=shapes,
        resolution=resolution,
        front_end=front_end,
        trips=trips,
        trust=trust,
    )
    if isinstance(model, Network):
        raise Unsupported(
            f"{model.name}: a built engine cannot be changed; give the ONNX file it was built from"
        )
    return model


def read(
    source: Model,
    *,
    precision: str | None = None,
    batch: int | None = None,
    shapes: Mapping[str, Shape] | None = None,
    resolution: int | None = None,
    front_end: str | None = None,
    trips: int | None = None,
    runtime: str | None = None,
    device: str | Path | Device | None = None,
    tensorrt: str | None = None,
    trust: bool | None = None,
) -> Network:
    """Return a model as the layers that a device would run.

    Args:
        source: a path, an address such as `zoo:resnet18`, or a model that is read already; a
            PyTorch module with `shapes` or `resolution`.
        precision: `fp32`, `fp16` or `int8`; the device's usual one, fp16, where `None`. An
            engine's is fixed.
        batch: images at once; the model's own where `None`.
        shapes: input shapes by name; the empty name means the only input.
        resolution: height and width of image inputs, in place of `shapes`.
        front_end: name of the front end; found from the source where `None`.
        trips: runs of each loop that are known only while the model runs; a range where `None`.
        runtime: host runtime; torch-tensorrt builds other engines than the rest.
        device: the board that the engine is built on, as of `predict`: an FP32 engine's kernels
            depend on it. Name the one that the network is then predicted for.
        tensorrt: version of TensorRT that builds the engine; the device's where `None`.
        trust: whether to run the Python code that a source as `net.py:Net` names.

    Raises:
        InvalidInput: the source cannot be read; the message says what and where.
        UsageError: no precision or host runtime of that name.
        Unsupported: an option makes no sense for this source.

    >>> import edgeprofiler
    >>> network = edgeprofiler.read("model.onnx", precision="int8", device="jetson-orin-nx")
    >>> network.precision, network.batch
    ('int8', 1)
    """
    precision = None if precision is None else precision_named(precision)
    runtime = None if runtime is None else runtime_named(runtime)
    model = read_model(
        source,
        batch=batch,
        shapes=shapes,
        resolution=resolution,
        front_end=front_end,
        trips=trips,
        trust=trust,
    )
    if isinstance(model, Network):
        require_as_built(model, precision, tensorrt)
        return model
    if isinstance(source, (str, Path)):
        name, reader = str(source), front_end or front_end_for(source).name
    else:
        name, reader = model.name, "graph"
    board = load_device(device or DEFAULT_DEVICE)
    if tensorrt is not None:
        board = board.with_tensorrt(tensorrt)
    return lower(
        model,
        precision or board.precision,
        Source(name=name, front_end=reader),
        builder(runtime),
        BuildTarget.of(board),
    )


def require_as_built(engine: Network, precision: str | None, tensorrt: str | None) -> None:
    """Refuse to have a built engine built otherwise.

    Raises:
        Unsupported: another precision than its own is asked for, or a version of TensorRT, which
            is whatever built it.
    """
    if precision is not None and precision != engine.precision:
        raise Unsupported(
            f"{engine.name}: the precision of a built engine is fixed ({engine.precision}); "
            "predict its ONNX file with `precision`, or build the engine again"
        )
    if tensorrt is not None:
        raise Unsupported(
            f"{engine.name} is built already: `tensorrt` changes none of its layers; "
            "leave it out, or predict its ONNX file"
        )


def builder(runtime: str | None) -> str:
    """Return what builds the engine that a host runtime calls (see `lowering.lower`)."""
    return "torch-tensorrt" if runtime == "torch-tensorrt" else "trtexec"


def input_shapes(
    source: Model, resolution: int, front_end: str | None = None, batch: int | None = None
) -> dict[str, Shape]:
    """Return the shapes of a model's image inputs at `resolution` in height and width.

    Raises:
        Unsupported: the model is a built engine, or has no input of batch, channels, height, width.
    """
    if isinstance(source, (str, Path)):
        told = getattr(front_end_for(source, front_end), "at_resolution", None)
        if told is not None:
            found: dict[str, Shape] = told(resolution, batch)
            return found
    try:
        model = read_model(source, batch=batch, front_end=front_end)
    except UsageError:
        # Sizes are free in the file. One input of colour images is what nearly all have; where
        # it is not so, reading it at that shape says what is missing.
        return {"": (batch or 1, 3, resolution, resolution)}
    if isinstance(model, Network):
        raise Unsupported(f"{model.name}: the resolution of a built engine is fixed")
    found = {
        name: sized(model.tensors[name].shape, axes, resolution, resolution)
        for name, axes in images(model).items()
    }
    if not found:
        raise Unsupported(f"{model.name}: no input has batch, channels, height and width")
    return found


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a zero in it
        return False


def _explain(path: Path, head: bytes) -> None:
    """Raise what is known of a path that no front end takes, if anything is."""
    other = known_format(path, head)
    if other is not None:
        raise Unsupported(f"{path}: is {other}")
    if not head:
        check_readable(path)
    elif head.lstrip().startswith((b"{", b"[")):
        read_json(path)  # broken JSON says where
