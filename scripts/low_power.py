"""How well low powers of isolated convolutions are learnt, on laws that the recipe does not know.

1,500 convolutions of random sizes draw 0.1 to 3 W by one of three laws, with 3 % noise: what their
units use, a saturating power law of their sizes, and what a sensor that averages sees of short
kernels. The recipe is held beside plain ways on the same features, for rows left out at random and
for sizes that were never seen. Writes its figures into docs/learning.md between markers.

    python scripts/low_power.py [--rows 1500] [--no-docs]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from learning_docs import replace_section
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import BoolArray, Columns, FloatArray, Layer, make_layer
from edgeprofiler.learning.recipes.hybrid import hybrid
from edgeprofiler.learning.training.fit import FLOOR, one_thread
from edgeprofiler.prediction.features import FEATURES, Ratings, features

SIZES = (7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 224)
INPUTS = (3, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
NOISE = 0.03
PEAK_MACS_PER_S, BYTES_PER_S, LAUNCH_S = 0.66e12, 40e9, 15e-6
"""Of a small board, such as a TX2 in 32-bit floats."""
LINEAR = [n for n, name in enumerate(FEATURES) if name.startswith("log_")]


@dataclass(frozen=True)
class Drawn:
    """Convolutions and the powers that they draw."""

    layers: list[Layer]
    size: FloatArray
    inputs: FloatArray
    watts: Mapping[str, FloatArray]
    """By law."""


def drawn(count: int, seed: int) -> Drawn:
    """Return random convolutions, none absurdly large, with their powers by each law."""
    rng = np.random.default_rng(seed)
    layers: list[Layer] = []
    facts = []
    while len(layers) < count:
        size, kernel = int(rng.choice(SIZES)), int(rng.choice((1, 3, 3, 3, 5, 7)))
        stride, inputs = int(rng.choice((1, 1, 2))), int(rng.choice(INPUTS))
        outputs = int(np.exp(rng.uniform(np.log(8), np.log(640))))
        depthwise = rng.random() < 0.08
        if depthwise:
            outputs, kernel = inputs, max(kernel, 3)
        made, groups = -(-size // stride), inputs if depthwise else 1
        layer = make_layer(
            name=f"conv{len(layers)}", kind="convolutional", op="convolution",
            input_shapes=[(1, inputs, size, size)], output_shapes=[(1, outputs, made, made)],
            dtype="fp32", kernel=(kernel, kernel), stride=(stride, stride),
            padding_before=(kernel // 2,) * 2, padding_after=(kernel // 2,) * 2, groups=groups,
            weight_elements=outputs * inputs // groups * kernel**2,
        )  # fmt: skip
        if layer.macs is not None and layer.macs <= 4e9:
            layers.append(layer)
            facts.append((size, kernel, inputs, outputs, made, groups, layer.macs))
    size_, kernel_, inputs_, outputs_, made_, groups_, macs = np.array(facts, float).T
    weights = outputs_ * inputs_ / groups_ * kernel_**2
    moved = 4 * (weights + inputs_ * size_**2 + outputs_ * made_**2)
    threads = made_**2 * outputs_
    busy = threads / (threads + 4e4)
    reached = np.where(groups_ > 1, 0.12, np.where(kernel_ == 1, 0.55, 0.75))
    compute_s = macs / (PEAK_MACS_PER_S * reached * busy)
    time_s = LAUNCH_S + np.cbrt(compute_s**3 + (moved / BYTES_PER_S) ** 3)
    computing = macs / PEAK_MACS_PER_S / time_s
    moving = moved / BYTES_PER_S / time_s
    sizes = macs**0.42 * outputs_**0.22 * kernel_**-0.24 * size_**0.35
    sizes = (0.45 * sizes / np.median(sizes)) ** 0.9
    laws = {
        "what units use": 0.08 + 1.7 * computing**0.8 + 0.9 * moving**0.7 * busy**0.3,
        "sizes, saturating": 0.1 + 3.2 * sizes / (1 + sizes),
        "short kernels, averaged": 0.06
        + (0.15 + 1.4 * computing + 0.8 * moving) * (time_s / (time_s + 60e-6)) ** 0.8,
    }
    noise = np.exp(NOISE * rng.standard_normal(count))
    watts = {name: np.maximum(power, 0.1) * noise for name, power in laws.items()}
    return Drawn(layers, size_, inputs_, watts)


def ours() -> Any:
    return hybrid("convolutional", "power_above_idle_w", FEATURES, 0)


def ridge() -> Any:
    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13)))


def trees() -> Any:
    return ExtraTreesRegressor(200, max_features=0.5, random_state=0)


def boosted() -> Any:
    return HistGradientBoostingRegressor(max_iter=300, learning_rate=0.06, random_state=0)


WAYS: Mapping[str, Callable[[], Any]] = {
    "`hybrid`": ours, "ridge of logarithms": ridge, "extra-trees": trees, "boosted trees": boosted,
}  # fmt: skip


def answers(way: str, table: FloatArray, watts: FloatArray, out: BoolArray) -> FloatArray:
    """Return what a way says of rows that it never saw; the plain ones learn logarithms."""
    estimator, seen = WAYS[way](), ~out
    if way == "`hybrid`":
        estimator.fit(table[seen], watts[seen])
        return np.asarray(np.maximum(estimator.predict(table[out]), FLOOR * watts[seen].min()))
    table = table[:, LINEAR] if way == "ridge of logarithms" else table
    estimator.fit(table[seen], np.log(watts[seen]))
    return np.asarray(np.exp(estimator.predict(table[out])))


def rmspe(found: FloatArray, truth: FloatArray) -> float:
    return float(100 * np.sqrt(np.mean((found / truth - 1) ** 2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--no-docs", action="store_true")
    options = parser.parse_args()
    data = drawn(options.rows, 1)
    table = features(Columns.of(data.layers), Ratings.of(load_device("jetson-tx2")))
    fold = np.random.default_rng(2).integers(0, 5, options.rows)
    left_out = {
        "at random": [fold == n for n in range(5)],
        "each size": [data.size == size for size in SIZES],
        "3 largest": [np.isin(data.size, SIZES[-3:])],
        "3 smallest": [np.isin(data.size, SIZES[:3])],
        "256 channels and more": [data.inputs >= 256],
    }
    lines = [f"| law | way | {' | '.join(left_out)} | bias below 0.5 W |",
             "|" + "---|" * (len(left_out) + 3)]  # fmt: skip
    with one_thread():
        for law, watts in data.watts.items():
            for way in WAYS:
                cells = []
                for masks in left_out.values():
                    found = np.full(options.rows, np.nan)
                    for out in masks:
                        found[out] = answers(way, table, watts, out)
                    asked = np.isfinite(found)
                    cells.append(f"{rmspe(found[asked], watts[asked]):.1f} %")
                    if masks is left_out["at random"]:
                        low = watts < 0.5
                        bias = 100 * float(np.mean(found[low] / watts[low] - 1))
                lines.append(f"| {law} | {way} | {' | '.join(cells)} | {bias:+.1f} % |")
                print(lines[-1], flush=True)
    if not options.no_docs:
        replace_section("low power", "\n".join(lines))


if __name__ == "__main__":
    main()
