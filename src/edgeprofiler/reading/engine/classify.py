"""Which operation a layer is: by what it computes, never by the tactic that was chosen."""

from __future__ import annotations

import re
from functools import lru_cache

_BY_OPERATION: dict[str, str] = {
    "activation": "pointwise",
    "assertion": "noop",
    "cast": "reformat",
    "concat": "concat",
    "concatenation": "concat",
    "constant": "noop",
    "convactpool": "convolution",
    "convolution": "convolution",
    "deconvolution": "transposed_convolution",
    "dequantize": "reformat",
    "einsum": "matmul",
    "elementwise": "pointwise",
    "fill": "copy",
    "fullyconnected": "gemm",
    "gather": "copy",
    "gridsample": "resize",
    "identity": "reformat",
    "lrn": "normalization",
    "matrixmultiply": "matmul",
    "nms": "topk",
    "nonzero": "copy",
    "normalization": "normalization",
    "onehot": "copy",
    "padding": "copy",
    "parametricrelu": "pointwise",
    "pointwise": "pointwise",
    "pooling": "pool",
    "quantize": "reformat",
    "raggedsoftmax": "softmax",
    "reduce": "reduce",
    "reformat": "reformat",
    "resize": "resize",
    "reversesequence": "copy",
    "scale": "pointwise",
    "scatter": "copy",
    "select": "pointwise",
    "shape": "noop",
    "shuffle": "copy",
    "slice": "copy",
    "softmax": "softmax",
    "squeeze": "noop",
    "topk": "topk",
    "unary": "pointwise",
    "unsqueeze": "noop",
}
"""Operation by `ParameterType`; `pool` is told apart by its window."""

_BY_ENGINE_TYPE = tuple(
    (re.compile(pattern, re.IGNORECASE), op)
    for pattern, op in (
        (r"^no_?op|^shape_call|^signal$|^wait$|^constant$|^shape$", "noop"),
        (r"^plugin|plugin(v\d+)?(dynamic|ioext)?$", "plugin"),
        (r"^kgen|^myelin$|foreignnode|^fusion|mha|attention", "generated"),
        (r"matrixmultiply|matmul|^bmm", "matmul"),
        (r"deconv", "transposed_convolution"),
        (r"conv(?!ert)", "convolution"),
        (r"^gemm|fullyconnected|innerproduct", "gemm"),
        (r"pool", "pool"),
        (r"softmax", "softmax"),
        (r"norm(alization)?$|^lrn|lrn$", "normalization"),
        (r"reformat|^cast|quantize|^copynode", "reformat"),
        (r"resize|upsample|gridsample", "resize"),
        (r"concat", "concat"),
        (r"reduce", "reduce"),
        (r"topk|^nms|^sort", "topk"),
        (r"pointwise|elementwise|activation|^scale|^unary|^select$|prelu", "pointwise"),
        (r"devicetoshapehost|shapehosttodevice|memcpy|memset|^copy|^fill", "copy"),
        (r"shuffle|slice|gather|scatter|transpose|^pad", "copy"),
    )
)  # fmt: skip
"""Operation by `LayerType`, for layers that do not say what they compute."""


def operation_of(name: str, engine_type: str, operation: str) -> str:
    """Return the operation of a layer, `pool` for a pooling of any sort.

    Args:
        name: the layer's name.
        engine_type: its `LayerType`.
        operation: its `ParameterType`, empty where it has none.
    """
    op = _by_types(engine_type, operation)
    return "generated" if op == "unknown" and name.startswith("{ForeignNode[") else op


@lru_cache(maxsize=512)  # an engine has few types, and many layers of each
def _by_types(engine_type: str, operation: str) -> str:
    if engine_type.lower() in ("noop", "shape_call"):
        return "noop"
    stated = operation.lower().replace("_", "")
    if "deconvolution" in engine_type.lower() and stated == "convolution":
        return "transposed_convolution"
    if stated in _BY_OPERATION:
        return _BY_OPERATION[stated]
    if stated.startswith("plugin"):
        return "plugin"
    for pattern, op in _BY_ENGINE_TYPE:
        if pattern.search(engine_type):
            return op
    return "unknown"
