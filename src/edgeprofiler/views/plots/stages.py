"""The stages of a network: by the resolution its layers write, else by the paths of their names."""

from __future__ import annotations

import re
from itertools import groupby

from edgeprofiler.core.network import Layer, Network

MAX_STAGES = 14
"""More runs of equal resolution than this are branches, not stages."""

_PATH = re.compile(r"[./]")


def stages(network: Network) -> tuple[str, ...]:
    """Return the stage of each layer.

    A stage is a run of layers that write one resolution; layers that write no image belong to the
    `head` behind the last image, or to the stage before them. Where branches of different
    resolution take turns, all layers of one resolution are a stage. Where the resolution says
    nothing, as in a transformer, a stage is what the layers' names begin with.
    """
    sizes = _resolutions(network.layers)
    if len(set(sizes)) < 3:
        named = _by_name(network.layers)
        if named is not None:
            return named
    runs = [size for size, _ in groupby(sizes)]
    if len(runs) > MAX_STAGES or len(runs) == len(set(runs)):
        return sizes
    return _numbered(sizes)


def _resolutions(layers: tuple[Layer, ...]) -> tuple[str, ...]:
    found = [_resolution(layer) for layer in layers]
    last_image = max((i for i, size in enumerate(found) if size), default=-1)
    names, current = [], "head"
    for i, size in enumerate(found):
        current = size or (current if i < last_image else "head")
        names.append(current)
    return tuple(names)


def _resolution(layer: Layer) -> str:
    shape = layer.output_shapes[0] if layer.output_shapes else ()
    space = shape[2:]
    if not space or len(shape) < 4 or all(n == 1 for n in space):
        return ""
    return "x".join(map(str, space))


def _numbered(sizes: tuple[str, ...]) -> tuple[str, ...]:
    """Runs of one resolution apart, as the two sides of a U-Net are."""
    names, seen = [], dict.fromkeys(sizes, 0)
    repeated = {s for s in seen if sum(size == s for size, _ in groupby(sizes)) > 1}
    for size, run in groupby(sizes):
        seen[size] += 1
        name = f"{size} ({seen[size]})" if size in repeated else size
        names += [name for _ in run]
    return tuple(names)


def _by_name(layers: tuple[Layer, ...]) -> tuple[str, ...] | None:
    paths = [[p for p in _PATH.split(layer.name) if p] or ["(unnamed)"] for layer in layers]
    for depth in range(1, 5):
        names = tuple("/".join(path[:depth]) for path in paths)
        count = len(set(names))
        if count > 2 * MAX_STAGES:
            return None
        if count > 2:
            return names
    return None
