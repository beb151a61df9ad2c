"""`edgeprofiler compare`: networks, devices or saved profiles side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.core.profile import Estimate, Profile
    from edgeprofiler.decision.compare import Comparison


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def compare(
        models: Annotated[
            list[str],
            typer.Argument(metavar="A [B...]", help="Models, or saved profiles' JSON."),
        ],
        device: common.DevicesOption = None,
        precision: Annotated[
            list[str] | None, typer.Option(metavar="fp32|fp16|int8", help="One or several.")
        ] = None,
        batch: Annotated[
            list[int] | None, typer.Option("--batch", "-b", min=1, help="One or several.")
        ] = None,
        resolution: Annotated[
            list[int] | None,
            typer.Option(min=1, help="Height and width of a square input; one or several."),
        ] = None,
        runtime: common.RuntimeOption = None,
        shape: common.ShapeOption = None,
        confidence: common.ConfidenceOption = 0.9,
        predictor: common.PredictorOption = None,
        front_end: common.FrontEndOption = None,
        layers: Annotated[int, typer.Option(min=0, help="Changed layers to show.")] = 10,
        json: common.JsonOption = None,
    ) -> None:
        """Compare everything named with the first: totals, difference, and where it comes from."""
        from itertools import product

        from edgeprofiler.core.errors import UsageError
        from edgeprofiler.core.files import dump_json
        from edgeprofiler.core.profile.document import is_profile
        from edgeprofiler.decision.compare import compare as difference
        from edgeprofiler.decision.summary import comparison_document
        from edgeprofiler.prediction.predict import profile_of
        from edgeprofiler.reading.read import input_shapes

        screen = common.results_console(json)
        if resolution and shape:
            raise UsageError("give --resolution or --shape, not both")
        saved = [is_profile(model) for model in models]
        if all(saved):
            common.refuse_changes(
                device, runtime, precision, batch, resolution, shape, front_end, predictor
            )
        devices: list[str | None] = list(device or [])
        if not devices and not all(saved):
            devices = [common.device_asked(None, predictor)]
        precisions: list[str | None] = [*precision] if precision else [None]
        batches: list[int | None] = [*batch] if batch else [None]
        sizes: list[int | None] = [*resolution] if resolution else [None]
        shapes = common.parse_shapes(shape)
        rows: list[tuple[str, Profile]] = []
        for model, is_saved in zip(models, saved, strict=True):
            if is_saved:
                rows.append((model, profile_of(model)))
                continue
            for where, kind, images, size in product(devices, precisions, batches, sizes):
                asked = shapes if size is None else input_shapes(model, size, front_end)
                profile = profile_of(
                    model,
                    where,
                    runtime=runtime,
                    precision=kind,
                    batch=images,
                    shapes=asked,
                    front_end=front_end,
                    confidence=confidence,
                    predictor=predictor,
                )
                rows.append((_label(profile, size), profile))
        if len(rows) < 2:
            raise UsageError("compare needs two: name another model, device, precision or batch")
        first = rows[0][1]
        comparisons = [difference(first, profile) for _, profile in rows[1:]]
        if json is not None:
            document = {
                "schema": "edgeprofiler.compare/1",
                "profiles": [label for label, _ in rows],
                "comparisons": [comparison_document(c) for c in comparisons],
            }
            common.emit_json(dump_json(document), json)
        _print(screen, rows, comparisons, layers)


def _label(profile: Profile, size: int | None) -> str:
    parts = [profile.network.name, f"{profile.device.name}@{profile.device.mode}"]
    parts += [profile.network.precision, f"batch {profile.network.batch}"]
    if size is not None:
        parts.append(f"{size} px")
    return ", ".join(parts)


def _print(
    screen: Console,
    rows: list[tuple[str, Profile]],
    comparisons: list[Comparison],
    count: int,
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
