"""The work of a part: build and lower its networks, predict their rows. Pure, for any process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.network import Network
from edgeprofiler.core.profile.words import cautions
from edgeprofiler.decision.sweep.batches import LAYERS_AT_ONCE, Batched
from edgeprofiler.decision.sweep.plan import SweepPart, SweepPlan
from edgeprofiler.decision.sweep.rows import Label, SweepRows
from edgeprofiler.decision.sweep.variants import Variant
from edgeprofiler.reading.lowering import BuildTarget, lower
from edgeprofiler.reading.read import builder, read_model, require_as_built


@dataclass(frozen=True, eq=False)
class Done:
    """A part that is done."""

    number: int
    digest: str
    """Of the part's candidates."""
    rows: SweepRows | None
    """`None` where every candidate failed."""
    failures: tuple[str, ...] = ()
    """A line for each candidate that cannot be built."""
    warnings: tuple[str, ...] = ()
    """What must be known before trusting the numbers, each once."""


def rows_of(plan: SweepPlan, part: SweepPart) -> Done:
    """Return the rows of a part.

    A candidate that cannot be built is told and left out; a sweep of one model raises.
    """
    found: list[SweepRows] = []
    failures: list[str] = []
    warnings: dict[str, None] = {}
    for candidate in part.candidates:
        first = candidate.place * plan.rows_each
        wanted = range(max(part.start - first, 0), min(part.stop - first, plan.rows_each))
        try:
            rows = list(_of_candidate(plan, candidate, wanted, warnings))
        except (InvalidInput, Unsupported, UsageError) as error:
            if not candidate.settings:
                raise
            failures.append(f"{candidate.named(plan.base)}: {error}")
        else:
            found += rows
    rows_found = SweepRows.joined(found) if found else None
    return Done(part.number, part.digest, rows_found, tuple(failures), tuple(warnings))


def _of_candidate(
    plan: SweepPlan, candidate: Variant, wanted: range, warnings: dict[str, None]
) -> Iterator[SweepRows]:
    """Yield the wanted rows of a candidate, block by block of one network and device.

    What must be known of them is added to `warnings`.
    """
    batches = len(plan.batches)
    devices = batches * len(plan.answers)
    precisions = devices * len(plan.precisions)
    made: dict[object, tuple[Network, str]] = {}
    there: dict[object, Batched] = {}  # one: the boards that follow each other share it
    doubted: set[tuple[int, str, bool]] = set()
    start = wanted.start
    while start < wanted.stop:
        stop = min((start // batches + 1) * batches, wanted.stop)
        resolution = plan.resolutions[start // precisions]
        precision = plan.precisions[start // devices % len(plan.precisions)]
        answers = plan.answers[start // batches % len(plan.answers)]
        target = replace(BuildTarget.of(answers.device), name="")
        built = precision or answers.device.precision
        key = (resolution, built, builder(answers.device.runtime), target)
        if key not in made:
            made[key] = _network(plan, candidate, resolution, precision, answers.device)
        network, size = made[key]
        first = start % batches
        stop = min(stop, start + max(1, LAYERS_AT_ONCE // max(len(network), 1)))
        asked = (key, first, stop - start)
        if asked not in there:
            there = {asked: Batched.of(network, plan.batches[first : first + stop - start])}
        chosen = there[asked]
        labels = {
            "network": candidate.named(plan.base) if candidate.settings else network.name,
            "device": answers.device.spec,
            "clocks": answers.device.mode.clocks,
            "resolution": size,
            "precision": network.precision,
        }
        index = np.arange(start, stop) + candidate.place * plan.rows_each
        # Clocks that differ from the mode's are doubted alike, whichever they are.
        board, _, clocks = answers.device.spec.partition(",")
        known = (id(network), board, bool(clocks))
        if known not in doubted:
            doubted.add(known)
            warnings.update(dict.fromkeys(cautions(answers.predict(network))))
        yield SweepRows(
            {name: Label.same(value, len(index)) for name, value in labels.items()},
            {"index": index, **chosen.predict(answers, plan.rate_hz)},
        )
        start = stop


def _network(
    plan: SweepPlan,
    candidate: Variant,
    resolution: int | None,
    precision: str | None,
    device: Device,
) -> tuple[Network, str]:
    """Return a network at the question's batch, and its size as a row says it."""
    found = plan.read.get(resolution)
    if found is None:
        how = plan.question.reading | {"resolution": resolution}
        found = read_model(candidate.model(plan.base), **how)
    if isinstance(found, Network):
        require_as_built(found, precision, plan.question.tensorrt)
        return found, ""
    shape = found.tensors[found.inputs[0]].shape if found.inputs else ()
    chosen, made_by = precision or device.precision, builder(device.runtime)
    network = lower(found, chosen, builder=made_by, target=BuildTarget.of(device))
    return network, "x".join(map(str, shape[2:]))
