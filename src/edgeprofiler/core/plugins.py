"""The one way to extend EdgeProfiler: Python entry points, for our own adapters too.

A kind of plug-in is an entry-point group (`edgeprofiler.frontends`); a plug-in is a name in it.
Nothing is imported until a plug-in is asked for by name.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from edgeprofiler.core.errors import EdgeProfilerError, Unavailable, UsageError
from edgeprofiler.core.text import first_line

PluginKind = Literal["frontends", "sensors", "runners", "recipes", "stores", "renderers"]


@cache
def built_in(kind: PluginKind) -> dict[str, EntryPoint]:
    """Return EdgeProfiler's own entry points of a kind by name, sorted.

    They are found without a look at all that is installed, which takes long where that is much.
    """
    try:
        points = distribution("edgeprofiler").entry_points
    except PackageNotFoundError:  # run from its sources
        return {}
    chosen = [point for point in points if point.group == f"edgeprofiler.{kind}"]
    return {point.name: point for point in sorted(chosen, key=lambda point: point.name)}


def names(kind: PluginKind) -> Iterator[str]:
    """Yield the names of all plug-ins of a kind, EdgeProfiler's own first."""
    own = built_in(kind)
    yield from own
    yield from (name for name in available(kind) if name not in own)


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
    point = built_in(kind).get(name) or available(kind).get(name)
    if point is None:
        known = ", ".join(available(kind)) or "none are installed"
        raise UsageError(f"no {kind[:-1]} named {name!r}; choose one of: {known}")
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise Unavailable(
            f"the {kind[:-1]} {name!r} cannot be loaded ({first_line(error)})",
            "install the extra or package that it needs",
        ) from None


def failed(kind: PluginKind, name: str, error: Exception) -> Unavailable:
    """Return the error to raise when a plug-in raised what its protocol does not speak of."""
    return Unavailable(
        f"the {kind[:-1]} {name} failed ({first_line(error, typed=True)})",
        "tell the plug-in's author",
    )


@contextmanager
def guarded(
    kind: PluginKind, name: str, passing: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Have whatever a stranger's plug-in raises in a block told as its failure.

    Args:
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


@dataclass(frozen=True)
class Between:
    """The least and the largest value of an option: `Annotated[float, Between(0, 60)]`."""

    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        if self.low == -math.inf:
            return ""
        return f" of {self.low} or more" if self.high == math.inf else (
            f" from {self.low:g} to {self.high:g}"
        )  # fmt: skip


class Optioned:
    """A plug-in that is a dataclass: its fields are the options that it is made with."""

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal one; values that JSON can hold."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}  # type: ignore[arg-type]


def parse_options(texts: Sequence[str] | None) -> dict[str, Any]:
    """Return options from `KEY=VALUE` texts; values are JSON where they can be, else text.

    >>> parse_options(["trees=20", "log=true", "path=a.csv"])
    {'trees': 20, 'log': True, 'path': 'a.csv'}
    """
    options: dict[str, Any] = {}
    for text in texts or ():
        key, mark, value = text.partition("=")
        if not mark or not key.isidentifier():
            raise UsageError(f"option {text!r} is not written KEY=VALUE")
        try:
            options[key] = json.loads(value)
        except (ValueError, RecursionError):
            options[key] = value
    return options


def make(
    kind: PluginKind,
    name: str,
    options: Mapping[str, Any],
    offered: Mapping[str, Any] | None = None,
    *arguments: Any,
) -> Any:
    """Return what a plug-in makes of its options.

    Args:
        options: what the user gave for it; all must be known to it and of the type it says.
        offered: what it may take if it knows it (`device`, `seed`).
        arguments: what every plug-in of this kind is given beside.

    Raises:
        UsageError: no plug-in of that name, or an option that it does not know or take.
    """
    found = load(kind, name)
    known = options_of(found, len(arguments))
    whatever = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(found).parameters.values())
    chosen = {k: v for k, v in (offered or {}).items() if k in known and v is not None}
    for key, value in options.items():
        if key in known:
            chosen[key] = _fitting(key, value, known[key].annotation)
        elif whatever:
            chosen[key] = value
        else:
            takes = f"it takes: {', '.join(sorted(known))}" if known else "it takes none"
            raise UsageError(f"the {kind[:-1]} {name} has no option {key!r}; {takes}")
    try:
        with guarded(kind, name, passing=(TypeError, ValueError)):
            return found(*arguments, **chosen)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the {kind[:-1]} {name} cannot be made so ({first_line(error)})"
        ) from None


def options_of(found: Callable[..., Any], arguments: int = 0) -> dict[str, inspect.Parameter]:
    """Return the options of a plug-in with their types and defaults.

    Args:
        found: what its entry point names.
        arguments: how many every plug-in of its kind is given by place.
    """
    source: Any = found
    if inspect.isclass(found) and not is_dataclass(found):
        source = found.__init__
    try:
        types = get_type_hints(source, include_extras=True)
    except (NameError, TypeError):  # a stranger's, of which nothing can be said
        types = {}
    return {
        name: parameter.replace(annotation=types.get(name, Any))
        for name, parameter in [*inspect.signature(found).parameters.items()][arguments:]
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    }


def _fitting(name: str, value: Any, kind: Any) -> Any:
    """Return an option's value as its type has it.

    Raises:
        UsageError: it is of another type, or out of range.
    """
    limits = Between()
    if get_origin(kind) is Annotated:
        kind, limits = get_args(kind)[:2]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    inside = number and limits.low <= value <= limits.high
    if kind is str and isinstance(value, int) and number:
        return str(value)  # it is the text that it was written as
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UsageError(f"{name}={value!r}; choose {' or '.join(get_args(kind))}")
    elif kind is bool and not isinstance(value, bool):
        raise UsageError(f"{name}={value!r} must be true or false")
    elif kind is int and not (inside and isinstance(value, int)):
        raise UsageError(f"{name}={value!r} must be a whole number{limits}")
    elif kind is float and not inside:
        raise UsageError(f"{name}={value!r} must be a number{limits}")
    elif kind is str and (not isinstance(value, str) or "\0" in value):
        raise UsageError(f"""{name}={value!r} must be text; write it in quotes: '{name}="TEXT"'""")
    return value
