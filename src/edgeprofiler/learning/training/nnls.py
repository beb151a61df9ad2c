"""Non-negative least squares on normal equations: tens of unknowns, any number of equations."""

from __future__ import annotations

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray


def solve_nonnegative(gram: FloatArray, moment: FloatArray) -> FloatArray:
    """Return the x that minimises `x' gram x - 2 x' moment` with `x >= 0`.

    `gram` is `M'M` of shape (k, k) and `moment` is `M'y` of shape (k,). Columns without any
    weight (a zero on the diagonal) get 0. The method is the active-set one of Lawson and Hanson
    (Solving Least Squares Problems, 1974), started from the unconstrained solution with all that
    is negative dropped.
    """
    size = len(moment)
    scale = np.sqrt(np.diag(gram))
    alive = scale > 1e-12 * max(float(scale.max(initial=0.0)), 1e-300)
    scale = np.where(alive, scale, 1.0)
    matrix = gram / np.outer(scale, scale)
    target = moment / scale
    passive = alive.copy()
    solution = _solve_on(matrix, target, passive)
    while (wrong := passive & (solution < 0)).any():
        passive &= ~wrong  # all at once: quick, and a start from which the exact steps begin
        solution = _solve_on(matrix, target, passive)
    trial = solution
    for _ in range(3 * size + 10):
        wrong = passive & (trial < 0)
        if not wrong.any():
            solution = trial
            gradient = target - matrix @ solution
            waiting = alive & ~passive
            if not waiting.any() or float(gradient[waiting].max()) <= 1e-10:
                break
            passive[np.flatnonzero(waiting)[np.argmax(gradient[waiting])]] = True
            trial = _solve_on(matrix, target, passive)
            continue
        step_from, step_to = solution[wrong], trial[wrong]
        ratio = step_from / np.maximum(step_from - step_to, 1e-300)
        step = float(ratio.min())
        moved = solution + step * (trial - solution)
        moved[np.flatnonzero(wrong)[ratio <= step + 1e-15]] = 0.0
        solution = np.where(passive, moved, 0.0)
        passive &= solution > 0
        trial = _solve_on(matrix, target, passive)
    return np.maximum(solution, 0.0) / scale


def _solve_on(matrix: FloatArray, target: FloatArray, passive: BoolArray) -> FloatArray:
    result = np.zeros(len(target))
    index = np.flatnonzero(passive)
    if index.size:
        part = matrix[np.ix_(index, index)]
        try:
            result[index] = np.linalg.solve(part, target[index])
        except np.linalg.LinAlgError:
            result[index] = np.linalg.lstsq(part, target[index], rcond=None)[0]
    return result
