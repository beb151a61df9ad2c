"""`hybrid`: a roofline fitted to the device, and a regularised residual in log space."""

from __future__ import annotations

from typing import Any

from edgeprofiler.core.extras import require
from edgeprofiler.learning.recipes.protocol import options_of

OPTIONS = {
    "alpha": 3.0,
    "trees": 120,
    "learning_rate": 0.08,
    "leaves": 6,
    "min_rows": 8,
    "l2": 3.0,
    "prior_pull": 0.03,
}
"""Options with their defaults: strength of the ridge; number, step and size of the trees; rows
that a leaf needs; shrinkage of its value."""


def hybrid(
    kind: str, quantity: str, features: tuple[str, ...], seed: int = 0, **options: Any
) -> Any:
    """Return the estimator; `recipes.protocol.Recipe` says what the arguments mean.

    Options are those of `OPTIONS`.
    """
    with require("learn"):
        from edgeprofiler.learning.recipes._hybrid_estimator import HybridRegressor
    chosen = options_of("hybrid", OPTIONS, options)
    return HybridRegressor(kind, quantity, features, seed, **chosen)
