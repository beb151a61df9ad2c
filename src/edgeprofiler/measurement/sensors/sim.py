"""A sensor without a device: an INA3221 on the simulated board that a runner drives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.core.plugins import Between, Optioned
from edgeprofiler.measurement.recording import PowerTrace
from edgeprofiler.measurement.sensors.sim_live import LiveSimulation
from edgeprofiler.measurement.simulator.live import BoardSensor, SimulatedBoard
from edgeprofiler.measurement.simulator.model import SensorModel

_Time = Annotated[float, Between(0, 60)]


@dataclass(kw_only=True, eq=False)
class SimulatedSensor(Optioned):
    """Watches a simulated runner.

    Args:
        seed: decides noise and phase.
        window_s: how long a conversion integrates.
        period_s: time between two conversions.
        averaging: conversions averaged into one value.
        lag_s: from the end of a conversion to when it can be read.
        rail_time_constant_s: of the board's capacitors.
        noise_w: standard deviation of a conversion.
        poll_hz: polls a second.
        sag_ohm: by which the supply's voltage falls for each ampere.
        odd_polls: share of polls that are off by one step.
        waits: whether the kernel waits for a fresh conversion at every read.
        registers: whether current and voltage are recorded apart.
    """

    seed: Annotated[int, Between(0)] = 0
    window_s: Annotated[float, Between(1e-6, 60)] = SensorModel.window_s
    # Shorter ones, and more polls, are of no real sensor and take all memory.
    period_s: Annotated[float, Between(1e-4, 60)] = SensorModel.period_s
    averaging: Annotated[int, Between(1, 1024)] = SensorModel.averaging
    lag_s: _Time = SensorModel.lag_s
    rail_time_constant_s: _Time = SensorModel.rail_time_constant_s
    noise_w: Annotated[float, Between(0, 1000)] = SensorModel.noise_w
    poll_hz: Annotated[float, Between(0.01, 100_000)] = SensorModel.poll_hz
    sag_ohm: Annotated[float, Between(0, 0.1)] = SensorModel.sag_ohm
    odd_polls: Annotated[float, Between(0, 1)] = SensorModel.odd_polls
    waits: bool = SensorModel.waits
    registers: bool = SensorModel.registers
    _runner: object = field(default=None, init=False)
    _board: SimulatedBoard | None = field(default=None, init=False)
    _sensor: BoardSensor | None = field(default=None, init=False)

    name = "sim"
    simulated = True

    def __post_init__(self) -> None:
        if self.window_s > self.period_s:
            raise UsageError(
                f"window_s={self.window_s!r} must not be longer than period_s={self.period_s!r}"
            )
        self._model = SensorModel(**{k: v for k, v in self.options.items() if k != "seed"})

    def probe(self) -> None:
        """It can always be read."""

    def attach(self, runner: object) -> None:
        """Watch the board of a simulated runner.

        Raises:
            UsageError: the runner is real.
        """
        if not hasattr(runner, "board"):
            raise UsageError("the simulated sensor watches only the simulated runner: `runner` sim")
        self._runner = runner

    def trace(self, start_s: float, end_s: float) -> PowerTrace:
        """Return all polls between two times of the runner's clock."""
        board = getattr(self._runner, "board", None)
        if not isinstance(board, SimulatedBoard):
            raise Unavailable(
                "the simulated sensor is attached to no loaded simulated runner",
                "use it with `runner` sim",
            )
        if self._sensor is None or self._board is not board:
            self._board, self._sensor = board, BoardSensor(board, self._model, self.seed)
        return self._sensor.trace(start_s, end_s)

    def live(self) -> LiveSimulation:
        """Return a simulated board that draws power now, for what watches a machine."""
        return LiveSimulation(seed=self.seed, period_s=self.period_s, noise_w=self.noise_w)

    def settings(self) -> Mapping[str, Any]:
        """Return the settings as an INA3221's driver would show them."""
        return {
            "samples": self._model.averaging,
            "update_interval": self._model.update_s * 1e3,
            "simulated": asdict(self._model),
        }
