"""`hybrid`: a roofline fitted to the device, and a regularised residual in log space."""

from __future__ import annotations

from typing import Any

from edgeprofiler.core.extras import require


def hybrid(
    kind: str,
    quantity: str,
    features: tuple[str, ...],
    seed: int = 0,
    *,
    alpha: float = 3.0,
    trees: int = 120,
    learning_rate: float = 0.08,
    leaves: int = 0,
    min_rows: int = 8,
    l2: float = 3.0,
    prior_pull: float = 0.03,
) -> Any:
    """Return the estimator; `recipes.protocol.Recipe` says what the first arguments mean.

    Args:
        seed: of the trees.
        alpha: strength of the ridge.
        trees: their number,
        learning_rate: step,
        leaves: and size; where 0, of 6 leaves for few rows and up to 16 for many.
        min_rows: rows that a leaf needs.
        l2: shrinkage of a leaf's value.
        prior_pull: strength with which the prior's coefficients are drawn to the usual ones.
    """
    with require("learn"):
        from edgeprofiler.learning.recipes._hybrid_estimator import HybridRegressor
    return HybridRegressor(
        kind, quantity, features, seed, alpha, trees, learning_rate, leaves, min_rows, l2,
        prior_pull,
    )  # fmt: skip
