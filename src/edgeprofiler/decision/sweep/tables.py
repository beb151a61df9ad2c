"""A sweep as a table."""

from __future__ import annotations

from functools import partial

import numpy as np

from edgeprofiler.core.device.tables import CLOCK_COLUMNS
from edgeprofiler.core.profile.doubt import warning_words
from edgeprofiler.core.profile.rate import keeping_up
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.core.table import Column, Table, Words, tabulate
from edgeprofiler.decision.sweep.result import Sweep


def sweep_table(result: Sweep, most: int, confidence: float) -> Table:
    """Return the Pareto front by energy an image, then the rest; `most` rows of them."""
    if not len(result):
        words = f"None of {result.left_out:,} combinations meets the condition."
        return Table(result.title, (), (), (Words(words, "bad"),))
    boards, swept = result.boards, result.swept
    several = len(set(boards)) > 1
    order: list[int] = np.lexsort((result.energy_per_image_j, ~result.pareto)).tolist()[:most]

    def read(name: str, i: int) -> Estimate:
        return Estimate(*(float(getattr(result, name + end)[i]) for end in ("", "_low", "_high")))

    def keeps_up(i: int) -> str:
        speed, rate = read("images_hz", i), result.rate_hz or 0.0
        return keeping_up(speed.inverse(rate))

    def clock(axis: str, i: int) -> float | int | None:
        return result.clocks[i].value(axis)

    where = "" if several else f" on {boards[0]}"
    left = result.count - len(order)
    several_networks = len(set(result.network)) > 1
    more = (f"... {left:,} more (`rows`, `csv`, `parquet`, `output`)",) if left else ()
    front = (
        f"* on the Pareto front of energy an image (idle included) and latency: "
        f"{int(result.pareto.sum())} of them. End to end, with {confidence:.0%} intervals."
    )
    kept = "" if result.where is None else f" of {result.count + result.left_out:,}"
    title = f"{result.title}{where}: {result.count:,}{kept} combinations"
    notes: list[str | Words] = [*more, front]
    least = float(result.covered_bytes.min())
    if least < 1:
        notes.append(f"Layers without a cost are left out; they move up to {1 - least:.1%} of the "
                     "bytes.")  # fmt: skip
    if result.where is not None:
        notes.append(f"Where {result.where.text}, by the values; intervals may reach beyond.")
    notes += warning_words(result.warnings)
    if result.refused:
        refused = f"{result.refused:,} combinations cannot be predicted"
        notes.append(f"{refused}; {result.failures[0]}")
    power = "power_w" if result.rate_hz is None else "power_at_rate_w"
    pace = "" if result.rate_hz is None else f" at {result.rate_hz:g}/s"
    rate = ((Column("keeps up"), keeps_up),) if result.rate_hz is not None else ()
    table = tabulate(title, order, (
        (Column("best"), lambda i: "*" if result.pareto[i] else ""),
        (Column("network", kind="name"), lambda i: result.network[i]),
        (Column("device"), lambda i: boards[i]),
        *((CLOCK_COLUMNS[axis], partial(clock, axis)) for axis in swept),
        (Column("input"), lambda i: result.resolution[i]),
        (Column("type"), lambda i: result.precision[i]),
        (Column("batch", kind="count"), lambda i: int(result.batch[i])),
        (Column("end to end", "ms", "estimate"), partial(read, "end_to_end_s")),
        (Column("interval", "ms", "interval", rank=3), partial(read, "end_to_end_s")),
        (Column("images", "/s", "number", rank=2), lambda i: float(result.images_hz[i])),
        *rate,
        (Column(f"power{pace}", "W", "estimate"), partial(read, power)),
        (Column("interval", "W", "interval", rank=4), partial(read, power)),
        (Column("memory", "MiB", "number", rank=5), lambda i: float(result.memory_bytes[i])),
        (Column("energy an image", "mJ", "number"), lambda i: float(result.energy_per_image_j[i])),
    ), notes)  # fmt: skip
    table = table if several else table.without("device")
    return table if several_networks else table.without("network")
