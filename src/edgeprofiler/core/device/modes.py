"""Power modes: NVIDIA's, by name, and those with clocks of a user's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeprofiler.core.alike import Alike
from edgeprofiler.core.device.clocks import Clocks, print_changes, print_clock
from edgeprofiler.core.device.datasheet import Datasheet
from edgeprofiler.core.errors import UsageError


@dataclass(frozen=True, eq=False)
class PowerMode(Alike):
    """One nvpmodel mode, or one with clocks of a user's own: what it caps."""

    name: str
    """`30w`, and where a user sets clocks those that differ: `30w,gpu=510MHz`."""
    clocks: Clocks
    bandwidth_bytes_per_s: float
    """Of the DRAM at this memory clock."""
    power_budget_w: float = math.nan
    """Budget that is stated for it; NaN where none is."""
    idle_power_w: float = math.nan
    """Idle power measured in this mode; NaN where only the board's is known."""
    nvpmodel: str = ""
    """What `nvpmodel -q` calls it, where that is another name: `MODE_15W_6CORE`."""
    note: str = ""

    @property
    def names(self) -> frozenset[str]:
        """What a user may call it: its name here, and nvpmodel's as it stands here."""
        return frozenset((self.name, mode_name(self.nvpmodel))) - {""}

    @property
    def base(self) -> str:
        """The named mode that it is, or starts from."""
        return self.name.partition(",")[0]


def mode_name(name: str) -> str:
    """Return the name of a power mode as it stands here, from nvpmodel's or a user's.

    >>> mode_name("MODE_30W"), mode_name("MAXN_SUPER")
    ('30w', 'maxn-super')
    """
    return name.strip().lower().replace("_", "-").removeprefix("mode-")


def named_mode(board: str, modes: Sequence[PowerMode], name: str) -> PowerMode:
    """Return the mode of a name, a board's own or nvpmodel's.

    Raises:
        UsageError: `board` has no such mode.
    """
    wanted = mode_name(name)
    for mode in modes:
        if wanted in mode.names:
            return mode
    raise UsageError(
        f"{board} has no power mode {name.strip()[:64]!r}; choose one of: "
        f"{', '.join(mode.name for mode in modes)}, or set clocks as in "
        f"{board}@gpu={print_clock('gpu', modes[-1].clocks.gpu_hz)}"
    )


def with_clocks(
    board: str,
    sheet: Datasheet,
    modes: Sequence[PowerMode],
    mode: PowerMode,
    changes: Mapping[str, float],
) -> PowerMode:
    """Return a mode with some of its clocks changed; a named one where one has these clocks.

    Args:
        board: its name, for messages.
        sheet: what its clocks can be set to.
        modes: its named modes.
        mode: what the rest of the clocks is as in.
        changes: clocks to set, by the words of `clocks.AXES`.

    Raises:
        UsageError: a clock that the board cannot be set to.
    """
    clocks = mode.clocks.changed(_within_range(board, sheet, changes))
    base = named_mode(board, modes, mode.base)
    for known in (base, *modes):
        if known.clocks == clocks:
            return known
    return PowerMode(
        name=f"{base.name},{print_changes(clocks.differences(base.clocks))}",
        clocks=clocks,
        bandwidth_bytes_per_s=(
            mode.bandwidth_bytes_per_s
            if clocks.emc_hz is None
            else sheet.bandwidth_at(clocks.emc_hz)
        ),
        # What keeps within the mode's clocks keeps within its budget; beyond, none is stated.
        power_budget_w=base.power_budget_w if clocks.within(base.clocks) else math.nan,
        idle_power_w=base.idle_power_w,
    )


def _within_range(board: str, sheet: Datasheet, changes: Mapping[str, float]) -> dict[str, float]:
    ranges = sheet.ranges
    found: dict[str, float] = {}
    for axis, value in changes.items():
        if axis not in ranges:
            raise UsageError(f"{board}: its file does not say what {axis} can be set to")
        fitting = ranges[axis].fit(axis, value)
        if fitting is None:
            least, most = (print_clock(axis, v) for v in (ranges[axis].least, ranges[axis].most))
            raise UsageError(
                f"{board} cannot be set to {axis}={print_clock(axis, value)}; "
                f"it takes {least} to {most}"
            )
        found[axis] = fitting
    return found
