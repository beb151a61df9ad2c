"""Shapes of convolutions, poolings, matrix products and resizing.

Rules follow https://onnx.ai/onnx/operators/; each completes the attributes that a file may leave
out (`kernel_shape`, `strides`, `dilations`, `pads`, `group`), so that lowering finds them all.
"""

from __future__ import annotations

import math
from typing import Any

from edgeprofiler.reading.onnx.values import (
    BadNodeError,
    Call,
    Shape,
    Spec,
    Value,
    axes_of,
    broadcast,
)


def _spatial(call: Call, name: str, rank: int, default: int) -> tuple[int, ...]:
    found = call.integers(name) or (default,) * rank
    if len(found) != rank:
        raise BadNodeError(f"has {len(found)} {name} for {rank} spatial dimensions")
    if name != "pads" and any(v < 1 for v in found):
        raise BadNodeError(f"has {name} below 1")
    return found


def _pads(
    call: Call, size: Shape, kernel: Shape, stride: Shape, dilation: Shape
) -> tuple[int, ...]:
    """Return `pads` as begin and end per dimension, with `auto_pad` resolved."""
    rank = len(size)
    mode = call.text("auto_pad", "NOTSET")
    if mode in ("NOTSET", ""):
        pads = call.integers("pads") or (0,) * (2 * rank)
        if len(pads) != 2 * rank:
            raise BadNodeError(f"has {len(pads)} pads for {rank} spatial dimensions")
        return pads
    if mode == "VALID":
        return (0,) * (2 * rank)
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise BadNodeError(f"has an unknown auto_pad {mode!r}")
    begin, end = [], []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
        small, large = total // 2, total - total // 2
        begin.append(large if mode == "SAME_LOWER" else small)
        end.append(small if mode == "SAME_LOWER" else large)
    return (*begin, *end)


