"""The whole journey on a simulated Jetson: collect, attribute, build, train, predict.

Everything that the simulator can do wrong is on. Three networks are held out; predictions are
compared with the simulator's own truth, which neither training nor attribution sees. A second
part compares recipes on a designed set of isolated convolutions. Writes its figures into
docs/learning.md between markers.

    python scripts/learn_simulated.py [--seconds 60] [--keep FOLDER] [--only-isolated] [--no-docs]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from isolated_convolutions import isolated_section
from learning_docs import replace_section

from edgeprofiler import plugins
from edgeprofiler.attribution import attribute_with_report
from edgeprofiler.collect import Plan, collect
from edgeprofiler.dataset import Dataset
from edgeprofiler.dataset.build import build
from edgeprofiler.dataset.storage import save_dataset
from edgeprofiler.device import load_device
from edgeprofiler.network import FloatArray, IntArray, Network
from edgeprofiler.prediction import predict, read
from edgeprofiler.profile import Profile
from edgeprofiler.profile.document import write_profile
from edgeprofiler.recording import load_recording
from edgeprofiler.simulator import SimulatedDevice, TrueCosts, true_costs
from edgeprofiler.stores.folder import FolderStore
from edgeprofiler.training import TrainingOptions, load_predictor, train

BOARD = "jetson-orin-nano"
SEED = 0
MAX_RUNS = 30_000
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


def journey(folder: Path, measure_s: float) -> tuple[Dataset, dict[str, float]]:
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
        runner, sensor = plugins.load("runners", "sim"), plugins.load("sensors", "sim")
        where = folder / "recordings" / name
        where.parent.mkdir(exist_ok=True)
        expected_s = predict(network, BOARD).totals.end_to_end_s.value
        runs = min(int(measure_s / expected_s), MAX_RUNS)
        plan = Plan(runs=runs, idle_s=30.0, warmup=50, seed=SEED)
        board, meter = runner(device=BOARD, seed=SEED), sensor(seed=SEED)
        collect(f"zoo:{name}", board, meter, where, plan=plan, network=network, name=name)
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


def truth_of(network: Network) -> TrueCosts:
    return true_costs(network, SimulatedDevice.draw(SEED, BOARD))


def unpredictable(network: Network, quantity: str) -> FloatArray:
    """Relative difference of each layer from the same board without its own deviations."""
    known = true_costs(network, SimulatedDevice.draw(SEED, BOARD, layer_spread=0.0))
    with np.errstate(invalid="ignore"):
        return np.asarray(getattr(known, quantity) / getattr(truth_of(network), quantity) - 1)


def rms(parts: list[FloatArray]) -> float:
    return 100 * float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))


def journey_section(folder: Path, measure_s: float) -> str:
    data, took = journey(folder, measure_s)
    began = time.monotonic()
    artifact = train(data, load_device(BOARD), TrainingOptions(test_networks=HELD_OUT))
    took["train"] = time.monotonic() - began
    FolderStore(folder).put(artifact, "predictor")
    predictor = load_predictor(folder / "predictor")
    results: list[Result] = []
    floor: dict[str, list[FloatArray]] = {"runtime_s": [], "power_w": []}
    for name in HELD_OUT:
        network = read(f"zoo:{name}", device=BOARD)
        results.append(Result(name, predictor.predict(network), truth_of(network)))
        for quantity, parts in floor.items():
            parts.append(unpredictable(network, quantity)[results[-1].kept()])
    head = ("held out", "layers", "runtime RMSPE", "board power RMSPE", "power above idle RMSPE",
            "energy of all layers")  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---|---:|---:|---:|---:|---:|"]
    lines.extend(
        f"| {r.name} | {len(r.kept())} | {rms([r.errors('runtime_s')]):.1f} % | "
        f"{rms([r.errors('power_w')]):.1f} % | "
        f"{rms([r.errors('power_w', above_idle=True)]):.1f} % | {100 * r.energy_error:+.1f} % |"
        for r in results
    )
    runtime = rms([r.errors("runtime_s") for r in results])
    power = rms([r.errors("power_w") for r in results])
    above = rms([r.errors("power_w", above_idle=True) for r in results])
    energy = 100 * float(np.mean([abs(r.energy_error) for r in results]))
    steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items() if seconds)
    count = len(TRAINING) + len(HELD_OUT)
    layers = sum(len(r.kept()) for r in results)
    lines.append(
        f"| together | {layers} | {runtime:.1f} % | {power:.1f} % | {above:.1f} % | "
        f"MAPE {energy:.1f} % |"
    )
    return f"""{count} networks on a simulated {BOARD}, {measure_s:g} s of runs each (at most
{MAX_RUNS:,} runs), every fault and structure of the simulator on; {len(HELD_OUT)} held out.
{len(data)} rows. Predictions against the simulator's truth:

{chr(10).join(lines)}

Each simulated layer has a deviation of its own that nothing in its shape tells ({_SPREAD:.0%}
standard deviation in time and in power). A predictor that knew everything else would still show a
layer RMSPE of {rms(floor["runtime_s"]):.1f} % for runtime and {rms(floor["power_w"]):.1f} % for
board power here. Times (wall clock, machine shared with other work): {steps}."""


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
