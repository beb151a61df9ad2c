"""TOML text of tables and calibrations; Python reads TOML but does not write it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from edgeprofiler.core.device import Calibration, calibration_table


def toml_value(value: object) -> str:
    """Return a text, number or list of texts as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}" if "." in f"{value:.6g}" or "e" in f"{value:.6g}" else f"{value:.1f}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_value(entry) for entry in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    raise TypeError(f"no TOML for {value!r}")  # an unknown number is left out, not written


def toml_table(name: str, values: Mapping[str, object]) -> str:
    """Return a table with its header."""
    lines = [f"{key} = {toml_value(value)}\n" for key, value in values.items()]
    return f"\n[{name}]\n" + "".join(lines)


def calibration_text(calibration: Calibration) -> str:
    """Return a calibration as a `[[calibrations]]` table."""
    table = calibration_table(calibration)
    nested = {k: v for k, v in table.items() if isinstance(v, dict)}
    text = "\n[[calibrations]]\n"
    for key, value in table.items():
        if key not in nested:
            text += f"{key} = {toml_value(value)}\n"
    for key, value in nested.items():
        text += toml_table(f"calibrations.{key}", value)
    return text


def device_text(base: str, name: str, mode: str, calibrations: Sequence[Calibration]) -> str:
    """Return a user's device file: a board, what it differs in, and its calibrations.

    Args:
        base: the shipped device, or the path of the file, that it builds on.
        name: name of the device.
        mode: power mode that it stands in.
        calibrations: fitted on the user's own measurements.
    """
    text = "# Written by `edgeprofiler calibrate`; use it as --device THIS_FILE.\n"
    text += f"base = {toml_value(base)}\nname = {toml_value(name)}\nmode = {toml_value(mode)}\n"
    return text + "".join(calibration_text(calibration) for calibration in calibrations)
