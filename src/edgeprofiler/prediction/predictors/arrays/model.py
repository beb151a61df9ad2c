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

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.core.values import Value, shown
from edgeprofiler.prediction.predictors.arrays.trees import Trees

Arrays = Mapping[str, npt.NDArray[Any]]
Function = Callable[[FloatArray], FloatArray]


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


def parse_model(spec: Value, arrays: Arrays, features: int) -> ArrayModel:
    """Return the model that a description and its arrays say.

    Args:
        spec: the description, as in the module's example.
        arrays: the arrays that it names.
        features: columns that a row of features has.

    Raises:
        InvalidInput: something in it is unknown, missing, not finite or does not fit together.
    """
    return ArrayModel(features, _Parser(arrays).node(spec, features, 0))


def evaluate(spec: Value, arrays: Arrays, rows: FloatArray) -> FloatArray:
    """Return the predictions of a description for rows of features."""
    return parse_model(Value(spec, "model"), arrays, rows.shape[1]).predict(rows)


class _Parser:
    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays

    def _array(self, spec: Value, key: str, length: int | None = None) -> npt.NDArray[Any]:
        name = spec[key]
        array = self._arrays.get(name.text())
        if array is None:
            raise _unusable(name, "names an array that is not there")
        if array.dtype.kind not in "fi" or not np.isfinite(array).all():
            raise _unusable(name, "is an array with values that are no finite numbers")
        if length is not None and array.shape != (length,):
            raise _unusable(name, f"is an array of shape {array.shape}, not ({length},)")
        return array

    def _indices(self, spec: Value, key: str) -> IntArray:
        found = self._array(spec, key)
        if found.dtype.kind != "i":
            raise _unusable(spec[key], "is an array of places that are no integers")
        return found.astype(np.int64)

    def node(self, spec: Value, width: int, depth: int) -> Function:
        """Return the function of a node of the description."""
        if depth > limits.MODEL_DEPTH:
            raise _unusable(spec, "is nested too deep")
        kind = spec["type"].text()
        if kind == "pipeline":
            return self._pipeline(spec, width)
        if kind == "sum":
            parts = _some(spec["of"], limits.MODEL_PARTS)
            functions = [self.node(part, width, depth + 1) for part in parts]
            return lambda rows: np.asarray(np.sum([f(rows) for f in functions], axis=0))
        if kind in _ELEMENTWISE:
            inner, outer = self.node(spec["of"], width, depth + 1), _ELEMENTWISE[kind]
            return lambda rows: outer(inner(rows))
        if kind == "bound":
            within = self.node(spec["of"], width, depth + 1)
            low, high = spec["low"].number(), spec["high"].number()
            return lambda rows: np.clip(within(rows), low, high)
        if kind == "share":
            whole = self.node(spec["of"], width, depth + 1)
            share = spec["share"].number()
            return lambda rows: whole(rows) * share
        raise _unusable(spec, f"has an unknown part {shown(kind)}")

    def _pipeline(self, spec: Value, width: int) -> Function:
        table, width = self._steps(spec["steps"], width, 0)
        head = self._head(spec["head"], width)
        return lambda rows: head(table(rows))

    def _steps(self, steps: Value, width: int, depth: int) -> tuple[Function, int]:
        if depth > 2:
            raise _unusable(steps, "is nested too deep")
        functions = []
        for step in _some(steps, limits.MODEL_STEPS, least=0):
            function, width = self._step(step, width, depth)
            functions.append(function)

        def run(rows: FloatArray) -> FloatArray:
            for function in functions:
                rows = function(rows)
            return rows

        return run, width

    def _step(self, spec: Value, width: int, depth: int) -> tuple[Function, int]:
        kind = spec["type"].text()
        if kind == "take":
            columns = self._indices(spec, "columns")
            if columns.ndim != 1 or not len(columns) or columns.min() < 0 or columns.max() >= width:
                raise _unusable(spec, "takes columns that are not there")
            return (lambda rows: rows[:, columns]), len(columns)
        if kind == "clip":
            low, high = self._array(spec, "low", width), self._array(spec, "high", width)
            return (lambda rows: np.clip(rows, low, high)), width
        if kind == "scale":
            mean, scale = self._array(spec, "mean", width), self._array(spec, "scale", width)
            if (scale == 0).any():
                raise _unusable(spec, "divides by zero")
            return (lambda rows: (rows - mean) / scale), width
        if kind == "log1p":
            return (lambda rows: np.log1p(np.maximum(rows, 0.0))), width
        if kind == "beside":
            groups = _some(spec["of"], limits.MODEL_STEPS)
            parts = [self._steps(group, width, depth + 1) for group in groups]
            return (
                lambda rows: np.concatenate([table(rows) for table, _ in parts], axis=1),
                sum(size for _, size in parts),
            )
        if kind == "powers":
            powers = self._indices(spec, "powers")
            fits = powers.ndim == 2 and powers.shape[1] == width and len(powers) > 0
            if not fits or len(powers) > limits.POWER_TERMS or powers.min() < 0 or powers.max() > 9:
                raise _unusable(spec, "has powers that do not fit its columns")
            return (lambda rows: _powers(rows, powers)), len(powers)
        raise _unusable(spec, f"has an unknown step {shown(kind)}")

    def _head(self, spec: Value, width: int) -> Function:
        kind = spec["type"].text()
        if kind == "linear":
            coef, intercept = self._array(spec, "coef", width), spec["intercept"].number()
            return lambda rows: _weighted(rows, coef, intercept)
        if kind == "trees":
            trees = Trees(
                feature=self._indices(spec, "feature"),
                threshold=self._array(spec, "threshold").astype(np.float64),
                left=self._indices(spec, "left"),
                right=self._indices(spec, "right"),
                value=self._array(spec, "value").astype(np.float64),
                roots=self._indices(spec, "roots"),
                base=spec["base"].number(),
            )
            trees.check(width, spec.source)
            return trees.evaluate
        raise _unusable(spec, f"has an unknown end {shown(kind)}")


def _some(value: Value, most: int, least: int = 1) -> list[Value]:
    found = value.items()
    if not least <= len(found) <= most:
        raise _unusable(value, f"has {len(found)} entries, where {least} to {most} make sense")
    return found


def _unusable(value: Value, problem: str) -> InvalidInput:
    return value.fail(problem, "train and save it again")


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
