"""The frame of an engine description: its layers, bindings and profiles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.values import Value

STATED = "EdgeProfiler"
"""Key of facts that TensorRT's own fields do not hold; `engine_document` writes it."""

_REBUILD = (
    "build it with detailed verbosity and describe it again: trtexec --onnx=MODEL.onnx "
    "--profilingVerbosity=detailed --exportLayerInfo=engine_info.json"
)
_EXPECTED = "expected the file that trtexec --exportLayerInfo=FILE writes"
_PROFILE = re.compile(r"\[profile (\d{1,6})\]")


@dataclass(frozen=True)
class EngineDocument:
    """What an engine description holds, its layers not read yet."""

    layers: tuple[Value, ...]
    """Layers of the first optimisation profile."""
    profiles: int
    bindings: tuple[str, ...]
    """Names of the engine's inputs and outputs; older descriptions have none."""
    stated: Value
    """What `engine_document` said of the network as a whole; null in TensorRT's own files."""

    @property
    def produced(self) -> frozenset[str] | None:
        """Names of the tensors that a layer or the caller gives; others are constants.

        `None` for our own descriptions, which list no constants.
        """
        if not self.stated.null:
            return None
        return frozenset([*self.bindings, *_names(self.layers)])

    @property
    def constants(self) -> frozenset[str]:
        """Names of the tensors that `Constant` layers give."""
        constant = [v for v in self.layers if v.raw.get("LayerType") == "Constant"]
        return frozenset(_names(constant))


def open_document(document: object, source: object) -> EngineDocument:
    """Return the frame of an engine description.

    Raises:
        InvalidInput: it is none, has no layers, or only their names.
    """
    value = Value(document, source)
    if isinstance(document, dict):
        if "Layers" not in document:
            raise InvalidInput(source, "is no engine description (it has no Layers)", _EXPECTED)
        layers = value["Layers"].items()
        bindings = document.get("Bindings")
        stated = value[STATED]
    elif isinstance(document, list):
        layers, bindings, stated = value.items(), None, Value(None, source, STATED)
    else:
        raise InvalidInput(source, "is no engine description", _EXPECTED)
    _check_layers(layers, source)
    first, profiles = _first_profile(layers)
    names = bindings if isinstance(bindings, list) else []
    return EngineDocument(
        layers=tuple(first),
        profiles=profiles,
        bindings=tuple(name for name in names if isinstance(name, str)),
        stated=stated,
    )


def _check_layers(layers: list[Value], source: object) -> None:
    if not layers:
        raise InvalidInput(source, "describes no layers", f"if the engine has any, {_REBUILD}")
    if len(layers) > limits.LAYERS:
        raise InvalidInput(source, f"has {len(layers)} layers, more than {limits.LAYERS}")
    if all(isinstance(layer.raw, str) for layer in layers):
        raise InvalidInput(source, "holds only the names of the engine's layers", _REBUILD)
    objects = [layer.mapping() for layer in layers]
    if any("averageMs" in keys or "timeMs" in keys for keys in objects):
        problem = "holds times of layers (trtexec --exportProfile), not their description"
        raise InvalidInput(source, problem, _EXPECTED)
    if not any(
        {"LayerType", "ParameterType", "Inputs", "Outputs"} & keys.keys() for keys in objects
    ):
        raise InvalidInput(source, "holds no layers of an engine", _EXPECTED)


def _first_profile(layers: list[Value]) -> tuple[list[Value], int]:
    """Return the layers of the first optimisation profile, and the number of profiles.

    An engine holds all its layers once for every profile, and runs those of one.
    """

    def number(layer: Value) -> int:
        name = layer.raw.get("Name")
        match = _PROFILE.search(name) if isinstance(name, str) and "[profile" in name else None
        return int(match.group(1)) if match else 0

    numbers = [number(layer) for layer in layers]
    if not any(numbers):
        return layers, 1
    first = min(numbers)
    kept = [layer for layer, which in zip(layers, numbers, strict=True) if which == first]
    return kept, len({*numbers})


def _names(layers: Iterable[Value]) -> Iterator[str]:
    """Yield the names of what layers give, as far as they are texts."""
    for layer in layers:
        tensors = layer.raw.get("Outputs")
        for tensor in tensors if isinstance(tensors, list) else ():
            if isinstance(tensor, dict) and isinstance(name := tensor.get("Name"), str):
                yield name
