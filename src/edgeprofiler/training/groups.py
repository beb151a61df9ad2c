"""Powers that stand for several neighbouring layers, shared out among them.

Attribution gives one power to neighbours that it cannot tell apart. As it stands, a pooling
layer would be learnt to draw what the convolution beside it draws. The energy of such a group is
measured; how it divides is taken from a plain model of the layers, twice over.
"""

from __future__ import annotations

import numpy as np

from edgeprofiler import plugins
from edgeprofiler.dataset.features import FEATURES
from edgeprofiler.network import KINDS, BoolArray, FloatArray
from edgeprofiler.training.select import Table

ROUNDS = 2
_ENOUGH = 8
_DOUBTFUL = 0.2
_QUANTITY = "power_above_idle_w"


def grouped(table: Table) -> BoolArray:
    """Return which rows share their measured power with neighbours."""
    known = table.data.text("known_by").tolist()
    return np.array([text.startswith("group:") for text in known], dtype=np.bool_)


def unjudged(table: Table) -> BoolArray:
    """Return rows whose measured power is no truth to compare with.

    It stands for several layers, or its own standard error is more than a fifth of it.
    """
    error = table.data.number("standard_error_w") / table.data.number(_QUANTITY)
    return np.asarray(grouped(table) | (error > _DOUBTFUL))


def share_out(table: Table, seed: int = 0) -> Table:
    """Return `table` with each group's energy above idle divided among its layers.

    The sum over a group stays what was measured. Rows that stand alone stay as they are.
    """
    together = grouped(table) & np.isfinite(table.data.number(_QUANTITY))
    if not together.any():
        return table
    measured = table.data.number(_QUANTITY)
    time = table.data.number("runtime_s")
    owner = _owners(table, together)
    power = measured.copy()
    for round_ in range(ROUNDS):
        alone = np.isfinite(measured) & (~together if round_ == 0 else True)
        guess = _plain_model(table, power, alone, seed)
        known = np.isfinite(guess)
        part = together & known
        count = int(owner.max()) + 1
        wanted = np.bincount(owner[part], (time * measured)[part], count)
        given = np.bincount(owner[part], (time * guess)[part], count)
        factor = np.divide(wanted, given, out=np.ones(count), where=given > 0)
        power = np.where(part, guess * factor[owner], measured)
    return Table(
        table.data.with_columns(**{_QUANTITY: power}), table.columns, table.features, table.usable
    )


def _owners(table: Table, together: BoolArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    data = table.data
    keys = [
        "\0".join(parts) if mine else ""
        for mine, *parts in zip(
            together.tolist(),
            data.text("network").tolist(),
            data.text("source").tolist(),
            data.text("known_by").tolist(),
            strict=True,
        )
    ]
    return np.asarray(np.unique(keys, return_inverse=True)[1], dtype=np.int64)


def _plain_model(table: Table, power: FloatArray, alone: BoolArray, seed: int) -> FloatArray:
    """Prior and ridge of the recipe `hybrid` without its trees, for every kind of layer."""
    recipe = plugins.load("recipes", "hybrid")
    guess = np.full(len(power), np.nan)
    kinds = table.data.text("kind")
    for kind in KINDS:
        own = table.usable & (kinds == kind)
        rows = own & alone
        if int(rows.sum()) < _ENOUGH:
            rows = own & np.isfinite(power)
        if int(rows.sum()) < _ENOUGH:
            continue
        model = recipe(kind, _QUANTITY, FEATURES, seed, trees=0)
        error = np.nan_to_num(table.data.number("standard_error_w")[rows]) / power[rows]
        model.fit(table.features[rows], power[rows], sample_weight=1.0 / (0.05**2 + error**2))
        guess[own] = model.predict(table.features[own])
    return guess
