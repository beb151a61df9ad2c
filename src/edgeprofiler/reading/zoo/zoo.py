"""Networks by name: the front end for sources such as `zoo:resnet18`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.graph import Graph, Shape
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.graphs import GraphBuilder, forget_parts, shapes_of_inputs
from edgeprofiler.reading.zoo.classic import CLASSICS
from edgeprofiler.reading.zoo.convnext import CONVNEXTS
from edgeprofiler.reading.zoo.densenet import DENSENETS
from edgeprofiler.reading.zoo.detection import DETECTORS
from edgeprofiler.reading.zoo.efficient import EFFICIENTNETS
from edgeprofiler.reading.zoo.efficientvit import EFFICIENTVITS
from edgeprofiler.reading.zoo.family import Entry, Setting
from edgeprofiler.reading.zoo.ghostnet import GHOSTNETS
from edgeprofiler.reading.zoo.inception import INCEPTIONS
from edgeprofiler.reading.zoo.mixnet import MIXNETS
from edgeprofiler.reading.zoo.mobile import MOBILES
from edgeprofiler.reading.zoo.mobilenetv4 import MOBILENETV4S
from edgeprofiler.reading.zoo.mobilevit import MOBILEVITS
from edgeprofiler.reading.zoo.repvgg import REPVGGS
from edgeprofiler.reading.zoo.resnet import RESNETS
from edgeprofiler.reading.zoo.segmentation import SEGMENTERS
from edgeprofiler.reading.zoo.settings import checked, parse_query, query_of
from edgeprofiler.reading.zoo.shufflenet import SHUFFLENETS
from edgeprofiler.reading.zoo.yolo import YOLOS

_PREFIX = "zoo:"
_INPUT = "input"
ENTRIES: Mapping[str, Entry] = {
    **CLASSICS,
    **RESNETS,
    **DENSENETS,
    **INCEPTIONS,
    **MOBILES,
    **SHUFFLENETS,
    **EFFICIENTNETS,
    **MIXNETS,
    **CONVNEXTS,
    **REPVGGS,
    **GHOSTNETS,
    **MOBILENETV4S,
    **MOBILEVITS,
    **EFFICIENTVITS,
    **YOLOS,
    **DETECTORS,
    **SEGMENTERS,
}


def plain(name: str) -> str:
    """Return a name as all its spellings share it: `ResNet-18` and `resnet18` are one."""
    return re.sub(r"[-_. ]", "", name.casefold())


_BY_PLAIN: Mapping[str, str] = {plain(name): name for name in ENTRIES}


def names() -> tuple[str, ...]:
    """Return the names of all networks of the zoo, family by family."""
    return tuple(ENTRIES)


def zoo_graph(
    name: str,
    batch: int = 1,
    resolution: int | tuple[int, int] | None = None,
    classes: int | None = None,
    settings: Mapping[str, Setting] | None = None,
) -> Graph:
    """Return a network of the zoo as a graph of ONNX operators.

    Args:
        name: one of `names()`; case, hyphens, underscores and dots do not matter.
        batch: images at once.
        resolution: height and width of the input in pixels, one number for both; `None` is
            what the network was made for.
        classes: outputs of the last layer; `None` is what the network was made for.
        settings: widths and depths in place of the network's own, by the names of `settings_of`.

    Raises:
        InvalidInput: no network of that name or setting, or it cannot run at that size.
    """
    name, entry = entry_of(name)
    pixels = entry.resolution if resolution is None else resolution
    size = pixels if isinstance(pixels, tuple) else (pixels, pixels)
    wanted = entry.classes if classes is None else classes
    shape = (batch, entry.channels, *size)
    _check(name, shape, wanted)
    chosen = checked(f"{_PREFIX}{name}", entry, settings or {})
    try:
        return _build(name, shape, wanted, chosen)
    except InvalidInput as error:
        raise InvalidInput(
            f"{_PREFIX}{name}",
            f"it cannot run on {'x'.join(map(str, shape))}: {error.source}: {error.problem}",
            error.remedy or "give it an input of its own size",
        ) from None


@lru_cache(maxsize=128)
def _build(
    name: str, shape: Shape, classes: int, settings: tuple[tuple[str, Setting], ...]
) -> Graph:
    builder = GraphBuilder(name + query_of(settings))
    build = ENTRIES[name].built_as(dict(settings))
    result = build(builder, builder.input(shape, _INPUT), classes)
    return builder.graph(*((result,) if isinstance(result, str) else result))


def forget_built() -> None:
    """Forget graphs that were built before, so that building can be timed."""
    _build.cache_clear()
    forget_parts()


def entry_of(name: str) -> tuple[str, Entry]:
    """Return a network's own name and how it is built.

    Raises:
        InvalidInput: no network of that name; the nearest ones are said.
    """
    known = _BY_PLAIN.get(plain(name))
    if known is None:
        close = [_BY_PLAIN[n] for n in get_close_matches(plain(name), _BY_PLAIN, 3, 0.5)]
        hint = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(ENTRIES)}"
        raise InvalidInput(f"{_PREFIX}{name}", "the zoo has no network of that name", hint)
    return known, ENTRIES[known]


def _check(name: str, shape: Shape, classes: int) -> None:
    sane = (
        all(1 <= length <= limits.IMAGE_SIDE for length in shape)
        and math.prod(shape) <= limits.INPUT_ELEMENTS
    )
    if not sane:
        raise InvalidInput(
            f"{_PREFIX}{name}",
            f"an input of {'x'.join(map(str, shape))}",
            f"dimensions are 1 to {limits.IMAGE_SIDE}, elements at most {limits.INPUT_ELEMENTS}",
        )
    if not 1 <= classes <= limits.IMAGE_SIDE:
        raise InvalidInput(f"{_PREFIX}{name}", f"{classes} classes", "give 1 to 65536")


def settings_of(name: str) -> Mapping[str, Setting]:
    """Return the widths and depths of a network that may be set, with its own values.

    >>> settings_of("resnet18")["depths"]
    (2, 2, 2, 2)
    """
    return entry_of(name)[1].settings


def _address(source: str) -> tuple[str, int | None, dict[str, Setting]]:
    """Return name, classes and settings from `zoo:resnet18?classes=3&width=0.5`."""
    name, _, query = source.removeprefix(_PREFIX).strip().partition("?")
    if not query:
        return name, None, {}
    settings = parse_query(source, entry_of(name)[1], query)
    classes = settings.pop("classes", None)
    return name, classes if isinstance(classes, int) else None, settings


class ZooFrontEnd:
    """Reads `zoo:NAME`; batch, input shape and, with `?NAME=VALUE`, widths may be chosen."""

    name = "zoo"

    def sources(self) -> tuple[str, ...]:
        """Return the addresses of all networks, family by family."""
        return tuple(f"{_PREFIX}{name}" for name in ENTRIES)

    def recognises(self, source: str, head: bytes) -> bool:  # noqa: ARG002 (the protocol's)
        """Say whether `source` names a network of the zoo."""
        return source.startswith(_PREFIX)

    def read(self, source: str, options: ReadOptions) -> Graph:
        """Return the graph of `zoo:NAME`, or of `zoo:NAME?classes=N&width=0.5`.

        Raises:
            InvalidInput: no network of that name, or it cannot run at the shape asked for.
            UsageError: a shape is given for an input that the network lacks.
        """
        options.refuse_trips(source)
        name, classes, settings = _address(source)
        name, entry = entry_of(name)
        shape = shapes_of_inputs((_INPUT,), options.shapes, source).get(_INPUT)
        if shape is None:
            batch = 1 if options.batch is None else options.batch
            return zoo_graph(name, batch=batch, classes=classes, settings=settings)
        if len(shape) != 4 or shape[1] != entry.channels:
            raise InvalidInput(
                source,
                f"an input of {'x'.join(map(str, shape))}",
                f"give batch x {entry.channels} x height x width",
            )
        batch = shape[0] if options.batch is None else options.batch
        size = shape[2], shape[3]
        return zoo_graph(name, batch, size, classes=classes, settings=settings)
