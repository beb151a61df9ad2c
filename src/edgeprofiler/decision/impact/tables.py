"""What the use of a network costs, as a table."""

from __future__ import annotations

from edgeprofiler.core.profile.doubt import doubt_words
from edgeprofiler.core.quantity import Quantity
from edgeprofiler.core.table import Column, Table, tabulate
from edgeprofiler.decision.impact.impact import Impact


def impact_table(result: Impact) -> Table:
    """Return what the use of a network costs; the notes say what that assumes."""
    profile, use = result.profile, result.assumptions
    lines = (
        ("mean power of a device", result.power_w, "W"),
        ("battery life", result.battery_life_s, "h"),
        ("energy a year", result.fleet_energy_j_per_year, "kWh"),
        ("CO2e a year", result.fleet_co2e_g_per_year, "kg"),
        ("cost a year", result.fleet_cost_per_year, use.currency),
    )
    found = [(label, Quantity(x, unit, digits=4)) for label, x, unit in lines if x is not None]
    there = profile.at_rate
    pace = "back to back" if there is None else "with the board idle in between"
    if there is not None and there.keeps_up == "undecided":
        pace += " (whether it keeps up is undecided)"
    assumed = (
        f"Assumes: {result.rate_hz:.4g} images/s in batches of {profile.network.batch}, {pace}, "
        f"{use.duty:.0%} of the time; {use.off_duty_power_w:g} W otherwise; idle "
        f"{profile.idle_power_w:.3g} W; a battery and supply without losses; only the board, not "
        f"camera, display or radio. Intervals: {profile.confidence:.0%}; idle power taken as known."
    )
    title = (
        f"{profile.network.name} on {profile.device.name}@{profile.device.mode}, "
        f"{profile.origin.kind}; {use.fleet:,} device{'s' if use.fleet > 1 else ''}"
    )
    return tabulate(title, found, (
        (Column("of the use"), lambda line: line[0]),
        (Column("value", kind="quantity"), lambda line: line[1]),
        (Column("interval", kind="interval"), lambda line: line[1]),
    ), (assumed, *doubt_words(profile)))  # fmt: skip
