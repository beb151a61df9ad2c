"""The estimator of the recipe `hybrid`. Imports scikit-learn; loaded only to train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV
from sklearn.preprocessing import PolynomialFeatures

from edgeprofiler.core.network import BoolArray, FloatArray

if TYPE_CHECKING:
    from edgeprofiler.learning.training.export import ArrayWriter

_TIME_PRIOR = (
    "pointwise_s", "windowed_s", "depthwise_s", "tail_s", "padding_s", "read_s",
    "write_s", "weights_s",
)  # fmt: skip
_POWER_PRIOR = ("compute_share", "memory_share")
_RIDGE = (
    "log_macs", "log_input_bytes", "log_output_bytes", "log_weight_bytes", "log_intensity",
    "log_in_channels", "log_out_channels", "log_positions", "log_kernel_size", "log_groups",
    "log_width", "log_depth", "log_blocks_per_sm", "log_waste", "log_padding", "depthwise",
    "first", "int8", "fp32", "compute_share", "memory_share",
)  # fmt: skip
_TREES = (
    *_RIDGE, "log_bytes", "log_roofline_s", "log_compute_s", "log_memory_s", "stride_max",
    "fused", "max_pool", "global_pool",
)  # fmt: skip
_USUAL = {
    "pointwise_s": 2.0, "windowed_s": 1.6, "depthwise_s": 6.0, "tail_s": 0.3, "padding_s": 0.5,
    "read_s": 1.4, "write_s": 1.4, "weights_s": 1.4, "compute_share": 1.0, "memory_share": 1.0,
}  # fmt: skip
"""Coefficients of the prior that are usual: the inverse of usual efficiencies."""

_LEAVES = 6, 16
"""Leaves of a tree where nothing else is asked: few for few rows, one more for each 90. On 1,500
isolated convolutions 16 in place of 6 bring the error of power from 13 to 10 %."""

_SQUARE_ROWS = 600
"""With so many rows, over twice as many as terms, the ridge of power may take squares and products
of its columns too. On 1,500 isolated convolutions of `scripts/low_power.py` (0.1 to 2 W, 3 % noise)
errors fall at random from 5.5 to 4.2 %, for more channels than were seen from 9.5 to 6.5 %, for
larger images from 12.5 to 7.4 %."""
_SQUARES_GAIN = 0.8
"""They must take a fifth off the error of rows left out. Where each layer deviates by 22 % that
nothing tells they cannot, and would make errors for larger images a third larger."""

_EFFICIENCY = ("log_blocks_per_sm", "log_width")
"""The larger these, the better a device is used: the residual of runtime may only fall."""


@dataclass(eq=False)
class HybridRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """`y = prior * exp(ridge + trees)`, the last two on features clipped to the fitted range.

    The prior is a non-negative sum of the datasheet's times of the layer's parts (for runtime)
    or of the shares in which they use the device (for power), fitted on relative error. Beyond
    the fitted range only the prior grows, so that an extrapolation follows the physics.
    """

    kind: str
    quantity: str
    features: tuple[str, ...]
    seed: int
    alpha: float
    trees: int
    learning_rate: float
    leaves: int
    min_rows: int
    l2: float
    prior_pull: float

    def _index(self, names: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.array([self.features.index(name) for name in names], dtype=np.int64)

    def fit(
        self,
        X: FloatArray,  # noqa: N803 - scikit-learn names it so
        y: FloatArray,
        sample_weight: FloatArray | None = None,
    ) -> HybridRegressor:
        """Fit prior, ridge and trees, each on what the one before left over."""
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        time = self.quantity == "runtime_s"
        self.prior_columns_ = self._index(_TIME_PRIOR if time else _POWER_PRIOR)
        self._fit_prior(X[:, self.prior_columns_], y, weight)
        residual = np.log(y) - np.log(self._prior(X))
        self.bounds_ = float(residual.min()), float(residual.max())
        self.ridge_columns_ = self._varying(X, self._index(_RIDGE))
        table = X[:, self.ridge_columns_]
        self.low_, self.high_ = table.min(axis=0), table.max(axis=0)
        self.mean_, self.scale_ = table.mean(axis=0), np.maximum(table.std(axis=0), 1e-9)
        self.squares_: Any = None
        if not time and len(y) >= _SQUARE_ROWS:
            self._try_squares((table - self.mean_) / self.scale_, residual, weight)
        ridge = Ridge(alpha=self.alpha, solver="cholesky")
        ridge.fit(self._terms(X), residual, sample_weight=weight)
        self.coef_, self.intercept_ = ridge.coef_, float(ridge.intercept_)
        residual = residual - self._ridge(X)
        self.tree_columns_ = self._varying(X, self._index(_TREES))
        self.boosted_ = self._boost(X[:, self.tree_columns_], residual, weight, time)
        return self

    def _try_squares(self, table: FloatArray, residual: FloatArray, weight: FloatArray) -> None:
        """Take squares and products into the ridge where rows that are left out are for it."""
        squares = PolynomialFeatures(2, include_bias=False)
        terms = squares.fit_transform(table)
        mean, scale = terms.mean(axis=0), np.maximum(terms.std(axis=0), 1e-9)

        def error(columns: FloatArray) -> float:
            ridge = RidgeCV(alphas=[self.alpha]).fit(columns, residual, sample_weight=weight)
            return float(np.sqrt(abs(ridge.best_score_)))

        if error((terms - mean) / scale) < _SQUARES_GAIN * error(table):
            self.squares_, self.terms_mean_, self.terms_scale_ = squares, mean, scale

    def _fit_prior(self, parts: FloatArray, y: FloatArray, weight: FloatArray) -> None:
        # Rows are divided by the target: the square error of the quotient is made small. Each
        # coefficient is drawn to a usual efficiency, so that parts that a data set cannot tell
        # apart, or does not have, keep the physics and extrapolate.
        usual = np.array([_USUAL[self.features[i]] for i in self.prior_columns_])
        constant = float(np.percentile(y, 5)) / 2
        level = float(np.median(y / (parts @ usual + constant)))
        usual = np.append(usual * level, constant)
        table = np.column_stack((parts, np.ones(len(y)))) * usual / y[:, None]
        root = np.sqrt(weight / weight.mean())
        pull = self.prior_pull * np.sqrt(len(y)) * np.eye(len(usual))
        model = LinearRegression(positive=True, fit_intercept=False).fit(
            np.concatenate((table * root[:, None], pull)), np.concatenate((root, pull.sum(axis=0)))
        )
        coef = model.coef_ * usual
        self.prior_coef_ = coef[:-1]
        self.prior_constant_ = max(float(coef[-1]), 1e-3 * float(np.median(y)))

    def _varying(
        self,
        X: FloatArray,  # noqa: N803 - scikit-learn names it so
        columns: np.ndarray[Any, np.dtype[np.int64]],
    ) -> np.ndarray[Any, np.dtype[np.int64]]:
        varies: BoolArray = np.ptp(X[:, columns], axis=0) > 0
        return columns[varies] if varies.any() else columns[:1]

    def _boost(
        self, table: FloatArray, residual: FloatArray, weight: FloatArray, time: bool
    ) -> Any:
        names = [self.features[i] for i in self.tree_columns_]
        monotone = [-1 if time and name in _EFFICIENCY else 0 for name in names]
        if len(residual) < 2 * self.min_rows or self.trees == 0:
            return None
        model = HistGradientBoostingRegressor(
            max_iter=self.trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.leaves or min(max(_LEAVES[0], len(residual) // 90), _LEAVES[1]),
            min_samples_leaf=self.min_rows,
            l2_regularization=self.l2,
            monotonic_cst=monotone,
            early_stopping=False,
            random_state=self.seed,
        )
        return model.fit(table, residual, sample_weight=weight)

    def _prior(self, X: FloatArray) -> FloatArray:  # noqa: N803
        parts = X[:, self.prior_columns_]
        return np.asarray(parts @ self.prior_coef_ + self.prior_constant_)

    def _terms(self, X: FloatArray) -> FloatArray:  # noqa: N803
        table = np.clip(X[:, self.ridge_columns_], self.low_, self.high_)
        table = (table - self.mean_) / self.scale_
        if self.squares_ is not None:
            table = (self.squares_.transform(table) - self.terms_mean_) / self.terms_scale_
        return np.asarray(table)

    def _ridge(self, X: FloatArray) -> FloatArray:  # noqa: N803
        return np.asarray(self._terms(X) @ self.coef_ + self.intercept_)

    def predict(self, X: FloatArray) -> FloatArray:  # noqa: N803
        """Return predictions; never negative."""
        residual = self._ridge(X)
        if self.boosted_ is not None:
            residual = residual + self.boosted_.predict(X[:, self.tree_columns_])
        return np.asarray(self._prior(X) * np.exp(np.clip(residual, *self.bounds_)))

    def array_form(self, writer: ArrayWriter) -> dict[str, Any]:
        """Return this fitted estimator as plain arrays."""
        prior = {
            "type": "pipeline",
            "steps": [writer.take(self.prior_columns_)],
            "head": writer.linear(self.prior_coef_, self.prior_constant_),
        }
        steps = [
            writer.take(self.ridge_columns_),
            writer.clip(self.low_, self.high_),
            writer.scale(self.mean_, self.scale_),
        ]
        if self.squares_ is not None:
            steps += [
                writer.powers(self.squares_.powers_),
                writer.scale(self.terms_mean_, self.terms_scale_),
            ]
        ridge = {
            "type": "pipeline",
            "steps": steps,
            "head": writer.linear(self.coef_, self.intercept_),
        }
        parts = [ridge]
        if self.boosted_ is not None:
            parts.append(
                {
                    "type": "pipeline",
                    "steps": [writer.take(self.tree_columns_)],
                    "head": writer.trees(self.boosted_),
                }
            )
        low, high = self.bounds_
        residual = {"type": "bound", "low": low, "high": high, "of": {"type": "sum", "of": parts}}
        return {
            "type": "exp",
            "of": {"type": "sum", "of": [{"type": "log", "of": prior}, residual]},
        }
