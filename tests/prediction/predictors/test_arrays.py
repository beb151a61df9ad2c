"""Models of plain arrays predict what their estimators predict, and nothing else is accepted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.values import Value
from edgeprofiler.learning.training.export import ArrayWriter, array_form
from edgeprofiler.prediction.predictors.arrays import evaluate, parse_model

sklearn = pytest.importorskip("sklearn")
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    VotingRegressor,
)
from sklearn.linear_model import LassoCV, LinearRegression, Ridge  # noqa: E402
from sklearn.neighbors import KNeighborsRegressor  # noqa: E402
from sklearn.pipeline import Pipeline, make_pipeline  # noqa: E402
from sklearn.preprocessing import (  # noqa: E402
    FunctionTransformer,
    MinMaxScaler,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor  # noqa: E402

RNG = np.random.default_rng(0)
# single precision, as scikit-learn's forests compare
X = RNG.uniform(0, 5, (120, 4)).astype(np.float32).astype(np.float64)
Y = 1.0 + X[:, 0] ** 2 + X[:, 1] * X[:, 2] + RNG.uniform(0, 0.1, 120)


@pytest.mark.parametrize(
    "estimator",
    [
        LinearRegression(),
        make_pipeline(StandardScaler(), Ridge()),
        make_pipeline(MinMaxScaler(), PolynomialFeatures(3), StandardScaler(), LassoCV(cv=3)),
        make_pipeline(FunctionTransformer(np.log1p), StandardScaler(with_mean=False), Ridge()),
        Pipeline(
            [
                (
                    "columns",
                    ColumnTransformer(
                        [
                            ("a", make_pipeline(PolynomialFeatures(2)), [0, 1]),
                            ("b", "passthrough", [3]),
                            ("c", StandardScaler(), [2]),
                            ("d", FunctionTransformer(), [1]),
                        ]
                    ),
                ),
                ("line", Ridge()),
            ]
        ),
        TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp),
        TransformedTargetRegressor(
            HistGradientBoostingRegressor(max_iter=20), func=np.log1p, inverse_func=np.expm1
        ),
        VotingRegressor([("a", Ridge()), ("b", Ridge(5.0))]),
        DecisionTreeRegressor(random_state=0),
        DecisionTreeRegressor(max_depth=1),
        RandomForestRegressor(10, random_state=0),
        ExtraTreesRegressor(10, max_depth=3, random_state=0),
        GradientBoostingRegressor(n_estimators=30, random_state=0),
        HistGradientBoostingRegressor(max_iter=30),
        HistGradientBoostingRegressor(max_iter=3, max_leaf_nodes=4),
    ],
    ids=lambda e: type(e).__name__,
)
def test_arrays_predict_what_the_estimator_predicts(estimator: Any) -> None:
    estimator.fit(X, Y)
    writer = ArrayWriter("m")
    spec = array_form(estimator, writer, 4)
    again = evaluate(spec, writer.arrays, X)
    np.testing.assert_allclose(again, estimator.predict(X), rtol=1e-9)
    assert not len(evaluate(spec, writer.arrays, X[:0]))


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsRegressor(),
        make_pipeline(FunctionTransformer(np.sin), Ridge()),
        TransformedTargetRegressor(Ridge(), func=np.sqrt, inverse_func=np.square),
        VotingRegressor([("a", DecisionTreeRegressor()), ("b", Ridge())]),
    ],
    ids=lambda e: type(e).__name__,
)
def test_an_estimator_without_array_form_is_named(estimator: Any) -> None:
    with pytest.raises(Unsupported):
        array_form(estimator.fit(X, Y), ArrayWriter("m"), 4)


ARRAYS = {
    "columns": np.array([0, 1]),
    "coef": np.array([1.0, 2.0]),
    "wrong": np.array([1.0, np.nan]),
    "far": np.array([9]),
    "zero": np.zeros(2),
    "text": np.array(["a", "b"]),
    "feature": np.array([0, -1, -1]),
    "one": np.array([0.5, 0.0, 0.0]),
    "left": np.array([1, 0, 0]),
    "right": np.array([2, 0, 0]),
    "loop": np.array([0, 0, 0]),
    "value": np.array([0.0, 1.0, 2.0]),
    "roots": np.array([0]),
    "number": np.array(0),
    "square": np.array([[0]]),
    "stack": np.ones((3, 1)),
    "stacked": np.array([[0], [-1], [-1]]),
    "halves": np.array([0.0, 1.5]),
}
TREES = {
    "type": "trees", "base": 1.0, "feature": "feature", "threshold": "one", "left": "left",
    "right": "right", "value": "value", "roots": "roots",
}  # fmt: skip
LINE = {"type": "linear", "coef": "coef", "intercept": 0.5}


def pipeline(head: object, *steps: object) -> dict[str, object]:
    return {"type": "pipeline", "steps": list(steps), "head": head}


def test_a_row_goes_left_where_its_feature_is_at_most_the_threshold() -> None:
    rows = np.array([[0.5, 0.0], [0.6, 0.0]])
    assert evaluate(pipeline(TREES), ARRAYS, rows).tolist() == [2.0, 3.0]


def test_a_bounded_sum_and_a_share_of_it() -> None:
    line = pipeline(LINE)
    spec = {
        "type": "bound",
        "low": 0.0,
        "high": 3.0,
        "of": {"type": "share", "share": 2, "of": line},
    }
    assert evaluate(spec, ARRAYS, np.array([[0.0, 0.0], [1.0, 1.0]])).tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {},
        {"type": "eval", "of": "import os"},
        {"type": "sum", "of": []},
        {"type": "exp"},
        {"type": "pipeline"},
        pipeline({"type": "network"}),
        pipeline(LINE, {"type": "pickle"}),
        pipeline({**LINE, "coef": "wrong"}),
        pipeline({**LINE, "coef": "text"}),
        pipeline({**LINE, "coef": "missing"}),
        pipeline({**LINE, "coef": "feature"}),
        pipeline({**LINE, "intercept": "1"}),
        pipeline(LINE, {"type": "take", "columns": "far"}),
        pipeline(LINE, {"type": "scale", "mean": "coef", "scale": "zero"}),
        pipeline(LINE, {"type": "powers", "powers": "coef"}),
        pipeline(LINE, {"type": "beside", "of": []}),
        pipeline({**TREES, "left": "loop"}),
        pipeline({**TREES, "feature": "far"}),
        pipeline({**TREES, "roots": "far"}),
        pipeline({**TREES, "value": "coef"}),
        pipeline({**TREES, "roots": "number"}),
        pipeline({**TREES, "roots": "square"}),
        pipeline({**TREES, "value": "stack"}),
        pipeline({**TREES, "threshold": "stack"}),
        pipeline({**TREES, "feature": "stacked"}),
        pipeline({**TREES, "left": "value"}),
        pipeline(LINE, {"type": "take", "columns": "halves"}),
    ],
)
def test_a_description_that_is_not_sound_is_refused(spec: object) -> None:
    with pytest.raises(InvalidInput):
        parse_model(Value(spec, "predictor"), ARRAYS, 2)


def test_nesting_has_an_end() -> None:
    spec: object = pipeline(LINE)
    for _ in range(30):
        spec = {"type": "exp", "of": spec}
    with pytest.raises(InvalidInput, match="nested too deep"):
        parse_model(Value(spec, "predictor"), ARRAYS, 2)
