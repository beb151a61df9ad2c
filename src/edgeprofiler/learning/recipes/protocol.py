"""What a recipe is: a function that returns an estimator."""

from __future__ import annotations

from typing import Any, Protocol


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
            options: what the user set for this recipe. Those that the function names are checked
                against their types; their defaults are the recipe's.
        """
