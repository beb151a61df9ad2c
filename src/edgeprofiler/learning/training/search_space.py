"""What a search may try: bounded ranges, so that no trial runs for minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import UsageError
from edgeprofiler.learning.training.options import RECIPE_ARGUMENTS


@dataclass(frozen=True)
class OneOf:
    """Values that an option may take: `values`, or the range from `low` to `high`."""

    low: float = 0.0
    high: float = 0.0
    log: bool = False
    integer: bool = False
    values: tuple[Any, ...] = ()

    def suggest(self, trial: Any, name: str) -> Any:
        """Return the value that an Optuna trial proposes."""
        if self.values:
            return trial.suggest_categorical(name, list(self.values))
        if self.integer:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def holds(self, value: Any) -> bool:
        """Say whether a value is one of these."""
        if self.values:
            return value in self.values
        return isinstance(value, (int, float)) and self.low <= value <= self.high


_SPACES: Mapping[str, Mapping[str, OneOf]] = {
    "hybrid": {
        "alpha": OneOf(0.1, 100.0, log=True),
        "trees": OneOf(20, 160, log=True, integer=True),
        "learning_rate": OneOf(0.02, 0.3, log=True),
        "leaves": OneOf(values=(0, 4, 6, 8, 12, 16)),
        "min_rows": OneOf(4, 30, log=True, integer=True),
        "l2": OneOf(0.3, 30.0, log=True),
        "prior_pull": OneOf(0.003, 0.3, log=True),
    },
    # Degree 3 of seven sizes has 119 terms: cross-validated paths over those are the minutes
    # that a search must not spend.
    "neuralpower": {
        "degree": OneOf(1, 2, integer=True),
        "log": OneOf(values=(False, True)),
        "folds": OneOf(3, 5, integer=True),
        "max_iter": OneOf(200, 5000, log=True, integer=True),
    },
}


def space_of(recipe: str) -> Mapping[str, OneOf]:
    """Return the bounded choices of a recipe.

    Raises:
        UsageError: there is no such recipe, or it is a user's own, whose options are not known.
    """
    plugins.load("recipes", recipe)
    if recipe not in _SPACES:
        raise UsageError(
            f"what to try of the recipe {recipe!r} is not known; say it with "
            "`space`: NAME=LOW:HIGH or NAME=A,B,C"
        )
    return _SPACES[recipe]


def defaults_of(recipe: str) -> Mapping[str, Any]:
    """Return the default options of a recipe, where it names them."""
    options = plugins.options_of(plugins.load("recipes", recipe), len(RECIPE_ARGUMENTS))
    return {name: option.default for name, option in options.items()}


def parse_space(texts: Sequence[str]) -> dict[str, OneOf]:
    """Return choices of `NAME=LOW:HIGH`, `NAME=LOW:HIGH:log` and `NAME=A,B,C` texts.

    Raises:
        UsageError: a text is none of those.
    """
    return dict(_parse(text) for text in texts)


def _parse(text: str) -> tuple[str, OneOf]:
    name, equals, values = text.partition("=")
    if not equals or not name or not values:
        raise UsageError(f"`space` {text!r} is not NAME=LOW:HIGH or NAME=A,B,C")
    if ":" not in values:
        return name, OneOf(values=tuple(_value(text) for text in values.split(",")))
    low, high, *rest = values.split(":")
    ends = [_value(end) for end in (low, high)]
    numbers = all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in ends)
    if not numbers or rest not in ([], ["log"]) or not ends[0] < ends[1]:
        raise UsageError(f"`space` {text!r}: a range is LOW:HIGH or LOW:HIGH:log, LOW below HIGH")
    if rest and ends[0] <= 0:
        raise UsageError(f"`space` {text!r}: a logarithmic range lies above 0")
    integer = all(isinstance(end, int) for end in ends)
    return name, OneOf(float(ends[0]), float(ends[1]), log=bool(rest), integer=integer)


def _value(text: str) -> Any:
    return plugins.parse_options([f"value={text}"])["value"]
