"""A sensor, a runner and a chip's files that behave as documented, without hardware."""

from __future__ import annotations

import errno
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.errors import InvalidInput, Unavailable
from edgeprofiler.core.network import FloatArray, Layer, Network, Source, make_layer
from edgeprofiler.core.plugins import Optioned
from edgeprofiler.measurement.recording import Timeline
from edgeprofiler.measurement.runners.protocol import Clock, MonotonicClock
from edgeprofiler.measurement.sensors.protocol import SensorKind


@dataclass(kw_only=True, eq=False)
class FakeSensor(Optioned):
    """A live sensor with two rails, `VDD_IN` and `VDD_SOC`; it may vanish or fall silent.

    Args:
        power_w: power of `VDD_IN`; `VDD_SOC` has a tenth of it.
        hold_s: a new value, 1 mW higher or lower, comes this often.
        kind: `power`, or `energy` for a counter of joules.
        vanish_after: after so many readings each raises `OSError`, as of an unplugged chip.
        silent_after: after so many readings each gives NaN, as a hung bus does.
        missing: `probe` and `open` raise `Unavailable`.
    """

    power_w: float = 5.0
    hold_s: float = 0.005
    kind: SensorKind = "power"
    vanish_after: int | None = None
    silent_after: int | None = None
    missing: bool = False
    _opened_s: float = field(default=math.nan, init=False)
    _reads_so_far: int = field(default=0, init=False)

    name = "fake"

    @property
    def rails(self) -> tuple[str, ...]:
        """Two rails."""
        return ("VDD_IN", "VDD_SOC")

    @property
    def total_rails(self) -> tuple[str, ...]:
        """The first one carries the board."""
        return ("VDD_IN",)

    def probe(self) -> None:
        """Raise `Unavailable` where it was made missing."""
        if self.missing:
            raise Unavailable("the fake sensor was made missing", "make it with missing=False")

    def open(self) -> None:
        """Start its time."""
        self.probe()
        self._opened_s = time.monotonic()
        self._reads_so_far = 0

    def close(self) -> None:
        """End its time."""
        self._opened_s = math.nan

    def read(self) -> Sequence[float]:
        """Return watts, or joules so far."""
        age_s = time.monotonic() - self._opened_s
        self._reads_so_far += 1
        if math.isnan(age_s) or _passed(self._reads_so_far, self.vanish_after):
            raise OSError(errno.ENODEV, "No such device")
        if _passed(self._reads_so_far, self.silent_after):
            return (math.nan, math.nan)
        step = int(age_s / self.hold_s)
        if self.kind == "energy":
            value = self.power_w * step * self.hold_s
        else:
            value = self.power_w + 1e-3 * (step % 2)
        return (value, 0.1 * value)

    def settings(self) -> Mapping[str, Any]:
        """Return its update interval in milliseconds."""
        return {"chip": "fake", "update_interval": self.hold_s * 1e3}


def _passed(count: int, limit: int | None) -> bool:
    return limit is not None and count > limit


class FakeRunner:
    """A runner of three layers that takes `layer_s` each, by waiting.

    Args:
        layer_s: duration of each layer.
        die_after: raises `RuntimeError` in the run after so many, as a lost device does.
        clock: its clock; a virtual one makes it quick.
    """

    name = "fake"
    simulated = False
    needs_network = False

    def __init__(
        self, *, layer_s: float = 1e-3, die_after: int = 0, clock: Clock | None = None
    ) -> None:
        self.clock: Clock = clock or MonotonicClock()
        self._layer_s = layer_s
        self._die_after = die_after
        self._done = 0
        self._layers: tuple[Layer, ...] = ()

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal runner."""
        return {"layer_s": self._layer_s, "die_after": self._die_after}

    def probe(self) -> None:
        """It always runs."""

    def load(self, source: str, network: Network | None = None) -> None:
        """Take sources that begin with `fake`: a convolution, a pooling and a dense layer."""
        del network
        if not source.startswith("fake"):
            raise InvalidInput(source, "is no fake model", "name it fake:something")
        self._layers = (
            make_layer(
                name="conv", kind="convolutional", op="convolution", dtype="fp16",
                input_shapes=((1, 3, 8, 8),), output_shapes=((1, 8, 8, 8),),
                kernel=(3, 3), stride=(1, 1), padding_before=(1, 1), padding_after=(1, 1),
            ),
            make_layer(
                name="pool", kind="pooling", op="max_pool", dtype="fp16",
                input_shapes=((1, 8, 8, 8),), output_shapes=((1, 8, 4, 4),),
                kernel=(2, 2), stride=(2, 2),
            ),
            make_layer(
                name="dense", kind="dense", op="gemm", dtype="fp16",
                input_shapes=((1, 128),), output_shapes=((1, 10),), weight_elements=1290,
            ),
        )  # fmt: skip

    def network(self) -> Network | None:
        """Return the layers once loaded."""
        if not self._layers:
            return None
        return Network("fake", self._layers, Source("fake", "fake"))

    def run(self, runs: int, pauses_s: FloatArray | None = None) -> Timeline:
        """Wait as long as the layers take."""
        layers = len(self._layers)
        starts, ends = np.empty(runs), np.empty(runs)
        for index in range(runs):
            if pauses_s is not None:
                self.clock.sleep(float(pauses_s[index]))
            if self._die_after and self._done >= self._die_after:
                raise RuntimeError("the device was lost")
            starts[index] = self.clock.now_s()
            self.clock.sleep(layers * self._layer_s)
            ends[index] = self.clock.now_s()
            self._done += 1
        durations = np.full((runs, layers), self._layer_s)
        return Timeline(
            layer_names=tuple(layer.name for layer in self._layers),
            duration_s=durations,
            run_end_s=ends,
            run_start_s=starts,
        )

    def describe(self) -> Mapping[str, str]:
        """Return its name as the runtime."""
        return {"runtime": "fake 1"}

    def isolated(self, layer: Layer) -> FakeRunner:
        """Return a runner of one layer alone."""
        alone = FakeRunner(layer_s=self._layer_s, clock=self.clock)
        alone._layers = (layer,)
        return alone

    def close(self) -> None:
        """Forget the layers."""
        self._layers = ()


def write_ina3221_tree(
    root: Path,
    rails: Mapping[str, tuple[int, int]],
    *,
    chip: str = "1-0040",
    hwmon: int = 3,
) -> Path:
    """Write the files of one INA3221 as Linux shows them under hwmon, and return their folder.

    Args:
        root: root of the fake file system.
        rails: up to three labels with millivolts and milliamperes.
        chip: bus and address of the chip.
        hwmon: number that Linux gave it.
    """
    folder = root / f"sys/bus/i2c/drivers/ina3221/{chip}/hwmon/hwmon{hwmon}"
    folder.mkdir(parents=True)
    files = {"name": "ina3221", "samples": "1", "update_interval": "7"}
    for number, (label, (milli_volts, milli_amperes)) in enumerate(rails.items(), 1):
        files |= {
            f"in{number}_label": label,
            f"in{number}_input": str(milli_volts),
            f"curr{number}_input": str(milli_amperes),
            f"in{number}_enable": "1",
            f"shunt{number}_resistor": "5000",
        }
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n")
    return folder
