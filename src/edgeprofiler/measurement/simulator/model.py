"""What can be switched in a simulated measurement: the sensor's faults, the world's structure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Schedule = Literal["dithered", "back-to-back", "locked"]


@dataclass(frozen=True)
class SensorModel:
    """An INA3221 as a driver shows it: converts for a while, holds, is polled without rhythm.

    Defaults are the chip's own: 1.1 ms of every 6.6 ms, 8 mA and 8 mV steps.
    """

    window_s: float = 1.1e-3
    """How long one conversion integrates."""
    period_s: float = 6.6e-3
    """Time from one conversion to the next."""
    averaging: int = 1
    """Conversions averaged into one new value; the value then changes every `averaging` periods."""
    lag_s: float = 0.4e-3
    """From the end of a conversion to the moment at which a poll can see it."""
    rail_time_constant_s: float = 0.0
    """The board's capacitors smooth power by this first-order time constant; 0 for none."""
    current_step_a: float = 8e-3
    voltage_step_v: float = 8e-3
    voltage_v: float = 5.0
    noise_w: float = 0.07
    """Standard deviation of one conversion."""
    poll_hz: float = 750.0
    poll_jitter_s: float = 30e-6
    clock_ppm: float = 40.0
    """Error of the sensor's oscillator; also wanders by a tenth of it."""
    rail: str = "VDD_IN"

    @property
    def update_s(self) -> float:
        """Time between two new values."""
        return self.period_s * self.averaging


@dataclass(frozen=True)
class Structure:
    """What the world does beside the layers. Each effect is off at 0."""

    schedule: Schedule = "dithered"
    pause_s: float = 6.6e-3
    """Dithered runs: the longest random pause. Locked runs: the exact distance between starts."""
    duration_jitter: float = 0.05
    """Relative standard deviation of each layer's duration, half of it common to a run."""
    gap_s: float = 5e-6
    """Unseen pause after every layer."""
    gap_jitter: float = 0.0
    launch_s: float = 40e-6
    """From the host's call to the first layer."""
    sync_s: float = 15e-6
    """From the end of the last layer to the host's time stamp."""
    callback_s: float = 3e-6
    """One profiler callback; they come in a burst after the run."""
    host_gap_s: float = 100e-6
    """What the host does between runs beside callbacks and pauses."""
    stamp_jitter_s: float = 0.0
    """Standard deviation of the error of each run's time stamps."""
    gap_power_share: float = 0.3
    """Power above idle in gaps, as a share of the layers' mean."""
    between_power_w: float = 0.4
    """Power above idle between runs: the host's."""
    within_layer: float = 0.0
    """How much power varies within a layer: 0 constant, 1 as the simulated kernels do."""
    thermal_drift_w: float = 0.0
    """Leakage that builds up while the board warms."""
    clock_drift: float = 0.0
    """Relative wander of the clock: durations and power move with it."""
    idle_s: float = 30.0

    @staticmethod
    def easy() -> Structure:
        """Constant power per layer; jitter of durations, gaps and dithered pauses remain."""
        return Structure()

    @staticmethod
    def full() -> Structure:
        """All structure on: drift, wandering clocks, variation within layers, stamp jitter."""
        return Structure(
            gap_jitter=0.3,
            stamp_jitter_s=5e-6,
            within_layer=1.0,
            thermal_drift_w=0.25,
            clock_drift=0.02,
        )


@dataclass(frozen=True)
class Effects:
    """A sensor and a structure together, as a table of cases names them."""

    name: str
    sensor: SensorModel = field(default_factory=SensorModel)
    structure: Structure = field(default_factory=Structure)
