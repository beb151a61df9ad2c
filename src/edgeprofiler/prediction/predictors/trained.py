"""Prediction by models that were trained on measured layers. Needs numpy alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import InvalidInput
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
from edgeprofiler.core.profile import Profile
from edgeprofiler.prediction.costmodel.work import network_sums
from edgeprofiler.prediction.features import FEATURES, Ratings, features
from edgeprofiler.prediction.predictors.profiles import Belief, LayerCosts, PredictedProfiles
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor, RooflineProfiles
from edgeprofiler.prediction.predictors.totals import Outside, TotalWidths
from edgeprofiler.prediction.uncertainty.conformal import half_width
from edgeprofiler.prediction.uncertainty.distance import scaled

OTHER_SOFTWARE = 0.22
"""90 % half width of what another host or builder changes: about that of the analytic model for a
source that it has never seen."""

OTHER_TYPE = math.log(2)
"""90 % half width for a type that no measured network had: halving numbers halves times on one
board and changes nothing on another."""


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
    board: Ratings
    models: tuple[LayerModel, ...] = field(repr=False)
    overhead: Overhead
    correction: Correction
    network_residuals: Mapping[str, FloatArray] = field(repr=False)
    confidence: float
    recipe: str
    trained_on: str
    host: str = ""
    """What called the networks that were measured, by the measurement's own name for it."""
    precisions: tuple[str, ...] = ()
    """What the measured networks were built for; empty where nobody knows."""
    other_runtime: str = ""
    digest: str = ""
    """What tells the artifact that it was loaded from from any other, its models included."""

    @property
    def name(self) -> str:
        """How profiles name their origin."""
        return f"trained:{self.recipe}"

    @property
    def stack_width(self) -> float:
        """Half width in log space for software that was not measured; 0 where it was."""
        return scaled(OTHER_SOFTWARE, self.confidence) if self.other_runtime else 0.0

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
        networks = base.networks  # as they are built
        columns = Columns.concatenate([network.columns for network in networks])
        strange = np.array([self.unseen(network) for network in networks], np.bool_)
        return TrainedProfiles(
            tuple(networks), self.device, self.confidence, base.offsets,
            self._costs(columns, base, strange), self._outside(columns, base), self, base,
        )  # fmt: skip

    def unseen(self, network: Network) -> bool:
        """Say whether a network is built for a type that no measured one was built for."""
        return bool(self.precisions) and network.precision not in self.precisions

    def _costs(self, columns: Columns, base: RooflineProfiles, strange: BoolArray) -> TrainedCosts:
        """Return runtime and power of layers as arrays, and half widths.

        Args:
            columns: the layers of all networks.
            base: what the analytic model says of them.
            strange: which networks are of a type outside the training.
        """
        more = np.repeat(np.where(strange, self._type_width, 0.0), np.diff(base.offsets))
        idle = self.device.idle_power_w
        table = features(columns, self.board)
        usable = columns.covered & np.isfinite(table).all(axis=1) & (base.runtime_s > 0)
        fixed = self.correction
        answers = {
            "runtime_s": base.runtime_s * fixed.of(fixed.runtime, columns),
            "power_above_idle_w": (base.power_w - idle) * fixed.of(fixed.power_above_idle, columns),
        }
        trained = {name: np.zeros(len(columns), np.bool_) for name in answers}
        widths = {name: np.full(len(columns), math.nan) for name in answers}
        beyond = {name: np.zeros(len(columns)) for name in answers}
        for model in self.models:
            rows = np.flatnonzero(usable & columns.is_kind(model.kind))
            if not rows.size:
                continue
            part, name = table[rows], model.quantity
            answer = np.maximum(self._possible(model, part), model.least)
            if name == "runtime_s":
                answer = answer * columns.repeats[rows]
            answers[name][rows] = answer
            trained[name][rows] = True
            spread = math.hypot(half_width(model.residuals, self.confidence), self.stack_width)
            beyond[name][rows] = distances(part, model.extents).max(axis=1, initial=0.0)
            widths[name][rows] = np.hypot(spread * (1.0 + beyond[name][rows]), more[rows])
        runtime, above = answers.values()
        return TrainedCosts(
            runtime, idle + above, trained["runtime_s"], *widths.values(), *beyond.values()
        )

    def _possible(self, model: LayerModel, table: FloatArray) -> FloatArray:
        """Return what a model answers; refuse what no layer can take or draw.

        Raises:
            InvalidInput: an answer is no number, or out of the range of what can be measured.
        """
        found = np.asarray(model.regressor.predict(table), np.float64)
        most = limits.LAYER_SECONDS if model.quantity == "runtime_s" else limits.BOARD_WATTS
        wrong = ~(np.abs(found) <= most)
        if wrong.any():
            raise InvalidInput(
                f"predictor {self.name}",
                f"answers {found[wrong][0]:g} as {model.quantity} of a {model.kind} layer",
                "no layer can; train it again",
            )
        return found

    def _outside(self, columns: Columns, base: RooflineProfiles) -> Outside:
        """Return fixed part and host gap as measured, the analytic model's where they were not."""
        mine, idle, found = self.overhead, self.device.idle_power_w, base.outside
        if math.isfinite(mine.fixed_s):
            power = _or(idle + mine.fixed_above_idle_w, found.fixed_w)
            found = replace(found, fixed_s=mine.fixed_s, fixed_w=power)
        if self.gap_measured:
            running = network_sums(columns.op_code != OP_CODES["noop"], base.offsets)
            found = replace(
                found,
                host_gap_s=mine.host_gap_s + mine.host_gap_per_layer_s * running,
                host_gap_w=_or(idle + mine.host_gap_above_idle_w, found.host_gap_w),
                host_fixed_s=None,
            )
        return found

    @property
    def gap_measured(self) -> bool:
        """Whether the gap of the host that is asked about was measured."""
        return math.isfinite(self.overhead.host_gap_s) and not self.other_runtime

    @property
    def _type_width(self) -> float:
        return scaled(OTHER_TYPE, self.confidence)

    def total_widths(
        self, network: Network, stretch: Mapping[str, float], analytic: TotalWidths
    ) -> TotalWidths:
        """Half widths of totals, from residuals of networks that were left out.

        Args:
            network: what is asked about.
            stretch: how many times wider each quantity is, for layers outside the training.
            analytic: widths of the analytic model, which answers where no power was trained on.
        """
        more = math.hypot(self.stack_width, self._type_width if self.unseen(network) else 0.0)
        wide = {
            name: math.hypot(
                half_width(self.network_residuals[name], self.confidence) * times, more
            )
            for name, times in stretch.items()
            if name in self.network_residuals
        }
        time, power = wide.get("runtime_s", math.nan), wide.get("power_above_idle_w", math.nan)
        if math.isnan(power):
            return TotalWidths(time, time, analytic.power)
        return TotalWidths(time, time, power, wide.get("energy_j"))


