"""`edgeprofiler impact`: battery life, and energy, CO2e and cost of a fleet."""

from __future__ import annotations

from typing import Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking


@asking()
def impact(
    model: common.SubjectArgument,
    asked: dict[str, Any],
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
    from edgeprofiler.decision.impact.tables import impact_table

    screen = common.results_console(json)
    found = edgeprofiler.impact(
        model, duty=duty, off_power_w=off_power_w, battery=battery, fleet=fleet,
        intensity=intensity, price=price, **asked,
    )  # fmt: skip
    common.write_json(json, found.document)
    screen.show(impact_table(found))
