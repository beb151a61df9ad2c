"""Products of matrices: fully connected layers, and activations by activations."""

from __future__ import annotations

from edgeprofiler.core.graph import Shape
from edgeprofiler.reading.operators.call import (
    BadNodeError,
    Call,
    Rule,
    Spec,
    broadcast,
    text,
)


def _gemm(call: Call) -> list[Spec]:
    """`Gemm` and `QGemm`."""
    quantised = call.op == "QGemm"
    a = call.shape(0)
    b = call.shape(3 if quantised else 1)
    if len(a) != 2 or len(b) != 2:
        raise BadNodeError(f"multiplies tensors of {len(a)} and {len(b)} dimensions")
    m, k = a[::-1] if call.integer("transA", 0) else a
    k_b, n = b[::-1] if call.integer("transB", 0) else b
    if k != k_b:
        raise BadNodeError(f"multiplies {m}x{k} by {k_b}x{n}")
    bias = 6 if quantised else 2
    if call.has(bias) and broadcast([call.shape(bias), (m, n)]) != (m, n):
        raise BadNodeError(f"adds a bias of shape {text(call.shape(bias))} to {m}x{n}")
    return [((m, n), "fp32" if quantised and not call.has(8) else call.value(0).dtype)]


def product(a: Shape, b: Shape) -> Shape:
    """Return the shape of the matrix product of `a` and `b`, batch dimensions broadcast."""
    if not a or not b:
        raise BadNodeError("multiplies a scalar")
    left = a if len(a) > 1 else (1, *a)
    right = b if len(b) > 1 else (*b, 1)
    if left[-1] != right[-2]:
        raise BadNodeError(f"multiplies {text(a)} by {text(b)}")
    shape = broadcast([left[:-2], right[:-2]])
    return shape + ((left[-2],) if len(a) > 1 else ()) + ((right[-1],) if len(b) > 1 else ())


def turned(shape: Shape, *, transpose: int, batch: int) -> Shape:
    """Return a factor of `FusedMatMul` as it is multiplied: batch moved first, then transposed."""
    if batch and len(shape) > 2:
        shape = (*shape[1:-1], shape[0], shape[-1])
    return (*shape[:-2], shape[-1], shape[-2]) if transpose and len(shape) > 1 else shape


def factors(call: Call) -> tuple[Shape, Shape]:
    """Return the shapes of the two factors of a product as they are multiplied."""
    a, b = call.shape(0), call.shape(3 if call.op == "QLinearMatMul" else 1)
    if call.op == "FusedMatMul":
        a, b = (
            turned(
                shape,
                transpose=call.integer(f"trans{side}", 0),
                batch=call.integer(f"transBatch{side}", 0),
            )
            for shape, side in ((a, "A"), (b, "B"))
        )
    return a, b


def _matmul(call: Call) -> list[Spec]:
    """`MatMul`, `MatMulInteger`, `QLinearMatMul` and `FusedMatMul`."""
    dtype = "int32" if call.op == "MatMulInteger" else call.value(0).dtype
    return [(product(*factors(call)), dtype)]


RULES: dict[str, Rule] = {
    "Gemm": _gemm, "QGemm": _gemm, "MatMul": _matmul,
    "MatMulInteger": _matmul, "QLinearMatMul": _matmul, "FusedMatMul": _matmul,
}  # fmt: skip
