"""A designed set of isolated convolutions on a simulated board, and how recipes do on it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from edgeprofiler.core.device import load_device
from edgeprofiler.core.network import FloatArray, Layer, Network, Source, make_layer
from edgeprofiler.learning.dataset import Dataset
from edgeprofiler.learning.dataset.rows import layer_facts
from edgeprofiler.learning.training.fit import fit_one, least_of, left_out, one_thread, predicted
from edgeprofiler.learning.training.options import TrainingOptions
from edgeprofiler.learning.training.select import TrainingTable, table_of
from edgeprofiler.measurement.simulator import SimulatedDevice, true_costs
from edgeprofiler.prediction.accuracy import figures
from edgeprofiler.prediction.features import FEATURES, Ratings

BOARD = "jetson-orin-nano"
SIZES = (7, 14, 28, 56, 112, 224)
CHANNELS = (16, 32, 64, 128, 256, 512)
KERNELS = (1, 3, 5)
NOISE = 0.02
"""Relative standard deviation of a measurement of runtime and of power above idle."""
SPREAD = 0.05
"""Each convolution's own deviation, which nothing tells."""
MAX_MACS = 4e9
RECIPES = ("hybrid", "neuralpower")
QUANTITIES = {"runtime_s": "runtime", "power_above_idle_w": "power above idle"}


def convolution(
    size: int, inputs: int, outputs: int, kernel: int, stride: int, groups: int
) -> Layer:
    made = math.ceil(size / stride)
    return make_layer(
        name=f"conv{kernel}-{inputs}-{outputs}-{size}-{stride}-{groups}",
        kind="convolutional",
        op="convolution",
        input_shapes=[(1, inputs, size, size)],
        output_shapes=[(1, outputs, made, made)],
        dtype="fp16",
        kernel=(kernel, kernel),
        stride=(stride, stride),
        padding_before=(kernel // 2,) * 2,
        padding_after=(kernel // 2,) * 2,
        groups=groups,
        weight_elements=inputs * outputs * kernel**2 // groups + outputs,
    )


def designed() -> Iterator[Layer]:
    """Every size with every width and window; depthwise ones beside; none absurdly large."""
    for size, inputs, outputs, kernel in itertools.product(SIZES, CHANNELS, CHANNELS, KERNELS):
        for stride in (1, 2) if kernel == 3 else (1,):
            layer = convolution(size, inputs, outputs, kernel, stride, 1)
            if (layer.macs or 0) <= MAX_MACS and 4 <= 8 * outputs / inputs <= 32:
                yield layer
    for size, channels, kernel in itertools.product(SIZES, CHANNELS, (3, 5)):
        yield convolution(size, channels, channels, kernel, 1, channels)


def measured(layers: list[Layer], spread: float, seed: int) -> Dataset:
    """Return the layers as a data set: true costs of the simulated board, with noise."""
    network = Network("isolated", tuple(layers), Source("isolated", "designed"))
    truth = true_costs(network, SimulatedDevice.draw(seed, BOARD, layer_spread=spread))
    rng = np.random.default_rng([seed, 71])
    time = truth.runtime_s * np.exp(rng.normal(0, NOISE, len(layers)))
    above = truth.above_idle_w * np.exp(rng.normal(0, NOISE, len(layers)))
    rows = [
        {
            **layer_facts(layer),
            "network": layer.name,
            "device": BOARD,
            "runtime": "simulated",
            "precision": "fp16",
            "simulated": 1,
            "runtime_s": float(t),
            "power_above_idle_w": float(p),
            "power_w": float(p) + truth.idle_power_w,
            "idle_power_w": truth.idle_power_w,
        }
        for layer, t, p in zip(layers, time, above, strict=True)
    ]
    return Dataset.of(rows)


def rmspe(guess: FloatArray, truth: FloatArray) -> float:
    return 100 * figures(truth, guess).rmspe


def five_folds(table: TrainingTable, recipe: str, quantity: str) -> float:
    answers = left_out(table, TrainingOptions(recipe=recipe, folds=5))
    return rmspe(answers[("convolutional", quantity)], table.data.number(quantity))


def levels_left_out(table: TrainingTable, recipe: str, quantity: str) -> tuple[float, int]:
    """Leave every size out in turn; return RMSPE and the number of answers not above zero."""
    options = TrainingOptions(recipe=recipe)
    size = np.array([int(t.rsplit("x", 1)[1]) for t in table.data.text("input_shapes").tolist()])
    answers = np.full(len(table.data), np.nan)
    negative = 0
    for level in SIZES:
        seen, asked = size != level, size == level
        estimator = fit_one(table, seen, ("convolutional", quantity), options)
        negative += int((np.asarray(estimator.predict(table.features[asked])) <= 0).sum())
        least = least_of(table, seen, quantity)
        answers[asked] = predicted(estimator, table, asked, least)
    return rmspe(answers, table.data.number(quantity)), negative


def twice(table: TrainingTable, board: Ratings) -> tuple[float, float, int]:
    """Predict at twice the largest size; return RMSPE of runtime and power, and negatives."""
    larger = [
        convolution(2 * SIZES[-1], inputs, outputs, kernel, 1, 1)
        for inputs, outputs, kernel in itertools.product(CHANNELS[:4], CHANNELS[:4], KERNELS)
    ]
    asked = table_of(measured(larger, 0.0, 0), board)
    found, negative = [], 0
    for quantity in QUANTITIES:
        every = np.ones(len(table.data), np.bool_)
        estimator = fit_one(table, every, ("convolutional", quantity), TrainingOptions())
        answers = np.asarray(estimator.predict(asked.features))
        negative += int((answers <= 0).sum())
        found.append(rmspe(answers, asked.data.number(quantity)))
    return found[0], found[1], negative


def isolated_section() -> str:
    board = Ratings.of(load_device(BOARD))
    table = table_of(measured(list(designed()), SPREAD, 0), board)
    lines = ["| quantity | left out | hybrid | neuralpower | ratio |", "|---|---|---:|---:|---:|"]
    with one_thread():
        for quantity, title in QUANTITIES.items():
            folds = {recipe: five_folds(table, recipe, quantity) for recipe in RECIPES}
            levels = {recipe: levels_left_out(table, recipe, quantity) for recipe in RECIPES}
            for left, ours, theirs in (
                ("a fifth at random", folds["hybrid"], folds["neuralpower"]),
                ("each size in turn", levels["hybrid"][0], levels["neuralpower"][0]),
            ):
                lines.append(
                    f"| {title} | {left} | {ours:.1f} % | {theirs:.1f} % | {theirs / ours:.1f} |"
                )
            lines.append(
                f"| {title}: answers not above zero | each size in turn | {levels['hybrid'][1]} | "
                f"{levels['neuralpower'][1]} | |"
            )
        runtime, power, negative = twice(table, board)
    return f"""{len(table.data)} convolutions on a simulated {BOARD}, sizes {SIZES[0]} to
{SIZES[-1]}, channels {CHANNELS[0]} to {CHANNELS[-1]}, kernels 1, 3 and 5, depthwise ones too;
{NOISE:.0%} noise of the measurement and {SPREAD:.0%} deviation of each convolution that nothing
tells. RMSPE:

{chr(10).join(lines)}

At twice the largest size (448 pixels, wholly outside the training) `hybrid` has an RMSPE of
{runtime:.1f} % for runtime and {power:.1f} % for power, and {negative} answers not above zero.
{len(FEATURES)} features."""