@dataclass(frozen=True, eq=False)
class TrainedCosts(LayerCosts):
    """Costs of layers, and how sure trained models are of them."""

    runtime_trained: BoolArray
    runtime_width: FloatArray
    """Half widths in log space; NaN where the analytic model answers."""
    power_width: FloatArray
    runtime_beyond: FloatArray
    """How far each layer lies outside the training of its model; 0 inside."""
    power_beyond: FloatArray

    def stretch(self, part: slice, idle_power_w: float) -> dict[str, float]:
        """Return how many times wider the totals of a network are for layers outside the training.

        A total is as far outside as its layers are on the mean, each by its share of the total.

        Args:
            part: the network's layers.
            idle_power_w: of the board.
        """
        time = np.nan_to_num(self.runtime_s[part])
        above = time * np.maximum(np.nan_to_num(self.power_w[part]) - idle_power_w, 0.0)
        runtime = 1.0 + _mean(self.runtime_beyond[part], time)
        power = 1.0 + _mean(self.power_beyond[part], above)
        return {
            "runtime_s": runtime, "power_above_idle_w": power, "energy_j": max(runtime, power)
        }  # fmt: skip


def distances(table: FloatArray, extents: Mapping[str, Extent]) -> FloatArray:
    """Return how far each row lies outside the training in each of `extents`' features.

    Shape (rows, extents); zero inside. Features are logarithms, and so are distances.
    """
    found = np.zeros((len(table), len(extents)))
    for place, (name, extent) in enumerate(extents.items()):
        values = table[:, FEATURES.index(name)]
        found[:, place] = np.maximum(extent.low - values, values - extent.high)
    return np.maximum(found, 0.0)


