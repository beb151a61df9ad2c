"""The work of a part: build and lower its networks, predict their rows. Pure, for any process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import EdgeProfilerError, InvalidInput, Unsupported, UsageError
from edgeprofiler.core.network import IntArray, Network
from edgeprofiler.core.profile.words import cautions
from edgeprofiler.decision.sweep.batches import LAYERS_AT_ONCE, Batched, by_columns
from edgeprofiler.decision.sweep.plan import SweepPart, SweepPlan
from edgeprofiler.decision.sweep.rows import Label, SweepRows
from edgeprofiler.decision.sweep.variants import Variant
from edgeprofiler.prediction.predictors.profiles import PredictedProfiles
from edgeprofiler.prediction.predictors.protocol import Predictor
from edgeprofiler.reading.lowering import BuildTarget
from edgeprofiler.reading.read import builder, read_model, require_as_built

REFUSALS = (InvalidInput, Unsupported, UsageError)
"""Errors that are of one combination and no other: it is told and left out."""
NETWORKS_AT_ONCE = 256
"""Networks that wait to be predicted together; as many cost little beside one, and fit into some
tens of megabytes."""


@dataclass(frozen=True)
class Failure:
    """Combinations of a network that cannot be predicted for one reason."""

    network: str
    reason: str
    first: str
    """Setting of the first of them."""
    count: int

    @staticmethod
    def joined(failures: Iterable[Failure]) -> tuple[Failure, ...]:
        """Return one for each network and reason, in the order of the first ones."""
        found: dict[tuple[str, str], Failure] = {}
        for each in failures:
            before = found.get((each.network, each.reason), replace(each, count=0))
            found[each.network, each.reason] = replace(before, count=before.count + each.count)
        return tuple(found.values())

    def line(self, every: int) -> str:
        """Return it as a line; it names no setting where it is of `every` combination."""
        if self.count == every:
            return f"{self.network}: {self.reason}"
        which = f"{self.count:,} of {every:,} combinations, first {self.first}"
        return f"{self.network} ({which}): {self.reason}"


@dataclass(frozen=True, eq=False)
class Done:
    """A part that is done."""

    number: int
    digest: str
    """Of the part's candidates."""
    rows: SweepRows | None
    """`None` where every candidate failed."""
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()
    """What must be known before trusting the numbers, each once."""


def rows_of(plan: SweepPlan, part: SweepPart) -> Done:
    """Return the rows of a part.

    A combination that cannot be predicted is told and left out.

    Raises:
        InvalidInput, Unsupported: none can be, of a sweep of one model.
    """
    asked = _Asked(plan)
    for candidate in part.candidates:
        first = candidate.place * plan.rows_each
        wanted = range(max(part.start - first, 0), min(part.stop - first, plan.rows_each))
        asked.add(_blocks(plan, candidate, wanted, asked))
    rows = asked.rows()
    one_model = not any(candidate.settings for candidate in part.candidates)
    failures = Failure.joined(asked.failures)
    if asked.error and one_model and sum(each.count for each in failures) == plan.rows_each:
        raise asked.error
    return Done(part.number, part.digest, rows, failures, asked.warnings)


@dataclass(frozen=True, eq=False)
class _Block:
    """Rows of one network on one board, at batches that follow each other."""

    network: Network
    answers: int
    """Place of what predicts for the board."""
    batches: tuple[int | None, ...]
    index: IntArray
    labels: Mapping[str, object]

    def pieces(self) -> list[_Block]:
        """Return a block for each batch."""
        return [
            replace(self, batches=(batch,), index=self.index[i : i + 1])
            for i, batch in enumerate(self.batches)
        ]


