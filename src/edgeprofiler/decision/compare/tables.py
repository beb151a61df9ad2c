"""Profiles beside each other in words and tables: the same for terminal, page and files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from edgeprofiler.core.profile import Profile, Totals
from edgeprofiler.core.profile.doubt import warning_words
from edgeprofiler.core.profile.words import cautions
from edgeprofiler.core.quantity import Difference, Estimate, Quantity
from edgeprofiler.core.table import Column, Field, Line, Table, Tone, Words, row, tabulate
from edgeprofiler.decision.compare.difference import Comparison

PAIRED = "Errors that both share cancel, so only layers that differ add to the interval."
UNPAIRED = (
    "Device, precision, batch, predictor or origin differ, so a verdict needs the intervals of "
    "both totals to separate."
)
_TONES: dict[str, Tone] = {"less": "good", "more": "bad", "same": "quiet", "undecided": "doubt"}


def letter(number: int) -> str:
    """Return what a profile is called beside others: A, B, ..., Z, 27, ..."""
    return chr(ord("A") + number) if number < 26 else str(number + 1)


def labels(names: Sequence[str]) -> tuple[str, ...]:
    """Return names behind their letters."""
    return tuple(f"{letter(number)}: {name}" for number, name in enumerate(names))


def side_by_side(profiles: Sequence[Profile], names: Sequence[str]) -> Table:
    """Return the totals of several profiles, a row each; the notes say which is which."""
    return tabulate("Totals of one inference", enumerate(p.totals for p in profiles), (
        (Column("profile"), lambda item: Words(letter(item[0]), whole=names[item[0]])),
        (Column("energy", "mJ", "estimate"), lambda item: item[1].energy_j),
        (Column("low to high", "mJ", "interval"), lambda item: item[1].energy_j),
        (Column("end to end", "ms", "estimate"), lambda item: item[1].end_to_end_s),
        (Column("low to high", "ms", "interval"), lambda item: item[1].end_to_end_s),
        (Column("power", "W", "estimate"), lambda item: item[1].power_w),
        (Column("low to high", "W", "interval", rank=2), lambda item: item[1].power_w),
        *_rate_columns(profiles),
    ), (*labels(names), *_doubts(profiles)))  # fmt: skip


def _rate_columns(profiles: Sequence[Profile]) -> tuple[Field[tuple[int, Totals]], ...]:
    """Return what profiles cost at the rate that is asked of all of them, if one is."""
    there = [profile.at_rate for profile in profiles]
    known = [each for each in there if each is not None]
    if len(known) < len(there):
        return ()
    return (
        (Column(f"power at {known[0].rate_hz:g}/s", "W", "estimate"),
         lambda item: known[item[0]].power_w),
        (Column("keeps up"), lambda item: known[item[0]].keeps_up),
    )  # fmt: skip


def _doubts(profiles: Sequence[Profile]) -> tuple[Words, ...]:
    """Return the warnings of profiles, those that not all have behind their letters."""
    found: dict[str, list[str]] = {}
    for number, profile in enumerate(profiles):
        for text in cautions(profile):
            found.setdefault(text, []).append(letter(number))
    return warning_words(
        text if len(whose) == len(profiles) else f"{', '.join(whose)}: {text}"
        for text, whose in found.items()
    )


def comparison_table(comparison: Comparison, second: str = "B", first: str = "A") -> Table:
    """Return what `second` needs beside `first`, and whether it is sure that it needs less."""
    a, b = comparison.a, comparison.b

    def line(label: str, one: Estimate, two: Estimate, found: Difference, verdict: str) -> Line:
        unit = found.unit
        return row(
            label, Quantity(one, unit), Quantity(two, unit), found, found,
            Words(_verdict(found, second) if verdict else "", _TONES[found.verdict]),
        )  # fmt: skip

    image_a, image_b = (p.totals.energy_j.scaled(1 / p.network.batch) for p in (a, b))
    rows = (
        line("Energy of one inference", a.totals.energy_j, b.totals.energy_j,
             comparison.energy, "verdict"),
        line("Time, end to end", a.totals.end_to_end_s, b.totals.end_to_end_s,
             comparison.runtime, "verdict"),
        line("Average power", a.totals.power_w, b.totals.power_w,
             _without_interval(a.totals.power_w, b.totals.power_w, "W"), ""),
        line("Energy an image", image_a, image_b, _without_interval(image_a, image_b, "J"), ""),
        *(
            line(f"Power at {one.rate_hz:g} images/s", one.power_w, two.power_w,
                 _without_interval(one.power_w, two.power_w, "W"), "")
            for one, two in [(a.at_rate, b.at_rate)] if one and two
        ),
    )  # fmt: skip
    columns = (
        Column("one inference"),
        Column(first, kind="quantity", rank=2),
        Column(second, kind="quantity", rank=1),
        Column(f"{second} minus {first}", kind="quantity"),
        Column("interval", kind="interval"),
        Column("verdict"),
    )
    found = Counter(change.pair.status for change in comparison.changes)
    counts = ", ".join(f"{count} {status}" for status, count in found.items())
    moved = "" if comparison.largest(1) else " No layer's cost changed."
    note = f"Layers: {counts}.{moved} {PAIRED if comparison.paired else UNPAIRED}"
    return Table(f"{second} against {first}", columns, rows, (note,))


def changes_table(comparison: Comparison, most: int) -> Table:
    """Return the layers that change energy most, the largest change first."""
    return tabulate("Layers that change energy most", comparison.largest(most), (
        (Column("layer", kind="name"), lambda change: change.name),
        (Column("what"), lambda change: change.pair.status),
        (Column("time", "ms", "signed"), lambda change: change.runtime_s),
        (Column("energy", "mJ", "signed"), lambda change: change.energy_j),
    ), group=lambda change: change.pair.status)  # fmt: skip


def sentence(comparison: Comparison) -> str:
    """Return a comparison in one line."""
    return f"energy {_phrase(comparison.energy)}; time, end to end, {_phrase(comparison.runtime)}"


def _phrase(found: Difference) -> str:
    if found.verdict == "same" or not found.estimate.known:
        return found.words
    interval = f", interval {found.interval}" if found.interval else ""
    return f"{found.words}{interval}: {found.verdict}"


def _verdict(found: Difference, second: str) -> str:
    if found.verdict == "undecided":
        return "undecided: the interval spans zero" if found.interval else "undecided"
    return found.words if found.verdict == "same" else f"{second} needs {found.verdict}"


def _without_interval(a: Estimate, b: Estimate, unit: str) -> Difference:
    """A difference that is sure only where there is none."""
    value = b.value - a.value
    ends = (0.0, 0.0) if value == 0 else (math.nan, math.nan)
    return Difference(Estimate(value, *ends), a.value, unit)