@dataclass(frozen=True, eq=False, repr=False)
class TrainedProfiles(PredictedProfiles):
    """Profiles by trained models, and by the analytic model where they do not answer."""

    layers: TrainedCosts
    predictor: TrainedPredictor
    base: RooflineProfiles

    def again(self, networks: Sequence[Network]) -> TrainedProfiles:
        """Return the profiles of other networks by the same models."""
        return self.predictor.predict_many(networks)

    def belief(self, index: int) -> Belief:
        """Return own widths, and the analytic model's where it answers."""
        network, part = self.networks[index], self.part(index)
        layers, analytic = self.layers, self.base.belief(index)
        time, power = layers.runtime_width[part], layers.power_width[part]
        trained = layers.runtime_trained[part].tolist()
        return Belief(
            by=self.predictor.name,
            kind="networks left out in training",
            provenance=self.predictor.trained_on,
            runtime=np.where(np.isfinite(time), time, analytic.runtime),
            power=np.where(np.isfinite(power), power, analytic.power),
            totals=self.predictor.total_widths(
                network, layers.stretch(part, self.device.idle_power_w), analytic.totals
            ),
            bound=analytic.bound,
            network_bound=analytic.network_bound,
            known_by=tuple(
                "trained" if own else by for own, by in zip(trained, analytic.known_by, strict=True)
            ),
            warnings=tuple(self._warnings(index)),
            host=self.predictor.device.runtime
            if self.predictor.other_runtime
            else self.predictor.host,
        )

    def _warnings(self, index: int) -> list[str]:
        found: list[str] = []
        network, part = self.networks[index], self.part(index)
        columns, other = network.columns, self.predictor.other_runtime
        if other:
            found.append(
                f"trained on measurements of {other}, asked about {self.predictor.device.runtime}: "
                "the analytic model answers for the host's gap, and intervals are wider"
            )
        if self.predictor.unseen(network):
            found.append(
                f"trained on {' and '.join(self.predictor.precisions)} alone: {network.precision} "
                "is outside the training, and intervals are wider"
            )
        modelled = {model.kind for model in self.predictor.models if model.quantity == "runtime_s"}
        found.extend(
            f"no {kind} layers were trained on: the analytic model answers for them"
            for kind in ("convolutional", "pooling", "dense")
            if kind not in modelled and bool(columns.is_kind(kind).any())
        )
        if not self.predictor.gap_measured:
            found.extend(self.base.host_notes(index))
        if not any(model.quantity == "power_above_idle_w" for model in self.predictor.models):
            found.append("no power was trained on: the analytic model answers for power")
            found.extend(self.base.power_notes(index))
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
    found = distances(table[rows], model.extents)
    count = int((found.max(axis=1, initial=0.0) > math.log(1.05)).sum())
    if not count:
        return ""
    row, place = np.unravel_index(int(np.argmax(found)), found.shape)
    name = list(model.extents)[int(place)]
    layer, extent = int(rows[row]), model.extents[name]
    more = float(table[layer, FEATURES.index(name)]) > extent.high
    return (
        f"{count} {model.kind} layers lie outside the training: {network.layers[layer].name} has "
        f"{math.exp(float(found[row, place])):.3g} times {'more' if more else 'less'} "
        f"{name.removeprefix('log_').replace('_', ' ')} than "
        f"{extent.largest if more else extent.smallest}, the nearest known"
    )


def _mean(values: FloatArray, weights: FloatArray) -> float:
    total = float(weights.sum())
    return float((values * weights).sum()) / total if total > 0 else 0.0


def _or(value: float, default: float) -> float:
    return value if math.isfinite(value) else default