def _window(
    call: Call, size: Shape, kernel: Shape, *, ceil: bool = False, dilated: bool = True
) -> Shape:
    """Return the output size of sliding windows and complete the attributes."""
    rank = len(size)
    stride = _spatial(call, "strides", rank, 1)
    dilation = _spatial(call, "dilations", rank, 1) if dilated else (1,) * rank
    pads = _pads(call, size, kernel, stride, dilation)
    call.attributes.update(kernel_shape=kernel, strides=stride, dilations=dilation, pads=pads)
    call.attributes.pop("auto_pad", None)
    result = []
    for axis, (n, k, s, d) in enumerate(zip(size, kernel, stride, dilation, strict=True)):
        room = n + pads[axis] + pads[axis + rank] - (k - 1) * d - 1
        if room < 0:
            span = (k - 1) * d + 1
            raise BadNodeError(f"has a window of {span} on a padded input of {room + span}")
        count = (-(-room // s) if ceil else room // s) + 1
        if ceil and (count - 1) * s >= n + pads[axis]:
            count -= 1  # a window must start within the input or its leading padding
        result.append(count)
    return tuple(result)


def _filter(call: Call, data: Value, weight: Value) -> tuple[Shape, Shape]:
    """Return spatial size and kernel of a convolution, having checked that they fit."""
    rank = len(data.shape) - 2
    if rank < 1 or len(weight.shape) != rank + 2:
        raise BadNodeError(
            f"convolves an input of {len(data.shape)} dimensions "
            f"with weights of {len(weight.shape)}"
        )
    kernel = call.integers("kernel_shape") or weight.shape[2:]
    if kernel != weight.shape[2:]:
        raise BadNodeError(f"has kernel_shape {kernel} but weights of {weight.shape}")
    if min(kernel) < 1:
        raise BadNodeError("has an empty kernel")
    if call.integer("group", 1) < 1:
        raise BadNodeError("has fewer than one group")
    return data.shape[2:], kernel


def convolution(call: Call, data: Value, weight: Value, dtype: str) -> list[Spec]:
    """Return the output of a convolution of `data` with `weight`."""
    size, kernel = _filter(call, data, weight)
    group = call.integer("group", 1)
    if data.shape[1] != weight.shape[1] * group or weight.shape[0] % group:
        raise BadNodeError(
            f"has {data.shape[1]} input channels, weights {'x'.join(map(str, weight.shape))} "
            f"and {group} groups, which do not fit"
        )
    call.attributes["group"] = group
    return [((data.shape[0], weight.shape[0], *_window(call, size, kernel)), dtype)]


def conv(call: Call) -> list[Spec]:
    """`Conv`, `FusedConv`, `ConvInteger`."""
    dtype = "int32" if call.op == "ConvInteger" else call.value(0).dtype
    return convolution(call, call.value(0), call.value(1), dtype)


def qlinear_conv(call: Call) -> list[Spec]:
    """`QLinearConv`: data, its scale and zero point, weights and theirs, the output's."""
    dtype = call.value(7).dtype if call.has(7) else call.value(0).dtype
    return convolution(call, call.value(0), call.value(3), dtype)


def deform_conv(call: Call) -> list[Spec]:
    """`DeformConv`: a convolution whose offsets come as a third input."""
    return convolution(call, call.value(0), call.value(1), call.value(0).dtype)


def conv_transpose(call: Call) -> list[Spec]:
    """`ConvTranspose`."""
    data, weight = call.value(0), call.value(1)
    size, kernel = _filter(call, data, weight)
    group = call.integer("group", 1)
    if data.shape[1] != weight.shape[0]:
        raise BadNodeError(f"has {data.shape[1]} input channels and weights {weight.shape}")
    rank = len(size)
    stride = _spatial(call, "strides", rank, 1)
    dilation = _spatial(call, "dilations", rank, 1)
    extra = call.integers("output_padding") or (0,) * rank
    wanted = call.integers("output_shape")
    if len(extra) != rank or (wanted is not None and len(wanted) < rank):
        raise BadNodeError("has an output_padding or output_shape of the wrong length")
    mode = call.text("auto_pad", "NOTSET")
    full = [
        s * (n - 1) + e + (k - 1) * d + 1
        for n, k, s, d, e in zip(size, kernel, stride, dilation, extra, strict=True)
    ]
    if wanted is not None or mode.startswith("SAME"):
        target = (
            wanted[-rank:] if wanted else tuple(n * s for n, s in zip(size, stride, strict=True))
        )
        total = [max(f - t, 0) for f, t in zip(full, target, strict=True)]
        upper = [t // 2 if mode != "SAME_LOWER" else t - t // 2 for t in total]
        pads = (*upper, *(t - u for t, u in zip(total, upper, strict=True)))
        result = target
    else:
        pads = _pads(call, size, kernel, stride, dilation)
        result = tuple(f - pads[i] - pads[i + rank] for i, f in enumerate(full))
    if any(length < 1 for length in result):
        raise BadNodeError(f"makes an output of {result}")
    call.attributes.update(
        kernel_shape=kernel, strides=stride, dilations=dilation, pads=pads, group=group
    )
    call.attributes.pop("auto_pad", None)
    return [((data.shape[0], weight.shape[1] * group, *result), data.dtype)]


def pool(call: Call) -> list[Spec]:
    """`MaxPool`, `AveragePool`, `LpPool` and their quantised forms."""
    data = call.value(0)
    channels_last = bool(call.integer("channels_last", 0)) or call.op == "NhwcMaxPool"
    if len(data.shape) < 3:
        raise BadNodeError(f"pools an input of {len(data.shape)} dimensions")
    size = data.shape[1:-1] if channels_last else data.shape[2:]
    kernel = _spatial(call, "kernel_shape", len(size), 0)
    out = _window(
        call,
        size,
        kernel,
        ceil=bool(call.integer("ceil_mode", 0)),
    )
    shape = (data.shape[0], *out, data.shape[-1]) if channels_last else (*data.shape[:2], *out)
    return [(shape, data.dtype), (shape, "int64")][: max(call.outputs, 1)]


def global_pool(call: Call) -> list[Spec]:
    """`GlobalAveragePool`, `GlobalMaxPool`, `GlobalLpPool`, `QLinearGlobalAveragePool`."""
    data = call.value(0)
    if len(data.shape) < 3:
        raise BadNodeError(f"pools an input of {len(data.shape)} dimensions")
    ones = (1,) * (len(data.shape) - 2)
    if call.integer("channels_last", 0):
        return [((data.shape[0], *ones, data.shape[-1]), data.dtype)]
    return [((*data.shape[:2], *ones), data.dtype)]


def gemm(call: Call) -> list[Spec]:
    """`Gemm` and `QGemm`; an input of more than two dimensions is flattened, as opset 7 allows."""
    a = call.shape(0)
    b = call.shape(3 if call.op == "QGemm" else 1)
    if len(a) != 2 or len(b) != 2:
        raise BadNodeError(f"multiplies tensors of {len(a)} and {len(b)} dimensions")
    m, k = a[::-1] if call.integer("transA", 0) else a
    k_b, n = b[::-1] if call.integer("transB", 0) else b
    if k != k_b:
        raise BadNodeError(f"multiplies {m}x{k} by {k_b}x{n}")
    dtype = call.value(0).dtype
    if call.op == "QGemm" and call.has(8) is False:
        dtype = "fp32"
    return [((m, n), dtype)]


def product(a: Shape, b: Shape) -> Shape:
    """Return the shape of the matrix product of `a` and `b`, batch dimensions broadcast."""
    if not a or not b:
        raise BadNodeError("multiplies a scalar")
    left = a if len(a) > 1 else (1, *a)
    right = b if len(b) > 1 else (*b, 1)
    if left[-1] != right[-2]:
        raise BadNodeError(f"multiplies {'x'.join(map(str, a))} by {'x'.join(map(str, b))}")
    shape = broadcast([left[:-2], right[:-2]])
    return shape + ((left[-2],) if len(a) > 1 else ()) + ((right[-1],) if len(b) > 1 else ())


def matmul(call: Call) -> list[Spec]:
    """`MatMul`, `MatMulInteger`, `QLinearMatMul`, `FusedMatMul`."""
    second = 3 if call.op == "QLinearMatMul" else 1
    a, b = call.shape(0), call.shape(second)
    if call.op == "FusedMatMul":
        a = (*a[:-2], a[-1], a[-2]) if call.integer("transA", 0) and len(a) > 1 else a
        b = (*b[:-2], b[-1], b[-2]) if call.integer("transB", 0) and len(b) > 1 else b
    dtype = "int32" if call.op == "MatMulInteger" else call.value(0).dtype
    return [(product(a, b), dtype)]


def resize(call: Call) -> list[Spec]:
    """`Resize` (opsets 10, 11, 13, 18) and `Upsample`; completes `scales` and `sizes`."""
    data = call.value(0)
    rank = len(data.shape)
    modern = call.op == "Resize" and call.opset >= 11
    scales_at, sizes_at = (2, 3) if modern else (1, 3)
    axes = axes_of(call.integers("axes") or tuple(range(rank)), rank)
    result = list(data.shape)
    if call.op == "Resize" and call.has(sizes_at) and call.value(sizes_at).elements:
        sizes = [int(v) for v in call.data(sizes_at).reshape(-1)]
        if len(sizes) != len(axes):
            raise BadNodeError(f"has {len(sizes)} sizes for {len(axes)} dimensions")
        if call.batch_change and axes[0] == 0:
            old, new = call.batch_change
            if sizes[0] == old and data.shape[0] == new:
                sizes[0] = new
        policy = call.text("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            ratios = [s / max(data.shape[a], 1) for s, a in zip(sizes, axes, strict=True)]
            ratio = min(ratios) if policy == "not_larger" else max(ratios)
            sizes = [math.floor(ratio * data.shape[a] + 0.5) for a in axes]
        for axis, length in zip(axes, sizes, strict=True):
            result[axis] = length
    else:
        found: Any = call.attributes.get("scales")
        if found is None:
            found = tuple(float(v) for v in call.data(scales_at).reshape(-1))
        if not isinstance(found, tuple) or len(found) != len(axes):
            raise BadNodeError(f"wants {len(axes)} scales")
        for axis, scale in zip(axes, found, strict=True):
            length = data.shape[axis] * scale
            if not math.isfinite(length):
                raise BadNodeError(f"has a scale of {scale}")
            # Scales are stored in single precision: 8 x 1.6 must not become 12.
            result[axis] = math.floor(length + 1e-6 * max(length, 1))
    call.attributes["sizes"] = tuple(result)
    return [(tuple(result), data.dtype)]


def grid_sample(call: Call) -> list[Spec]:
    """`GridSample`: the input's batch and channels at the grid's positions."""
    data, grid = call.value(0), call.shape(1)
    return [((*data.shape[:2], *grid[1:-1]), data.dtype)]


def roi(call: Call) -> list[Spec]:
    """`RoiAlign`, `MaxRoiPool`: one window a region."""
    data, regions = call.value(0), call.shape(1)
    if len(data.shape) != 4 or not regions:
        raise BadNodeError("wants an image of four dimensions and regions")
    pooled = call.integers("pooled_shape") or (
        call.integer("output_height", 1),
        call.integer("output_width", 1),
    )
    return [((regions[0], data.shape[1], *pooled), data.dtype)]


def depth_space(call: Call) -> list[Spec]:
    """`DepthToSpace` and `SpaceToDepth`."""
    data = call.value(0)
    block = call.integer("blocksize", 0)
    if len(data.shape) != 4 or block < 1:
        raise BadNodeError("wants four dimensions and a block size")
    n, c, h, w = data.shape
    if call.op == "DepthToSpace":
        if c % (block * block):
            raise BadNodeError(f"cannot spread {c} channels over blocks of {block}")
        return [((n, c // (block * block), h * block, w * block), data.dtype)]
    if h % block or w % block:
        raise BadNodeError(f"cannot cut {h}x{w} into blocks of {block}")
    return [((n, c * block * block, h // block, w // block), data.dtype)]


RULES = {
    "Conv": conv, "FusedConv": conv, "ConvInteger": conv, "QLinearConv": qlinear_conv,
    "DeformConv": deform_conv, "ConvTranspose": conv_transpose,
    "MaxPool": pool, "AveragePool": pool, "LpPool": pool, "QLinearAveragePool": pool,
    "NhwcMaxPool": pool,
    "GlobalAveragePool": global_pool, "GlobalMaxPool": global_pool, "GlobalLpPool": global_pool,
    "QLinearGlobalAveragePool": global_pool,
    "Gemm": gemm, "QGemm": gemm, "FusedGemm": gemm, "MatMul": matmul, "MatMulInteger": matmul,
    "QLinearMatMul": matmul, "FusedMatMul": matmul,
    "Resize": resize, "Upsample": resize, "GridSample": grid_sample,
    "RoiAlign": roi, "MaxRoiPool": roi,
    "DepthToSpace": depth_space, "SpaceToDepth": depth_space,
}  # fmt: skip
