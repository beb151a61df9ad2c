"""A runner without a device: a simulated board with known true costs."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import FloatArray, Layer, Network, Source
from edgeprofiler.measurement.recording import DeviceState, Timeline
from edgeprofiler.measurement.runners.base import ModelOptions
from edgeprofiler.measurement.runners.protocol import Clock
from edgeprofiler.measurement.simulator.device import BOARDS, SimulatedDevice
from edgeprofiler.measurement.simulator.live import START_S, SimulatedBoard, VirtualClock
from edgeprofiler.measurement.simulator.model import Structure

STRUCTURES = {"easy": Structure.easy, "full": Structure.full}


@dataclass(kw_only=True, eq=False)
class SimulatedRunner(ModelOptions):
    """Runs a network on a simulated Jetson; time is simulated too, so it takes none.

    Args:
        device: name of the board (a `@MODE` behind it is ignored).
        seed: decides the board's true costs and all noise.
        structure: `easy` for constant power within layers, `full` for all that is simulated.
        precision: `fp32`, `fp16` or `int8`, which the layers it is given are built for; fp16, or
            an engine's own, where `None`.
    """

    device: str = "jetson-orin-nano"
    seed: int = 0
    structure: str = "full"
    precision: str | None = None
    board: SimulatedBoard | None = field(default=None, init=False)
    _network: Network | None = field(default=None, init=False)
    _before: Clock = field(default_factory=lambda: VirtualClock(START_S), init=False)

    name = "sim"
    simulated = True
    needs_network = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.device = self.device.partition("@")[0]
        for what, value, known in (
            ("simulated board", self.device, BOARDS), ("structure", self.structure, STRUCTURES),
        ):  # fmt: skip
            if value not in known:
                raise UsageError(f"no {what} {value!r}; choose one of: {', '.join(known)}")

    @property
    def clock(self) -> Clock:
        """The simulated time."""
        return self._before if self.board is None else self.board.clock

    def probe(self) -> None:
        """It can always run."""

    def load(self, source: str, network: Network | None = None) -> None:
        """Put a network on the board.

        Raises:
            UsageError: the layers are not given; a simulation cannot read model files.
        """
        if network is None:
            raise UsageError(f"{source}: the simulated runner needs the network's layers")
        drawn = SimulatedDevice.draw(self.seed, self.device)
        self._network = network
        self.board = SimulatedBoard(network, drawn, STRUCTURES[self.structure]())

    def network(self) -> Network | None:
        """Return the layers that run."""
        return self._network

    def run(self, runs: int, pauses_s: FloatArray | None = None) -> Timeline:
        """Run `runs` times on the simulated clock."""
        return self._loaded().run(runs, pauses_s)

    def state(self) -> DeviceState:
        """Return the simulated board's temperature and clocks."""
        return self._loaded().state()

    def isolated(self, layer: Layer) -> SimulatedRunner:
        """Return a runner of a network that is this layer alone."""
        alone = copy(self)
        source = Source(layer.name, "simulated")
        alone.load(layer.name, Network(layer.name, (layer,), source, precision=layer.dtype))
        return alone

    def describe(self) -> Mapping[str, str]:
        """Return what the record says of this runner."""
        return {
            "runtime": "simulated",
            "device": self.device,
            "board": self.device,
            "mode": "simulated",
            "seed": str(self.seed),
        }

    def close(self) -> None:
        """Forget the board."""
        self.board = None

    def _loaded(self) -> SimulatedBoard:
        if self.board is None:
            raise UsageError("the simulated runner has no network; load one first")
        return self.board
