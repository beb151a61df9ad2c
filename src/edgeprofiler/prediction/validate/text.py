"""A validation for people and for files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from edgeprofiler.core.plain import attributes
from edgeprofiler.core.quantity import Estimate, Quantity
from edgeprofiler.core.table import Column, Table, Words, tabulate
from edgeprofiler.prediction.accuracy import Figures
from edgeprofiler.prediction.calibration.measured import write_rows
from edgeprofiler.prediction.validate.validation import Compared, Validation

_UNITS = {"runtime": "ms", "power": "W"}
SCALE = {"runtime": (1e3, "ms"), "power": (1.0, "W above idle")}


def rows_of(validation: Validation) -> list[dict[str, object]]:
    """Return every comparison as a flat row, SI units in the names."""
    return [_row(compared) for compared in validation.compared]


def _row(c: Compared) -> dict[str, object]:
    unit = "s" if c.quantity == "runtime" else "w"
    return {
        **attributes(c.row, "device mode runtime network"),
        "input": "x".join(map(str, c.row.shape[1:])),
        "quantity": f"{c.quantity}_{unit}",
        **attributes(c, "measured predicted low high error inside"),
        "interval": c.kind,
        "set_aside": c.row.set_aside,
        "simulated": c.row.simulated,
    }


def to_csv(validation: Validation) -> str:
    """Return the comparisons as CSV."""
    return write_rows(rows_of(validation))


def document(validation: Validation) -> Mapping[str, Any]:
    """Return the comparisons and figures for a JSON file."""
    summary = {}
    for quantity in quantities(validation):
        coverage = validation.coverage(quantity)
        summary[quantity] = {
            "kept": _figures(validation.figures(quantity)),
            "every": _figures(validation.figures(quantity, every=True)),
            "coverage": {
                **attributes(coverage, "inside count"),
                "binomial_95": list(coverage.interval),
            },
        }
    return {
        "schema": "edgeprofiler.validation/1",
        "left_out": validation.left_out or None,
        "confidence": validation.confidence,
        "warnings": list(validation.warnings),
        "summary": summary,
        "rows": rows_of(validation),
        "skipped": [
            {**attributes(row, "device network"), "lacks": lacks}
            for row, lacks in validation.skipped
        ],
    }


def _figures(found: Figures) -> dict[str, float | None]:
    return {"rows": found.rows, **found.as_dict()}


def validation_table(validation: Validation) -> Table:
    """Return every measured number beside its prediction."""
    note = "* set aside. Power is above idle. In: whether the interval holds the measured number."

    def predicted(c: Compared) -> Quantity:
        return Quantity(Estimate(c.predicted, c.low, c.high), _UNITS[c.quantity])

    def network(c: Compared) -> str:
        size = f" {c.row.shape[-1]}" if c.row.shape else ""
        return f"{c.row.network}{size}{'*' if c.row.set_aside else ''}"

    return tabulate("", validation.compared, (
        (Column("board"), lambda c: c.row.device.removeprefix("jetson-")),
        (Column("host", rank=1), lambda c: c.row.runtime),
        (Column("network", kind="name"), network),
        (
            Column("measured", kind="quantity"),
            lambda c: Quantity(Estimate(c.measured), _UNITS[c.quantity]),
        ),
        (Column("predicted", kind="quantity"), predicted),
        (Column("error", "%", "signed"), lambda c: c.error),
        (Column("interval", kind="interval"), predicted),
        (Column("in"), lambda c: Words("yes", "good") if c.inside else Words("no", "doubt")),
    ), (note,))  # fmt: skip


def quantities(validation: Validation) -> list[str]:
    """Return which quantities were compared."""
    return [q for q in SCALE if validation.chosen(q, every=True)]


def summary_lines(validation: Validation) -> list[str]:
    """Return the figures as sentences."""
    lines = []
    for quantity in quantities(validation):
        kept, every = validation.figures(quantity), validation.figures(quantity, every=True)
        lines.append(f"{quantity}, {kept}")
        if every.rows != kept.rows:
            lines.append(f"{quantity}, with rows set aside, {every}")
        lines.append(
            f"{quantity}, {100 * validation.confidence:.0f} % intervals hold "
            f"{validation.coverage(quantity)}"
        )
    counts = Counter(lacks for _, lacks in validation.skipped)
    lines += [f"{count} rows without {lacks} were skipped" for lacks, count in counts.items()]
    return lines
