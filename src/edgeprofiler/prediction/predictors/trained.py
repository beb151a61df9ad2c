"""Prediction by models that were trained on measured layers. Needs numpy alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from edgeprofiler._version import __version__
from edgeprofiler.core.device import Device
from edgeprofiler.core.network import (
    OP_CODES,
    OPS,
    BoolArray,
    Columns,
    FloatArray,
    IntArray,
    Kind,
    Network,
)
from edgeprofiler.core.profile import Costs, DeviceLabel, Origin, Part, Profile
from edgeprofiler.core.profile.lazy import LazyProfiles
from edgeprofiler.prediction.features import FEATURES, Board, features
from edgeprofiler.prediction.predictors.roofline import Profiles as AnalyticProfiles
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.prediction.uncertainty.conformal import half_width
from edgeprofiler.prediction.uncertainty.distance import shipped_width


class Regressor(Protocol):
    """Rows of features in, one number a row out."""

    def predict(self, rows: FloatArray) -> FloatArray:
        """Return one number a row."""


@dataclass(frozen=True)
class Extent:
    """How far training reached in one feature, and which layers stand at its ends."""

    low: float
    high: float
    smallest: str
    largest: str


@dataclass(frozen=True, eq=False)
class LayerModel:
    """One trained model: one quantity of one kind of layer."""

    kind: Kind
    quantity: str
    """`runtime_s` or `power_above_idle_w`."""
    regressor: Regressor
    least: float
    """No prediction is below this; above zero."""
    residuals: FloatArray
    """log(predicted / measured) of layers whose network was left out."""
    extents: Mapping[str, Extent]


@dataclass(frozen=True)
class Overhead:
    """Time outside all layers; the analytic model's where it was not measured."""

    fixed_s: float = math.nan
    fixed_above_idle_w: float = math.nan
    host_gap_s: float = math.nan
    host_gap_per_layer_s: float = 0.0
    host_gap_above_idle_w: float = math.nan


@dataclass(frozen=True)
class Correction:
    """Factors on the analytic model by operation, for layers that no trained model covers.

    The empty name stands for all other operations.
    """

    runtime: Mapping[str, float] = field(default_factory=dict)
    power_above_idle: Mapping[str, float] = field(default_factory=dict)

    def of(self, quantity: Mapping[str, float], columns: Columns) -> FloatArray:
        """Return a factor for each layer."""
        table = np.full(len(OPS), quantity.get("", 1.0))
        for op, factor in quantity.items():
            if op in OP_CODES:
                table[OP_CODES[op]] = factor
        return np.asarray(table[columns.op_code])


@dataclass(frozen=True, eq=False)
class TrainedPredictor:
    """Predict by trained models; the analytic model answers for the rest.

    Args:
        device: the board; its idle power stands under the predicted power.
        board: the datasheet that the models' features were computed with.
        models: at most one for each kind and quantity.
        overhead: fixed part and host gap as measured.
        correction: of the analytic model.
        network_residuals: log(predicted / measured) of networks left out, for `runtime_s`,
            `energy_j` and `power_above_idle_w`.
        confidence: share of the truth that the intervals are to hold.
        recipe: what trained it.
        trained_on: one line for people: rows, networks, device.
        other_runtime: the host runtime that was measured, where another is asked about: its gap
            is left to the analytic model, and intervals are wider.
    """

    device: Device
    board: Board
    models: tuple[LayerModel, ...]
    overhead: Overhead
    correction: Correction
    network_residuals: Mapping[str, FloatArray]
    confidence: float
    recipe: str
    trained_on: str
    other_runtime: str = ""

    @property
    def name(self) -> str:
        """How profiles name their origin."""
        return f"trained:{self.recipe}"

    @property
    def stack_width(self) -> float:
        """Half width in log space for software that was not measured; 0 where it was."""
        return shipped_width("runtime", "stack", self.confidence) if self.other_runtime else 0.0

    @cached_property
    def analytic(self) -> RooflinePredictor:
        """The model for layers that no trained one covers."""
        return RooflinePredictor(self.device, self.confidence)

    def predict(self, network: Network) -> Profile:
        """Return the profile of one network."""
        return self.predict_many([network])[0]

    def predict_many(self, networks: Sequence[Network]) -> TrainedProfiles:
        """Return the profiles of many networks, computed in one pass over all layers."""
        base = self.analytic.predict_many(networks)
        columns = Columns.concatenate([network.columns for network in networks])
        return TrainedProfiles(self, base, columns, self.costs(columns, base))

    def costs(self, columns: Columns, base: AnalyticProfiles) -> LayerCosts:
        """Return runtime and power of layers as arrays, without intervals."""
        idle = self.device.idle_power_w
        table = features(columns, self.board)
        usable = columns.covered & np.isfinite(table).all(axis=1) & (base.runtime_s > 0)
        fixed = self.correction
        runtime = base.runtime_s * fixed.of(fixed.runtime, columns)
        above = (base.power_w - idle) * fixed.of(fixed.power_above_idle, columns)
        trained = {q: np.zeros(len(columns), np.bool_) for q in ("runtime_s", "power_above_idle_w")}
        width = {
            "runtime_s": np.full(len(columns), math.nan),
            "power_above_idle_w": np.full(len(columns), math.nan),
        }
        answers = {"runtime_s": runtime, "power_above_idle_w": above}
        for model in self.models:
            rows = np.flatnonzero(usable & columns.is_kind(model.kind))
            if not rows.size:
                continue
            part = table[rows]
            answer = np.maximum(model.regressor.predict(part), model.least)
            answers[model.quantity][rows] = answer
            trained[model.quantity][rows] = True
            spread = math.hypot(half_width(model.residuals, self.confidence), self.stack_width)
            width[model.quantity][rows] = spread * (1.0 + beyond(part, model.extents))
        return LayerCosts(runtime, idle + above, trained["runtime_s"],
                          trained["power_above_idle_w"], width["runtime_s"],
                          width["power_above_idle_w"])  # fmt: skip


