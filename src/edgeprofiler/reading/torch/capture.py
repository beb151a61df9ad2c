"""PyTorch modules, read through torch's own exporters: no weights are copied, no file is loaded.

`torch.export` captures the module as a graph, torch writes that as ONNX in memory, and the ONNX
front end reads it for its shapes. Modules that `torch.export` cannot capture (data-dependent
Python) go through the older, tracing exporter.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgeprofiler.core.errors import Unavailable, Unsupported, UsageError
from edgeprofiler.core.extras import require
from edgeprofiler.core.text import first_line
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.torch.examples import TorchModule, by_shape, named, positional

if TYPE_CHECKING:
    from edgeprofiler.core.graph import Graph
    from edgeprofiler.core.network import Shape

_SMALL_ELEMENTS = 1024
"""Constants of more elements are weights, whose values no shape depends on."""


def from_torch(
    module: TorchModule,
    example_inputs: Any = None,
    *,
    name: str | None = None,
    kwargs: Mapping[str, Any] | None = None,
    trips: int | None = None,
) -> Graph:
    """Return the graph of a PyTorch module, as it runs in evaluation mode.

    Args:
        module: a `torch.nn.Module`; nested, branching and functional ones too. It is put into
            evaluation mode while it is read, then back.
        example_inputs: the positional argument, or a tuple of several: each a tensor, or a shape
            (batch included) for which a tensor of zeros stands. Values matter only where Python
            branches on them.
        name: the network's name; the class's name if omitted.
        kwargs: keyword arguments of `forward`, tensors or shapes too.
        trips: runs of each loop that are known only while the module runs; a range where `None`.

    Raises:
        Unavailable: torch or onnxscript is not installed.
        UsageError: `module` is no module, there is no input, a shape is none, or `trips` are said
            of a module without such a loop.
        Unsupported: neither exporter can capture the module; the first one's reason is given.

    >>> import torch, edgeprofiler
    >>> layer = torch.nn.Conv2d(3, 8, kernel_size=3)
    >>> edgeprofiler.from_torch(layer, torch.zeros(1, 3, 32, 32)).batch
    1
    >>> graph = edgeprofiler.from_torch(layer, (8, 3, 640, 640))
    >>> graph.tensors[graph.outputs[0]].shape
    (8, 8, 638, 638)
    """
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        raise UsageError(
            f"from_torch wants a torch.nn.Module, not {type(module).__name__}; "
            "files are not unpickled: build the module and load its weights yourself"
        )
    args, keywords = positional(module, example_inputs), named(module, kwargs or {})
    if not args and not keywords:
        raise UsageError(
            "from_torch wants an example input: a torch tensor, or a shape as (1, 3, 224, 224)"
        )
    title = name or type(module).__name__
    failures: list[str] = []
    for export in (_export, _trace):
        with _evaluation(module), _quiet():
            try:
                data = export(torch, module, args, keywords)
            except Unavailable as error:
                failures.append(str(error))
                continue
            except Exception as error:  # torch raises any kind of error from a user's own code
                failures.append(first_line(_cause(error), typed=True))
                continue
        return _read(data, title, trips)
    raise Unsupported(
        f"{title}: torch cannot export this module ({'; traced: '.join(failures)}); "
        "check that module(*example_inputs) runs, in evaluation mode"
    )


def module_graph(
    module: TorchModule, shapes: Mapping[str, Shape], batch: int | None, trips: int | None = None
) -> Graph:
    """Return the graph of a module at shapes by argument; the empty name is the first.

    Raises:
        UsageError: no shape is given.
        Unavailable: torch or onnxscript is not installed.
        Unsupported: the module cannot be captured.
    """
    first, others = by_shape(type(module).__name__, shapes, batch)
    return from_torch(module, first, kwargs=others, trips=trips)


def _torch() -> Any:
    with require("torch"):
        import torch
    return torch


def _export(torch: Any, module: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bytes:
    """Return the module as ONNX by `torch.export`, without its weights."""
    with require("torch"):
        import onnx_ir as ir
        import onnxscript  # noqa: F401 - torch's exporter needs it
    program = torch.onnx.export(
        module, tuple(args), kwargs=kwargs, dynamo=True, verbose=False, optimize=False
    )
    model = program.model
    for value in model.graph.initializers.values():
        tensor = value.const_value
        if tensor is not None and tensor.size > _SMALL_ELEMENTS:
            # A reference to a file that need not exist: the reader wants only type and shape.
            value.const_value = ir.ExternalTensor(
                "weights", 0, 0, tensor.dtype, shape=tensor.shape, name=value.name
            )
    return bytes(ir.to_proto(model).SerializeToString())


def _trace(torch: Any, module: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bytes:
    """Return the module as ONNX by the tracing exporter."""
    buffer = io.BytesIO()
    torch.onnx.export(
        module, tuple(args), buffer, kwargs=kwargs, dynamo=False, do_constant_folding=False
    )
    return buffer.getvalue()


def _read(data: bytes, name: str, trips: int | None) -> Graph:
    from edgeprofiler.reading.onnx.front_end import read_model
    from edgeprofiler.reading.onnx.wire import skim

    return read_model(skim(data, name), name, ReadOptions(trips=trips), name=name)


@contextlib.contextmanager
def _evaluation(module: TorchModule) -> Iterator[None]:
    """Hold every submodule in evaluation mode, then restore each one's own."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' progress and advice off the user's terminal."""
    before = logging.root.manager.disable
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(before)


def _cause(error: BaseException) -> BaseException:
    """Return the first of the errors that an exporter wraps around one another."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
