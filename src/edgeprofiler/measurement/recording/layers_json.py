"""A network with its layers as one JSON object inside a recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeprofiler.core.network import Network
from edgeprofiler.core.network_document import (
    layer_from_document,
    layer_to_document,
    network_from_document,
    network_to_document,
)
from edgeprofiler.core.values import Value

FORMAT = "edgeprofiler.layers/1"


def network_to_json(network: Network) -> dict[str, Any]:
    """Return `network` as an object that JSON can hold; `network_from_json` gives it back."""
    return {
        "format": FORMAT,
        **network_to_document(network),
        "layers": [layer_to_document(layer) for layer in network.layers],
    }


def network_from_json(value: Mapping[str, Any], source: object = "recording") -> Network | None:
    """Return the network in `value`; `None` for another format (TensorRT's engine JSON).

    Raises:
        InvalidInput: it claims this format but something in it is not what it must be.
    """
    if value.get("format") != FORMAT:
        return None
    document = Value(dict(value), source, "network")
    layers = document["layers"].items()
    return network_from_document(document, tuple(layer_from_document(v) for v in layers))
