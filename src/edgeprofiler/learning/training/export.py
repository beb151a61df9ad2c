"""Fitted estimators as plain arrays: linear models, polynomials and trees of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.errors import Unsupported

Spec = dict[str, Any]


class ArrayWriter:
    """Collects the arrays of models under names, and writes the parts that name them."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.arrays: dict[str, npt.NDArray[Any]] = {}

    def add(self, values: Any, kind: type = np.float64) -> str:
        """Keep an array and return its name."""
        name = f"{self._prefix}.{len(self.arrays)}"
        self.arrays[name] = np.ascontiguousarray(values, dtype=kind)
        return name

    def take(self, columns: Any) -> Spec:
        """Return the step that takes some columns."""
        return {"type": "take", "columns": self.add(columns, np.int64)}

    def clip(self, low: Any, high: Any) -> Spec:
        """Return the step that keeps columns within their range."""
        return {"type": "clip", "low": self.add(low), "high": self.add(high)}

    def scale(self, mean: Any, scale: Any) -> Spec:
        """Return the step that subtracts a mean and divides by a scale."""
        return {"type": "scale", "mean": self.add(mean), "scale": self.add(scale)}

    def powers(self, powers: Any) -> Spec:
        """Return the step that takes products of powers, one row of exponents a term."""
        return {"type": "powers", "powers": self.add(powers, np.int64)}

    def linear(self, coef: Any, intercept: float) -> Spec:
        """Return the end that is a weighted sum."""
        return {"type": "linear", "coef": self.add(coef), "intercept": float(intercept)}

    def trees(self, model: Any) -> Spec:
        """Return the end that is a sum of trees of a fitted scikit-learn model.

        Raises:
            Unsupported: it is no model of trees that has an array form.
        """
        reader = _TREES.get(type(model).__name__)
        if reader is None:
            raise Unsupported(f"{type(model).__name__} has no form as plain arrays")
        base, trees = reader(model)
        roots, offset, columns = [], 0, []
        for feature, threshold, left, right, value in trees:
            roots.append(offset)
            inner = feature >= 0
            columns.append(
                (
                    np.where(inner, feature, -1),
                    np.where(inner, threshold, 0.0),
                    np.where(inner, left + offset, 0),
                    np.where(inner, right + offset, 0),
                    value,
                )
            )
            offset += len(feature)
        feature, threshold, left, right, value = (
            np.concatenate([tree[i] for tree in columns]) for i in range(5)
        )
        return {
            "type": "trees",
            "base": float(base),
            "feature": self.add(feature, np.int32),
            "threshold": self.add(threshold),
            "left": self.add(left, np.int32),
            "right": self.add(right, np.int32),
            "value": self.add(value),
            "roots": self.add(roots, np.int32),
        }


Tree = tuple[
    npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]
]


def array_form(estimator: Any, writer: ArrayWriter, features: int) -> Spec:
    """Return a fitted estimator as a description whose arrays are in `writer`.

    Args:
        estimator: scikit-learn's linear models, polynomials, scalers and trees in pipelines, or
            anything with a method `array_form(writer)`.
        features: columns of the table that it was fitted on.

    Raises:
        Unsupported: a part of it has no array form; it is named.
    """
    own = getattr(estimator, "array_form", None)
    if own is not None:
        return dict(own(writer))
    name = type(estimator).__name__
    if name == "TransformedTargetRegressor":
        return _transformed(estimator, writer, features)
    if name == "VotingRegressor" and estimator.weights is None:
        share = 1.0 / len(estimator.estimators_)
        parts = [array_form(e, writer, features) for e in estimator.estimators_]
        return {"type": "sum", "of": [_scaled(p, share) for p in parts]}
    steps, last = [estimator], estimator
    if name == "Pipeline":
        steps = [step for _, step in estimator.steps if step not in (None, "passthrough")]
        last = steps[-1]
    found: list[Spec] = []
    for step in steps[:-1]:
        found.extend(_step(step, writer))
    return {"type": "pipeline", "steps": found, "head": _head(last, writer)}


def _transformed(estimator: Any, writer: ArrayWriter, features: int) -> Spec:
    inverse = {np.exp: "exp", np.expm1: "expm1"}.get(estimator.inverse_func)
    if inverse is None:
        raise Unsupported("a transformed target has an array form for exp and expm1 only")
    return {"type": inverse, "of": array_form(estimator.regressor_, writer, features)}


