"""Take each term of the cost model out, or change it, and print what that does to every error.

    python scripts/ablation.py --shared ../shared --write docs/cost-model.md     # minutes

Rewrites the part of the page between its markers. The first row is the model as shipped.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
from accuracy import layer_quantiles, masks, of, percent, table
from measured_totals import DEFAULT, layer_samples, measured_rows

from edgeprofiler.core.device import Device
from edgeprofiler.core.files import read_text, write_text
from edgeprofiler.prediction.accuracy import figures
from edgeprofiler.prediction.calibration import recipe
from edgeprofiler.prediction.calibration.folds import KEYS, Folds, PowerFolds, experiment_parameters
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.recipe import Sample
from edgeprofiler.prediction.costmodel.model import Hardware
from edgeprofiler.prediction.validate.networks import samples_of

BEGIN, END = "<!-- ablation:begin -->", "<!-- ablation:end -->"
KINDS = ("network", "family", "board")
PLAIN = Hardware.of


def datasheet_lanes(device: Device) -> Hardware:
    """Count vector lanes as the datasheet does: Volta has half of them a multiprocessor."""
    vector = np.array([device.vector_flops(d) for d in ("fp32", "tf32", "fp16", "int8", "fp64")])
    return replace(PLAIN(device), lane_flops=vector)


def asynchronous(device: Device) -> Hardware:
    """Let every board load while it computes."""
    return replace(PLAIN(device), async_copy=True)


@dataclass(frozen=True)
class Variant:
    """One change to the fit."""

    name: str
    start: Mapping[str, float] = field(default_factory=dict)
    shared: Mapping[str, float] = field(default_factory=dict)
    board: float = 1.0
    """Factor on how far boards may differ."""
    stack: float = 1.0
    hardware: Callable[[Device], Hardware] | None = None
    separate: bool = True
    products_alone: bool = False
    """Whether single layers are convolutions alone, without element-wise kernels and pooling."""


def fixed(name: str, value: float) -> Variant:
    """Hold one number at a value that takes its term out."""
    return Variant("", start={name: value}, shared={name: 1e-6})


VARIANTS = (
    Variant("as shipped"),
    Variant("compute and memory in turn everywhere", start={"overlap": 0.0}),
    Variant("overlap 0.3", start={"overlap": 0.3}),
    Variant("overlap 0.7", start={"overlap": 0.7}),
    Variant("overlap 1: the longer of both", start={"overlap": 1.0}),
    Variant("overlap on all boards", hardware=asynchronous),
    Variant("depthwise by the datasheets' vector peaks", hardware=datasheet_lanes),
    replace(fixed("tail", 1e-9), name="no small work (tail)"),
    replace(fixed("width_half", 1e-9), name="no narrow layers (w)"),
    replace(fixed("depthwise_large_kernel", 1.0), name="depthwise: one efficiency"),
    replace(fixed("first_layer", 1.0), name="first layers like others"),
    replace(fixed("launch_without_tensor_cores", 1.0), name="launch of old GPUs like others"),
    Variant("old builders fuse all activations", separate=False),
    Variant("boards do not differ", board=1e-3, stack=1e-3),
    Variant("boards held at 0.6 of the width", board=0.6),
    Variant("boards held at 1.5 of the width", board=1.5),
    Variant("stacks held at 0.6 of the width", stack=0.6),
    Variant("launch of old GPUs held within 50 %", shared={"launch_without_tensor_cores": 0.5}),
    Variant("single layers: convolutions alone", products_alone=True),
)  # fmt: skip


@contextmanager
def applied(variant: Variant) -> Iterator[None]:
    """Let fits use a variant's beliefs and hardware."""
    board = {name: width * variant.board for name, width in recipe.BOARD.items()}
    stack = {name: width * variant.stack for name, width in recipe.STACK.items()}
    with ExitStack() as changes:
        for name, value in (
            ("START", {**recipe.START, **variant.start}),
            ("SHARED", {**recipe.SHARED, **variant.shared}),
            ("BOARD", board),
            ("STACK", stack),
        ):
            changes.enter_context(patch.object(recipe, name, value))
        if not variant.separate:
            changes.enter_context(patch.object(recipe, "SEPARATE", ()))
        if variant.hardware is not None:
            changes.enter_context(patch.object(Hardware, "of", staticmethod(variant.hardware)))
        yield


def multiplying(layers: Sequence[Sample]) -> list[Sample]:
    """Return the layers that multiply."""
    return [sample for sample in layers if sample.work.flops.sum() > 0]


def measure(
    shared: Path, rows: Sequence[Measured], layers: Sequence[Sample], variant: Variant
) -> list[str]:
    """Return one line of the table."""
    samples = samples_of([row for row in rows if not row.set_aside])
    timed = [s for s in samples if np.isfinite(s.row.runtime_s)]
    powered = [s for s in samples if np.isfinite(s.row.power_above_idle_w)]
    problem, ordered = recipe.assemble(
        [*timed, *(layers if not variant.products_alone else multiplying(layers))]
    )
    full = problem.fit().values
    networks, ladder, single = masks(ordered)
    watts = np.array([s.row.power_above_idle_w for s in powered])
    found, power = {}, {}
    for kind in KINDS:
        extra = [KEYS[kind](s) for s in powered] if kind != "board" else []
        folds = Folds.of(problem, ordered, kind, full, extra=extra, nested=False)
        residuals = folds.residuals()
        found[kind] = of(residuals, networks).mape, of(residuals, ladder).mape
        if extra:
            left = PowerFolds.of(folds, powered, kind, 0.9, nested=False).residuals
            power[kind] = figures(watts, watts * np.exp(left)).mape
    products = single & np.array([bool(s.work.flops.sum() > 0) for s in ordered])
    hardware = Hardware.of(layers[0].device)
    numbers = experiment_parameters(problem, full)
    quantiles = layer_quantiles(shared, numbers, hardware, rows)
    return [
        variant.name,
        *(f"{percent(found[kind][0])}, {percent(found[kind][1])}" for kind in KINDS),
        f"{percent(power['network'])}, {percent(power['family'])}",
        percent(of(problem.predict(full) - problem.observed, products).rmspe),
        ", ".join(f"{100 * q.error:+.0f}" for q in quantiles if q.label.startswith("p")),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path,
                        default=Path(os.environ.get("EDGEPROFILER_SHARED", DEFAULT)))  # fmt: skip
    parser.add_argument("--write", type=Path, help="page to keep the table in")
    options = parser.parse_args()
    rows, layers = measured_rows(options.shared), layer_samples(options.shared)
    lines = []
    for variant in VARIANTS:
        with applied(variant):
            lines.append(measure(options.shared, rows, layers, variant))
        print(" | ".join(lines[-1]), flush=True)
    head = ["variant", "network out: classifiers, detectors", "family out", "board out",
            "power: network, family out", "convolutions", "quantiles, %"]  # fmt: skip
    if options.write is not None:
        before, rest = read_text(options.write).split(BEGIN, 1)
        text = f"{before}{BEGIN}\n{table(head, lines)}\n{END}{rest.split(END, 1)[1]}"
        write_text(options.write, text)


if __name__ == "__main__":
    main()
