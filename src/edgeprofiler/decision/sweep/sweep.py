"""Every combination of network, batch, resolution, precision, device and clocks.

A sweep is cut into parts; whoever works on one returns its rows, and what is asked for of them is
kept while they pass: all, or the Pareto front and the best. With a folder to write to, all of them
rest on disk, and a sweep that was cut short goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeprofiler.core import limits
from edgeprofiler.core.choices import DEFAULT_DEVICE
from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import EdgeProfilerError, InsufficientData, UsageError
from edgeprofiler.core.parallel import ALONE, Outcome, Workers, mapped
from edgeprofiler.decision.sweep.front import Kept, too_many
from edgeprofiler.decision.sweep.part import REFUSALS, Done, Failure, rows_of
from edgeprofiler.decision.sweep.plan import SweepPart, SweepPlan
from edgeprofiler.decision.sweep.result import Sweep
from edgeprofiler.decision.sweep.rows import QUANTITIES
from edgeprofiler.decision.sweep.store import PartStore
from edgeprofiler.decision.sweep.variants import (
    Variants,
    candidates,
    count_of,
    makes_models,
    source_of,
)
from edgeprofiler.decision.sweep.where import Where
from edgeprofiler.prediction.predict import model_of, predictor_of
from edgeprofiler.prediction.question import Question, Questions, asks
from edgeprofiler.reading.read import read_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from edgeprofiler.core.graph import Graph
    from edgeprofiler.core.network import Network
    from edgeprofiler.prediction.question.question import AskedOfMany, DeviceSpec
    from edgeprofiler.reading.read import Model

_BEST = 100
"""Rows that are kept beside the front where all go to disk: some screens of them."""


@asks
def sweep(
    model: Model | Question | Callable[..., Model],
    *,
    clocks: str | None = None,
    where: str | None = None,
    variants: Variants | None = None,
    output: str | Path | None = None,
    best: int | None = None,
    workers: Workers = ALONE,
    **asked: Unpack[AskedOfMany],
) -> Sweep:
    """Predict a model in every combination of what is asked.

    Args:
        model: as of `predict`; a built engine has one batch, resolution and precision. With
            `variants` also a function that takes settings by name and returns a model.
        clocks: what to set each device to, a value, several or a range for each clock
            (`gpu=306:1300:100MHz,emc=2133/3199MHz`); the rest is as in its power mode.
        where: what rows must meet: comparisons of fps, latency_ms, energy_mj,
            energy_per_image_mj, power_w (at the rate, where one is asked for), memory_mib, batch,
            precision and device, joined by and, or and not. Values are compared, not intervals.
            All rows go to `output`.
        variants: settings of candidate networks, from Python or a file of JSON lines: parameters
            of the zoo's network (`{"width": 0.5, "depths": [2, 2, 2, 2]}`) or arguments of the
            function; `model` in them takes the place of the sweep's, `name` is what rows say.
        output: folder for all rows, as a Parquet data set in parts; the same call goes on where
            an earlier one was cut short.
        best: rows of least energy an image to keep beside the Pareto front; where neither this
            nor `output` is given, all rows are kept, and with `output` alone 100.
        workers: who works on the parts.
        asked: the fields of a `Question`; device, precision, batch and resolution may have
            several values each. What is left out is the model's own, fp16 where it has no
            precision, and jetson-orin-nano or the predictor's device.

    Raises:
        UsageError: there are too many combinations, several devices or modes are asked of a
            predictor that answers for one, a device cannot be set to a clock, or `where` is no
            condition.
        InvalidInput: a line of the variants is none, or `output` holds another sweep.
        InvalidInput, Unsupported: of one model, where none of the combinations can be predicted;
            where some can, the others are told in `failures`.
        CannotWrite: `output` cannot be written; the parts before stay.

    >>> import edgeprofiler
    >>> found = edgeprofiler.sweep("zoo:lenet", batch="1,2,4", precision=["fp16", "int8"])
    >>> len(found), int(found.pareto.sum()) > 0
    (6, True)
    >>> fast = edgeprofiler.sweep("zoo:resnet18", device="all", where="fps>=400 and power_w<=15")
    >>> 0 < len(fast) < 12
    True
    >>> edgeprofiler.sweep("zoo:lenet", device="jetson-nano", clocks="gpu=460.8/921.6MHz").device
    ('jetson-nano@maxn,gpu=460.8MHz', 'jetson-nano@maxn')
    >>> edgeprofiler.sweep("zoo:resnet18", variants=[{"width": 0.5}, {"width": 0.75}]).network
    ('resnet18?width=0.5', 'resnet18?width=0.75')
    """
    subject: Any = "" if makes_models(model) else model
    questions = Questions.of(subject, **asked)
    devices = _devices(questions, clocks)
    if questions.axis("predictor") != (None,) and len(devices) > 1:
        raise UsageError(
            "a trained predictor knows one device in one power mode; sweep that one alone, or "
            "leave `predictor` out"
        )
    candidate_count = count_of(variants)
    each = len(questions) // len(questions.axis("device")) * len(devices)
    count = None if candidate_count is None else each * candidate_count
    keep_all = output is None and best is None
    if keep_all and count is not None and count > limits.SWEEP_POINTS:
        raise too_many(count)
    plan = _plan(model, questions, devices, read=variants is None)
    title = next((found.name for found in plan.read.values()), None) or _title(model)
    condition = None if where is None else Where.of(where, QUANTITIES)
    kept = Kept(None if keep_all else _BEST if best is None else best, condition)
    store = None
    if output is not None:
        about = plan.document() | {"variants": source_of(variants)}
        store = PartStore.opened(Path(output), about)
    failures: list[tuple[int, Failure]] = []
    doubts: list[tuple[int, str]] = []

    def keep(done: Done) -> None:
        doubts.extend((done.number, line) for line in done.warnings)
        failures.extend((done.number, failure) for failure in done.failures)
        if done.rows is not None:
            kept.add(done.rows)

    parts = plan.parts(candidates(variants))
    waiting = parts if store is None else _unfinished(parts, store, keep)
    total = None if count is None else -(-count // plan.rows_of_part)
    done_before = 0 if store is None else store.parts

    def progress(stage: str, done: float, total: float | None) -> None:
        workers.progress(stage, done_before + done, total)

    told = replace(workers, progress=progress)
    outcomes = mapped(partial(rows_of, plan), waiting, told, stage="parts", total=total)
    lost: list[Outcome[Done]] = []
    with closing(outcomes):
        for outcome in outcomes:
            if outcome.error is not None:
                lost.append(outcome)
                continue
            done = outcome.get()
            if store is not None:
                store.write(done)
            keep(done)
    if lost:
        lost[0].get()
    refused = Failure.joined(failure for _, failure in sorted(failures, key=itemgetter(0)))
    lines = tuple(failure.line(plan.rows_each) for failure in refused)
    if not kept:
        raise InsufficientData(f"nothing can be predicted; {lines[0]}" if lines else "no variants")
    rows, front = kept.rows()
    columns: dict[str, Any] = {name: label.tolist() for name, label in rows.labels.items()}
    columns |= rows.numbers
    return Sweep(
        title=title, count=kept.count, failures=lines, pareto=front,
        rate_hz=plan.rate_hz, where=condition, left_out=kept.left_out,
        refused=sum(failure.count for failure in refused),
        warnings=tuple(dict.fromkeys(line for _, line in sorted(doubts, key=itemgetter(0)))),
        **columns,
    )  # fmt: skip


def _unfinished(
    parts: Iterator[SweepPart], store: PartStore, keep: Callable[[Done], None]
) -> Iterator[SweepPart]:
    """Yield the parts that are not on disk; keep of those that are what is to be kept."""
    for part in parts:
        done = store.read(part)
        if done is None:
            yield part
        else:
            keep(done)


def _plan(
    model: Any, questions: Questions, devices: tuple[DeviceSpec | None, ...], *, read: bool
) -> SweepPlan:
    first = next(iter(questions))
    if not makes_models(model):
        model = model_of(first)
    (rate_hz,) = questions.axis("rate")
    found, refused = _read(first, questions.axis("resolution")) if read else ({}, {})
    return SweepPlan(
        first,
        model,
        found,
        tuple(predictor_of(Question.of(first, device)) for device in devices),
        questions.axis("resolution"),
        questions.axis("precision"),
        questions.axis("batch"),
        rate_hz,
        refused,
    )


def _read(
    first: Question, resolutions: tuple[int | None, ...]
) -> tuple[dict[int | None, Graph | Network], dict[int | None, EdgeProfilerError]]:
    """Return the model at each resolution that it can have, and why it cannot have the others."""
    found: dict[int | None, Graph | Network] = {}
    refused: dict[int | None, EdgeProfilerError] = {}
    for resolution in resolutions:
        try:
            found[resolution] = read_model(
                model_of(first), **first.reading | {"resolution": resolution}
            )
        except REFUSALS as error:
            refused[resolution] = error
    if not found:
        raise next(iter(refused.values()))
    return found, refused


def _title(model: Any) -> str:
    name = getattr(model, "name", None) or getattr(model, "__name__", str(model))
    return f"variants of {str(name).removeprefix('zoo:')}"


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
