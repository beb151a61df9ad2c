"""A budget: what one inference may cost, and what is to be held to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.network import Shape
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.values import Value, read_toml
from edgeprofiler.decision.check.limits import LIMITS
from edgeprofiler.decision.impact import Assumptions
from edgeprofiler.decision.impact.quantities import parse_battery, parse_duty
from edgeprofiler.prediction.question import FILED, read_table

CHANGES: Mapping[str, str] = {
    "energy_percent": "energy_j",
    "latency_percent": "runtime_s",
}
"""Name in the file: field of the comparison with the baseline."""


@dataclass(frozen=True)
class Budget:
    """What one inference may cost, absolutely and against a baseline."""

    source: str
    limits: Mapping[str, float]
    """By the names of `LIMITS`, in the units that these names say."""
    changes: Mapping[str, float] = field(default_factory=dict)
    """Largest increase over the baseline in percent, by the names of `CHANGES`."""
    model: str | None = None
    """What is to be held to it, where the file says so."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """How it is to run: fields of a `Question`."""
    use: Assumptions = field(default_factory=Assumptions)
    """How long a day it is to run at that rate, and from what battery."""


def read_budget(path: Path) -> Budget:
    """Return the budget of a TOML file.

    Raises:
        InvalidInput: unknown names, limits that are no positive numbers, or no limit at all.
    """
    table = read_toml(path)
    table.allow(("model", *FILED, *_USE, "limits", "change"))
    limits, changes = _limits(table["limits"], LIMITS), _limits(table["change"], CHANGES)
    model = table["model"].maybe(Value.name)
    asked = read_table(table.mapping(), path)
    if not limits and not changes and "rate" not in asked:
        raise table.fail("sets no limit", "add for example [limits] with energy_mj = 50")
    return Budget(str(path), limits, changes, model, asked, _use(table))


_USE = ("duty", "off_power_w", "battery")


def _use(table: Value) -> Assumptions:
    duty, battery = table["duty"].maybe(Value.text), table["battery"].maybe(Value.text)
    try:
        return Assumptions(
            duty=1.0 if duty is None else parse_duty(duty),
            off_duty_power_w=table["off_power_w"].default(0.0).number(0),
            battery_j=None if battery is None else parse_battery(battery),
        )
    except UsageError as error:
        raise InvalidInput(table.source, str(error).replace("`", "")) from None


def require_asked(profile: Profile, budget: Budget) -> None:
    """Refuse a saved profile of something else than the budget asks for.

    Raises:
        InvalidInput: what differs, and how.
    """
    told = _told(profile)
    for name, wanted in budget.asked.items():
        if name == "rate":  # whatever was found is looked at at any rate
            continue
        if name == "device":
            wanted = load_device(wanted).spec
        if name == "shapes":
            same = set(wanted.values()) <= _input_shapes(profile)
            told[name] = wanted if same else "not among those that its layers read"
        if name not in told:
            raise InvalidInput(
                budget.source, f"its {name} cannot be told of a saved profile",
                f"leave {name} out, or give a model",
            )  # fmt: skip
        if wanted != told[name]:
            raise InvalidInput(
                budget.source, f"its {name} is {wanted}, the saved profile's {told[name]}",
                "give a profile of that kind, or change the budget",
            )  # fmt: skip


def _told(profile: Profile) -> dict[str, object]:
    """Return the fields of a question that a profile tells."""
    network, board = profile.network, profile.device
    told: dict[str, object] = {
        "device": f"{board.name}@{board.mode}",
        "runtime": board.runtime,
        "precision": network.precision,
        "batch": network.batch,
        "front_end": network.source.front_end,
        "confidence": profile.confidence,
    }
    images = [s for layer in network.layers for s in layer.input_shapes if len(s) == 4]
    if images and images[0][2] == images[0][3]:
        told["resolution"] = images[0][2]
    return told


def _input_shapes(profile: Profile) -> set[Shape]:
    return {shape for layer in profile.network.layers for shape in layer.input_shapes}


def _limits(table: Value, known: Mapping[str, object]) -> dict[str, float]:
    entries = table.default({})
    entries.allow((*known,))
    return {name: value.number(0) for name, value in entries.entries()}
