"""Conditions on the rows of a sweep: `fps>=30 and power_w<=10`, read without running anything.

The words are Python's (`and`, `or`, `not`, comparisons, parentheses), and so is the reading of
them; what is read is a tree of which only these forms are known, over columns that are there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import BoolArray

Column = npt.NDArray[np.generic]
"""Numbers or texts, one a row."""

_LONGEST = 500
"""Characters of a condition; the reader of Python's words grows with them."""

_COMPARE: Mapping[type[ast.cmpop], Callable[[Column, Column], BoolArray]] = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal,
    ast.Eq: np.equal, ast.NotEq: np.not_equal,
}  # fmt: skip
_MIRRORED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE,
}  # fmt: skip


@dataclass(frozen=True)
class Where:
    """A condition, read.

    >>> rows = {"fps": np.array([20.0, 40.0, 60.0]), "power_w": np.array([5.0, 8.0, 12.0])}
    >>> Where.of("fps >= 30 and power_w <= 10", rows).keeps(rows).tolist()
    [False, True, False]
    """

    text: str
    tree: ast.expr

    @staticmethod
    def of(text: str, names: Mapping[str, object]) -> Where:
        """Return the condition of a text.

        Args:
            names: what it may name: columns of numbers or texts.

        Raises:
            UsageError: it is no condition on those.
        """
        if len(text) > _LONGEST:
            raise UsageError(f"`where` has {len(text)} characters; at most {_LONGEST} are read")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            raise UsageError(
                f'`where` {text[:60]!r} is no condition; write "fps>=30 and power_w<=10"'
            ) from None
        _require(tree, names)
        return Where(text, tree)

    def keeps(self, columns: Mapping[str, Column]) -> BoolArray:
        """Return which rows meet the condition; one that compares an unknown number does not.

        Args:
            columns: one number or text a row.

        Raises:
            UsageError: numbers are compared with texts.
        """
        return _kept(self.tree, columns)

    @property
    def limits(self) -> tuple[tuple[str, bool, float], ...]:
        """What every row must keep, of the parts that `and` joins.

        A column, whether the number is the least that is allowed (the most otherwise), the number.
        """
        found: list[tuple[str, bool, float]] = []
        waiting = [self.tree]
        while waiting:
            part = waiting.pop(0)
            if isinstance(part, ast.BoolOp) and isinstance(part.op, ast.And):
                waiting = [*part.values, *waiting]
            elif isinstance(part, ast.Compare):
                found += _limits(part)
        return tuple(found)


def _limits(part: ast.Compare) -> list[tuple[str, bool, float]]:
    found = []
    sides = [part.left, *part.comparators]
    for left, operator, right in zip(sides, part.ops, sides[1:], strict=False):
        kind: type[ast.cmpop] | None = type(operator)
        if isinstance(right, ast.Name):
            left, right, kind = right, left, _MIRRORED.get(type(operator))
        if not isinstance(left, ast.Name) or kind not in _MIRRORED:
            continue
        number = _constant(right)
        if isinstance(number, float):
            found.append((left.id, kind in (ast.Gt, ast.GtE), number))
    return found


def _require(tree: ast.expr, names: Mapping[str, object]) -> None:
    if isinstance(tree, ast.BoolOp):
        for value in tree.values:
            _require(value, names)
    elif isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        _require(tree.operand, names)
    elif isinstance(tree, ast.Compare) and all(type(op) in _COMPARE for op in tree.ops):
        for side in (tree.left, *tree.comparators):
            if isinstance(side, ast.Name):
                if side.id not in names:
                    raise UsageError(
                        f"`where` names no column {side.id[:40]!r}; there are {', '.join(names)}"
                    )
            elif _constant(side) is None:
                raise _refused(side)
    else:
        raise _refused(tree)


def _refused(part: ast.expr) -> UsageError:
    return UsageError(
        f"`where` knows comparisons of columns with numbers or quoted texts, joined by and, or and "
        f"not; {ast.unparse(part)[:40]!r} is none"
    )


def _constant(side: ast.expr) -> float | str | None:
    negative = isinstance(side, ast.UnaryOp) and isinstance(side.op, ast.USub)
    inner = side.operand if isinstance(side, ast.UnaryOp) and negative else side
    if not isinstance(inner, ast.Constant) or isinstance(inner.value, bool):
        return None
    if isinstance(inner.value, str):
        return None if negative else inner.value
    if not isinstance(inner.value, int | float):
        return None
    try:
        number = float(inner.value)
    except OverflowError:
        return None
    return -number if negative else number


def _kept(tree: ast.expr, columns: Mapping[str, Column]) -> BoolArray:
    if isinstance(tree, ast.BoolOp):
        parts = [_kept(value, columns) for value in tree.values]
        join = np.logical_and if isinstance(tree.op, ast.And) else np.logical_or
        return np.asarray(join.reduce(parts))
    if isinstance(tree, ast.UnaryOp):
        return ~_kept(tree.operand, columns)
    assert isinstance(tree, ast.Compare)
    sides = [_values(side, columns) for side in (tree.left, *tree.comparators)]
    kept = np.ones(len(next(iter(columns.values()))), dtype=np.bool_)
    for left, operator, right in zip(sides, tree.ops, sides[1:], strict=False):
        if (left.dtype.kind == "U") != (right.dtype.kind == "U"):
            raise UsageError(f"`where` compares a number with a text in {ast.unparse(tree)[:60]!r}")
        kept &= _COMPARE[type(operator)](left, right)
    return kept


def _values(side: ast.expr, columns: Mapping[str, Column]) -> Column:
    return columns[side.id] if isinstance(side, ast.Name) else np.asarray(_constant(side))