def _blocks(plan: SweepPlan, candidate: Variant, wanted: range, asked: _Asked) -> Iterator[_Block]:
    """Yield the wanted rows of a candidate, block by block of one network and board."""
    batches = len(plan.batches)
    devices = batches * len(plan.answers)
    precisions = devices * len(plan.precisions)
    made: dict[object, tuple[Network, str] | EdgeProfilerError] = {}
    start = wanted.start
    while start < wanted.stop:
        stop = min((start // batches + 1) * batches, wanted.stop)
        resolution = plan.resolutions[start // precisions]
        precision = plan.precisions[start // devices % len(plan.precisions)]
        place = start // batches % len(plan.answers)
        device = plan.answers[place].device
        target = BuildTarget.of(device)
        if target.int8:  # else a warning says the board's name
            target = replace(target, name="")
        key = (resolution, precision or device.precision, builder(device.runtime), target)
        if key not in made:
            try:
                made[key] = _network(plan, candidate, resolution, precision, device)
            except REFUSALS as error:
                made[key] = error
        there = made[key]
        if isinstance(there, EdgeProfilerError):
            size = "own size" if resolution is None else f"{resolution} px"
            name = candidate.named(plan.base)
            asked.refuse(there, stop - start, name, size, key[1], device.spec)
            start = stop
            continue
        network, size = there
        stop = min(stop, start + max(1, LAYERS_AT_ONCE // max(len(network), 1)))
        labels = {
            "network": candidate.named(plan.base) if candidate.settings else network.name,
            "device": device.spec,
            "clocks": device.mode.clocks,
            "resolution": size,
            "precision": network.precision,
        }
        first = start % batches
        index = np.arange(start, stop) + candidate.place * plan.rows_each
        batches_asked = plan.batches[first : first + stop - start]
        yield _Block(network, place, batches_asked, index, labels)
        start = stop


class _Asked:
    """Blocks that wait until there are enough to predict them at once, and the rows so far."""

    def __init__(self, plan: SweepPlan) -> None:
        self._plan = plan
        self._waiting: list[_Block] = []
        self._layers = 0
        self._found: list[SweepRows] = []
        self._doubts: list[tuple[int, str]] = []
        self.failures: list[Failure] = []
        self.error: EdgeProfilerError | None = None
        """The first of a combination that cannot be predicted."""

    def add(self, blocks: Iterable[_Block]) -> None:
        """Take the blocks of a candidate."""
        boards = len(self._plan.answers)
        for block in blocks:
            self._waiting.append(block)
            self._layers += len(block.network) * len(block.batches)
            many = len(self._waiting) >= NETWORKS_AT_ONCE * boards
            if many or self._layers >= LAYERS_AT_ONCE * boards:
                self._predict()

    def refuse(self, error: EdgeProfilerError, count: int, network: str, *setting: str) -> None:
        """Leave out combinations of a network, of which the first has a setting."""
        self.error = self.error or error
        self.failures.append(Failure(network, str(error), ", ".join(setting), count))

    def rows(self) -> SweepRows | None:
        """Return the rows of all blocks in the order of the sweep; `None` where there is none."""
        self._predict()
        if not self._found:
            return None
        merged = SweepRows.joined(self._found)
        index = merged.numbers["index"]
        return merged if (np.diff(index) > 0).all() else merged.take(np.argsort(index))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What must be known of the rows, each once, in their order."""
        return tuple(dict.fromkeys(text for _, text in sorted(self._doubts, key=itemgetter(0))))

    def _predict(self) -> None:
        predicted: list[_Block] = []
        for there, boards in _together(self._waiting, self._plan.answers):
            for blocks in boards.values():
                predicted += self._predicted(there, blocks)
        self._doubts += _doubts(predicted, self._plan.answers)
        self._waiting, self._layers = [], 0

    def _predicted(self, there: Batched, blocks: Sequence[_Block]) -> list[_Block]:
        """Predict blocks of one board, one by one where not all can be; return those that are."""
        try:
            numbers = there.predict(self._plan.answers[blocks[0].answers], self._plan.rate_hz)
        except REFUSALS as error:
            pieces = [piece for block in blocks for piece in block.pieces()]
            if len(pieces) > 1:
                return [
                    found
                    for piece in pieces
                    for found in self._predicted(
                        Batched.of([(piece.network, piece.batches)]), [piece]
                    )
                ]
            labels = blocks[0].labels
            said = [str(labels[name]) for name in ("network", "resolution", "precision", "device")]
            self.refuse(error, 1, *said, f"batch {there.batches[0]}")
            return []
        rows = {
            name: Label.joined([Label.same(b.labels[name], len(b.index)) for b in blocks])
            for name in blocks[0].labels
        }
        index = np.concatenate([block.index for block in blocks])
        self._found.append(SweepRows(rows, {"index": index, **numbers}))
        return list(blocks)


def _together(
    blocks: Iterable[_Block], answers: Sequence[Predictor]
) -> Iterator[tuple[Batched, Mapping[int, list[_Block]]]]:
    """Yield networks at batches with the boards that are asked about them, and their blocks.

    What does not depend on the board is so worked out once for all boards of one kind.
    """
    asked: dict[tuple[object, ...], dict[int, _Block]] = {}
    for block in blocks:
        key: tuple[object, ...] = (id(block.network), block.batches)
        while block.answers in asked.setdefault(key, {}):
            key = (*key, "again")
        asked[key][block.answers] = block
    groups: dict[object, list[dict[int, _Block]]] = {}
    for boards in asked.values():
        first = next(iter(boards.values()))
        alone = not all(by_columns(answers[place], first.network) for place in boards)
        groups.setdefault((tuple(boards), id(first) if alone else None), []).append(boards)
    for group in groups.values():
        for chunk in _chunks(group):
            firsts = [next(iter(boards.values())) for boards in chunk]
            there = Batched.of([(block.network, block.batches) for block in firsts])
            yield there, {place: [boards[place] for boards in chunk] for place in chunk[0]}


def _chunks(group: Iterable[dict[int, _Block]]) -> Iterator[list[dict[int, _Block]]]:
    """Cut what is asked about into pieces of no more layers than are predicted at once."""
    chunk: list[dict[int, _Block]] = []
    layers = 0
    for boards in group:
        block = next(iter(boards.values()))
        more = len(block.network) * len(block.batches)
        if chunk and layers + more > LAYERS_AT_ONCE:
            yield chunk
            chunk, layers = [], 0
        chunk.append(boards)
        layers += more
    yield chunk


def _doubts(blocks: Iterable[_Block], answers: Sequence[Predictor]) -> list[tuple[int, str]]:
    """Return what must be known of the rows of blocks, each with the place of a first row."""
    doubted: dict[tuple[str, bool], dict[int, _Block]] = {}
    for block in blocks:
        # Clocks that differ from the mode's are doubted alike, whichever they are.
        board, _, clocks = answers[block.answers].device.spec.partition(",")
        doubted.setdefault((board, bool(clocks)), {}).setdefault(id(block.network), block)
    found: list[tuple[int, str]] = []
    for alike in doubted.values():
        firsts = list(alike.values())
        profiles = answers[firsts[0].answers].predict_many([block.network for block in firsts])
        for place, block in enumerate(firsts):
            told = (
                profiles.cautions(place)
                if isinstance(profiles, PredictedProfiles)
                else cautions(profiles[place])
            )
            found += [(int(block.index[0]), text) for text in told]
    return found


def _network(
    plan: SweepPlan,
    candidate: Variant,
    resolution: int | None,
    precision: str | None,
    device: Device,
) -> tuple[Network, str]:
    """Return a network at the question's batch, and its size as a row says it."""
    if resolution in plan.refused:
        raise plan.refused[resolution]
    found = plan.read.get(resolution)
    if found is None:
        how = plan.question.reading | {"resolution": resolution}
        found = read_model(candidate.model(plan.base), **how)
    if isinstance(found, Network):
        require_as_built(found, precision, plan.question.tensorrt)
        return found, ""
    shape = found.tensors[found.inputs[0]].shape if found.inputs else ()
    chosen, made_by = precision or device.precision, builder(device.runtime)
    network = plan.plans.lower(found, chosen, made_by, BuildTarget.of(device))
    return network, "x".join(map(str, shape[2:]))
