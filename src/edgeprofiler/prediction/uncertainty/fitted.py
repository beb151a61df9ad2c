"""What the shipped numbers were fitted on: networks and layers, to tell how far a question is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.network import BoolArray, Columns, FloatArray, IntArray, Layer
from edgeprofiler.core.values import shipped_toml
from edgeprofiler.prediction.costmodel.work import DEPTHWISE, Work, network_sums

NEAR = 0.25
"""Distance of two networks' features up to which they are of one kind."""

DECADES = 1.0
"""How far, in powers of ten of FLOP or bytes, a layer may lie from one that was fitted."""

KNOWN_DTYPES = frozenset({"fp16", "bf16", "tf32", "fp32", "int8", "uint8"})
"""What measured rows multiply in."""


def network_features(columns: Columns) -> FloatArray:
    """Return numbers that tell networks apart: size, depth, and what kind of work it is.

    Logarithms to base ten of FLOP at a weight of 0.3, of kernels and of FLOP a byte at half
    weight, and the shares of the FLOP in products, wider kernels and depthwise convolutions.
    """
    return features_of_many(columns, np.array([0, len(columns)])).reshape(-1)


def features_of_many(columns: Columns, offsets: IntArray) -> FloatArray:
    """Return the features of networks that stand one after another, shape (networks, 6).

    Args:
        columns: layers of all networks.
        offsets: where each network starts, and the end: one number more than networks.
    """
    work = Work.of(columns)
    depthwise = work.class_code >= DEPTHWISE
    windowed = (columns.kernel_size > 1) & ~depthwise

    def share(chosen: BoolArray) -> FloatArray:
        return network_sums(np.where(chosen, work.flops, 0.0), offsets) / flops

    flops, moved, kernels = (
        np.maximum(network_sums(amount, offsets), 1.0)
        for amount in (work.flops, work.bytes_moved, work.runs)
    )
    return np.column_stack(
        [
            0.3 * np.log10(flops),
            0.5 * np.log10(kernels),
            0.5 * np.log10(flops / moved),
            share(~windowed & ~depthwise),
            share(windowed),
            share(depthwise),
        ]
    )


@dataclass(frozen=True)
class Fitted:
    """Networks and layers that the shipped numbers were fitted on."""

    networks: tuple[str, ...]
    features: FloatArray
    layers: tuple[str, ...]
    layer_class: IntArray
    layer_flops: FloatArray
    layer_bytes: FloatArray

    def nearest_network(self, columns: Columns) -> tuple[str, float]:
        """Return the fitted network most like this one, and how far it is."""
        gaps = np.linalg.norm(self.features - network_features(columns), axis=1)
        index = int(np.argmin(gaps))
        return self.networks[index], float(gaps[index])

    def gaps(self, columns: Columns, offsets: IntArray) -> FloatArray:
        """Return how far each of many networks is from the nearest fitted one.

        Args are those of `features_of_many`.
        """
        features = features_of_many(columns, offsets)
        apart: FloatArray = np.linalg.norm(self.features - features[:, None, :], axis=2)
        return np.asarray(apart.min(axis=1))

    def unlike(self, columns: Columns) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return the layers that lie outside what was fitted, and the nearest fitted of each."""
        work = Work.of(columns)
        classes = work.class_code
        runs = (work.runs > 0) & work.covered
        apart = np.abs(logarithm(work.flops)[:, None] - logarithm(self.layer_flops))
        apart = np.maximum(
            apart, np.abs(logarithm(work.bytes_moved)[:, None] - logarithm(self.layer_bytes))
        )
        apart[classes[:, None] != self.layer_class] += 100.0
        nearest = np.argmin(apart, axis=1)
        far = runs & (apart[np.arange(len(work)), nearest] > DECADES)
        return np.flatnonzero(far), nearest[far]


def logarithm(values: FloatArray) -> FloatArray:
    """Return the powers of ten of amounts of work; 0 where there is none."""
    return np.log10(np.maximum(values, 1.0))


def describe(layer: Layer) -> str:
    """Return a layer's operation and shapes in a few characters."""
    source = "x".join(map(str, layer.input_shapes[0][1:])) if layer.input_shapes else "?"
    result = "x".join(map(str, layer.output_shapes[0][1:])) if layer.output_shapes else "?"
    kernel = "x".join(map(str, layer.kernel))
    op = "depthwise convolution" if layer.depthwise else layer.op
    return f"{op} {kernel} {source} to {result}".replace("  ", " ")


@lru_cache(maxsize=1)
def intervals_table() -> Mapping[str, Any]:
    """Return the shipped table of widths and of what was fitted."""
    return shipped_toml("edgeprofiler.prediction.uncertainty", "data/intervals.toml").mapping()


@lru_cache(maxsize=1)
def fitted() -> Fitted:
    """Return what the shipped numbers were fitted on."""
    networks, layers = intervals_table()["networks"], intervals_table()["layers"]
    return Fitted(
        tuple(networks["names"]),
        np.array(networks["features"], dtype=np.float64).reshape(-1, 6),
        tuple(layers["names"]),
        np.array(layers["classes"], dtype=np.int64),
        np.array(layers["flops"], dtype=np.float64),
        np.array(layers["bytes"], dtype=np.float64),
    )
