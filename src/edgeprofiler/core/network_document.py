"""A network's layers as JSON, field by field under the names of `Layer`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.network import KINDS, OPS, Layer, Network, Source
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.reads import Reads
from edgeprofiler.core.values import Value


def _count(value: Value) -> int | None:
    return value.maybe(lambda count: count.integer(0, limits.COUNT))


LAYER_FIELDS: dict[str, Callable[[Value], Any]] = {
    "name": Value.text,
    "kind": lambda value: value.choice(KINDS),
    "op": lambda value: value.choice(tuple(OPS)),
    "engine_type": lambda value: value.maybe(Value.text),
    "input_shapes": Value.shapes,
    "output_shapes": Value.shapes,
    "kernel": Value.shape,
    "stride": Value.shape,
    "padding_before": Value.shape,
    "padding_after": Value.shape,
    "dilation": Value.shape,
    "groups": lambda value: value.integer(1, 2**31),
    "dtype": Value.text,
    "input_dtypes": Value.texts,
    "output_dtypes": Value.texts,
    "macs": _count,
    "flops": _count,
    "weight_bytes": _count,
    "bytes_moved": _count,
    "fused_ops": Value.texts,
    "nodes": Value.texts,
    "repeats": lambda value: value.integer(1, limits.COUNT),
    "unbounded": Value.boolean,
}
"""How each field of a layer is read; the order is that of the documents."""

_REQUIRED = frozenset(field.name for field in fields(Layer) if field.default is MISSING)


def layer_to_document(layer: Layer) -> dict[str, Any]:
    """Return all fields of a layer as JSON holds them."""
    return attributes(layer, *LAYER_FIELDS)


def layer_from_document(value: Value) -> Layer:
    """Return a layer from its fields; those with a default may be missing.

    Raises:
        InvalidInput: a field is missing or cannot be what it claims; its place is said.
    """
    present = value.mapping()
    return Layer(
        **{
            name: read(value[name])
            for name, read in LAYER_FIELDS.items()
            if name in present or name in _REQUIRED
        }
    )


def network_to_document(network: Network) -> dict[str, Any]:
    """Return what is said of a network as a whole, without its layers."""
    return {
        "name": network.name,
        "source": network.source.name,
        "front_end": network.source.front_end,
        "front_end_version": network.source.version,
        **attributes(network, "batch precision warnings activation_bytes io_bytes reads"),
    }


def _reads(value: Value, layers: int) -> Reads:
    return tuple(
        tuple(place.integer(0, index - 1) for place in entry.items())
        for index, entry in enumerate(value.items(layers))
    )


def network_from_document(value: Value, layers: tuple[Layer, ...]) -> Network:
    """Return a network from what `network_to_document` wrote, and its layers."""
    return Network(
        name=value["name"].text(),
        layers=layers,
        source=Source(
            name=value["source"].text(),
            front_end=value["front_end"].text(),
            version=value["front_end_version"].default("").text(),
        ),
        batch=value["batch"].integer(1, 2**31),
        precision=value["precision"].text(),
        warnings=value["warnings"].default([]).texts(),
        activation_bytes=value["activation_bytes"].maybe(lambda known: known.integer(0)),
        io_bytes=_count(value["io_bytes"]),
        reads=value["reads"].maybe(lambda known: _reads(known, len(layers))),
    )
