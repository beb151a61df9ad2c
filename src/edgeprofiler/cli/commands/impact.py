"""`edgeprofiler impact`: battery life, and energy, CO2e and cost of a fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.core.profile import Estimate, Profile
    from edgeprofiler.decision.impact import Impact


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def impact(
        model: Annotated[
            str,
            typer.Argument(metavar="MODEL|PROFILE", help="A model, or a saved profile's JSON."),
        ],
        device: common.DeviceOption = None,
        runtime: common.RuntimeOption = None,
        precision: common.PrecisionOption = None,
        batch: common.BatchOption = None,
        shape: common.ShapeOption = None,
        confidence: common.ConfidenceOption = 0.9,
        predictor: common.PredictorOption = None,
        front_end: common.FrontEndOption = None,
        rate: Annotated[
            str | None, typer.Option(help="Inferences while working: 10/s, 30/min. Default: all.")
        ] = None,
        duty: Annotated[str, typer.Option(help="Time at work: 12h/day, 20min/h, 50%.")] = "24h/day",
        off_power: Annotated[
            float, typer.Option("--off-power", min=0.0, help="Watts while not at work.")
        ] = 0.0,
        battery: Annotated[str | None, typer.Option(help="50Wh, or 5000mAh@3.7V.")] = None,
        fleet: Annotated[int, typer.Option(min=1, help="Number of devices.")] = 1,
        intensity: Annotated[str | None, typer.Option(help="CO2e: '220 g/kWh'.")] = None,
        price: Annotated[str | None, typer.Option(help="Of energy: '0.30 EUR/kWh'.")] = None,
        json: common.JsonOption = None,
    ) -> None:
        """Say what a network's energy means: battery life, a fleet's energy, CO2e and cost."""
        from edgeprofiler.core.profile.document import is_profile
        from edgeprofiler.decision.impact import (
            Assumptions,
            assess,
            parse_battery,
            parse_duty,
            parse_intensity,
            parse_price,
            parse_rate,
        )
        from edgeprofiler.prediction.predict import profile_of

        screen = common.results_console(json)
        per_joule, currency = (None, "") if price is None else parse_price(price)
        assumptions = Assumptions(
            duty=parse_duty(duty),
            rate_per_s=None if rate is None else parse_rate(rate),
            off_duty_power_w=off_power,
            battery_j=None if battery is None else parse_battery(battery),
            fleet=fleet,
            intensity_g_per_j=None if intensity is None else parse_intensity(intensity),
            price_per_j=per_joule,
            currency=currency,
        )
        profile = profile_of(
            model,
            device if is_profile(model) else common.device_asked(device, predictor),
            runtime=runtime,
            precision=precision,
            batch=batch,
            shapes=common.parse_shapes(shape),
            front_end=front_end,
            confidence=confidence,
            predictor=predictor,
        )
        result = assess(profile, assumptions)
        if json is not None:
            from edgeprofiler.core.files import dump_json

            common.emit_json(dump_json(_document(profile, result)), json)
        _print(screen, profile, result)


def _estimate(name: str, estimate: Estimate | None) -> dict[str, Any]:
    import math

    if estimate is None:
        return {}
    values = {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return {key: value if math.isfinite(value) else None for key, value in values.items()}


def _document(profile: Profile, result: Impact) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "schema": "edgeprofiler.impact/1",
        "network": profile.network.name,
        "device": {"name": profile.device.name, "mode": profile.device.mode},
        "origin": profile.origin.kind,
        "assumptions": asdict(result.assumptions)
        | {"rate_per_s": result.rate_per_s, "idle_power_w": profile.idle_power_w},
        **_estimate("power_w", result.power_w),
        **_estimate("battery_life_s", result.battery_life_s),
        **_estimate("fleet_energy_j_per_year", result.fleet_energy_j_per_year),
        **_estimate("fleet_co2e_g_per_year", result.fleet_co2e_g_per_year),
        **_estimate("fleet_cost_per_year", result.fleet_cost_per_year),
    }


def _print(screen: Console, profile: Profile, result: Impact) -> None:
    from rich.markup import escape
    from rich.table import Table

    use = result.assumptions
    screen.print(
        f"[bold]{escape(profile.network.name)}[/bold] on "
        f"{escape(f'{profile.device.name}@{profile.device.mode}')}, "
        f"{profile.origin.kind}; {use.fleet:,} device{'s' if use.fleet > 1 else ''}"
    )
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)

    def row(label: str, estimate: Estimate | None, divisor: float, unit: str) -> None:
        if estimate is not None:
            value, low, high = (
                f"{x / divisor:,.4g}" if abs(x / divisor) < 1e4 else f"{x / divisor:,.0f}"
                for x in (estimate.value, estimate.low, estimate.high)
            )
            table.add_row(label, f"{value} {unit}", f"{low} to {high} {unit}")

    row("mean power of a device", result.power_w, 1, "W")
    row("battery life", result.battery_life_s, 3600, "h")
    row("energy a year", result.fleet_energy_j_per_year, 3.6e6, "kWh")
    row("CO2e a year", result.fleet_co2e_g_per_year, 1000, "kg")
    row("cost a year", result.fleet_cost_per_year, 1, use.currency)
    screen.print(table)
    pace = "back to back" if use.rate_per_s is None else "with the board idle in between"
    screen.print(
        f"Assumes: {result.rate_per_s:.4g} inferences/s of batch {profile.network.batch}, {pace}, "
        f"{use.duty:.0%} of the time; {use.off_duty_power_w:g} W otherwise; idle "
        f"{profile.idle_power_w:.3g} W; a battery and supply without losses; only the board, not "
        f"camera, display or radio. Intervals: {profile.confidence:.0%}; "
        "idle power taken as known.",
        style="dim",
    )
