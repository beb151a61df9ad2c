"""An engine's description put in the order in which a profiler tells its layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Layer, Network, Source, make_layer
from edgeprofiler.core.reads import chosen
from edgeprofiler.core.values import parse_json
from edgeprofiler.reading.engine import network_from_engine


def network_in_order(
    text: str, source: str, names: Sequence[str], warnings: Sequence[str] = ()
) -> Network:
    """Return the engine's layers, one for each of `names` and in their order.

    Args:
        text: JSON of the engine inspector or of `--exportLayerInfo`.
        source: what the user named.
        names: layers as the profiler tells them; empty keeps the description's order.
        warnings: to carry along.

    A layer that the profiler tells and the description lacks is `unknown`; one that it never
    tells takes no time of its own and is left out, which is said.
    """
    origin = Source(source, "tensorrt")
    try:
        network = network_from_engine(parse_json(text, source).raw, origin)
    except InvalidInput as error:  # an engine that was built without detailed verbosity
        layers = tuple(_unknown(name) for name in names)
        return Network(source, layers, origin, warnings=(*warnings, str(error)))
    if not names:
        return replace(network, warnings=(*network.warnings, *warnings))
    return in_order(replace(network, warnings=(*network.warnings, *warnings)), names)


def in_order(network: Network, names: Sequence[str]) -> Network:
    """Return `network` with one layer for each of `names`, in their order."""
    left: dict[str, list[int]] = {}
    for place, layer in enumerate(network.layers):
        left.setdefault(layer.name, []).append(place)
    places = [left[name].pop(0) if left.get(name) else None for name in names]
    layers = [
        _unknown(name) if place is None else network.layers[place]
        for name, place in zip(names, places, strict=True)
    ]
    warnings = list(network.warnings)
    rest = [network.layers[place] for places_left in left.values() for place in places_left]
    unheard = [layer.name for layer in rest if layer.op != "noop"]
    if unheard:
        warnings.append(f"{len(unheard)} layers without a time are left out: {unheard[0]}, ...")
    unknown = sum(layer.op == "unknown" for layer in layers)
    if unknown:
        warnings.append(f"{unknown} timed layers are not in the engine's description")
    reads = chosen(network.reads, places)
    return replace(network, layers=tuple(layers), reads=reads, warnings=tuple(warnings))


def _unknown(name: str) -> Layer:
    return make_layer(
        name=name,
        kind="other",
        op="unknown",
        input_shapes=(),
        output_shapes=(),
        dtype="fp16",
        weight_elements=None,
    )
