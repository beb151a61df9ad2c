"""How a field of a question is asked for, wherever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from edgeprofiler.core.errors import UsageError


@dataclass(frozen=True)
class Option:
    """How a field of a question is asked for."""

    help: str
    """What it means, in a sentence without its full stop."""
    default: str
    """What holds where it is not asked for, in words."""
    metavar: str
    normal: Callable[[Any], Any]
    """From a value to its normal form; raises `UsageError` where it is no value of the field."""
    parse: Callable[[str], Any] = str
    """From a text to a value."""
    several: Callable[[str], Sequence[Any]] | None = None
    """From a text to values, where a field may have several."""
    many: str = ""
    """How several are written."""
    flags: tuple[str, ...] = ()
    """Names on the command line; those of the field where there are none."""
    repeated: bool = False
    """Whether one value is given in parts, by the option repeated."""
    json: type = str
    """Type of the value in JSON and TOML; one of `bool` is a flag on the command line."""
    bounds: Mapping[str, float] = field(default_factory=dict)
    """Bounds of a number, as JSON Schema has them: `ge`, `gt`, `le`, `lt`."""
    example: object = None
    personal: bool = False
    """Whether only its user can ask for it, on the command line or in Python: no file, no form."""

    def spelled(self, name: str) -> tuple[str, ...]:
        """Return the names on the command line, of the field `name`."""
        return self.flags or (f"--{name.replace('_', '-')}",)


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Say in an error of usage which field it is about."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"`{name}`: {error}") from None
