"""What a power log of another tool holds, whatever form it is in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.measurement.recording import PowerTrace


@dataclass(frozen=True, eq=False)
class ForeignLog:
    """A power log of another tool, in watts and seconds."""

    form: str
    """How it was read: `tegrastats`, `nvidia-smi`, `CSV`, ..."""
    trace: PowerTrace
    """Times from 0, the first line. `total_rails` are those that the log itself calls the board's
    input; empty where it names none."""
    first_s: float
    """When the first line was written: seconds since 1970 where `wall`, else on the log's clock."""
    wall: bool
    """Whether its times are those of a clock on the wall."""
    notes: tuple[str, ...] = ()
    """What is left out of it, and what to doubt."""

    @property
    def step_s(self) -> float:
        """Usual time between two lines; 0 where there is but one."""
        steps = np.diff(self.trace.time_s)
        return float(np.median(steps)) if len(steps) else 0.0

    @property
    def span_s(self) -> float:
        """Time from the first line to the last."""
        return float(self.trace.time_s[-1])
