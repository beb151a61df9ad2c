"""What can be switched in a simulated measurement: the sensor's faults, the world's structure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Schedule = Literal["dithered", "back-to-back", "locked"]
Stamps = Literal["burst", "sequence"]


@dataclass(frozen=True)
class SensorModel:
    """An INA3221 as a driver shows it: converts for a while, holds, is polled without rhythm.

    Defaults are the chip's own, three channels on: 1.1 ms of every 6.6 ms for the current, then
    1.1 ms for the voltage, each with its own register; 8 mA and 8 mV steps.
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
    """Of the supply without load."""
    sag_ohm: float = 0.02
    """By which the supply's voltage falls for each ampere."""
    noise_w: float = 0.07
    """Standard deviation of one conversion's current, at the supply's voltage."""
    voltage_noise_v: float = 3e-3
    """Standard deviation of one conversion of the voltage."""
    registers: bool = True
    """Whether current and voltage are recorded apart, or their product alone."""
    odd_polls: float = 1e-4
    """Share of polls that are off by one step of the current."""
    waits: bool = False
    """Whether the kernel waits for a fresh conversion at every read, as mainline Linux does."""
    poll_hz: float = 750.0
    poll_jitter_s: float = 30e-6
    clock_ppm: float = 40.0
    """Error of the sensor's oscillator; also wanders by a tenth of it."""
    rail: str = "VDD_IN"

    @property
    def update_s(self) -> float:
        """Time between two new values."""
        return self.period_s * self.averaging

    def fast(self) -> SensorModel:
        """Return the chip with one channel and short conversions, polled a thousand times a second.

        One conversion then lasts less than two polls.
        """
        return replace(self, window_s=0.588e-3, period_s=1.176e-3, averaging=1, poll_hz=1000.0)

    def ideal(self) -> SensorModel:
        """Return the chip without noise, steps, sag and jitter."""
        return replace(
            self, noise_w=0.0, voltage_noise_v=0.0, current_step_a=0.0, voltage_step_v=0.0,
            sag_ohm=0.0, odd_polls=0.0, poll_jitter_s=0.0, clock_ppm=0.0,
        )  # fmt: skip


@dataclass(frozen=True)
class Structure:
    """What the world does beside the layers: by default what a real board does.

    Each effect is off at 0; `Structure.easy()` has nearly all of them off.
    """

    schedule: Schedule = "dithered"
    pause_s: float = 6.6e-3
    """Dithered runs: the longest random pause. Locked runs: the exact distance between starts."""
    duration_jitter: float = 0.05
    """Relative standard deviation of each layer's duration, half of it common to a run."""
    hiccups: float = 0.002
    """Share of layer runs that last 1.5 to 4 times as long."""
    power_jitter: float = 0.01
    """Relative standard deviation of all power from run to run: heat and data."""
    gap_s: float = 5e-6
    """Unseen pause after every layer."""
    gap_jitter: float = 0.3
    launch_s: float = 40e-6
    """From the host's call to the first layer."""
    sync_s: float = 15e-6
    """From the end of the last layer to the host's time stamp."""
    stamps: Stamps = "burst"
    """Whether layers are stamped in a burst of callbacks after the run, or each as it ends."""
    callback_s: float = 18e-6
    """One profiler callback of a burst; the steps between them scatter by half of it."""
    host_gap_s: float = 100e-6
    """What the host does between runs beside callbacks and pauses."""
    stamp_jitter_s: float = 5e-6
    """Standard deviation of the error of each run's time stamps."""
    gap_power_share: float = 0.3
    """Power above idle in gaps, as a share of the layers' mean."""
    between_power_w: float = 0.4
    """Power above idle between runs: the host's."""
    within_layer: float = 1.0
    """How much power varies within a layer: 0 constant, 1 as the simulated kernels do."""
    thermal_drift_w: float = 0.25
    """Leakage that builds up while the board warms."""
    clock_drift: float = 0.02
    """Relative wander of the clock: durations and power move with it."""
    governor_steps: int = 0
    """Steps of the clock during the session, where it is not pinned."""
    governor_share: float = 0.15
    """Size of such a step."""
    idle_s: float = 30.0

    @staticmethod
    def easy() -> Structure:
        """Constant power per layer; jitter of durations, gaps and dithered pauses remain."""
        return Structure(
            hiccups=0.0,
            power_jitter=0.0,
            gap_jitter=0.0,
            callback_s=3e-6,
            stamp_jitter_s=0.0,
            within_layer=0.0,
            thermal_drift_w=0.0,
            clock_drift=0.0,
        )

    @staticmethod
    def full() -> Structure:
        """All that a real board does with its clocks pinned: the default."""
        return Structure()
