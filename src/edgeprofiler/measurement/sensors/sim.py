"""A sensor without a device: an INA3221 on the simulated board that a runner drives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.measurement.recording import PowerTrace
from edgeprofiler.measurement.sensors import options
from edgeprofiler.measurement.simulator.live import BoardSensor, SimulatedBoard
from edgeprofiler.measurement.simulator.model import SensorModel


class SimulatedSensor:
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
    """

    name = "sim"
    simulated = True

    def __init__(
        self,
        *,
        seed: int = 0,
        window_s: float = 1.1e-3,
        period_s: float = 6.6e-3,
        averaging: int = 1,
        lag_s: float = 0.4e-3,
        rail_time_constant_s: float = 0.0,
        noise_w: float = 0.07,
        poll_hz: float = 750.0,
    ) -> None:
        longest_s = 60.0
        self._seed = options.whole("seed", seed, 0)
        self._model = SensorModel(
            window_s=options.number("window_s", window_s, 1e-6, longest_s),
            # shorter ones, and more polls, are of no real sensor and take all memory
            period_s=options.number("period_s", period_s, 1e-4, longest_s),
            averaging=options.whole("averaging", averaging, 1, 1024),
            lag_s=options.number("lag_s", lag_s, 0, longest_s),
            rail_time_constant_s=options.number(
                "rail_time_constant_s", rail_time_constant_s, 0, longest_s
            ),
            noise_w=options.number("noise_w", noise_w, 0, 1000),
            poll_hz=options.number("poll_hz", poll_hz, 0.01, 100_000),
        )
        if window_s > period_s:
            raise UsageError(f"window_s={window_s!r} must not be longer than period_s={period_s!r}")
        self._runner: object = None
        self._board: SimulatedBoard | None = None
        self._sensor: BoardSensor | None = None

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal sensor."""
        facts = asdict(self._model)
        known = (
            "window_s", "period_s", "averaging", "lag_s", "rail_time_constant_s", "noise_w",
            "poll_hz",
        )  # fmt: skip
        return {"seed": self._seed, **{name: facts[name] for name in known}}

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
            self._board, self._sensor = board, BoardSensor(board, self._model, self._seed)
        return self._sensor.trace(start_s, end_s)

    def settings(self) -> Mapping[str, Any]:
        """Return the settings as an INA3221's driver would show them."""
        return {
            "samples": self._model.averaging,
            "update_interval": self._model.update_s * 1e3,
            "simulated": asdict(self._model),
        }
