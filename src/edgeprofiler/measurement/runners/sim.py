"""A runner without a device: a simulated board with known true costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import FloatArray, Layer, Network, Source
from edgeprofiler.measurement.recording import DeviceState, Timeline
from edgeprofiler.measurement.runners.protocol import Clock
from edgeprofiler.measurement.simulator.device import BOARDS, SimulatedDevice
from edgeprofiler.measurement.simulator.live import SimulatedBoard, VirtualClock
from edgeprofiler.measurement.simulator.model import Structure

STRUCTURES = ("easy", "full")


class SimulatedRunner:
    """Runs a network on a simulated Jetson; time is simulated too, so it takes none.

    Args:
        device: name of the board (a `@MODE` behind it is ignored).
        seed: decides the board's true costs and all noise.
        structure: `easy` for constant power within layers, `full` for all that is simulated.
        precision: `fp32`, `fp16` or `int8`, which the layers it is given are built for; fp16, or
            an engine's own, where `None`.
        batch: images at once; `None` keeps the model's own.
        shapes: input shapes by input name.
    """

    name = "sim"
    simulated = True
    needs_network = True

    def __init__(
        self,
        *,
        device: str = "jetson-orin-nano",
        seed: int = 0,
        structure: str = "full",
        precision: str | None = None,
        batch: int | None = None,
        shapes: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        board = device.partition("@")[0]
        if board not in BOARDS:
            raise UsageError(f"no simulated board {board!r}; choose one of: {', '.join(BOARDS)}")
        if structure not in STRUCTURES:
            raise UsageError(f"structure={structure!r}; choose one of: {', '.join(STRUCTURES)}")
        self._device, self._seed, self._structure = board, seed, structure
        self._precision, self._batch = precision, batch
        self._shapes = {name: tuple(shape) for name, shape in (shapes or {}).items()}
        self._network: Network | None = None
        self.board: SimulatedBoard | None = None
        self._clock = VirtualClock()

    @property
    def clock(self) -> Clock:
        """The simulated time."""
        return self.board.clock if self.board is not None else self._clock

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal runner."""
        return {
            "device": self._device,
            "seed": self._seed,
            "structure": self._structure,
            "precision": self._precision,
            "batch": self._batch,
            "shapes": {name: list(shape) for name, shape in self._shapes.items()} or None,
        }

    def probe(self) -> None:
        """It can always run."""

    def load(self, source: str, network: Network | None = None) -> None:
        """Put a network on the board.

        Raises:
            UsageError: the layers are not given; a simulation cannot read model files.
        """
        if network is None:
            raise UsageError(f"{source}: the simulated runner needs the network's layers")
        chosen = Structure.full() if self._structure == "full" else Structure.easy()
        self._network = network
        self.board = SimulatedBoard(network, SimulatedDevice.draw(self._seed, self._device), chosen)

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
        alone = SimulatedRunner(**self.options)
        source = Source(layer.name, "simulated")
        alone.load(layer.name, Network(layer.name, (layer,), source, precision=layer.dtype))
        return alone

    def describe(self) -> Mapping[str, str]:
        """Return what the record says of this runner."""
        return {
            "runtime": "simulated",
            "device": self._device,
            "board": self._device,
            "mode": "simulated",
            "seed": str(self._seed),
        }

    def close(self) -> None:
        """Forget the board."""
        self.board = None

    def _loaded(self) -> SimulatedBoard:
        if self.board is None:
            raise UsageError("the simulated runner has no network; load one first")
        return self.board