def _scaled(spec: Spec, share: float) -> Spec:
    head = spec.get("head", {})
    if spec["type"] != "pipeline" or head.get("type") != "linear":
        raise Unsupported("an average of anything but linear models has no array form")
    return {"type": "share", "of": spec, "share": share}


def _step(step: Any, writer: ArrayWriter) -> list[Spec]:
    name = type(step).__name__
    if name == "StandardScaler":
        mean = step.mean_ if step.with_mean else np.zeros(step.n_features_in_)
        scale = step.scale_ if step.with_std else np.ones(step.n_features_in_)
        return [writer.scale(mean, scale)]
    if name == "MinMaxScaler" and not step.clip:
        return [writer.scale(-step.min_ / step.scale_, 1.0 / step.scale_)]
    if name == "PolynomialFeatures":
        return [writer.powers(step.powers_)]
    if name == "FunctionTransformer" and step.func is np.log1p:
        return [{"type": "log1p"}]
    if name == "ColumnTransformer":
        return _columns(step, writer)
    raise Unsupported(f"{name} has no form as plain arrays")


def _columns(step: Any, writer: ArrayWriter) -> list[Spec]:
    """Steps of a transformer that treats groups of columns apart: one table side by side."""
    parts = []
    for _, transformer, columns in step.transformers_:
        if transformer == "drop" or not len(columns):
            continue
        inner = [writer.take(np.asarray(columns, dtype=np.int64))]
        for part in _parts(transformer):
            inner.extend(_step(part, writer))
        parts.append(inner)
    return [{"type": "beside", "of": parts}]


def _parts(transformer: Any) -> list[Any]:
    name = type(transformer).__name__
    if name == "Pipeline":
        return [part for _, part in transformer.steps]
    identity = name == "FunctionTransformer" and transformer.func is None
    return [] if transformer == "passthrough" or identity else [transformer]


def _head(model: Any, writer: ArrayWriter) -> Spec:
    coef = getattr(model, "coef_", None)
    if coef is not None and np.ndim(coef) == 1 and type(model).__module__.startswith("sklearn."):
        if not type(model).__module__.startswith("sklearn.linear_model"):
            raise Unsupported(f"{type(model).__name__} has no form as plain arrays")
        return writer.linear(coef, float(np.ravel(model.intercept_)[0]))
    return writer.trees(model)


def _hist_gradient_boosting(model: Any) -> tuple[float, list[Tree]]:
    if model.is_categorical_ is not None and np.any(model.is_categorical_):
        raise Unsupported("trees with categorical features have no array form")
    base = float(np.ravel(model._baseline_prediction)[0])  # noqa: SLF001
    trees: list[Tree] = []
    for (predictor,) in model._predictors:  # noqa: SLF001
        node = predictor.nodes
        leaf = node["is_leaf"].astype(bool)
        trees.append(
            (
                np.where(leaf, -1, node["feature_idx"].astype(np.int64)),
                np.where(leaf, 0.0, node["num_threshold"]),
                node["left"].astype(np.int64),
                node["right"].astype(np.int64),
                node["value"].astype(np.float64),
            )
        )
    return base, trees


def _single(tree: Any, factor: float = 1.0) -> Tree:
    inside = tree.tree_
    # scikit-learn casts features to 32 bits before it compares them; the threshold keeps 64.
    return (
        np.where(inside.children_left < 0, -1, inside.feature),
        inside.threshold,
        inside.children_left,
        inside.children_right,
        inside.value[:, 0, 0] * factor,
    )


def _gradient_boosting(model: Any) -> tuple[float, list[Tree]]:
    base = float(np.ravel(model.init_.constant_)[0]) if hasattr(model.init_, "constant_") else 0.0
    return base, [_single(tree, model.learning_rate) for tree in model.estimators_[:, 0]]


def _forest(model: Any) -> tuple[float, list[Tree]]:
    share = 1.0 / len(model.estimators_)
    return 0.0, [_single(tree, share) for tree in model.estimators_]


_TREES: dict[str, Callable[[Any], tuple[float, Sequence[Tree]]]] = {
    "HistGradientBoostingRegressor": _hist_gradient_boosting,
    "GradientBoostingRegressor": _gradient_boosting,
    "RandomForestRegressor": _forest,
    "ExtraTreesRegressor": _forest,
    "DecisionTreeRegressor": lambda model: (0.0, [_single(model)]),
}
