"""Which layers to measure alone: a Latin hypercube over what convolutional networks contain."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence

import numpy as np

from edgeprofiler.core.network import Layer, Shape, elements, make_layer

CHANNELS = (3, 8, 16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 160, 192, 240, 256, 320, 384, 480,
            512, 640, 768, 960, 1024, 1280, 1536, 2048)  # fmt: skip
SIZES = (4, 7, 8, 10, 12, 14, 16, 20, 28, 32, 40, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
BATCHES = (1, 1, 1, 1, 2, 4, 8, 16, 32)
FEATURES = (
    16,
    64,
    84,
    120,
    256,
    400,
    512,
    576,
    768,
    1000,
    1024,
    1280,
    2048,
    3072,
    4096,
    9216,
    25088,
)
DTYPES = ("fp16", "fp16", "fp16", "fp32")
SHARES = {"convolutional": 0.65, "pooling": 0.15, "dense": 0.20}
KERNELS = (1, 1, 1, 3, 3, 3, 3, 5, 7, 11)
STRIDES = (1, 1, 1, 2, 2, 4)
GROUPING = ("dense", "dense", "dense", "dense", "depthwise", "grouped")

MAX_MACS = 6e10
MIN_MACS = 2e4
MAX_ELEMENTS = 6e7
_DIMENSIONS = 8


def design(count: int, seed: int = 0) -> list[Layer]:
    """Return `count` distinct layers, the same for the same seed, in a shuffled order.

    The order is shuffled so that a campaign that is stopped early still covers all kinds.
    """
    generator = np.random.default_rng(seed)
    found: list[Layer] = []
    for kind, share in SHARES.items():
        wanted = math.ceil(count * share)
        seen: set[str] = set()
        for row in _hypercube(generator, wanted):
            layer = _MAKERS[kind](row)
            if layer is not None and (key := identity(layer)) not in seen:
                seen.add(key)
                found.append(layer)
            if len(seen) == wanted:
                break
    order = generator.permutation(len(found))[:count]
    return [found[i] for i in order]


def identity(layer: Layer) -> str:
    """Return a name that two layers share only if they are the same work."""
    facts = (
        layer.op, layer.input_shapes, layer.output_shapes, layer.kernel, layer.stride,
        layer.padding_before, layer.groups, layer.dtype,
    )  # fmt: skip
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def _hypercube(generator: np.random.Generator, wanted: int) -> Iterator[list[float]]:
    """Rows of hypercubes, one after another, as long as the caller rejects some."""
    for _ in range(50):
        strata = np.array([generator.permutation(wanted) for _ in range(_DIMENSIONS)]).T
        yield from ((strata + generator.random(strata.shape)) / wanted).tolist()


def _pick(value: float, choices: Sequence[int]) -> int:
    return choices[min(int(value * len(choices)), len(choices) - 1)]


def _fits(*shapes: Shape) -> bool:
    return max(elements(shape) for shape in shapes) <= MAX_ELEMENTS


def _convolution(row: Sequence[float]) -> Layer | None:
    batch, size = _pick(row[0], BATCHES), _pick(row[1], SIZES)
    source, result = _pick(row[2], CHANNELS), _pick(row[3], CHANNELS)
    kernel, stride = _pick(row[4], KERNELS), _pick(row[5], STRIDES)
    grouping = GROUPING[min(int(row[6] * len(GROUPING)), len(GROUPING) - 1)]
    groups = 1
    if grouping == "depthwise":
        groups, result = source, source
        kernel = max(kernel, 3)
    elif grouping == "grouped":
        groups = 32 if source % 32 == 0 and result % 32 == 0 else 4
        if source % groups or result % groups:
            return None
    padding = kernel // 2
    length = (size + 2 * padding - kernel) // stride + 1
    if length < 1 or kernel > size + 2 * padding or stride > kernel + 1:
        return None
    dtype = DTYPES[min(int(row[7] * len(DTYPES)), len(DTYPES) - 1)]
    shapes = (batch, source, size, size), (batch, result, length, length)
    layer = make_layer(
        name="convolution", kind="convolutional", op="convolution",
        input_shapes=shapes[:1], output_shapes=shapes[1:], dtype=dtype,
        weight_elements=result * (source // groups) * kernel * kernel + result,
        kernel=(kernel, kernel), stride=(stride, stride), padding_before=(padding, padding),
        padding_after=(padding, padding), dilation=(1, 1), groups=groups,
    )  # fmt: skip
    return layer if _fits(*shapes) and MIN_MACS <= (layer.macs or 0) <= MAX_MACS else None


def _pooling(row: Sequence[float]) -> Layer | None:
    batch, size, channels = _pick(row[0], BATCHES), _pick(row[1], SIZES), _pick(row[2], CHANNELS)
    op = ("max_pool", "max_pool", "average_pool", "global_pool")[min(int(row[3] * 4), 3)]
    dtype = DTYPES[min(int(row[7] * len(DTYPES)), len(DTYPES) - 1)]
    kernel, stride = _pick(row[4], (2, 2, 3, 3, 5, 7)), _pick(row[5], (1, 2, 2, 2))
    padding = kernel // 2 if kernel % 2 else 0
    length = 1 if op == "global_pool" else (size + 2 * padding - kernel) // stride + 1
    shapes = (batch, channels, size, size), (batch, channels, length, length)
    if length < 1 or not _fits(*shapes) or elements(shapes[0]) < 1000:
        return None
    if op == "global_pool":
        return make_layer(
            name=op, kind="pooling", op=op, input_shapes=shapes[:1], output_shapes=shapes[1:],
            dtype=dtype,
        )  # fmt: skip
    return make_layer(
        name=op, kind="pooling", op=op, input_shapes=shapes[:1], output_shapes=shapes[1:],
        dtype=dtype, kernel=(kernel, kernel), stride=(stride, stride),
        padding_before=(padding, padding), padding_after=(padding, padding), dilation=(1, 1),
    )  # fmt: skip


def _dense(row: Sequence[float]) -> Layer | None:
    batch = _pick(row[0], (1, 1, 1, 1, 2, 4, 8, 16, 32, 64, 128))
    source, result = _pick(row[1], FEATURES), _pick(row[2], FEATURES)
    dtype = DTYPES[min(int(row[7] * len(DTYPES)), len(DTYPES) - 1)]
    macs = batch * source * result
    if source * result > 1.1e8 or not MIN_MACS <= macs <= MAX_MACS:
        return None
    return make_layer(
        name="dense", kind="dense", op="gemm", input_shapes=((batch, source),),
        output_shapes=((batch, result),), dtype=dtype,
        weight_elements=source * result + result, macs=macs,
    )  # fmt: skip


_MAKERS = {"convolutional": _convolution, "pooling": _pooling, "dense": _dense}
