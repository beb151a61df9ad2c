"""What a recipe is: a function that returns an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from edgeprofiler.core.errors import UsageError


class Recipe(Protocol):
    """Registered as an entry point of `edgeprofiler.learning.recipes`.

    The estimator is fitted by `fit(X, y)` or `fit(X, y, sample_weight=w)`: `X` has one column a
    feature in the order of `features`, `y` is runtime in seconds or power above idle in watts.
    An estimator with a method `array_form(writer)` (see `training.export`) is kept as plain
    arrays, and so are the usual linear models and trees of scikit-learn; others are kept by skops.
    """

    def __call__(
        self, kind: str, quantity: str, features: tuple[str, ...], seed: int, **options: Any
    ) -> Any:
        """Return an unfitted estimator.

        Args:
            kind: convolutional, pooling or dense.
            quantity: `runtime_s` or `power_above_idle_w`.
            features: names of the columns of `X`.
            seed: makes equal trainings equal.
            options: what the user set for this recipe.
        """


def options_of(
    recipe: str, defaults: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a recipe's options: its defaults, changed by what the user gave.

    Args:
        recipe: its name, for the message.
        defaults: every option that there is; a value given has the type of the default.
        given: what the user said.

    Raises:
        UsageError: an option is unknown, or its value is of another type.
    """
    for name, value in given.items():
        if name not in defaults:
            raise UsageError(
                f"the recipe {recipe!r} has no option {name!r}; it has {', '.join(defaults)}"
            )
        wanted = type(defaults[name])
        whole = type(value) is int and wanted is float
        if type(value) is not wanted and not whole:
            words = {int: "a whole number", float: "a number", bool: "true or false"}
            raise UsageError(
                f"the option {name!r} of the recipe {recipe!r} is {value!r}; "
                f"it takes {words.get(wanted, wanted.__name__)}"
            )
    return {**defaults, **given}
