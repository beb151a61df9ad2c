"""Sensors and runners made from their names and options."""

from __future__ import annotations

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
    known = {name for plugin in made for name in plugins.options_of(type(plugin))}
    return [key for key, value in offered.items() if value is not None and key not in known]


def auto_sensor() -> tuple[Sensor | None, list[str]]:
    """Return the first sensor that works here, or `None`, and why the others do not."""
    return _first("sensors", AUTO_SENSORS, {})


def auto_runner(offered: Mapping[str, Any] | None = None) -> Runner:
    """Return the first runner that works here.

    Raises:
        Unavailable: none does; each one's reason is said.
    """
    runner, reasons = _first("runners", AUTO_RUNNERS, offered or {})
    if runner is None:
        raise Unavailable(
            "no runtime can run a network here (" + "; ".join(reasons) + ")",
            install("onnxruntime"),
        )
    return cast("Runner", runner)


def _first(
    kind: Literal["sensors", "runners"], names: Sequence[str], offered: Mapping[str, Any]
) -> tuple[Any, list[str]]:
    reasons = []
    for name in names:
        try:
            made = plugins.make(kind, name, {}, offered)
            with plugins.guarded(kind, name):
                made.probe()
        except (Unavailable, UsageError) as error:
            reasons.append(f"{name}: {error}")
        else:
            return made, reasons
    return None, reasons


def sensor_named(name: str, options: Mapping[str, Any], offered: Mapping[str, Any]) -> AnySensor:
    """Return the sensor of a name, made with its options."""
    return cast("AnySensor", plugins.make("sensors", name, options, offered))


def runner_named(name: str, options: Mapping[str, Any], offered: Mapping[str, Any]) -> Runner:
    """Return the runner of a name, made with its options."""
    return cast("Runner", plugins.make("runners", name, options, offered))
