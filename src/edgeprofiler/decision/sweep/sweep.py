"""Every combination of batch, resolution, precision, device and clocks, predicted at once.

A network is lowered once for each resolution and precision; a batch multiplies the columns of
its layers, and each device predicts all of them in a few array operations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.choices import DEFAULT_DEVICE
from edgeprofiler.core.device import Device, load_device
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network
from edgeprofiler.core.profile.words import cautions
from edgeprofiler.decision.sweep.batches import (
    Rows,
    lacks,
    memory_of,
    opened,
    predict_batches,
    share_covered,
)
from edgeprofiler.decision.sweep.result import Sweep, pareto_front
from edgeprofiler.prediction.predict import model_of, predictor_of
from edgeprofiler.prediction.question import Question, Questions, asks
from edgeprofiler.reading.lowering import BuildTarget, lower
from edgeprofiler.reading.read import builder, read_model, require_precision

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from edgeprofiler.prediction.question.question import AskedOfMany, DeviceSpec
    from edgeprofiler.reading.read import Model


@asks
def sweep(
    model: Model | Question,
    *,
    clocks: str | None = None,
    where: str | None = None,
    **asked: Unpack[AskedOfMany],
) -> Sweep:
    """Predict a model in every combination of what is asked.

    Args:
        model: as of `predict`; a built engine has one batch, resolution and precision.
        clocks: what to set each device to, a value, several or a range for each clock
            (`gpu=306:1300:100MHz,emc=2133/3199MHz`); the rest is as in its power mode.
        where: what rows must meet: comparisons of fps, latency_ms, energy_mj,
            energy_per_image_mj, power_w (at the rate, where one is asked for), memory_mib, batch,
            precision and device, joined by and, or and not. Values are compared, not intervals.
        asked: the fields of a `Question`; device, precision, batch and resolution may have
            several values each. What is left out is the model's own, fp16 where it has no
            precision, and jetson-orin-nano or the predictor's device.

    Raises:
        UsageError: there are too many combinations, several devices or modes are asked of a
            predictor that answers for one, a device cannot be set to a clock, or `where` is no
            condition.
        Unsupported: a built engine is asked for what it was not built for.

    >>> import edgeprofiler
    >>> found = edgeprofiler.sweep("zoo:lenet", batch="1,2,4", precision=["fp16", "int8"])
    >>> len(found), int(found.pareto.sum()) > 0
    (6, True)
    >>> fast = edgeprofiler.sweep("zoo:resnet18", device="all", where="fps>=400 and power_w<=15")
    >>> 0 < len(fast) < 12
    True
    >>> edgeprofiler.sweep("zoo:lenet", device="jetson-nano", clocks="gpu=460.8/921.6MHz").device
    ('jetson-nano@maxn,gpu=460.8MHz', 'jetson-nano@maxn')
    """
    questions = Questions.of(model, **asked)
    devices, batches = _devices(questions, clocks), questions.axis("batch")
    count = len(questions) // len(questions.axis("device")) * len(devices)
    if count > limits.SWEEP_POINTS:
        raise UsageError(
            f"the sweep has {count:,} combinations; at most "
            f"{limits.SWEEP_POINTS:,} are predicted at once: "
            "widen the steps, or split an axis over several calls"
        )
    if questions.axis("predictor") != (None,) and len(devices) > 1:
        raise UsageError(
            "a trained predictor knows one device in one power mode; sweep that one alone, or "
            "leave `predictor` out"
        )
    first = next(iter(questions))
    (rate,) = questions.axis("rate")
    built: dict[tuple[str, float], list[tuple[Network, str, str]]] = {}
    parts: list[Rows] = []
    doubted: dict[tuple[int, str, bool], tuple[str, ...]] = {}
    for device in devices:
        answers = predictor_of(Question.of(first, device))
        target = BuildTarget.of(answers.device)
        made_by = (builder(answers.device.runtime), target.tf32_ratio)
        if made_by not in built:
            built[made_by] = list(_variants(first, questions, answers.device, target))
        for network, size, precision in built[made_by]:
            labels: Rows = {
                "device": [answers.device.spec] * len(batches),
                "clocks": [answers.device.mode.clocks] * len(batches),
                "resolution": [size] * len(batches),
                "precision": [precision] * len(batches),
            }
            rows = predict_batches(network, answers, batches, rate)
            parts.append(labels | (opened(rows, answers.device) if lacks(network) else rows))
            parts[-1] |= memory_of(network, np.asarray(rows["batch"]))
            parts[-1]["covered_bytes"] = np.full(len(batches), share_covered(network))
            # Clocks that differ from the mode's are doubted alike, whichever they are.
            board, _, clocks_asked = answers.device.spec.partition(",")
            known = (id(network), board, bool(clocks_asked))
            if known not in doubted:
                doubted[known] = cautions(answers.predict(network))
    merged = {
        name: np.concatenate([np.asarray(part[name]) for part in parts])
        if isinstance(parts[0][name], np.ndarray)
        else tuple(value for part in parts for value in part[name])
        for name in parts[0]
    }
    front = pareto_front(merged["energy_per_image_j"], merged["end_to_end_s"])  # type: ignore[arg-type]
    name = next(iter(built.values()))[0][0].name
    warnings = tuple(dict.fromkeys(text for texts in doubted.values() for text in texts))
    found = Sweep(network=name, pareto=front, rate_hz=rate, warnings=warnings, **merged)  # type: ignore[arg-type]
    return found if where is None else found.filtered(where)


def _devices(questions: Questions, clocks: str | None) -> tuple[DeviceSpec | None, ...]:
    """Return the devices that are asked for, each at all of the clocks."""
    asked = questions.axis("device")
    if clocks is None:
        return asked
    return tuple(
        setting
        for device in asked
        for setting in load_device(DEFAULT_DEVICE if device is None else device).settings(clocks)
    )


def _variants(
    first: Question, questions: Questions, device: Device, target: BuildTarget
) -> Iterator[tuple[Network, str, str]]:
    """The networks to predict, one for each resolution and precision, at the first batch."""
    for resolution in questions.axis("resolution"):
        found = read_model(model_of(first), **first.reading | {"resolution": resolution})
        for precision in questions.axis("precision"):
            if isinstance(found, Network):
                require_precision(found, precision)
                yield found, "", found.precision
                continue
            chosen = precision or device.precision
            network = lower(found, chosen, builder=builder(device.runtime), target=target)
            yield network, _size(found), chosen


def _size(graph: Graph) -> str:
    shape = graph.tensors[graph.inputs[0]].shape if graph.inputs else ()
    return "x".join(map(str, shape[2:]))