@dataclass(frozen=True, eq=False)
class LayerCosts:
    """Costs of layers; arrays of one length, NaN where unknown."""

    runtime_s: FloatArray
    power_w: FloatArray
    runtime_trained: BoolArray
    power_trained: BoolArray
    runtime_width: FloatArray
    """Half widths in log space; NaN where the analytic model answers."""
    power_width: FloatArray

    @property
    def energy_j(self) -> FloatArray:
        """Energy of each layer; 0 for one that takes no time."""
        return np.where(self.runtime_s == 0, 0.0, self.runtime_s * self.power_w)


def beyond(table: FloatArray, extents: Mapping[str, Extent]) -> FloatArray:
    """Return how far rows lie outside the training, as the largest log distance of a feature."""
    distance = np.zeros(len(table))
    for name, extent in extents.items():
        values = table[:, FEATURES.index(name)]
        np.maximum(distance, extent.low - values, out=distance)
        np.maximum(distance, values - extent.high, out=distance)
    return distance


@dataclass(frozen=True, eq=False)
class TrainedProfiles(LazyProfiles):
    """Profiles of many networks, made one by one when asked for; arrays lie flat beside them."""

    predictor: TrainedPredictor
    base: AnalyticProfiles
    columns: Columns
    layers: LayerCosts

    @property
    def offsets(self) -> IntArray:
        """Where each network's layers start, and the end of all."""
        return self.base.offsets

    @property
    def runtime_s(self) -> FloatArray:
        """Runtime of every layer of every network."""
        return self.layers.runtime_s

    @property
    def power_w(self) -> FloatArray:
        """Board power while each layer runs."""
        return self.layers.power_w

    def __len__(self) -> int:
        return len(self.base)

    def _profile(self, index: int) -> Profile:
        part = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
        analytic = self.base[index]
        predictor, network = self.predictor, analytic.network
        fixed, gap = self._parts(analytic)
        costs = self._costs(analytic, part)
        profile = Profile(
            network=network,
            device=DeviceLabel(
                analytic.device.name, analytic.device.mode, analytic.device.runtime,
                predictor.trained_on,
            ),
            origin=Origin("predicted", predictor.name, __version__),
            idle_power_w=analytic.idle_power_w,
            costs=costs,
            fixed=fixed,
            host_gap=gap,
            confidence=predictor.confidence,
            interval_kind="networks left out in training",
            time_lower_bound_s=analytic.time_lower_bound_s,
            warnings=(*network.warnings, *self._warnings(network, part)),
        )  # fmt: skip
        return _with_totals(profile, predictor)

    def _parts(self, analytic: Profile) -> tuple[Part, Part]:
        overhead, idle = self.predictor.overhead, analytic.idle_power_w
        fixed, gap = analytic.fixed, analytic.host_gap
        if math.isfinite(overhead.fixed_s):
            power = _or(idle + overhead.fixed_above_idle_w, fixed.power_w)
            fixed = Part(overhead.fixed_s, power)
        if math.isfinite(overhead.host_gap_s) and not self.predictor.other_runtime:
            running = sum(1 for layer in analytic.network.layers if layer.op != "noop")
            seconds = overhead.host_gap_s + overhead.host_gap_per_layer_s * running
            gap = Part(seconds, _or(idle + overhead.host_gap_above_idle_w, gap.power_w))
        return fixed, gap

    def _costs(self, analytic: Profile, part: slice) -> Costs:
        given, layers = analytic.costs, self.layers
        idle = analytic.idle_power_w
        runtime, power = layers.runtime_s[part], layers.power_w[part]
        wide_time = _filled(layers.runtime_width[part], given.runtime_s_high, given.runtime_s)
        above = np.maximum(power - idle, 0.0)
        given_above = None if given.power_w_high is None else given.power_w_high - idle
        wide_power = _filled(layers.power_width[part], given_above, given.power_w - idle)
        energy = np.where(runtime == 0, 0.0, runtime * power)
        power_low, power_high = (
            idle + above * np.exp(-wide_power),
            idle + above * np.exp(wide_power),
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            low = np.hypot(wide_time, np.log(power / power_low))
            high = np.hypot(wide_time, np.log(power_high / power))
        known = [
            "trained" if mine else by
            for mine, by in zip(layers.runtime_trained[part].tolist(), given.known_by, strict=True)
        ]
        return Costs(
            runtime_s=_fixed(runtime),
            power_w=_fixed(power),
            covered=given.covered,
            bound=given.bound,
            known_by=tuple(known),
            runtime_s_low=_fixed(runtime * np.exp(-wide_time)),
            runtime_s_high=_fixed(runtime * np.exp(wide_time)),
            power_w_low=_fixed(power_low),
            power_w_high=_fixed(power_high),
            energy_j_low=_fixed(energy * np.exp(-low)),
            energy_j_high=_fixed(energy * np.exp(high)),
        )

    def _warnings(self, network: Network, part: slice) -> list[str]:
        found: list[str] = []
        columns, other = network.columns, self.predictor.other_runtime
        if other:
            found.append(
                f"trained on measurements of {other}, asked about {self.predictor.device.runtime}: "
                "the analytic model answers for the host's gap, and intervals are wider"
            )
        modelled = {model.kind for model in self.predictor.models if model.quantity == "runtime_s"}
        found.extend(
            f"no {kind} layers were trained on: the analytic model answers for them"
            for kind in ("convolutional", "pooling", "dense")
            if kind not in modelled and bool(columns.is_kind(kind).any())
        )
        if not any(model.quantity == "power_above_idle_w" for model in self.predictor.models):
            found.append("no power was trained on: the analytic model answers for power")
        table = features(columns, self.predictor.board)
        for model in self.predictor.models:
            if model.quantity == "runtime_s":
                rows = np.flatnonzero(
                    self.layers.runtime_trained[part] & columns.is_kind(model.kind)
                )
                text = _outside(network, table, rows, model)
                found.extend([text] if text else [])
        return found


def _outside(network: Network, table: FloatArray, rows: IntArray, model: LayerModel) -> str:
    distance = beyond(table[rows], model.extents)
    count = int((distance > math.log(1.05)).sum())
    if not count:
        return ""
    worst = int(rows[int(np.argmax(distance))])
    name, value, extent = "", 0.0, None
    for key, candidate in model.extents.items():
        at = float(table[worst, FEATURES.index(key)])
        if max(candidate.low - at, at - candidate.high) >= float(distance.max()) - 1e-12:
            name, value, extent = key, at, candidate
    if extent is None:
        return ""
    above = value > extent.high
    nearest, edge = (extent.largest, extent.high) if above else (extent.smallest, extent.low)
    return (
        f"{count} {model.kind} layers lie outside the training: {network.layers[worst].name} has "
        f"{math.exp(abs(value - edge)):.3g} times {'more' if above else 'less'} "
        f"{name.removeprefix('log_').replace('_', ' ')} than {nearest}, the nearest known"
    )


def _with_totals(profile: Profile, predictor: TrainedPredictor) -> Profile:
    totals, confidence = profile.totals, predictor.confidence
    wide = {
        name: math.hypot(half_width(values, confidence), predictor.stack_width)
        for name, values in predictor.network_residuals.items()
    }
    time = wide.get("runtime_s", math.nan)
    power = wide.get("power_above_idle_w", math.nan)
    energy = wide.get("energy_j", math.nan)
    if math.isnan(power):
        power = 0.4
        energy = math.hypot(time, power)
    idle = profile.idle_power_w
    above = max(totals.power_above_idle_w.value, 0.0)
    intervals = {
        "runtime_s": _around(totals.runtime_s.value, time),
        "end_to_end_s": _around(totals.end_to_end_s.value, time),
        "energy_j": _around(totals.energy_j.value, energy),
        "energy_above_idle_j": _around(totals.energy_above_idle_j.value, math.hypot(time, power)),
        "power_w": (idle + above * math.exp(-power), idle + above * math.exp(power)),
        "power_above_idle_w": _around(above, power),
    }
    return replace(profile, total_intervals=intervals)


def _around(value: float, spread: float) -> tuple[float, float]:
    return value * math.exp(-spread), value * math.exp(spread)


def _filled(width: FloatArray, high: FloatArray | None, value: FloatArray) -> FloatArray:
    """Own half widths, and the analytic model's where it answers."""
    if high is None:
        return width
    with np.errstate(divide="ignore", invalid="ignore"):
        other = np.where(value > 0, np.log(high / value), 0.0)
    return np.where(np.isfinite(width), width, other)


def _or(value: float, default: float) -> float:
    return value if math.isfinite(value) else default


def _fixed(values: FloatArray) -> FloatArray:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array
