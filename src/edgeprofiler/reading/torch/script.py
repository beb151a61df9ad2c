"""Modules of a user's own Python file, `path.py:Class`: it is run, where that is trusted."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.extras import require
from edgeprofiler.core.files import check_readable
from edgeprofiler.core.text import first_line
from edgeprofiler.reading.front_end import ReadOptions

if TYPE_CHECKING:
    from edgeprofiler.core.graph import Graph
    from edgeprofiler.core.network import Shape

_ADDRESS = re.compile(r"(.+\.py)(?::([A-Za-z_]\w*))?", re.DOTALL)


class ScriptFrontEnd:
    """Reads `path.py:NAME`: a class or function that is called without arguments, or a module."""

    name = "script"

    def recognises(self, source: str, head: bytes) -> bool:  # noqa: ARG002 (the protocol's)
        """Say whether `source` names a Python file."""
        return _ADDRESS.fullmatch(source) is not None

    def at_resolution(self, resolution: int, batch: int | None) -> dict[str, Shape]:
        """Return the shape of an input of colour images: nothing is run to ask for another."""
        return {"": (batch or 1, 3, resolution, resolution)}

    def read(self, source: str, options: ReadOptions) -> Graph:
        """Return the graph of the module that the file makes.

        Raises:
            UsageError: the file is not trusted, it is not said what in it to take, or no shape is
                given.
            InvalidInput: there is no such file, its code fails, or it makes no module.
            Unavailable: PyTorch is not installed.
            Unsupported: the module cannot be captured.
        """
        from edgeprofiler.reading.torch.capture import from_torch
        from edgeprofiler.reading.torch.examples import by_shape

        match = _ADDRESS.fullmatch(source)
        path, name = (match.group(1), match.group(2)) if match else (source, None)
        if not options.trust:
            raise UsageError(
                f"{source} is Python code, which would be run to read it; add `trust` where it is "
                "your own"
            )
        if name is None:
            raise UsageError(f"{source} says no class; write {source}:CLASS")
        check_readable(Path(path))
        first, others = by_shape(source, options.shapes, options.batch)
        module = _made(Path(path), name, source)
        graph = from_torch(module, first, name=name, kwargs=others, trips=options.trips)
        ran = f"the code of {path} was run to read it, as it was trusted"
        return replace(graph, warnings=(*graph.warnings, ran))


def _made(path: Path, name: str, source: str) -> Any:
    with require("torch"):
        import torch
    with _telling(source), contextlib.redirect_stdout(sys.stderr):
        found = getattr(_run(path), name, None)
        module = found
        if callable(found) and not isinstance(found, torch.nn.Module):
            module = found()
    if found is None:
        raise InvalidInput(source, f"{path} has no {name}")
    if not isinstance(module, torch.nn.Module):
        raise InvalidInput(
            source, f"makes a {type(module).__name__}, no torch.nn.Module", "name what makes one"
        )
    return module


def _run(path: Path) -> Any:
    """Run a file as Python runs it: what lies beside it can be imported."""
    folder = str(path.resolve().parent)
    spec = importlib.util.spec_from_file_location(f"_edgeprofiler_script_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where the classes of the file look for their names
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
    return module


@contextlib.contextmanager
def _telling(source: str) -> Iterator[None]:
    """Have what the user's own code raises told in one line."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise InvalidInput(
            source, f"its code raised {first_line(error, typed=True)}",
            "it is called without arguments",
        ) from None  # fmt: skip
