"""A small language for fitted models: steps on a table of features, then a sum of trees or a line.

A model is JSON whose numbers lie in named arrays::

    {"type": "exp", "of": {"type": "sum", "of": [
        {"type": "pipeline", "steps": [{"type": "take", "columns": "a0"}], "head": ...}]}}

Nothing in it can execute; whatever is not listed here is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import FloatArray
from edgeprofiler.prediction.predictors.arrays.trees import Trees

Arrays = Mapping[str, npt.NDArray[Any]]
Function = Callable[[FloatArray], FloatArray]

MAX_DEPTH = 12
MAX_STEPS = 32
MAX_POWER_TERMS = 100_000


@dataclass(frozen=True, eq=False)
class ArrayModel:
    """A model that can be evaluated: rows of features in, one number a row out."""

    features: int
    function: Function

    def predict(self, rows: FloatArray) -> FloatArray:
        """Return one number a row; `rows` has shape (rows, features)."""
        if not len(rows):
            return np.zeros(0)
        return self.function(rows)


def parse_model(spec: object, arrays: Arrays, features: int, source: object) -> ArrayModel:
    """Return the model that a description and its arrays say.

    Args:
        spec: the description, as in the module's example.
        arrays: the arrays that it names.
        features: columns that a row of features has.
        source: the file, for messages.

    Raises:
        InvalidInput: something in it is unknown, missing, not finite or does not fit together.
    """
    return ArrayModel(features, _Reader(arrays, source).node(spec, features, 0))


def evaluate(spec: object, arrays: Arrays, rows: FloatArray) -> FloatArray:
    """Return the predictions of a description for rows of features."""
    return parse_model(spec, arrays, rows.shape[1], "model").predict(rows)


class _Reader:
    def __init__(self, arrays: Arrays, source: object) -> None:
        self._arrays = arrays
        self._source = source

    def _fail(self, problem: str) -> InvalidInput:
        return InvalidInput(self._source, f"its model {problem}", "train and save it again")

    def _get(self, spec: object, key: str) -> Any:
        if not isinstance(spec, Mapping) or key not in spec:
            raise self._fail(f"lacks {key!r}")
        return spec[key]

    def _array(self, spec: object, key: str, length: int | None = None) -> npt.NDArray[Any]:
        name = self._get(spec, key)
        array = self._arrays.get(name) if isinstance(name, str) else None
        if array is None:
            raise self._fail(f"names an array {str(name)[:40]!r} that is not there")
        if array.dtype.kind not in "fi" or not np.isfinite(array).all():
            raise self._fail(f"has an array {name!r} with values that are no finite numbers")
        if length is not None and array.shape != (length,):
            raise self._fail(f"has an array {name!r} of shape {array.shape}, not ({length},)")
        return array

    def _number(self, spec: object, key: str) -> float:
        value = self._get(spec, key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
            raise self._fail(f"has no number {key!r}")
        return float(value)

    def node(self, spec: object, width: int, depth: int) -> Function:
        """Return the function of a node of the description."""
        if depth > MAX_DEPTH:
            raise self._fail("is nested too deep")
        kind = self._get(spec, "type")
        if kind == "pipeline":
            return self._pipeline(spec, width)
        if kind == "sum":
            parts = self._get(spec, "of")
            if not isinstance(parts, list) or not 1 <= len(parts) <= 64:
                raise self._fail("has a sum of nothing")
            functions = [self.node(part, width, depth + 1) for part in parts]
            return lambda rows: np.asarray(np.sum([f(rows) for f in functions], axis=0))
        if kind in _ELEMENTWISE:
            inner, outer = self.node(self._get(spec, "of"), width, depth + 1), _ELEMENTWISE[kind]
            return lambda rows: outer(inner(rows))
        if kind == "bound":
            within = self.node(self._get(spec, "of"), width, depth + 1)
            low, high = self._number(spec, "low"), self._number(spec, "high")
            return lambda rows: np.clip(within(rows), low, high)
        if kind == "share":
            whole = self.node(self._get(spec, "of"), width, depth + 1)
            share = self._number(spec, "share")
            return lambda rows: whole(rows) * share
        raise self._fail(f"has an unknown part {str(kind)[:40]!r}")

    def _pipeline(self, spec: object, width: int) -> Function:
        table, width = self._steps(self._get(spec, "steps"), width, 0)
        head = self._head(self._get(spec, "head"), width)
        return lambda rows: head(table(rows))

    def _steps(self, steps: object, width: int, depth: int) -> tuple[Function, int]:
        if not isinstance(steps, list) or len(steps) > MAX_STEPS or depth > 2:
            raise self._fail("has no list of steps")
        functions = []
        for step in steps:
            function, width = self._step(step, width, depth)
            functions.append(function)

        def run(rows: FloatArray) -> FloatArray:
            for function in functions:
                rows = function(rows)
            return rows

        return run, width

    def _step(self, spec: object, width: int, depth: int) -> tuple[Function, int]:
        kind = self._get(spec, "type")
        if kind == "take":
            columns = self._array(spec, "columns").astype(np.int64)
            if columns.ndim != 1 or not len(columns) or columns.min() < 0 or columns.max() >= width:
                raise self._fail("takes columns that are not there")
            return (lambda rows: rows[:, columns]), len(columns)
        if kind == "clip":
            low, high = self._array(spec, "low", width), self._array(spec, "high", width)
            return (lambda rows: np.clip(rows, low, high)), width
        if kind == "scale":
            mean, scale = self._array(spec, "mean", width), self._array(spec, "scale", width)
            if (scale == 0).any():
                raise self._fail("divides by zero")
            return (lambda rows: (rows - mean) / scale), width
        if kind == "log1p":
            return (lambda rows: np.log1p(np.maximum(rows, 0.0))), width
        if kind == "beside":
            groups = self._get(spec, "of")
            if not isinstance(groups, list) or not 1 <= len(groups) <= MAX_STEPS:
                raise self._fail("sets nothing side by side")
            parts = [self._steps(group, width, depth + 1) for group in groups]
            return (
                lambda rows: np.concatenate([table(rows) for table, _ in parts], axis=1),
                sum(size for _, size in parts),
            )
        if kind == "powers":
            powers = self._array(spec, "powers").astype(np.int64)
            fits = powers.ndim == 2 and powers.shape[1] == width and len(powers) > 0
            if not fits or len(powers) > MAX_POWER_TERMS or powers.min() < 0 or powers.max() > 9:
                raise self._fail("has powers that do not fit its columns")
            return (lambda rows: _powers(rows, powers)), len(powers)
        raise self._fail(f"has an unknown step {str(kind)[:40]!r}")

    def _head(self, spec: object, width: int) -> Function:
        kind = self._get(spec, "type")
        if kind == "linear":
            coef, intercept = self._array(spec, "coef", width), self._number(spec, "intercept")
            return lambda rows: _weighted(rows, coef, intercept)
        if kind == "trees":
            trees = Trees(
                feature=self._array(spec, "feature").astype(np.int64),
                threshold=self._array(spec, "threshold").astype(np.float64),
                left=self._array(spec, "left").astype(np.int64),
                right=self._array(spec, "right").astype(np.int64),
                value=self._array(spec, "value").astype(np.float64),
                roots=self._array(spec, "roots").astype(np.int64),
                base=self._number(spec, "base"),
            )
            trees.check(width, self._source)
            return trees.evaluate
        raise self._fail(f"has an unknown end {str(kind)[:40]!r}")


def _weighted(rows: FloatArray, coef: npt.NDArray[Any], intercept: float) -> FloatArray:
    # Column by column: a matrix product rounds differently for other numbers of rows, and a
    # network would cost something else alone than among others.
    total = np.full(len(rows), intercept)
    for column, weight in enumerate(coef.tolist()):
        if weight:
            total += rows[:, column] * weight
    return total


def _powers(rows: FloatArray, powers: npt.NDArray[np.int64]) -> FloatArray:
    result = np.ones((len(rows), len(powers)))
    for term, exponents in enumerate(powers):
        for column in np.flatnonzero(exponents):
            result[:, term] *= rows[:, column] ** int(exponents[column])
    return result


_ELEMENTWISE: Mapping[str, Function] = {
    "exp": lambda values: np.exp(np.minimum(values, 700.0)),
    "log": lambda values: np.log(np.maximum(values, 1e-300)),
    "expm1": lambda values: np.expm1(np.minimum(values, 700.0)),
}
