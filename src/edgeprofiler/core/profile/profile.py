"""The nouns of a result. What each quantity means is in docs/contract.md.

Power is that of the board's input, idle included, unless a name says `above_idle`. Unknown
numbers are NaN here and `null` or empty in files, never 0.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from edgeprofiler.core.alike import Alike
from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.device.clocks import Clocks
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.files import write_text
from edgeprofiler.core.network import BoolArray, FloatArray, Layer, Network
from edgeprofiler.core.plugins import load
from edgeprofiler.core.profile.memory import EngineMemory
from edgeprofiler.core.profile.rate import AtRate, at_rate
from edgeprofiler.core.profile.table import layer_columns, to_csv
from edgeprofiler.core.profile.words import in_a_line, in_short, profile_tables
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.core.table.frame import to_frame


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs: a row of `Costs` with its layer."""

    index: int
    layer: Layer
    runtime_s: Estimate
    power_w: Estimate
    energy_j: Estimate
    covered: bool
    bound: str
    """`compute`, `memory` or `launch`: the largest part of its time; empty where unknown."""
    known_by: str
    """Source of the cost (model, noop, samples, group of layers, network); empty if unknown."""


@dataclass(frozen=True, eq=False)
class Costs(Alike):
    """Costs of all layers of one network as read-only arrays of one length.

    `runtime_s` and `power_w` are NaN where unknown. `standard_error_w` and `samples` are for
    measured profiles and may be `None`.
    """

    runtime_s: FloatArray
    power_w: FloatArray
    covered: BoolArray
    bound: tuple[str, ...]
    known_by: tuple[str, ...]
    runtime_s_low: FloatArray | None = None
    runtime_s_high: FloatArray | None = None
    power_w_low: FloatArray | None = None
    power_w_high: FloatArray | None = None
    energy_j_low: FloatArray | None = None
    energy_j_high: FloatArray | None = None
    standard_error_w: FloatArray | None = None
    samples: FloatArray | None = None
    """Distinct sensor conversions that overlap each layer."""

    def __len__(self) -> int:
        return len(self.runtime_s)

    @cached_property
    def energy_j(self) -> FloatArray:
        """Energy of each layer, `power_w * runtime_s`; 0 for a layer that takes no time."""
        return read_only(energy_of(self.runtime_s, self.power_w))


def energy_of(runtime_s: FloatArray, power_w: FloatArray) -> FloatArray:
    """Return the energy of layers: 0 for one that takes no time, whatever its power."""
    return np.where(runtime_s == 0, 0.0, runtime_s * power_w)


@dataclass(frozen=True, eq=False)
class Part(Alike):
    """Time outside all layers: the fixed part of an inference, or the host's gap."""

    runtime_s: float
    power_w: float

    @property
    def energy_j(self) -> float:
        """Board energy of this part, idle included."""
        return 0.0 if self.runtime_s == 0 else self.runtime_s * self.power_w


@dataclass(frozen=True)
class Totals:
    """What one inference costs in a back-to-back loop."""

    runtime_s: Estimate
    """GPU time: `fixed` and all layers."""
    end_to_end_s: Estimate
    """Wall time: GPU time and the host's gap."""
    energy_j: Estimate
    """Board energy over the wall time, idle included."""
    energy_above_idle_j: Estimate
    power_w: Estimate
    power_above_idle_w: Estimate


@dataclass(frozen=True)
class DeviceLabel:
    """The device a profile speaks of, as far as a reader must know it."""

    name: str
    mode: str
    """Power mode, and clocks that differ from it: `30w,gpu=510MHz`."""
    runtime: str
    """Host runtime: trtexec, cpp, torch-tensorrt, torch2trt, onnxruntime, simulated, ..."""
    provenance: str = ""
    clocks: Clocks | None = None
    """What the mode caps, where the board's file says it."""
    tensorrt: str = ""
    """Version of TensorRT that builds the engine; empty where there is none or it is unknown."""


@dataclass(frozen=True)
class Origin:
    """Where the numbers come from."""

    kind: Literal["measured", "predicted"]
    by: str
    version: str


