"""`edgeprofiler compare`: networks, devices or saved profiles side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.core.profile import Estimate, Profile
    from edgeprofiler.decision.compare import Comparison


@asking(several=True)
def compare(
    models: common.SubjectsArgument,
    asked: dict[str, Any],
    layers: Annotated[
        int, common.option("N", "Changed layers to show.", shows_default=True, min=0)
    ] = 10,
    json: common.JsonOption = None,
) -> None:
    """Compare everything named with the first: totals, difference, and where it comes from."""
    import edgeprofiler

    screen = common.results_console(json)
    found = edgeprofiler.compare(*models, **asked)
    common.write_json(json, found.document)
    rows = [(answer.label, answer.profile) for answer in found.answers]
    _print(screen, rows, list(found.comparisons), layers)


def _print(
    screen: Console, rows: list[tuple[str, Profile]], comparisons: list[Comparison], count: int
) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in ("end to end", "energy", "power", "energy an image"):
        table.add_column(heading, justify="right")
    for number, (label, profile) in enumerate(rows):
        totals = profile.totals
        screen.print(f"[bold]{_letter(number)}[/bold]  {escape(label)}")
        table.add_row(
            _letter(number),
            _interval(totals.end_to_end_s, "s"),
            _interval(totals.energy_j, "J"),
            _interval(totals.power_w, "W"),
            _value(totals.energy_j.value / profile.network.batch, "J"),
        )
    screen.print()
    screen.print(table)
    for number, comparison in enumerate(comparisons, start=1):
        base = comparison.a.totals
        energy = _change(comparison.energy_j, base.energy_j, "J", comparison.energy_verdict)
        runtime = _change(comparison.runtime_s, base.end_to_end_s, "s", comparison.runtime_verdict)
        screen.print()
        screen.print(
            f"[bold]{_letter(number)} against A[/bold]: energy {energy}; end to end {runtime}"
        )
        _print_layers(screen, comparison, count)
    if any(not comparison.paired for comparison in comparisons):
        screen.print(
            "\nWhere device, precision, batch, predictor or origin differ, a verdict needs the "
            "intervals of both totals to separate.",
            style="dim",
        )


def _print_layers(screen: Console, comparison: Comparison, count: int) -> None:
    from collections import Counter

    from rich.table import Table
    from rich.text import Text

    from edgeprofiler.views.names import short_name

    found = Counter(change.pair.status for change in comparison.changes)
    screen.print("   layers: " + ", ".join(f"{n} {status}" for status, n in found.items()))
    largest = comparison.largest(count)
    if not largest:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 3))
    table.add_column("layer", no_wrap=True)
    table.add_column("")
    table.add_column("energy", justify="right")
    table.add_column("time", justify="right")
    for change in largest:
        table.add_row(
            Text(short_name(change.name, 40)),
            change.pair.status,
            _signed(change.energy_j, "J"),
            _signed(change.runtime_s, "s"),
        )
    screen.print(table)


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else str(number + 1)


def _value(value: float, unit: str) -> str:
    from edgeprofiler.core.units import engineering

    return engineering(value, unit)


def _signed(value: float, unit: str) -> str:
    return ("+" if value > 0 else "") + _value(value, unit)


def _interval(estimate: Estimate, unit: str) -> str:
    import math

    if math.isnan(estimate.low):
        return _value(estimate.value, unit)
    low, high = _value(estimate.low, unit), _value(estimate.high, unit)
    return f"{_value(estimate.value, unit)}\n{low} to {high}"


def _change(difference: Estimate, base: Estimate, unit: str, verdict: str) -> str:
    import math

    if verdict == "same":
        return "the same"
    if not difference.known:
        return "unknown"
    percent = 100 * difference.value / base.value if base.value else math.nan
    return f"{_signed(difference.value, unit)} ({percent:+.1f} %), {verdict}"
