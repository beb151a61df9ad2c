"""Sums of products that are written as an equation of letters (ONNX's Einsum)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgeprofiler.core.graph import Shape

Labels = tuple[str, ...]
"""Names of a tensor's dimensions: letters of the equation, and those of an ellipsis."""


def einsum_macs(equation: str, shapes: Sequence[Shape]) -> int | None:
    """Return the multiply-accumulates of a sum of products; `None` where they do not fit it.

    Operands are taken two by two from the left, as ONNX Runtime and PyTorch do, and what only
    one of the two has and nobody needs later is summed before. Two that share nothing to sum
    over are multiplied element by element, which counts none.

    Args:
        equation: such as `bij,bjk->bik`; without an arrow, the result has the letters that stand
            once.
        shapes: of the operands.

    >>> einsum_macs("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)])
    120
    >>> einsum_macs("...ij,jk,kl", [(2, 3, 4), (4, 5), (5, 6)]) == 2 * 3 * 4 * 5 + 2 * 3 * 5 * 6
    True
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        return None
    operands: list[Labels] = []
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        labels = _labels(term, len(shape))
        if labels is None:
            return None
        operands.append(labels)
        for label, length in zip(labels, shape, strict=True):
            sizes[label] = max(length, sizes.get(label, 1))
    every = [label for labels in operands for label in labels]
    letters = right if arrow else [label for label in every if every.count(label) == 1]
    result = {label for label in every if label.isdigit() or label in letters}
    return _pairwise([{*labels} for labels in operands], result, sizes)


def _labels(term: str, rank: int) -> Labels | None:
    """Name the dimensions of a term; those of an ellipsis by their number from its end."""
    before, dots, after = term.partition("...")
    hidden = rank - len(before) - len(after)
    if hidden < 0 or (hidden and not dots) or "." in before + after:
        return None
    return (*before, *map(str, range(hidden - 1, -1, -1)), *after)


def _pairwise(operands: Sequence[set[str]], result: set[str], sizes: dict[str, int]) -> int:
    total = 0
    made = operands[0]
    for place, other in enumerate(operands[1:], start=2):
        needed = result.union(*operands[place:])
        made, other = made & (other | needed), other & (made | needed)
        if (made | other) - needed:
            total += math.prod(sizes[label] for label in made | other)
        made = (made | other) & needed
    return total
