"""A sweep as a table."""

from __future__ import annotations

from functools import partial

import numpy as np

from edgeprofiler.core.device.tables import CLOCK_COLUMNS
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.core.table import Column, Table, tabulate
from edgeprofiler.decision.sweep.result import Sweep


def sweep_table(result: Sweep, most: int, confidence: float) -> Table:
    """Return the Pareto front by energy an image, then the rest; `most` rows of them."""
    boards, swept = result.boards, result.swept
    several = len(set(boards)) > 1
    order: list[int] = np.lexsort((result.energy_per_image_j, ~result.pareto)).tolist()[:most]

    def latency(i: int) -> Estimate:
        ends = (result.end_to_end_s, result.end_to_end_s_low, result.end_to_end_s_high)
        return Estimate(*(float(values[i]) for values in ends))

    def clock(axis: str, i: int) -> float | int | None:
        return result.clocks[i].value(axis)

    where = "" if several else f" on {boards[0]}"
    left = len(result) - len(order)
    more = (f"... {left:,} more (`rows`, `csv`, `parquet`)",) if left else ()
    front = (
        f"* on the Pareto front of energy an image (idle included) and latency: "
        f"{int(result.pareto.sum())} of them. End to end, with {confidence:.0%} intervals."
    )
    title = f"{result.network}{where}: {len(result):,} combinations"
    table = tabulate(title, order, (
        (Column("best"), lambda i: "*" if result.pareto[i] else ""),
        (Column("device"), lambda i: boards[i]),
        *((CLOCK_COLUMNS[axis], partial(clock, axis)) for axis in swept),
        (Column("input"), lambda i: result.resolution[i]),
        (Column("type"), lambda i: result.precision[i]),
        (Column("batch", kind="count"), lambda i: int(result.batch[i])),
        (Column("end to end", "ms", "estimate"), latency),
        (Column("interval", "ms", "interval"), latency),
        (Column("energy an image", "mJ", "number"), lambda i: float(result.energy_per_image_j[i])),
    ), (*more, front))  # fmt: skip
    return table if several else table.without("device")
