"""What to measure next on a board: the networks that narrow its intervals most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgeprofiler.core.errors import EdgeProfilerError
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.table import Column, Table, row
from edgeprofiler.prediction.calibration.board import HOST_SPREAD, NOISE, SPREAD, BoardFit
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.rows import Rows, Sample
from edgeprofiler.prediction.uncertainty.distributions import normal_quantile
from edgeprofiler.prediction.validate.networks import network_of
from edgeprofiler.reading.lowering import BuildTarget

NETWORKS = {
    "lenet": 32, "squeezenet1_1": 224, "resnet18": 224, "resnet50": 224, "vgg16": 224,
    "mobilenet_v2": 224, "mobilenet_v3_small": 224, "shufflenet_v2_x1_0": 224,
    "efficientnet_b0": 224, "densenet121": 224, "resnext50_32x4d": 224, "convnext_tiny": 224,
    "yolov8n": 640,
}  # fmt: skip
"""What is offered, with its own size: one of each family of the zoo that differs in its work."""
SCALES = (0.5, 1.0, 2.0)
"""Of the own size; a network at several sizes tells fixed time from work."""
PRECISIONS = ("fp16", "fp32")


@dataclass(frozen=True)
class Suggested:
    """One measurement to make."""

    network: str
    size: int
    precision: str
    open_after: float
    """What is then open of the zoo's times: a 90 % half width in log space, on average."""


@dataclass(frozen=True)
class Design:
    """What to measure next with a host, in this order, and what that wins."""

    runtime: str
    open_now: float
    """90 % half width in log space that the fitted numbers leave in the zoo's times, on average."""
    chosen: tuple[Suggested, ...]

    def document(self) -> dict[str, Any]:
        """Return the design as JSON values."""
        return asdict(self)

    def table(self) -> Table:
        """Return the measurements as a table whose notes say how much is still to win."""
        columns = (
            Column("network", kind="name"), Column("size", kind="name"),
            Column("precision", kind="name"), Column("then open", "± %", "number"),
        )  # fmt: skip
        lines = [
            row(f"zoo:{s.network}", str(s.size), s.precision, 100 * s.open_after)
            for s in self.chosen
        ]
        floor = 100 * normal_quantile(0.9) * NOISE
        last = self.chosen[-1].open_after if self.chosen else self.open_now
        note = (
            f"the fitted numbers leave ±{100 * self.open_now:.1f} % of a zoo network's time open "
            f"(90 %), ±{100 * last:.1f} % after these; what no number explains, ±{floor:.0f} %, "
            "stays"
        )
        return Table(f"to measure next with {self.runtime}", columns, tuple(lines), (note,))


def suggest(fit: BoardFit, count: int) -> Design:
    """Return the measurements that leave least open of the zoo's times, chosen one by one.

    The design is optimal by the mean variance of predictions (I-optimality), on the derivatives
    of the fitted model; what a measurement is worth does not hang on what it will say.

    Args:
        fit: a calibration of a board, whose rows count as measured.
        count: how many to choose.

    >>> import edgeprofiler
    >>> found = edgeprofiler.calibrate("measured.csv", "jetson-orin-nano@15w")
    >>> design = suggest(found.fits[0], 2)
    >>> design.open_now > design.chosen[0].open_after > design.chosen[1].open_after
    True
    """
    names = tuple(fit.factors)
    offered = _offered(fit)
    candidates = _slopes(fit, offered, names)
    prior = np.array([SPREAD.get(name, HOST_SPREAD) for name in names])
    known = _slopes(fit, fit.samples, names)
    covariance = np.linalg.inv(np.diag(prior**-2.0) + known.T @ known / NOISE**2)
    chosen: list[Suggested] = []
    measured = {_key(sample) for sample in fit.samples}
    left = np.array([_key(sample) not in measured for sample in offered])
    now = _open(candidates, covariance)
    for _ in range(min(count, int(left.sum()))):
        seen = candidates @ covariance
        variance = NOISE**2 + np.einsum("ij,ij->i", seen, candidates)
        gain = ((candidates @ seen.T) ** 2).mean(axis=0) / variance
        best = int(np.argmax(np.where(left, gain, -1.0)))
        covariance = covariance - np.outer(seen[best], seen[best]) / variance[best]
        left[best] = False
        network, size, precision = _key(offered[best])
        chosen.append(Suggested(network, size, precision, _open(candidates, covariance)))
    return Design(fit.calibration.runtime, now, tuple(chosen))


def _open(slopes: FloatArray, covariance: FloatArray) -> float:
    variance = np.einsum("ij,jk,ik->i", slopes, covariance, slopes)
    return float(normal_quantile(0.9) * np.sqrt(variance.mean()))


def _slopes(fit: BoardFit, samples: Sequence[Sample], names: Sequence[str]) -> FloatArray:
    """Return derivatives of log seconds by the logarithm of each number, shape (rows, names)."""
    _, by_name = Rows.of(samples).slopes(fit.numbers)
    return np.stack([by_name[name] for name in names], axis=1)


def _key(sample: Sample) -> tuple[str, int, str]:
    size = sample.row.shape[-1] if sample.row.shape else NETWORKS.get(sample.row.canonical, 0)
    return sample.row.canonical, size, sample.row.precision


def _offered(fit: BoardFit) -> list[Sample]:
    """Return the zoo's networks at their sizes, as the fitted board would run them."""
    like = fit.samples[0]
    found = []
    for network, own in NETWORKS.items():
        for size in (int(own * scale) for scale in SCALES):
            for precision in PRECISIONS:
                found += _sample(like, network, size, precision)
    return found


def _sample(like: Sample, network: str, size: int, precision: str) -> list[Sample]:
    channels = 1 if network == "lenet" else 3
    wanted = Measured(
        device=like.row.device, mode="", software="", runtime=like.row.runtime, network=network,
        model=f"zoo:{network}", batch=1, shape=(1, channels, size, size), precision=precision,
        runtime_s=float("nan"), power_above_idle_w=float("nan"), canonical=network, family="",
        set_aside="",
    )  # fmt: skip
    try:
        layers = network_of(wanted, target=BuildTarget.of(like.device))
    except EdgeProfilerError:  # not every network takes every size
        return []
    return [Sample.of(wanted, like.device, layers)]
