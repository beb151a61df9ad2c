"""From columns of powers, currents and voltages to rails in watts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.measurement.power_logs.asked import Role


def rails_of(
    series: Mapping[Role, FloatArray], labels: Sequence[str], path: Path
) -> tuple[dict[str, FloatArray], IntArray]:
    """Return watts of each rail, and which of the table's lines their times are.

    Args:
        series: what each column holds, in SI; shape (lines,).
        labels: which of several devices each line is of; all empty where there is one.

    Raises:
        InvalidInput: two columns are of one rail, or currents have no voltage of theirs.
    """
    watts: dict[str, FloatArray] = {}
    for role, values in series.items():
        if role.part == "voltage":
            continue
        power = values if role.part == "power" else values * _voltage_of(role, series, path)
        if role.rail in watts:
            raise InvalidInput(
                path,
                f"has two columns of {role.rail!r}",
                "choose with columns=time:NAME,power:NAME",
            )
        watts[role.rail] = power
    devices = [*dict.fromkeys(labels)]
    if len(devices) == 1:
        name = f"{{}}{devices[0]}" if devices[0].isdigit() else "{}"
        return {name.format(rail): power for rail, power in watts.items()}, np.arange(len(labels))
    return _by_device(watts, np.array(labels), devices)


def _voltage_of(role: Role, series: Mapping[Role, FloatArray], path: Path) -> FloatArray:
    voltages = {other.rail: values for other, values in series.items() if other.part == "voltage"}
    if role.rail not in voltages and len(voltages) != 1:
        raise InvalidInput(
            path,
            f"has no voltage for the current {role.column!r}",
            "name both: columns=time:NAME,current:NAME,voltage:NAME (or voltage:5V)",
        )
    return voltages.get(role.rail, next(iter(voltages.values())))


def _by_device(
    watts: Mapping[str, FloatArray], labels: np.ndarray[tuple[int], np.dtype[np.str_]],
    devices: Sequence[str],
) -> tuple[dict[str, FloatArray], IntArray]:  # fmt: skip
    """Lay lines of several devices side by side: the nth line of each is one moment."""
    lines = {device: np.flatnonzero(labels == device) for device in devices}
    count = min(len(own) for own in lines.values())
    rails = {
        f"{rail}{device}": power[own[:count]]
        for device, own in lines.items()
        for rail, power in watts.items()
    }
    return rails, lines[devices[0]][:count]
