"""Comparisons, advice and findings as the tables that a page shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeprofiler.core.profile import Estimate
from edgeprofiler.core.units import engineering
from edgeprofiler.decision.compare.difference import Comparison
from edgeprofiler.views.names import short_name
from edgeprofiler.views.reports.view import Cell, Column, Row, Table

_LARGEST = 200
_VERDICTS = {
    "less": "B needs less",
    "more": "B needs more",
    "same": "the same",
    "undecided": "not decided: the interval spans zero",
}


@dataclass(frozen=True)
class Difference:
    """One number of two profiles."""

    label: str
    a: str
    b: str
    change: str
    interval: str
    verdict: str
    words: str


def differences(found: Comparison) -> tuple[Difference, ...]:
    """Return the totals of two profiles and what changes from one to the other."""
    a, b = found.a.totals, found.b.totals
    per_image = [p.totals.energy_j.value / p.network.batch for p in (found.a, found.b)]
    image = Difference(
        "Energy an image", engineering(per_image[0], "J"), engineering(per_image[1], "J"),
        _signed(per_image[1] - per_image[0], "J"), "", "", "",
    )  # fmt: skip
    power = Difference(
        "Power, idle included", *_both(a.power_w, b.power_w, "W"),
        _signed(b.power_w.value - a.power_w.value, "W"), "", "", "",
    )  # fmt: skip
    return (
        _difference("Energy of one inference", a.energy_j, b.energy_j, found.energy_j,
                    "J", found.energy_verdict),
        _difference("End to end", a.end_to_end_s, b.end_to_end_s, found.runtime_s,
                    "s", found.runtime_verdict),
        power,
        image,
    )  # fmt: skip


def change_table(found: Comparison) -> Table:
    """Return the layers that differ, those that change energy most first."""
    rows = tuple(
        Row(
            (
                Cell(short_name(change.name, 44), title=change.name),
                Cell(change.pair.status),
                Cell(_signed(change.energy_j, "J"), key=_key(change.energy_j)),
                Cell(_signed(change.runtime_s, "s"), key=_key(change.runtime_s)),
            ),
            group=change.pair.status,
        )
        for change in found.largest(_LARGEST)
    )
    columns = (
        Column("layer"),
        Column("change"),
        Column("energy", numeric=True),
        Column("time", numeric=True),
    )
    return Table("Layers that change energy most, B minus A", columns, rows)


def advice_table(caption: str, changes: list[Mapping[str, Any]]) -> Table:
    """Return changes of a document of advice as a table."""
    columns = (
        Column("change"),
        Column("kind"),
        Column("saves, mJ an image", numeric=True),
        Column("interval, mJ", numeric=True),
        Column("saves, ms", numeric=True),
        Column("asks of accuracy"),
    )
    rows = []
    for change in changes:
        saved, low, high = (
            change[f"saved_energy_per_image_j{end}"] for end in ("", "_low", "_high")
        )
        rows.append(
            Row(
                (
                    Cell(change["text"]),
                    Cell(change["kind"]),
                    Cell(_three(saved * 1e3), key=_key(saved)),
                    Cell(f"{_three(low * 1e3)} to {_three(high * 1e3)}", key=_key(high)),
                    Cell(_three(change["saved_end_to_end_s"] * 1e3)),
                    Cell(change["accuracy_risk"]),
                ),
                group=change["kind"],
            )
        )
    return Table(caption, columns, tuple(rows))


def finding_table(document: Mapping[str, Any]) -> Table:
    """Return the findings on a recording as a table."""
    columns = (Column("what"), Column("verdict"), Column("finding"), Column("what to do"))
    rows = tuple(
        Row(
            tuple(Cell(str(check[key])) for key in ("name", "level", "finding", "remedy")),
            marked=check["level"] in ("bad", "doubtful"),
        )
        for check in document["checks"]
    )
    return Table("Findings", columns, rows)


def recording_facts(document: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what is known of a recording, as terms and texts."""
    duration = document["duration_s"]
    return (
        ("Started", document["started_utc"] or "-"),
        ("Complete", "yes" if document["complete"] else "no"),
        ("Runs", f"{document['runs']}, each of {document['layers']} layers"),
        ("Power samples", str(document["samples"])),
        ("Power recorded for", engineering(duration, "s")),
        *(
            (key.replace("_", " ").capitalize(), text)
            for key, text in document["device"].items()
            if text
        ),
    )


def _difference(
    label: str, a: Estimate, b: Estimate, change: Estimate, unit: str, verdict: str
) -> Difference:
    percent = f" ({100 * change.value / a.value:+.1f} %)" if a.value else ""
    interval = ""
    if math.isfinite(change.low):
        interval = f"{_signed(change.low, unit)} to {_signed(change.high, unit)}"
    return Difference(
        label, *_both(a, b, unit), _signed(change.value, unit) + percent, interval, verdict,
        _VERDICTS[verdict],
    )  # fmt: skip


def _both(a: Estimate, b: Estimate, unit: str) -> tuple[str, str]:
    return engineering(a.value, unit), engineering(b.value, unit)


def _signed(value: float, unit: str) -> str:
    return ("+" if value > 0 else "") + engineering(value, unit)


def _three(value: float) -> str:
    return f"{value:.3g}"


def _key(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
