"""What a training is told, from one TOML file or the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgeprofiler.core.values import Value, read_toml

QUANTITIES = ("runtime_s", "power_above_idle_w")
"""What models are trained for, one for each of the kinds below."""

RECIPE_ARGUMENTS = ("kind", "quantity", "features", "seed")
"""What every recipe is given by place; what else it takes are its options."""

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
    table.allow((*_READ,))
    return TrainingOptions(**{name: _READ[name](value) for name, value in table.entries()})


_READ: Mapping[str, Callable[[Value], Any]] = {
    "recipe": Value.name,
    "options": Value.mapping,
    "seed": lambda value: value.integer(0),
    "folds": Value.integer,
    "min_rows": Value.integer,
    "min_samples": Value.integer,
    "test_networks": Value.texts,
}
"""How each option is read; what makes no sense is refused where it is used."""


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
