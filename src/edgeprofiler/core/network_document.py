"""A network's layers as JSON, field by field under the names of `Layer`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

from edgeprofiler.core.network import KINDS, OPS, Layer, Network, Source
from edgeprofiler.core.values import JsonValue

_MAX_COUNT = 2**80  # a bound that only nonsense passes; real counts stay below 2**50


def _count(value: JsonValue) -> int | None:
    return None if value.null else value.integer(0, _MAX_COUNT)


def _choice(options: tuple[str, ...]) -> Callable[[JsonValue], str]:
    def read(value: JsonValue) -> str:
        text = value.text()
        if text not in options:
            raise value.fail(f"is {text[:40]!r}", f"expected one of: {', '.join(options)}")
        return text

    return read


def _text_or_none(value: JsonValue) -> str | None:
    return None if value.null else value.text()


LAYER_FIELDS: dict[str, Callable[[JsonValue], Any]] = {
    "name": JsonValue.text,
    "kind": _choice(KINDS),
    "op": _choice(tuple(OPS)),
    "engine_type": _text_or_none,
    "input_shapes": JsonValue.shapes,
    "output_shapes": JsonValue.shapes,
    "kernel": JsonValue.shape,
    "stride": JsonValue.shape,
    "padding_before": JsonValue.shape,
    "padding_after": JsonValue.shape,
    "dilation": JsonValue.shape,
    "groups": lambda value: value.integer(1, 2**31),
    "dtype": JsonValue.text,
    "input_dtypes": JsonValue.texts,
    "output_dtypes": JsonValue.texts,
    "macs": _count,
    "flops": _count,
    "weight_bytes": _count,
    "bytes_moved": _count,
    "fused_ops": JsonValue.texts,
    "nodes": JsonValue.texts,
}
"""How each field of a layer is read; the order is that of the documents."""

_REQUIRED = frozenset(field.name for field in fields(Layer) if field.default is MISSING)


def field_to_json(value: Any) -> Any:
    """Return a layer's field as JSON holds it: tuples become lists."""
    if isinstance(value, tuple):
        return [field_to_json(item) for item in value]
    return value


def layer_to_document(layer: Layer) -> dict[str, Any]:
    """Return all fields of a layer as JSON holds them."""
    return {name: field_to_json(getattr(layer, name)) for name in LAYER_FIELDS}


def layer_from_document(value: JsonValue) -> Layer:
    """Return a layer from its fields; those with a default may be missing.

    Raises:
        InvalidInput: a field is missing or cannot be what it claims; its place is said.
    """
    present = value.mapping()
    return Layer(
        **{
            name: read(value.get(name))
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
        "batch": network.batch,
        "precision": network.precision,
        "warnings": list(network.warnings),
    }


def network_from_document(value: JsonValue, layers: tuple[Layer, ...]) -> Network:
    """Return a network from what `network_to_document` wrote, and its layers."""
    version, warnings = value.get("front_end_version"), value.get("warnings")
    return Network(
        name=value.get("name").text(),
        layers=layers,
        source=Source(
            name=value.get("source").text(),
            front_end=value.get("front_end").text(),
            version="" if version.null else version.text(),
        ),
        batch=value.get("batch").integer(1, 2**31),
        precision=value.get("precision").text(),
        warnings=() if warnings.null else warnings.texts(),
    )
