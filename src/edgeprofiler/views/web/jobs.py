"""What a worker is asked to do: read a model, find advice, judge a recording.

Each job takes and returns plain JSON values, so that nothing a worker sends back can act here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeprofiler.core.errors import Unsupported, UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network, Shape, Source

MAX_LAYERS = 20_000
"""Most layers that a network may have here; the command line has no such bound."""


def read_network(
    source: str,
    *,
    label: str | None = None,
    front_end: str | None = None,
    precision: str | None = None,
    batch: int | None = None,
    resolution: int | None = None,
    device: str | None = None,
    runtime: str | None = None,
) -> Network:
    """Return a model as layers, at a batch and a resolution.

    Args:
        source: an address such as `zoo:resnet18`, or the path of an upload.
        label: the name that the user knows the model by, where `source` is a path.
        front_end: the front end to use; found from the source where `None`.
        precision: fp32, fp16 or int8.
        batch: images at once.
        resolution: height and width of image inputs.
        device: the board that the engine is built on.
        runtime: the host runtime, which decides what builds the engine.
    """
    from edgeprofiler.reading.read import read

    shapes = _shapes(source, front_end, batch, resolution)
    network = read(
        source, precision=precision, batch=batch, shapes=shapes, front_end=front_end,
        runtime=runtime, device=device,
    )  # fmt: skip
    if len(network.layers) > MAX_LAYERS:
        raise Unsupported(
            f"{label or source}: {len(network.layers)} layers; the web app takes {MAX_LAYERS}, "
            "the command line any number"
        )
    if label is None:
        return network
    return replace(
        network,
        name=_stem(label),
        source=Source(name=label, front_end=network.source.front_end),
        warnings=tuple(w.replace(source, label) for w in network.warnings),
    )


def network_job(task: Mapping[str, Any]) -> dict[str, Any]:
    """Read a model; return its network as a document."""
    from edgeprofiler.core.network_document import layer_to_document, network_to_document

    network = read_network(
        task["source"],
        label=task["label"],
        front_end=task["front_end"],
        precision=task["precision"],
        batch=task["batch"],
        resolution=task["resolution"],
        device=task["device"],
        runtime=task["runtime"],
    )
    layers = [layer_to_document(layer) for layer in network.layers]
    return {"network": network_to_document(network), "layers": layers}


def advice_job(task: Mapping[str, Any]) -> dict[str, Any]:
    """Find changes that save energy; return the document that `advise --json` writes."""
    from edgeprofiler.core.device import load_device
    from edgeprofiler.decision.optimize.advise import (
        Budget,
        Options,
        State,
        predict_state,
        single_changes,
    )
    from edgeprofiler.decision.optimize.advise import advise as plan_for
    from edgeprofiler.decision.optimize.summary import plan_document
    from edgeprofiler.prediction.loading import load_predictor
    from edgeprofiler.reading.read import DEFAULT_PRECISION, read_graph

    batch, front_end = task["batch"], task["front_end"]
    shapes = _shapes(task["source"], front_end, batch, task["resolution"])
    graph = read_graph(task["source"], batch=batch, shapes=shapes, front_end=front_end)
    if len(graph.nodes) > MAX_LAYERS:
        raise Unsupported(f"{graph.name}: too large for advice here; use `edgeprofiler advise`")
    device = load_device(task["device"], task["runtime"])
    confidence, kinds, predictor = task["confidence"], tuple(task["kinds"]), None
    if task["predictor"] is not None:
        predictor = load_predictor(task["predictor"], device, confidence)
        if "mode" in kinds:
            raise UsageError("a trained predictor knows one power mode: leave out the kind mode")
    state = State(graph, task["precision"] or DEFAULT_PRECISION, device, predictor=predictor)
    options = Options(kinds=kinds) if kinds else Options()
    before = predict_state(state, confidence)
    percent = task["budget_percent"]
    energy = None if percent is None else before.energy_j * percent / 100
    budget = Budget(energy, task["max_latency_s"])
    singles = single_changes(state, options, confidence)
    plan = None
    if budget.energy_j is not None or budget.latency_s is not None:
        plan = plan_for(state, budget, options, confidence)
    return plan_document(task["label"] or task["source"], before, singles, plan)


def quality_job(task: Mapping[str, Any]) -> dict[str, Any]:
    """Judge a recording; return what is known of it and the findings."""
    import math

    from edgeprofiler.measurement.qa import inspect_recording
    from edgeprofiler.measurement.recording import load_recording

    recording = load_recording(Path(task["folder"]))
    verdict = inspect_recording(recording)
    trace = recording.trace
    duration = float(trace.time_s[-1] - trace.time_s[0]) if len(trace) > 1 else math.nan
    return {
        "schema": "edgeprofiler.qa/1",
        "name": task["label"],
        "started_utc": recording.started_utc,
        "simulated": recording.simulated,
        "complete": recording.complete,
        "device": {str(k): str(v) for k, v in recording.device.items()},
        "runs": int(recording.timeline.runs),
        "layers": len(recording.timeline.layer_names),
        "samples": len(trace),
        "duration_s": duration if math.isfinite(duration) else None,
        "warnings": [w.replace(task["folder"], task["label"]) for w in recording.warnings],
        **verdict.document(),
    }


def measured_job(task: Mapping[str, Any]) -> dict[str, Any]:
    """Attribute a recording's power to its layers; return the profile as a document."""
    from edgeprofiler.core.profile.document import to_document
    from edgeprofiler.measurement.attribution import attribute
    from edgeprofiler.measurement.recording import load_recording

    return to_document(attribute(load_recording(Path(task["folder"]))))


JOBS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "network": network_job,
    "advice": advice_job,
    "quality": quality_job,
    "measured": measured_job,
}


def _shapes(
    source: str, front_end: str | None, batch: int | None, resolution: int | None
) -> dict[str, Shape]:
    """Return the shapes of the image inputs at a resolution; none where none is asked for."""
    if resolution is None:
        return {}
    from edgeprofiler.reading.read import read_model

    try:
        model = read_model(source, batch=batch, front_end=front_end)
    except UsageError:
        # Sizes are free in the file. One input of colour images is what nearly all have; where
        # it is not so, the second reading says what is missing.
        return {"": (batch or 1, 3, resolution, resolution)}
    if isinstance(model, Network):
        raise Unsupported(f"{model.name}: the resolution of a built engine is fixed")
    return _image_shapes(model, resolution)


def _image_shapes(graph: Graph, resolution: int) -> dict[str, Shape]:
    shapes = {name: graph.tensors[name].shape for name in graph.inputs}
    images: dict[str, Shape] = {
        n: (*s[:2], resolution, resolution) for n, s in shapes.items() if len(s) == 4
    }
    if not images:
        raise Unsupported(f"{graph.name}: no input has batch, channels, height and width")
    return images


def _stem(label: str) -> str:
    stem, _, suffix = label.rpartition(".")
    return stem if stem and len(suffix) <= 5 else label