@dataclass(frozen=True, eq=False)
class Profile(Alike):
    """What a network costs on a device.

    `total_intervals` maps a field of `Totals` to its low and high; values of the totals are
    always derived from the parts, so that energies and times add up.
    """

    network: Network
    device: DeviceLabel
    origin: Origin
    idle_power_w: float
    costs: Costs
    fixed: Part
    host_gap: Part
    total_intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    confidence: float = 0.9
    interval_kind: str = ""
    """How the intervals were made: which distance from the calibration they stand for."""
    narrowed_by: str = ""
    """What would make them narrower."""
    bound: str = ""
    """What takes most of the time: compute, memory, launch or host; empty where unknown."""
    host_fixed_s: float = math.nan
    """The part of the host's gap that no work of the GPU hides."""
    time_lower_bound_s: float = math.nan
    """GPU time that the uncovered layers need at least (their bytes at full bandwidth)."""
    warnings: tuple[str, ...] = ()
    simulated: bool = False
    rate_hz: float | None = None
    """Images a second that arrive, where a rate is asked for."""
    board_memory_bytes: float = math.nan
    """Memory that the board's processor and GPU share; NaN where unknown."""

    def __len__(self) -> int:
        return len(self.costs)

    def __iter__(self) -> Iterator[LayerCost]:
        return (self._cost(index) for index in range(len(self)))

    @overload
    def __getitem__(self, key: int | str) -> LayerCost: ...
    @overload
    def __getitem__(self, key: slice) -> list[LayerCost]: ...
    def __getitem__(self, key: int | str | slice) -> LayerCost | list[LayerCost]:
        """Return a layer by its place or its name, or that of a node in it; layers by a slice."""
        if isinstance(key, slice):
            return [self._cost(index) for index in range(*key.indices(len(self)))]
        if isinstance(key, str):
            return self._cost(self._place(key))
        index = operator.index(key)
        if not -len(self) <= index < len(self):
            raise IndexError(f"layer {index} of {len(self)}")
        return self._cost(index % len(self))

    def _place(self, name: str) -> int:
        layers = self.network.layers
        found = [i for i, layer in enumerate(layers) if layer.name == name]
        found = found or [i for i, layer in enumerate(layers) if name in layer.nodes]
        if len(found) == 1:
            return found[0]
        if found:
            raise KeyError(f"{len(found)} layers are called {name!r}; take one by its place")
        names = [name for layer in layers for name in (*layer.nodes, layer.name)]
        near = dict.fromkeys(get_close_matches(name, names, n=3, cutoff=0.3))
        raise KeyError(f"no layer is called {name!r}; near it: {', '.join(near) or 'none'}")

    def _cost(self, index: int) -> LayerCost:
        costs = self.costs

        def estimate(name: str) -> Estimate:
            low, high = getattr(costs, f"{name}_low"), getattr(costs, f"{name}_high")
            return Estimate(
                float(getattr(costs, name)[index]),
                math.nan if low is None else float(low[index]),
                math.nan if high is None else float(high[index]),
            )

        return LayerCost(
            index=index,
            layer=self.network.layers[index],
            runtime_s=estimate("runtime_s"),
            power_w=estimate("power_w"),
            energy_j=estimate("energy_j"),
            covered=bool(costs.covered[index]),
            bound=costs.bound[index],
            known_by=costs.known_by[index],
        )

    @property
    def uncovered(self) -> tuple[int, ...]:
        """Indices of the layers of unknown cost; totals leave out what has no time."""
        return tuple(int(i) for i in np.flatnonzero(~self.costs.covered))

    @cached_property
    def whole(self) -> bool:
        """Whether totals are of all that runs: no layer is uncovered, or runs without an end."""
        return not self.uncovered and not any(la.unbounded for la in self.network.layers)

    @cached_property
    def covered_macs(self) -> float:
        """Share of the MACs in covered layers; 1 for a network without MACs.

        NaN where those of an uncovered layer cannot be counted.
        """
        if self.uncounted:
            return math.nan
        return self._covered_share([layer.macs or 0 for layer in self.network.layers])

    @cached_property
    def uncounted(self) -> int:
        """Number of uncovered layers whose MACs cannot be counted."""
        return sum(self.network.layers[index].macs is None for index in self.uncovered)

    @cached_property
    def covered_bytes(self) -> float:
        """Share of the bytes moved in covered layers; 1 for a network that moves none."""
        return self._covered_share([layer.bytes_moved or 0 for layer in self.network.layers])

    def _covered_share(self, work: list[int]) -> float:
        amounts = np.array(work, dtype=np.float64)
        total = float(amounts.sum())
        return float(amounts[self.costs.covered].sum()) / total if total else 1.0

    @cached_property
    def totals(self) -> Totals:
        """The cost of one inference, derived from layers, fixed part and host gap.

        Times count wherever they are known. Energy and power are NaN where a layer that takes
        time has none: a sum over the others would not be of the same inference.
        """
        counted = self.costs.covered | np.isfinite(self.costs.runtime_s)
        runtime = self.fixed.runtime_s + float(self.costs.runtime_s[counted].sum())
        end_to_end = runtime + self.host_gap.runtime_s
        energy = (
            float(self.costs.energy_j[counted].sum()) + self.fixed.energy_j + self.host_gap.energy_j
        )
        power = energy / end_to_end if end_to_end > 0 else math.nan
        values = {
            "runtime_s": runtime,
            "end_to_end_s": end_to_end,
            "energy_j": energy,
            "energy_above_idle_j": energy - self.idle_power_w * end_to_end,
            "power_w": power,
            "power_above_idle_w": power - self.idle_power_w,
        }
        bounds = self.total_intervals
        return Totals(
            **{
                name: Estimate(value, *bounds.get(name, (math.nan, math.nan)))
                for name, value in values.items()
            }
        )

    @cached_property
    def memory(self) -> EngineMemory:
        """What the network's engine takes of the board's memory."""
        return EngineMemory.of(self.network, self.board_memory_bytes)

    @cached_property
    def at_rate(self) -> AtRate | None:
        """What the network costs at the rate that is asked for; `None` where none is."""
        if self.rate_hz is None:
            return None
        totals = self.totals
        return at_rate(
            self.rate_hz,
            self.network.batch,
            totals.end_to_end_s,
            totals.energy_above_idle_j,
            totals.power_above_idle_w,
            self.idle_power_w,
            whole=self.whole,
        )

    def to_frame(self, backend: str | None = None) -> Any:
        """Return the layers as a data frame of pandas or polars, whichever is there.

        Args:
            backend: pandas, polars or pyarrow, where one is wanted.

        Raises:
            Unavailable: there is none (extra `[frame]`).

        >>> from edgeprofiler import predict
        >>> frame = predict("zoo:lenet", "jetson-nano").to_frame()
        >>> list(frame.columns[:4])
        ['layer_name', 'layer_type', 'power_prediction', 'runtime_prediction']
        """
        return to_frame(layer_columns(self), backend)

    def to_csv(self) -> str:
        """Return the layers as CSV, units in the names of columns."""
        return to_csv(self)

    def to_markdown(self) -> str:
        """Return totals and layers as Markdown."""
        return "\n".join(table.to_markdown() for table in profile_tables(self))

    def to_latex(self) -> str:
        """Return totals and layers as LaTeX, for papers that load `booktabs`."""
        return "\n".join(table.to_latex() for table in profile_tables(self))

    def to_json(self) -> str:
        """Return the profile as the text of its document, which `read_profile` reads."""
        return str(load("renderers", "json")(self))

    def save(self, path: str | Path) -> None:
        """Write the form that a file's ending names: .json, .csv, .md or .tex.

        Raises:
            UsageError: no form has that ending; pages and pictures are `report`'s.
            CannotWrite: it could not be written; nothing half-written is left.

        >>> from edgeprofiler import predict, read_profile
        >>> profile = predict("zoo:lenet", "jetson-nano")
        >>> profile.save("lenet.json")
        >>> read_profile("lenet.json") == profile
        True
        """
        forms = {
            ".json": self.to_json, ".csv": self.to_csv, ".md": self.to_markdown,
            ".tex": self.to_latex,
        }  # fmt: skip
        make = forms.get(Path(path).suffix.lower())
        if make is None:
            raise UsageError(
                f"{path}: the name of a profile ends in {', '.join(forms)}; pages and pictures "
                "are made by `report`"
            )
        write_text(Path(path), make())

    def __repr__(self) -> str:
        return in_a_line(self)

    def __str__(self) -> str:
        return in_short(self)

    def plot(self, kind: str = "timeline", **options: Any) -> Any:
        """Return a figure of this profile, drawn by the plotting module (extra `[plot]`)."""
        return load("renderers", "plot")(self, kind, **options)

    def _repr_html_(self) -> str:
        return str(load("renderers", "html")(self))
