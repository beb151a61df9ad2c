"""`neuralpower`: sparse polynomials of layer sizes, as published (arXiv 1710.05420)."""

from __future__ import annotations

from typing import Any

from edgeprofiler.core.extras import require

SIZES = {
    "convolutional": (
        "in_channels", "in_positions", "out_channels", "positions", "kernel_max", "stride",
        "groups",
    ),
    "pooling": ("in_channels", "in_positions", "positions", "kernel_max", "stride"),
    "dense": ("in_channels", "out_channels", "positions"),
}  # fmt: skip
"""Sizes of which the polynomials are taken, by kind of layer."""

SPECIAL = ("macs", "bytes_moved")
"""Terms beside the polynomials: total operations and memory accesses."""


def neuralpower(
    kind: str,
    quantity: str,  # noqa: ARG001 - every recipe is told; this one treats all alike
    features: tuple[str, ...],
    seed: int = 0,  # noqa: ARG001 - coordinate descent draws nothing
    *,
    degree: int = 2,
    log: bool = False,
    folds: int = 5,
    max_iter: int = 5000,
) -> Any:
    """Return the estimator; `recipes.protocol.Recipe` says what the first arguments mean.

    Args:
        seed: not used.
        degree: of the polynomials.
        log: whether sizes enter as logarithms.
        folds: of the cross-validation that chooses the lasso's strength.
        max_iter: steps of the lasso at most.
    """
    with require("learn"):
        from sklearn.compose import ColumnTransformer
        from sklearn.linear_model import LassoCV
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
    import numpy as np

    sizes = [features.index(name) for name in SIZES[kind]]
    special = [features.index(name) for name in SPECIAL]
    polynomials = PolynomialFeatures(degree=degree, include_bias=False)
    steps = [("powers", polynomials)]
    if log:
        steps.insert(0, ("log", FunctionTransformer(np.log1p, feature_names_out="one-to-one")))
    columns = ColumnTransformer(
        [("sizes", Pipeline(steps), sizes), ("special", "passthrough", special)]
    )
    return Pipeline(
        [
            ("columns", columns),
            ("scale", StandardScaler()),
            ("lasso", LassoCV(cv=folds, max_iter=max_iter)),
        ]
    )
