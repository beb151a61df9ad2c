"""Where the height and width of a graph's image inputs stand: channels first, or last."""

from __future__ import annotations

from edgeprofiler.core.graph import Graph, Shape

_CHANNELS = (1, 3, 4)
_MOST_STEPS = 8
_TO_FIRST = (0, 3, 1, 2)


def image_axes(graph: Graph, name: str) -> tuple[int, int] | None:
    """Return the axes of height and width of an input, or `None` where it is no image.

    An image that the network turns to channels first, as files from TensorFlow do, has them
    before its channels; so has one whose last dimension alone could be its channels.
    """
    shape = graph.tensors[name].shape
    if len(shape) != 4:
        return None
    last = shape[3] in _CHANNELS and shape[1] not in _CHANNELS
    return (1, 2) if last or _is_turned(graph, name) else (2, 3)


def images(graph: Graph) -> dict[str, tuple[int, int]]:
    """Return the axes of height and width of each image input."""
    found = {name: image_axes(graph, name) for name in graph.inputs}
    return {name: axes for name, axes in found.items() if axes is not None}


def sized(shape: Shape, axes: tuple[int, int], height: int, width: int) -> Shape:
    """Return an image's shape with another height and width."""
    lengths = dict(zip(axes, (height, width), strict=True))
    return tuple(lengths.get(axis, length) for axis, length in enumerate(shape))


def _is_turned(graph: Graph, name: str) -> bool:
    for _ in range(_MOST_STEPS):
        readers = graph.consumers.get(name, ())
        if any(node.op == "Transpose" and node.ints("perm") == _TO_FIRST for node in readers):
            return True
        if len(readers) != 1:
            return False
        name = readers[0].outputs[0]
    return False
