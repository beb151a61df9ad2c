"""What a worker is asked to do: read a model, find advice, judge a recording.

Each job takes and returns plain JSON values, so that nothing a worker sends back can act here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeprofiler.core import limits
from edgeprofiler.core.errors import Unsupported
from edgeprofiler.core.network import Network, Source
from edgeprofiler.prediction.predict import board_of, graph_of, network_of
from edgeprofiler.prediction.question import Question

if TYPE_CHECKING:
    from edgeprofiler.decision.advise import Advice


def read_network(question: Question, label: str | None = None) -> Network:
    """Return the layers that a question is about.

    Args:
        question: about an address such as `zoo:resnet18`, or the path of an upload.
        label: the name that the user knows the model by, where it is a path.
    """
    source = str(question.model)
    network = network_of(question, board_of(question))
    if len(network.layers) > limits.WEB_LAYERS:
        raise Unsupported(
            f"{label or source}: {len(network.layers)} layers; the web app takes "
            f"{limits.WEB_LAYERS}, the command line any number"
        )
    if label is None:
        return network
    return _labelled(network, source, label)


def _labelled(network: Network, source: str, label: str) -> Network:
    return replace(
        network,
        name=_stem(label),
        source=Source(name=label, front_end=network.source.front_end),
        warnings=tuple(w.replace(source, label) for w in network.warnings),
        wider=None if network.wider is None else _labelled(network.wider, source, label),
    )


def network_job(task: Mapping[str, Any]) -> dict[str, Any]:
    """Read a model; return its network, and within it those in wider types, as a document."""
    return _document(read_network(Question(**task["question"]), task["label"]))


def _document(network: Network) -> dict[str, Any]:
    from edgeprofiler.core.network_document import layer_to_document, network_to_document

    return {
        "network": network_to_document(network),
        "layers": [layer_to_document(layer) for layer in network.layers],
        "wider": None if network.wider is None else _document(network.wider),
    }


def advice_job(task: Mapping[str, Any]) -> dict[str, Any]:
    """Find changes that save energy; return the document that `advise --json` writes."""
    return {**_advice(task).document(), "model": task["label"]}


def mask_job(task: Mapping[str, Any]) -> dict[str, Any]:
    """Find changes that save energy; return the channels that remain after them."""
    return {**_advice(task).mask(), "model": task["label"]}


def _advice(task: Mapping[str, Any]) -> Advice:
    from edgeprofiler.decision.advise import advise

    question = Question(**task["question"])
    graph = graph_of(question)
    if len(graph.nodes) > limits.WEB_LAYERS:
        raise Unsupported(f"{graph.name}: too large for advice here; use `edgeprofiler advise`")
    return advise(question, only=task["kinds"], **task["budget"])


def sweep_job(task: Mapping[str, Any]) -> dict[str, Any]:
    """Predict every combination; return the document that `sweep --json` writes."""
    from edgeprofiler.decision.sweep import sweep

    found = sweep(
        Question(**task["question"]), where=task["where"], best=task["best"], **task["axes"]
    )
    return {**found.document(), "title": task["label"]}


def quality_job(task: Mapping[str, Any]) -> dict[str, Any]:
    """Judge a recording; return what is known of it and the findings."""
    from edgeprofiler.measurement.qa import qa, to_document
    from edgeprofiler.measurement.recording import load_recording

    recording = load_recording(Path(task["folder"]))
    document = to_document(recording, qa(recording))
    warnings = [w.replace(task["folder"], task["label"]) for w in recording.warnings]
    return {**document, "name": task["label"], "warnings": warnings}


def measured_job(task: Mapping[str, Any]) -> dict[str, Any]:
    """Attribute a recording's power to its layers; return the profile as a document."""
    from edgeprofiler.core.profile.document import to_document
    from edgeprofiler.measurement.attribution import attribute
    from edgeprofiler.measurement.recording import load_recording

    return to_document(attribute(load_recording(Path(task["folder"]))))


JOBS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "network": network_job,
    "advice": advice_job,
    "mask": mask_job,
    "sweep": sweep_job,
    "quality": quality_job,
    "measured": measured_job,
}


def _stem(label: str) -> str:
    stem, _, suffix = label.rpartition(".")
    return stem if stem and len(suffix) <= 5 else label
