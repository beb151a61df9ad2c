"""What a runner is: something that runs a network again and again and times its layers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from edgeprofiler.core.network import FloatArray, Layer, Network
from edgeprofiler.measurement.recording import DeviceState, Timeline


class Clock(Protocol):
    """The time that a runner lives in; seconds since an arbitrary moment, never going back."""

    virtual: bool
    """Whether the time is simulated; then waiting costs nothing."""

    def now_s(self) -> float:
        """Return the present time."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Let `duration_s` pass."""


class MonotonicClock:
    """CLOCK_MONOTONIC of this machine, the clock of every process that records."""

    virtual = False

    def now_s(self) -> float:
        """Return the present time."""
        return time.monotonic()

    def sleep(self, duration_s: float) -> None:
        """Let `duration_s` pass."""
        if duration_s > 0:
            time.sleep(duration_s)


@runtime_checkable
class Runner(Protocol):
    """Runs one network on one runtime. Made with keyword options that JSON can hold.

    A runner that finds layers and times only after all runs (trtexec) does its work in `run`
    and returns the whole `Timeline` that the files tell.
    """

    name: str
    simulated: bool
    needs_network: bool
    """Whether `load` wants the layers (a simulation); others read the model themselves.

    Where it does, the options `device`, `precision`, `batch` and `shapes` say what the layers are
    for; `collect` lowers the model so. One that a runner lacks is the default of `prediction.read`.
    """
    clock: Clock
    """`MonotonicClock()` for everything that runs for real."""

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal runner."""
        ...

    def probe(self) -> None:
        """Return if the runtime can run here and now.

        Raises:
            Unavailable: it cannot; reason and remedy are said.
        """

    def load(self, source: str, network: Network | None = None) -> None:
        """Make ready to run; building an engine happens here, not in the first run.

        Args:
            source: what the user typed: a path, or an address such as `zoo:resnet18`.
            network: its layers as they run on the runner's device; given where `needs_network`.

        Raises:
            InvalidInput: the source is not what this runtime takes.
            Unsupported: the runtime cannot run it.
        """

    def network(self) -> Network | None:
        """Return the layers as this runtime runs them, in the order of the timeline's columns.

        `None` where the runtime does not tell; may be known only after the first `run`.
        """
        ...

    def run(self, runs: int, pauses_s: FloatArray | None = None) -> Timeline:
        """Run `runs` times and return durations and ends on `clock`.

        Args:
            runs: at least 1. `collect` asks for blocks of about half a second.
            pauses_s: shape (runs,); wait that long before each run, so that the sensor's phase
                spreads. `None`: back to back. Waiting is no part of a run.

        Returns:
            A `Timeline` whose `layer_names` are the same in each call. `run_end_s` (and
            `run_start_s` where known) are read right after (before) the execution.
        """
        ...

    def describe(self) -> Mapping[str, str]:
        """Return facts for the record as text: `runtime` with its version, `device`, `mode`..."""
        ...

    def close(self) -> None:
        """Give all memory back; harmless when nothing is loaded."""


@runtime_checkable
class IsolatingRunner(Protocol):
    """A runner that can also run one layer alone, for `collect --isolate`."""

    def isolated(self, layer: Layer) -> Runner:
        """Return a loaded runner of a network that is this layer alone.

        Raises:
            Unsupported: this layer cannot be built alone.
        """
        ...


@runtime_checkable
class FreeRunner(Protocol):
    """A runner that can also run without its profiler, for `benchmark`."""

    def latencies(self, runs: int) -> FloatArray:
        """Return wall times of `runs` runs without the profiler; shape (runs,)."""
        ...


@runtime_checkable
class StatefulRunner(Protocol):
    """A runner that knows the device's state better than the operating system (a simulation)."""

    def state(self) -> DeviceState:
        """Return temperatures, clocks and throttling now."""
        ...
