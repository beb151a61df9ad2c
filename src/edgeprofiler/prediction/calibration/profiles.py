"""Measured profiles as rows of measured totals: their networks are the models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeprofiler.core.device import device_names, load_device, mode_name
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.document import is_profile, read_profile
from edgeprofiler.core.units import positive
from edgeprofiler.prediction.calibration.contribution import is_contribution
from edgeprofiler.prediction.calibration.contribution import rows as contributed_rows
from edgeprofiler.prediction.calibration.measured import (
    Measured,
    canonical_name,
    read_measured,
    runtime_of,
)


def rows_of(
    measured: str | Path | Sequence[Measured], folder: Path | None = None
) -> tuple[Sequence[Measured], Path | None]:
    """Return measured rows, and where a relative path of a model starts."""
    if not isinstance(measured, (str, Path)):
        return measured, folder
    if is_contribution(Path(measured)):
        return contributed_rows(Path(measured)), folder
    profiles = profile_rows(Path(measured))
    if profiles is not None:
        return profiles, folder
    return read_measured(Path(measured)), folder or Path(measured).parent


def profile_rows(path: Path) -> list[Measured] | None:
    """Return the rows of a profile, or of a folder of profiles; `None` where it is neither.

    Raises:
        InvalidInput: a profile is predicted, or a folder holds none.
    """
    if path.is_dir():
        found = [child for child in sorted(path.glob("*.json")) if is_profile(child)]
        if not found:
            raise InvalidInput(path, "holds no measured profile", "give a CSV file or profiles")
    elif path.suffix == ".json" and path.is_file() and is_profile(path):
        found = [path]
    else:
        return None
    return [row_of(read_profile(child), child.absolute()) for child in found]


def row_of(profile: Profile, path: Path) -> Measured:
    """Return a measured profile as a row; its board and mode count where they are known names.

    Raises:
        InvalidInput: it is a prediction.
    """
    if profile.origin.kind != "measured":
        raise InvalidInput(path, f"is predicted by {profile.origin.by}, not measured")
    network, totals = profile.network, profile.totals
    board = profile.device.name if profile.device.name in device_names() else ""
    return Measured(
        device=board,
        mode=_mode(board, profile.device.mode) if board else "",
        software=profile.device.runtime,
        runtime=runtime_of(profile.device.runtime),
        network=network.name,
        model=str(path),
        batch=network.batch,
        shape=(),
        precision=network.precision,
        runtime_s=totals.end_to_end_s.value,
        power_above_idle_w=positive(totals.power_above_idle_w.value),
        canonical=canonical_name(network.name),
        family=canonical_name(network.name),
        set_aside="",
        simulated=profile.simulated,
        layers=network,
    )


def _mode(board: str, measured: str) -> str:
    """Return a board's mode as devices spell it; empty where it has none of that name."""
    name = mode_name(measured)
    return name if name in [mode.name for mode in load_device(board).modes] else ""
