"""Sensors and runners made from their names and options."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.core.extras import install
from edgeprofiler.measurement.runners.protocol import Runner
from edgeprofiler.measurement.sensors.protocol import AnySensor, Sensor

AUTO_SENSORS = ("ina3221", "ina238", "nvml", "rapl")
"""Sensors that are tried in this order; the first that works is taken."""
AUTO_RUNNERS = ("tensorrt", "onnxruntime", "torch")


def parse_options(texts: Sequence[str] | None) -> dict[str, Any]:
    """Return options from `key=value` texts; values are JSON where they can be, else text."""
    options: dict[str, Any] = {}
    for text in texts or ():
        key, mark, value = text.partition("=")
        if not mark or not key.isidentifier():
            raise UsageError(f"option {text!r} is not written KEY=VALUE")
        try:
            options[key] = json.loads(value)
        except (ValueError, RecursionError):
            options[key] = value
    return options


def make(
    kind: Literal["sensors", "runners"],
    name: str,
    options: Mapping[str, Any],
    offered: Mapping[str, Any] | None = None,
) -> Any:
    """Return a plug-in made with its options.

    Args:
        kind: `sensors` or `runners`.
        name: its name.
        options: what the user gave for it; all must be known to it.
        offered: what it may take if it knows it (`device`, `seed`).

    Raises:
        UsageError: no plug-in of that name, or it does not know an option.
    """
    found = plugins.load(kind, name)
    known = inspect.signature(found).parameters
    names = sorted(known)
    for key in options:
        if key not in known:
            takes = f"it takes: {', '.join(names)}" if names else "it takes none"
            raise UsageError(f"the {kind[:-1]} {name} has no option {key!r}; {takes}")
    usable = {k: v for k, v in (offered or {}).items() if k in known and v is not None}
    try:
        with plugins.guarded(kind, name, passing=(TypeError, ValueError)):
            return found(**{**usable, **options})
    except (TypeError, ValueError) as error:
        raise UsageError(f"the {kind[:-1]} {name} cannot be made so ({error})") from None


def probe(runner: Runner | None, sensor: AnySensor | None) -> None:
    """Return if both can run here.

    Raises:
        Unavailable: one cannot; reason and remedy are said.
    """
    if runner is not None:
        with plugins.guarded("runners", runner.name):
            runner.probe()
    if sensor is not None:
        with plugins.guarded("sensors", sensor.name):
            sensor.probe()


def unused(offered: Mapping[str, Any], made: Sequence[object]) -> list[str]:
    """Return the offered options that none of the plug-ins knows."""
    known = {name for plugin in made for name in inspect.signature(type(plugin)).parameters}
    return [key for key, value in offered.items() if value is not None and key not in known]


def auto_sensor() -> tuple[Sensor | None, list[str]]:
    """Return the first sensor that works here, or `None`, and why the others do not."""
    reasons = []
    for name in AUTO_SENSORS:
        try:
            sensor = cast("Sensor", make("sensors", name, {}))
            probe(None, sensor)
        except (Unavailable, UsageError) as error:
            reasons.append(f"{name}: {error}")
        else:
            return sensor, reasons
    return None, reasons


def auto_runner(offered: Mapping[str, Any] | None = None) -> Runner:
    """Return the first runner that works here.

    Raises:
        Unavailable: none does; each one's reason is said.
    """
    reasons = []
    for name in AUTO_RUNNERS:
        try:
            runner = cast("Runner", make("runners", name, {}, offered))
            probe(runner, None)
        except (Unavailable, UsageError) as error:
            reasons.append(f"{name}: {error}")
        else:
            return runner
    raise Unavailable(
        "no runtime can run a network here (" + "; ".join(reasons) + ")",
        install("onnxruntime"),
    )


def sensor_named(name: str, options: Mapping[str, Any], offered: Mapping[str, Any]) -> AnySensor:
    """Return the sensor of a name, made with its options."""
    return cast("AnySensor", make("sensors", name, options, offered))


def runner_named(name: str, options: Mapping[str, Any], offered: Mapping[str, Any]) -> Runner:
    """Return the runner of a name, made with its options."""
    return cast("Runner", make("runners", name, options, offered))
