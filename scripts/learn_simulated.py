"""The whole journey on a simulated Jetson: collect, attribute, build, train, predict.

Everything that the simulator can do wrong is on. Three networks are held out; predictions are
compared with the simulator's own truth, which neither training nor attribution sees. The journey
is made again with what nothing tells of a layer drawn for each network apart. A last part compares
recipes on a designed set of isolated convolutions. Writes its figures into docs/learning.md
between markers.

    python scripts/learn_simulated.py [--seconds 60] [--keep FOLDER] [--only-isolated] [--no-docs]
"""

from __future__ import annotations

import argparse
import tempfile
import time
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from isolated_convolutions import isolated_section
from learning_docs import replace_section

from edgeprofiler.core import plugins
from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import FloatArray, IntArray, Network
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.document import write_profile
from edgeprofiler.learning.dataset import Dataset
from edgeprofiler.learning.dataset.build import build
from edgeprofiler.learning.dataset.storage import save_dataset
from edgeprofiler.learning.stores.folder import FolderStore
from edgeprofiler.learning.training.fitting import train
from edgeprofiler.learning.training.options import TrainingOptions
from edgeprofiler.measurement.attribution import attribute_with_report
from edgeprofiler.measurement.collect.collecting import record_model
from edgeprofiler.measurement.collect.plan import RecordingPlan
from edgeprofiler.measurement.recording import load_recording
from edgeprofiler.measurement.runners.sim import SimulatedRunner
from edgeprofiler.measurement.simulator import SimulatedDevice, TrueCosts, true_costs
from edgeprofiler.measurement.simulator.live import SimulatedBoard
from edgeprofiler.measurement.simulator.model import Structure
from edgeprofiler.prediction.loading import load_predictor
from edgeprofiler.prediction.predict import predict
from edgeprofiler.reading.read import read

BOARD = "jetson-orin-nano"
SEED = 0
MAX_RUNS = 30_000
DRAWS = 3
"""Journeys with deviations of layers drawn for each network apart."""
TRAINING = (
    "lenet", "alexnet", "vgg11", "vgg13", "vgg19", "resnet34", "resnet50", "wide_resnet50_2",
    "mobilenet_v3_small", "mobilenet_v3_large", "mnasnet0_5", "mnasnet1_0", "googlenet",
    "squeezenet1_0", "squeezenet1_1", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0",
    "efficientnet_b0",
)  # fmt: skip
HELD_OUT = ("resnet18", "vgg16", "mobilenet_v2")


@dataclass(frozen=True, eq=False)
class Result:
    name: str
    predicted: Profile
    truth: TrueCosts
    plain: TrueCosts
    """The truth without the deviations of layers."""

    def kept(self) -> IntArray:
        trained = np.array([by == "trained" for by in self.predicted.costs.known_by])
        return np.flatnonzero(trained & (self.truth.runtime_s > 0))

    @property
    def energy_error(self) -> float:
        """Of the sum of the layers' energies, trained or not; idle included."""
        guess = float(np.nansum(self.predicted.costs.energy_j))
        return guess / float(self.truth.energy_j.sum()) - 1

    def errors(self, quantity: str, *, above_idle: bool = False) -> FloatArray:
        guess = getattr(self.predicted.costs, quantity)
        truth = getattr(self.truth, quantity)
        if above_idle:
            guess = guess - self.predicted.idle_power_w
            truth = self.truth.above_idle_w
        return np.asarray(guess[self.kept()] / truth[self.kept()] - 1)

    def floor(self, quantity: str) -> FloatArray:
        """Relative errors of a predictor that knows all but the layers' deviations."""
        kept = self.kept()
        return np.asarray(
            getattr(self.plain, quantity)[kept] / getattr(self.truth, quantity)[kept] - 1
        )


