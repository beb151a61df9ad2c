"""The board that stands behind measured rows: named by the user, else by the rows themselves."""

from __future__ import annotations

from edgeprofiler.core.choices import RUNTIMES
from edgeprofiler.core.device import Device, device_names, load_device, mode_name
from edgeprofiler.core.errors import UsageError
from edgeprofiler.learning.dataset import Dataset


def board_for(rows: Dataset, device: str | None) -> tuple[Device, tuple[str, ...]]:
    """Return the board that the user names, else the measured one in its mode, and what to doubt.

    Raises:
        UsageError: the rows are of several boards or power modes.
    """
    modes = sorted({_mode_name(mode) for mode in rows.text("mode").tolist()} - {""})
    if len(modes) > 1:
        raise UsageError(
            f"the data set holds rows of {len(modes)} power modes ({', '.join(modes)}); "
            "build one data set for each"
        )
    hosts = set(rows.text("runtime").tolist())
    host = hosts.pop() if len(hosts) == 1 else ""
    runtime = host if host in RUNTIMES else None
    names = sorted(set(rows.text("device").tolist()))
    if device is None and len(names) > 1:
        raise UsageError(
            f"the data set holds {len(names)} boards ({', '.join(names)}); "
            "build one data set for each"
        )
    if device is not None:
        board = load_device(device, runtime)
        modes = [] if "@" in device else modes
    else:
        try:
            board = load_device(_device_name(names[0]), runtime)
        except UsageError:
            doubt = f"no datasheet of {names[0]!r}: a generic board stands in; name it or a file"
            return load_device("generic", runtime), (doubt,)
    try:
        return (board.with_mode(modes[0]) if modes else board), ()
    except UsageError:
        doubt = (
            f"{board.name} has no power mode {modes[0]!r}: {board.mode.name} stands in "
            f"(another is named as {board.name}@MODE)"
        )
        return board, (doubt,)


def _device_name(board: str) -> str:
    """Return the device that a board means: it calls itself 'NVIDIA Jetson Orin Nano Dev...'."""
    words = f" {board.lower().replace('-', ' ')} "
    known = [name for name in device_names() if f" {name.replace('-', ' ')} " in words]
    return max(known, key=len, default=board)


def _mode_name(mode: str) -> str:
    """Return a mode as devices spell it; empty where the measurement did not say."""
    name = mode_name(mode)
    return "" if name in ("unknown", "simulated") else name
