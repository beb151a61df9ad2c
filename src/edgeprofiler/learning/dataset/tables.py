"""What a data set holds, as tables."""

from __future__ import annotations

from edgeprofiler.core.network import KINDS
from edgeprofiler.core.table import Column, Table, row, tabulate
from edgeprofiler.learning.dataset.describe import Description


def count_table(found: Description) -> Table:
    """Return the layers of each network by kind."""
    columns = (Column("network", kind="name"), *(Column(kind, kind="count") for kind in KINDS))
    rows = [row(name, *(counts[kind] for kind in KINDS)) for name, counts in found.counts.items()]
    sums = (sum(counts[kind] for counts in found.counts.values()) for kind in KINDS)
    rows.append(row("all", *sums, tone="strong"))
    boards = ", ".join(found.devices)
    title = f"{found.rows} layers of {len(found.counts)} networks on {boards}"
    return Table(title, columns, tuple(rows))


def range_table(found: Description) -> Table:
    """Return how far each quantity reaches by kind of layer; the notes say what to doubt."""
    lines = [
        (kind, name, values)
        for kind, quantities in found.ranges.items()
        for name, values in quantities.items()
    ]
    return tabulate("", lines, (
        (Column("kind"), lambda line: line[0]),
        (Column("quantity"), lambda line: line[1]),
        (Column("least", kind="number"), lambda line: line[2][0]),
        (Column("median", kind="number"), lambda line: line[2][1]),
        (Column("largest", kind="number"), lambda line: line[2][2]),
    ), _doubts(found))  # fmt: skip


def _doubts(found: Description) -> tuple[str, ...]:
    twins = (
        f"{found.repeated} rows repeat a configuration within their network; {found.twins} have a "
        "twin in another network, so that a random split would leak them (networks are split "
        "whole)"
    )
    lines = [twins]
    if found.few_samples:
        lines.append(
            f"{found.few_samples} rows rest on fewer than {found.min_samples} sensor conversions: "
            "they train runtime only"
        )
    if found.samples_unknown:
        lines.append(f"{found.samples_unknown} rows do not say how many conversions they rest on")
    if found.constant_power:
        lines.append(
            "one power for the whole network (no layer tells anything): "
            + ", ".join(found.constant_power)
        )
    if found.without_power:
        lines.append("no power measured: " + ", ".join(found.without_power))
    if found.unknown_macs:
        lines.append(f"{found.unknown_macs} rows with unknown MACs: not trained on")
    if found.simulated:
        lines.append(f"{found.simulated} rows are simulated")
    lines.extend(f"marked {mark}: {count} rows" for mark, count in found.marks.items())
    return tuple(lines)
