"""`edgeprofiler impact`: battery life, and energy, CO2e and cost of a fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.core.profile import Estimate, Profile
    from edgeprofiler.decision.impact import Impact


@asking()
def impact(
    model: common.SubjectArgument,
    asked: dict[str, Any],
    rate: Annotated[
        str | None, common.option("10/s|30/min", "Inferences while working. Default: back to back.")
    ] = None,
    duty: Annotated[
        str, common.option("12h/day|20min/h|50%", "Time at work.", shows_default=True)
    ] = "24h/day",
    off_power_w: Annotated[
        float, common.option("WATTS", "Power while not at work.", "--off-power")
    ] = 0.0,
    battery: Annotated[str | None, common.option("50Wh|5000mAh@3.7V", "Of one device.")] = None,
    fleet: Annotated[int, common.option("N", "Devices.", shows_default=True)] = 1,
    intensity: Annotated[str | None, common.option("'220 g/kWh'", "CO2e of energy.")] = None,
    price: Annotated[str | None, common.option("'0.30 EUR/kWh'", "Price of energy.")] = None,
    json: common.JsonOption = None,
) -> None:
    """Say what a network's energy means: battery life, a fleet's energy, CO2e and cost."""
    import edgeprofiler

    screen = common.results_console(json)
    found = edgeprofiler.impact(
        model, rate=rate, duty=duty, off_power_w=off_power_w, battery=battery, fleet=fleet,
        intensity=intensity, price=price, **asked,
    )  # fmt: skip
    common.write_json(json, found.document)
    _print(screen, found.profile, found)


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
