"""The one way to extend EdgeProfiler: Python entry points, for our own adapters too.

A kind of plug-in is an entry-point group (`edgeprofiler.frontends`); a plug-in is a name in it.
Nothing is imported until a plug-in is asked for by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from edgeprofiler.core.errors import EdgeProfilerError, Unavailable, UsageError

PluginKind = Literal["frontends", "sensors", "runners", "recipes", "stores", "renderers"]


@cache
def available(kind: PluginKind) -> dict[str, EntryPoint]:
    """Return the entry points of a kind by name, sorted; a stranger's never hides a built-in."""
    found: dict[str, EntryPoint] = {}
    points = sorted(
        entry_points(group=f"edgeprofiler.{kind}"),
        key=lambda point: (not point.value.startswith("edgeprofiler."), point.name, point.value),
    )
    for point in points:
        found.setdefault(point.name, point)
    return dict(sorted(found.items()))


def load(kind: PluginKind, name: str) -> Any:
    """Return the object that a plug-in's entry point names.

    Raises:
        UsageError: there is no plug-in of that name.
        Unavailable: it is there but cannot be imported.
    """
    point = available(kind).get(name)
    if point is None:
        names = ", ".join(available(kind)) or "none are installed"
        raise UsageError(f"no {kind[:-1]} named {name!r}; choose one of: {names}")
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise Unavailable(
            f"the {kind[:-1]} {name!r} cannot be loaded ({error})",
            "install the extra or package that it needs",
        ) from None


def failed(kind: PluginKind, name: str, error: Exception) -> Unavailable:
    """Return the error to raise when a plug-in raised what its protocol does not speak of."""
    return Unavailable(
        f"the {kind[:-1]} {name} failed ({type(error).__name__}: {error})",
        "tell the plug-in's author",
    )


@contextmanager
def guarded(
    kind: PluginKind, name: str, passing: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Have whatever a stranger's plug-in raises in a block told as its failure.

    Args:
        kind: kind of plug-in.
        name: its name.
        passing: errors that the caller tells itself.

    Raises:
        EdgeProfilerError: it was raised in the block.
        Unavailable: anything else was.
    """
    try:
        yield
    except EdgeProfilerError:
        raise
    except Exception as error:
        if isinstance(error, passing):
            raise
        raise failed(kind, name, error) from error
