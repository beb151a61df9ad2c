"""Every change that could be made to a network and to how it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from edgeprofiler.core.graph import Graph
from edgeprofiler.decision.advise import edits
from edgeprofiler.decision.advise.change import Options, Refusal, State
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.reading.graphs.change import with_batch

_KEEP = (0.875, 0.75, 0.5)

Key = tuple[str, str, str]
"""Kind, target, and size of the step: what finds a candidate again in a changed network."""


@dataclass(frozen=True)
class Candidate:
    """A change that can be made to whatever the network has become."""

    key: Key
    make: Callable[[], tuple[State, edits.Edit | None]]


def floors_of(graph: Graph, options: Options) -> edits.Floors:
    """Return what every layer and the input keep, however many steps there are."""
    return edits.Floors.of(graph, options.least, options.least_resolution, options.layers)


def candidates(
    state: State, options: Options, floors: edits.Floors, refused: list[Refusal]
) -> Iterator[Candidate]:
    """Every change that could be made to `state`; nothing is predicted yet.

    What the network does not allow is added to `refused`.
    """
    graph = state.graph
    found: list[tuple[str, Iterator[edits.Edit | Refusal]]] = []
    if "prune" in options.kinds:
        found += [
            (f"to {keep:.1%}", edits.prunings(graph, keep, options.align, floors)) for keep in _KEEP
        ]
    if "kernel" in options.kinds:
        found.append(("3x3", edits.smaller_kernels(graph)))
    if "stride" in options.kinds:
        found.append(("2", edits.larger_strides(graph)))
    if "factorise" in options.kinds:
        found.append(("low rank", edits.factorised_dense(graph, align=options.align)))
    if "resolution" in options.kinds:
        found.append(("smaller", edits.smaller_inputs(graph, floors)))
    for step, made in found:
        for edit in made:
            if isinstance(edit, Refusal):
                refused.append(edit)
                continue
            step_name = edit.text if edit.kind == "resolution" else step
            yield Candidate(
                (edit.kind, edit.target, step_name),
                lambda edit=edit: (replace(state, graph=edit.graph), edit),  # type: ignore[misc]
            )
    yield from _settings(state, options)


def _settings(state: State, options: Options) -> Iterator[Candidate]:
    """Changes of how the network runs: precision, batch, power mode."""
    if "precision" in options.kinds:
        order = ("fp32", "fp16", "int8")
        for precision in order[order.index(state.precision) + 1 :]:
            yield Candidate(
                ("precision", "network", f"precision {state.precision} to {precision}"),
                lambda p=precision: (replace(state, precision=p), None),  # type: ignore[misc]
            )
    if "batch" in options.kinds:
        for batch in options.batches:
            if batch > state.graph.batch:
                yield Candidate(
                    ("batch", "input", f"batch {state.graph.batch} to {batch}"),
                    lambda b=batch: (  # type: ignore[misc]
                        replace(state, graph=with_batch(state.graph, b)),
                        None,
                    ),
                )
    answers, device = state.predictor, state.device
    # A predictor that was trained in one mode knows no other.
    if "mode" in options.kinds and isinstance(answers, RooflinePredictor):
        for mode in device.modes:
            if mode.clocks != device.mode.clocks:
                there = replace(answers, device=device.with_mode(mode.name))
                yield Candidate(
                    ("mode", "device", f"power mode {device.mode.name} to {mode.name}"),
                    lambda p=there: (replace(state, predictor=p), None),  # type: ignore[misc]
                )
