"""Sums of decision trees, evaluated for all rows at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import FloatArray, IntArray

SMALL_TREE = 31
"""Trees of at most so many nodes are evaluated node by node for all rows; larger ones by
following each row."""


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees one after another in flat arrays; a leaf has `feature` -1.

    A row goes left where its feature is at most the threshold. The answer is `base` plus the
    sum of the leaves' values.
    """

    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    value: FloatArray
    roots: IntArray
    base: float

    def check(self, features: int, source: object) -> None:
        """Refuse trees that do not end or ask for features that are not there.

        Raises:
            InvalidInput: an index points outside its tree, or backwards.
        """
        nodes = self.feature.size
        shapes = {
            a.shape for a in (self.feature, self.threshold, self.left, self.right, self.value)
        }
        if shapes != {(nodes,)} or self.roots.ndim != 1:
            raise InvalidInput(source, "its trees have arrays that do not fit together")
        ends = np.append(self.roots[1:], nodes)
        if not (self.roots.size and self.roots[0] == 0 and np.all(ends > self.roots)):
            raise InvalidInput(source, "its trees do not begin where others end")
        own = np.repeat(ends, ends - self.roots)
        inner = self.feature >= 0
        index = np.arange(nodes)
        children = (self.left, self.right)
        good = all(bool(np.all((c > index) & (c < own) | ~inner)) for c in children)
        if not good or int(self.feature.max(initial=-1)) >= features:
            raise InvalidInput(source, "its trees point outside themselves")

    @cached_property
    def _parts(self) -> list[tuple[int, int]]:
        ends = [*self.roots[1:].tolist(), len(self.feature)]
        return list(zip(self.roots.tolist(), ends, strict=True))

    def evaluate(self, rows: FloatArray) -> FloatArray:
        """Return one number a row; `rows` has shape (rows, features)."""
        columns = np.ascontiguousarray(rows.T)
        total = np.full(len(rows), self.base)
        for root, end in self._parts:
            total += (
                self._by_node(columns, root)
                if end - root <= SMALL_TREE
                else self._by_row(rows, root)
            )
        return total

    def _by_node(self, columns: FloatArray, root: int) -> FloatArray | float:
        feature = int(self.feature[root])
        if feature < 0:
            return float(self.value[root])
        low = self._by_node(columns, int(self.left[root]))
        high = self._by_node(columns, int(self.right[root]))
        return np.where(columns[feature] <= self.threshold[root], low, high)

    def _by_row(self, rows: FloatArray, root: int) -> FloatArray:
        node = np.full(len(rows), root)
        every = np.arange(len(rows))
        active = every
        while active.size:
            here = node[active]
            feature = self.feature[here]
            inner = feature >= 0
            active, here, feature = active[inner], here[inner], feature[inner]
            goes_left = rows[active, feature] <= self.threshold[here]
            node[active] = np.where(goes_left, self.left[here], self.right[here])
        return np.asarray(self.value[node])
