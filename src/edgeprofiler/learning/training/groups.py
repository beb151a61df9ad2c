"""Powers that stand for several neighbouring layers, shared out among them.

Attribution gives one power to neighbours that it cannot tell apart. As it stands, a pooling
layer would be learnt to draw what the convolution beside it draws. The energy of such a group is
measured. How it divides is taken from a plain model that is fitted to what was measured, groups
as groups: above idle, a layer's energy is a sum of one for its time, one for its arithmetic and
one for its traffic, so a group's energy is the same sum over its layers. Fitting shared powers
again would only confirm how they were shared at first.
"""

from __future__ import annotations

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray, IntArray
from edgeprofiler.learning.training.nnls import solve_nonnegative
from edgeprofiler.learning.training.select import TrainingTable
from edgeprofiler.prediction.features import FEATURES

_DOUBTFUL = 0.2
_QUANTITY = "power_above_idle_w"

_TERMS = (
    ("pointwise_s", "windowed_s", "padding_s"),
    ("depthwise_s",),
    ("read_s", "write_s", "weights_s"),
)
"""Ratings times that cost energy, beside the layer's own time: arithmetic with that of tiles
that the output does not fill, depthwise arithmetic, traffic. All kinds of layers have them in
common, because kinds that attribution merges most are hardly ever measured alone."""

_SPREAD = 0.25
"""Relative deviation of a layer's power from the plain model, for weights."""

_LEAST = 0.05
"""No layer is given less than this share of its group's power."""


def grouped(table: TrainingTable) -> BoolArray:
    """Return which rows share their measured power with neighbours."""
    known = table.data.text("known_by").tolist()
    return np.array([text.startswith("group:") for text in known], dtype=np.bool_)


def unjudged(table: TrainingTable) -> BoolArray:
    """Return rows whose measured power is no truth to compare with.

    It stands for several layers, or its own standard error is more than a fifth of it.
    """
    error = table.data.number("standard_error_w") / table.data.number(_QUANTITY)
    return np.asarray(grouped(table) | (error > _DOUBTFUL))


def judged_rows(table: TrainingTable) -> BoolArray:
    """Return the rows whose power predictions are compared with; all where none is a truth."""
    judged = ~unjudged(table)
    known = np.isfinite(table.data.number(_QUANTITY))
    return judged if bool((judged & known).any()) else np.ones(len(judged), np.bool_)


def share_out(table: TrainingTable) -> TrainingTable:
    """Return `table` with each group's energy above idle divided among its layers.

    The sum over a group stays what was measured. The standard error of a shared power grows by
    what the plain model may be wrong about it: much for a layer that makes little of its group,
    nothing for one that makes all of it. Rows that stand alone stay as they are.
    """
    measured = table.data.number(_QUANTITY)
    together = grouped(table) & np.isfinite(measured)
    if not together.any():
        return table
    time, error = table.data.number("runtime_s"), table.data.number("standard_error_w")
    owner = _owners(table, together)
    parts = _parts(table, time)
    known = np.isfinite(parts).all(axis=1) & np.isfinite(measured)
    guess = np.full(len(measured), np.nan)
    guess[known] = parts[known] @ _coefficients(
        parts[known], owner[known], time[known], measured[known], np.nan_to_num(error[known])
    )
    guess = np.maximum(guess / time, _LEAST * measured)
    part = together & known
    energy = np.where(part, time * guess, 0.0)
    wanted = np.bincount(owner[part], (time * measured)[part], len(owner))
    given = np.bincount(owner[part], energy[part], len(owner))
    factor = np.divide(wanted, given, out=np.ones(len(owner)), where=given > 0)
    power = np.where(part, guess * factor[owner], measured)
    square = np.bincount(owner, energy**2, len(owner))[owner]
    own = np.divide(energy**2, square, out=np.ones(len(owner)), where=square > 0)
    doubt = np.hypot(np.nan_to_num(error), _SPREAD * power * np.sqrt(1 - own))
    return TrainingTable(
        table.data.with_columns(
            **{_QUANTITY: power, "standard_error_w": np.where(part, doubt, error)}
        ),
        table.columns,
        table.features,
        table.usable,
    )


def _owners(table: TrainingTable, together: BoolArray) -> IntArray:
    """Return a number for each row, the same for the rows of one group."""
    data = table.data
    keys = [
        "\0".join(("group", *parts)) if mine else f"row\0{index}"
        for index, (mine, *parts) in enumerate(
            zip(
                together.tolist(),
                data.text("network").tolist(),
                data.text("source").tolist(),
                data.text("known_by").tolist(),
                strict=True,
            )
        )
    ]
    return np.asarray(np.unique(keys, return_inverse=True)[1], dtype=np.int64)


def _parts(table: TrainingTable, time: FloatArray) -> FloatArray:
    """Return seconds that cost energy, shape (rows, 1 + `len(_TERMS)`); the first are measured."""
    terms = [
        table.features[:, [FEATURES.index(name) for name in names]].sum(axis=1) for names in _TERMS
    ]
    return np.column_stack([time, *terms])


def _coefficients(
    parts: FloatArray, owner: IntArray, time: FloatArray, measured: FloatArray, error: FloatArray
) -> FloatArray:
    """Return watts of each part, none negative, fitted on relative error of energies."""
    _, place = np.unique(owner, return_inverse=True)
    length = np.bincount(place, time)
    power = np.bincount(place, time * measured) / length
    # deviations of layers from the plain model cancel in part where many are summed
    spread = _SPREAD**2 * np.bincount(place, time**2) / length**2
    doubt = np.bincount(place, time * error) / length
    sums = np.column_stack([np.bincount(place, column) for column in parts.T])
    weight = 1.0 / np.sqrt(spread + (doubt / power) ** 2)
    rows = sums / (length * power)[:, None] * weight[:, None]
    gram = rows.T @ rows
    gram[np.diag_indices_from(gram)] *= 1 + 1e-9
    return solve_nonnegative(gram, rows.T @ weight)
