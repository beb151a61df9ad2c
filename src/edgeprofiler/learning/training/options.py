"""What a training is told, from one TOML file or the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.files import read_toml

QUANTITIES = ("runtime_s", "power_above_idle_w")
"""What models are trained for, one for each of the kinds below."""

KINDS = ("convolutional", "pooling", "dense")


@dataclass(frozen=True)
class TrainingOptions:
    """How to train. A TOML file has the same names; `[options]` are the recipe's own."""

    recipe: str = "hybrid"
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    folds: int = 5
    """Groups of networks left out in turn, whose residuals give errors and intervals."""
    min_rows: int = 10
    """Rows that a model needs; a kind with fewer is left to the analytic model, and said."""
    min_samples: int = 10
    """Sensor conversions that a layer's power needs; rows with fewer train runtime only."""
    test_networks: tuple[str, ...] = ()
    """Networks that training never sees."""

    def with_changes(self, **changes: Any) -> TrainingOptions:
        """Return these options with those that are not `None` changed."""
        return replace(self, **{k: v for k, v in changes.items() if v is not None})


def read_options(path: Path) -> TrainingOptions:
    """Return the options in a TOML file.

    Raises:
        InvalidInput: a name is unknown or a value of the wrong type.
    """
    table = read_toml(path)
    known = {item.name: item for item in fields(TrainingOptions)}
    changes: dict[str, Any] = {}
    for name, value in table.items():
        if name not in known:
            raise InvalidInput(path, f"{name!r} is unknown", f"choose of {', '.join(known)}")
        default = getattr(TrainingOptions(), name)
        if name == "test_networks":
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise InvalidInput(path, "test_networks is no list of names")
            changes[name] = tuple(value)
        elif name == "options":
            if not isinstance(value, dict):
                raise InvalidInput(path, "options is no table", "write [options]")
            changes[name] = value
        elif isinstance(value, bool) or not isinstance(value, type(default)):
            raise InvalidInput(path, f"{name} is {value!r}, not {type(default).__name__}")
        else:
            changes[name] = value
    return TrainingOptions(**changes)


def options_of(
    config: str | Path | None = None,
    recipe: str | None = None,
    options: Mapping[str, Any] | None = None,
    test_networks: Sequence[str] | None = None,
    seed: int | None = None,
    min_samples: int | None = None,
) -> TrainingOptions:
    """Return the options in a file, changed by what else is told; `TrainingOptions` says what."""
    told = TrainingOptions() if config is None else read_options(Path(config))
    return told.with_changes(
        recipe=recipe,
        options={**told.options, **options} if options else None,
        test_networks=None if test_networks is None else tuple(test_networks),
        seed=seed,
        min_samples=min_samples,
    )


def parse_option(text: str) -> tuple[str, Any]:
    """Return name and value of `NAME=VALUE`; numbers and true or false are taken as such.

    Raises:
        UsageError: there is no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"`options`: {text!r} is not NAME=VALUE")
    words = {"true": True, "false": False}
    if value in words:
        return name, words[value]
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value