def device_of(network: str, draw: int, **options: float) -> SimulatedDevice:
    """Return the board that a network runs on.

    Constants of the board are the same for all. Deviations of layers, which the simulator draws
    by a layer's place, are the same for all networks in draw 0, else each network's own.
    """
    device = SimulatedDevice.draw(SEED, BOARD, **options)
    return replace(device, seed=zlib.crc32(f"{draw} {network}".encode())) if draw else device


class Runner(SimulatedRunner):
    """The simulated runner with the board of `device_of`."""

    def __init__(self, name: str, draw: int) -> None:
        super().__init__(device=BOARD, seed=SEED)
        self._zoo_name, self._draw = name, draw

    def load(self, source: str, network: Network | None = None) -> None:
        super().load(source, network)
        if network is not None:
            device = device_of(self._zoo_name, self._draw)
            self.board = SimulatedBoard(network, device, Structure.full())


def journey(folder: Path, measure_s: float, draw: int) -> tuple[Dataset, dict[str, float]]:
    """Collect, attribute and build; return the data set and the seconds of each step.

    The sensor's timing is fitted on the first network and known for the others: board, sensor
    and profiler are the same.
    """
    timing = None
    took = dict.fromkeys(("collect", "attribute", "build"), 0.0)
    profiles = folder / "profiles"
    profiles.mkdir(parents=True, exist_ok=True)
    for name in (*HELD_OUT, *TRAINING):
        target = profiles / f"{name}.json"
        if target.exists():
            continue
        network = read(f"zoo:{name}", device=BOARD)
        began = time.monotonic()
        sensor = plugins.load("sensors", "sim")
        where = folder / "recordings" / name
        where.parent.mkdir(exist_ok=True)
        expected_s = predict(network, BOARD).totals.end_to_end_s.value
        runs = min(int(measure_s / expected_s), MAX_RUNS)
        plan = RecordingPlan(runs=runs, idle_s=30.0, warmup=50, seed=SEED)
        board: Any = Runner(name, draw)
        record_model(
            f"zoo:{name}", board, sensor(seed=SEED), where, plan=plan, network=network, name=name
        )
        took["collect"] += time.monotonic() - began
        began = time.monotonic()
        found = attribute_with_report(load_recording(where), network=network, timing=timing)
        timing, profile = timing or found.report.timing, found.profile
        took["attribute"] += time.monotonic() - began
        write_profile(profile, target)
        spent = time.monotonic() - began
        print(f"{name:20s} {len(network):4d} layers, attributed in {spent:.0f} s", flush=True)
    began = time.monotonic()
    built = build([profiles])
    save_dataset(built.data, folder / "data", built.notes)
    took["build"] = time.monotonic() - began
    return built.data, took


def truth_of(name: str, network: Network, draw: int) -> TrueCosts:
    return true_costs(network, device_of(name, draw))


def unpredictable(name: str, network: Network, draw: int) -> TrueCosts:
    """Return the truth of the same board without deviations of layers."""
    return true_costs(network, device_of(name, draw, layer_spread=0.0))


def rms(parts: list[FloatArray]) -> float:
    return 100 * float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))


@dataclass(frozen=True, eq=False)
class Journey:
    """What one journey ended with."""

    rows: int
    took: dict[str, float]
    results: list[Result]

    @cached_property
    def runtime(self) -> float:
        return rms([r.errors("runtime_s") for r in self.results])

    @cached_property
    def power(self) -> float:
        return rms([r.errors("power_w") for r in self.results])

    @cached_property
    def above_idle(self) -> float:
        return rms([r.errors("power_w", above_idle=True) for r in self.results])

    @cached_property
    def energy(self) -> float:
        return 100 * float(np.mean([abs(r.energy_error) for r in self.results]))

    def floor(self, quantity: str) -> float:
        """Return the error of a predictor that knows all but the layers' deviations."""
        return rms([r.floor(quantity) for r in self.results])


def journey_to_end(folder: Path, measure_s: float, draw: int) -> Journey:
    data, took = journey(folder, measure_s, draw)
    began = time.monotonic()
    artifact = train(data, load_device(BOARD), TrainingOptions(test_networks=HELD_OUT))
    took["train"] = time.monotonic() - began
    FolderStore(folder).put(artifact, "predictor")
    predictor = load_predictor(folder / "predictor")
    results = []
    for name in HELD_OUT:
        network = read(f"zoo:{name}", device=BOARD)
        truth, plain = truth_of(name, network, draw), unpredictable(name, network, draw)
        results.append(Result(name, predictor.predict(network), truth, plain))
    return Journey(len(data), took, results)


def journey_section(folder: Path, measure_s: float) -> str:
    first = journey_to_end(folder, measure_s, 0)
    head = ("held out", "layers", "runtime RMSPE", "board power RMSPE", "power above idle RMSPE",
            "energy of all layers")  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---|---:|---:|---:|---:|---:|"]
    lines.extend(
        f"| {r.name} | {len(r.kept())} | {rms([r.errors('runtime_s')]):.1f} % | "
        f"{rms([r.errors('power_w')]):.1f} % | "
        f"{rms([r.errors('power_w', above_idle=True)]):.1f} % | {100 * r.energy_error:+.1f} % |"
        for r in first.results
    )
    layers = sum(len(r.kept()) for r in first.results)
    lines.append(
        f"| together | {layers} | {first.runtime:.1f} % | {first.power:.1f} % | "
        f"{first.above_idle:.1f} % | MAPE {first.energy:.1f} % |"
    )
    columns = ("draw", "runtime RMSPE", "knowing all else", "board power RMSPE", "knowing all else",
            "power above idle RMSPE", "energy MAPE")  # fmt: skip
    more = [f"| {' | '.join(columns)} |", "|---|---:|---:|---:|---:|---:|---:|"]
    for draw in range(1, DRAWS + 1):
        other = journey_to_end(folder / f"draw{draw}", measure_s, draw)
        more.append(
            f"| {draw} | {other.runtime:.1f} % | {other.floor('runtime_s'):.1f} % | "
            f"{other.power:.1f} % | {other.floor('power_w'):.1f} % | "
            f"{other.above_idle:.1f} % | {other.energy:.1f} % |"
        )
    steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in first.took.items() if seconds)
    return f"""{len(TRAINING) + len(HELD_OUT)} networks on a simulated {BOARD}, {measure_s:g} s
of runs each (at most {MAX_RUNS:,} runs), every fault and structure of the simulator on;
{len(HELD_OUT)} held out. {first.rows} rows. Predictions against the simulator's truth:

{chr(10).join(lines)}

Times (wall clock, machine shared with other work): {steps}.

Each simulated layer has a deviation of its own that nothing in its shape tells ({_SPREAD:.0%}
standard deviation in time and in power). The simulator draws it by the layer's place, so layers at
the same place of two networks share it, and networks in training tell something of it, as they
would not on a real board. A predictor that knew everything but the deviations would show
{first.floor("runtime_s"):.1f} % for runtime and {first.floor("power_w"):.1f} % for board power
above. With deviations drawn for each network apart, all {len(HELD_OUT)} together, beside what that
predictor would show ("knowing all else"):

{chr(10).join(more)}"""


_SPREAD = SimulatedDevice.draw(SEED, BOARD).layer_spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of runs, each network")
    parser.add_argument("--keep", type=Path, help="keep profiles here, and use those there")
    parser.add_argument("--only-isolated", action="store_true")
    parser.add_argument("--no-docs", action="store_true")
    options = parser.parse_args()
    sections = {}
    with tempfile.TemporaryDirectory() as temporary:
        if not options.only_isolated:
            sections["simulated"] = journey_section(
                options.keep or Path(temporary), options.seconds
            )
            print(sections["simulated"], flush=True)
    sections["isolated"] = isolated_section()
    print(sections["isolated"])
    if not options.no_docs:
        for name, text in sections.items():
            replace_section(name, text)


if __name__ == "__main__":
    main()
