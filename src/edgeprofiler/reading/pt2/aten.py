"""ATen's operators as ONNX's: of each the rule that writes a call down.

Signatures: https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/native_functions.yaml.
A call that a rule cannot say keeps its own name (`aten.roll.default`), which no rule of lowering
knows: what it costs is then told as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from edgeprofiler.core.graph import AttributeValue
from edgeprofiler.reading.graphs.build import adaptive_window
from edgeprofiler.reading.pt2.bodies import BODIES
from edgeprofiler.reading.pt2.document import Ref
from edgeprofiler.reading.pt2.program import Program, ProgramCall, Unlike, refs_of
from edgeprofiler.reading.pt2.recurrent import recurrent

Rule = Callable[[Program, ProgramCall], None]

_LONGEST = 2**63 - 1
_OTHER_KINDS = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError)
"""What a rule meets where an argument is of another kind than the operator's signature says."""


def write(program: Program, call: ProgramCall) -> None:
    """Add a call to the program's graph."""
    if not call.results:
        return  # an assertion
    inputs = refs_of(call.given)
    if all(program.tensor(name).constant for name in inputs):
        for name in call.results:
            program.constant(name)
        return
    before = len(program.nodes)
    namespace, _, rest = call.target.partition(".")
    rule = RULES.get(rest.partition(".")[0].rstrip("_")) if namespace == "aten" else None
    try:
        if namespace == "higher_order" and rest in BODIES:
            BODIES[rest](program, call, write)
        elif rule is None:
            raise Unlike(call.target)
        else:
            rule(program, call)
    except (Unlike, *_OTHER_KINDS):
        del program.nodes[before:]
        program.foreign(call, inputs)


def _same(p: Program, c: ProgramCall) -> None:
    """What a result is in evaluation: its first argument."""
    source = c.first
    known, stated = p.tensor(source), p.stated(c.results[0])
    if known.shape != stated.shape:
        raise Unlike(c.target)
    if known.dtype != stated.dtype:
        p.add("Cast", [source], c.results[:1], {"to": {"fp32": 1, "fp16": 10, "bf16": 16,
              "int64": 7, "int32": 6, "bool": 9}.get(stated.dtype, 1)})  # fmt: skip
    else:
        p.same[c.results[0]] = known.name


def _known(p: Program, c: ProgramCall) -> None:
    """What a result is that has another's size alone, and known elements."""
    p.constant(c.results[0])


def _elementwise(op: str, p: Program, c: ProgramCall) -> None:
    read = []
    for name, value in c.given.items():
        if isinstance(value, Ref):
            read.append(str(value))
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and name != "alpha":
            read.append(p.number(value, "number"))
    if op in _UNARY_ATTRIBUTES:
        read = read[:1]
    p.add(op, read, c.results[:1], _UNARY_ATTRIBUTES.get(op))


_UNARY_ATTRIBUTES: Mapping[str, Mapping[str, AttributeValue]] = {
    "LeakyRelu": {"alpha": 0.01}, "HardSigmoid": {"alpha": 1 / 6, "beta": 0.5}, "Gelu": {},
    "Softplus": {}, "Elu": {}, "Relu": {},
}  # fmt: skip


def _unequal(p: Program, c: ProgramCall) -> None:
    same = f"{c.results[0]}.same"
    _elementwise("Equal", p, ProgramCall(c.target, c.given, (same,)))
    p.add("Not", [same], c.results)


def _fill(p: Program, c: ProgramCall) -> None:
    x, value = c["self"], c["value"]
    filled = value if isinstance(value, Ref) else p.number(value, "fill")
    p.add("Where", [c["mask"], filled, x], c.results)


def _roll(p: Program, c: ProgramCall) -> None:
    """Write down each shift as two slices that change places."""
    x, axes, shifts = c["self"], c.get("dims", []), c["shifts"]
    for place, (axis, shift) in enumerate(zip(axes, shifts, strict=True)):
        last = place == len(axes) - 1
        result = c.results[0] if last else f"{c.results[0]}.{place}"
        at = -shift % p.shape(x)[axis]
        if at == 0:
            raise Unlike("a roll by nothing")
        parts = [f"{result}.behind", f"{result}.before"]
        _cut(p, x, parts[0], axis, at, _LONGEST, 1)
        _cut(p, x, parts[1], axis, 0, at, 1)
        x = p.add("Concat", parts, [result], {"axis": axis})
    if not axes:
        raise Unlike("a roll of all elements in one row")


def _clip(p: Program, c: ProgramCall) -> None:
    low, high = c.get("min", c.get("min_val", 0.0)), c.get("max", c.get("max_val", 6.0))
    if c.target.startswith("aten.relu6"):
        low, high = 0.0, 6.0
    bounds = [p.number(v, "bound") for v in (low, high)]
    p.add("Clip", [c.first, *bounds], c.results[:1])


def _silu(p: Program, c: ProgramCall) -> None:
    x, (result,) = c.first, c.results
    p.add("Mul", [x, p.add("Sigmoid", [x], [f"{result}.sigmoid"])], [result])


def _convolution(p: Program, c: ProgramCall) -> None:
    x, weight = c["input"], c["weight"]
    kernel = p.shape(weight)[2:]
    rank = len(kernel)
    if len(p.shape(x)) != rank + 2:
        raise Unlike("an image without a batch")
    dilations = c.ints("dilation", rank, 1)
    padding = c.get("padding", 0)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
        pads = (*(n // 2 for n in total), *(n - n // 2 for n in total))
    else:
        pads = (0,) * (2 * rank) if padding == "valid" else c.ints("padding", rank) * 2
    attributes: dict[str, AttributeValue] = {
        "kernel_shape": kernel, "strides": c.ints("stride", rank, 1), "pads": pads,
        "dilations": dilations, "group": c.get("groups", 1),
    }  # fmt: skip
    op = "Conv"
    if "conv_transpose" in c.target or c.get("transposed", False):
        op = "ConvTranspose"
        attributes["output_padding"] = c.ints("output_padding", rank)
    bias = c.get("bias")
    p.add(op, [x, weight, *([bias] if bias else [])], c.results, attributes)


def _linear(p: Program, c: ProgramCall) -> None:
    x, weight, bias = c["input"], c["weight"], c.get("bias")
    if len(p.shape(x)) == 2:
        p.add("Gemm", [x, weight, *([bias] if bias else [])], c.results, {"transB": 1})
        return
    (result,) = c.results
    product = p.add("MatMul", [x, p.turned(weight)], [f"{result}.product" if bias else result])
    if bias:
        p.add("Add", [product, bias], [result])


def _product(first: str, second: str, p: Program, c: ProgramCall) -> None:
    p.add("MatMul", [c[first], c[second]], c.results)


def _attention(p: Program, c: ProgramCall) -> None:
    """Add the products and the softmax that the call stands for, as exporters write them."""
    q, k, v, mask = c["query"], c["key"], c["value"], c.get("attn_mask")
    (result,), rank = c.results, len(p.shape(c["query"]))
    order = (*range(rank - 2), rank - 1, rank - 2)
    turned = p.add("Transpose", [k], [f"{result}.key"], {"perm": order})
    scaled = p.add("Mul", [q, p.number(p.shape(q)[-1] ** -0.5, "scale")], [f"{result}.query"])
    scores = p.add("MatMul", [scaled, turned], [f"{result}.scores"])
    if mask:
        scores = p.add("Add", [scores, mask], [f"{result}.masked"])
    weights = p.add("Softmax", [scores], [f"{result}.weights"], {"axis": -1})
    p.add("MatMul", [weights, v], [result])


def _batch_norm(p: Program, c: ProgramCall) -> None:
    parts = [c[name] for name in ("input", "weight", "bias", "running_mean", "running_var")]
    if c.get("training", False):
        raise Unlike("statistics of the batch")
    p.add("BatchNormalization", parts, c.results[:1])


def _layer_norm(p: Program, c: ProgramCall) -> None:
    parts = [c["input"], c["weight"], *([c["bias"]] if c.get("bias") else [])]
    axis = -len(c["normalized_shape"])
    p.add("LayerNormalization", parts, c.results[:1], {"axis": axis})


def _group_norm(p: Program, c: ProgramCall) -> None:
    parts = [c["input"], c["weight"], c["bias"]]
    p.add("GroupNormalization", parts, c.results[:1], {"num_groups": c["num_groups"]})


def _pool(op: str, p: Program, c: ProgramCall) -> None:
    x = c.first
    rank = len(p.shape(x)) - 2
    kernel = c.ints("kernel_size", rank)
    stride = c.ints("stride", rank) if c.get("stride") else kernel
    attributes: dict[str, AttributeValue] = {
        "kernel_shape": kernel, "strides": stride, "pads": c.ints("padding", rank) * 2,
        "ceil_mode": int(c.get("ceil_mode", False)),
    }  # fmt: skip
    if op == "MaxPool":
        attributes["dilations"] = c.ints("dilation", rank, 1)
    else:
        attributes["count_include_pad"] = int(c.get("count_include_pad", True))
    p.add(op, [x], c.results[:1], attributes)


def _adaptive(op: str, p: Program, c: ProgramCall) -> None:
    x = c.first
    image = p.shape(x)[2:]
    size = c.ints("output_size", len(image))
    if set(size) == {1}:
        p.add(f"Global{op}", [x], c.results[:1])
        return
    p.add(op, [x], c.results[:1], adaptive_window(image, size))


def _reduce(op: str, p: Program, c: ProgramCall) -> None:
    x = c.first
    axes = c.get("dim", list(range(len(p.shape(x)))))
    axes = (axes,) if isinstance(axes, int) else tuple(axes) or tuple(range(len(p.shape(x))))
    p.add(op, [x], c.results[:1], {"axes": axes, "keepdims": int(c.get("keepdim", False))})


def _softmax(p: Program, c: ProgramCall) -> None:
    op = "LogSoftmax" if "log_softmax" in c.target else "Softmax"
    p.add(op, [c.first], c.results, {"axis": c["dim"]})


def _reshape(p: Program, c: ProgramCall) -> None:
    """Write down any change of shape that keeps the order: the file says what becomes of it."""
    x, shape = c.first, p.stated(c.results[0]).shape
    p.add("Reshape", [x, p.number(shape, "shape")], c.results[:1])


def _flatten(p: Program, c: ProgramCall) -> None:
    x = c.first
    if c.get("start_dim", 0) == 1 and c.get("end_dim", -1) in (-1, len(p.shape(x)) - 1):
        p.add("Flatten", [x], c.results, {"axis": 1})
    else:
        _reshape(p, c)


def _expand(p: Program, c: ProgramCall) -> None:
    x, shape = c.first, p.stated(c.results[0]).shape
    if shape == p.shape(x):
        _same(p, c)
    else:
        p.add("Expand", [x, p.number(shape, "shape")], c.results[:1])


def _permute(p: Program, c: ProgramCall) -> None:
    x = c.first
    rank = len(p.shape(x))
    order = list(range(rank))
    if "dims" in c.given:
        order = [axis % rank for axis in c["dims"]]
    elif "dim0" in c.given:
        first, second = c["dim0"] % rank, c["dim1"] % rank
        order[first], order[second] = second, first
    else:
        order = order[::-1]
    p.add("Transpose", [x], c.results, {"perm": tuple(order)})


def _cat(p: Program, c: ProgramCall) -> None:
    tensors = [name for name in c["tensors"] if 0 not in p.shape(name)]
    p.add("Concat", tensors, c.results, {"axis": c.get("dim", 0)})


def _stack(p: Program, c: ProgramCall) -> None:
    axis = c.get("dim", 0)
    parts = []
    for place, x in enumerate(c["tensors"]):
        shape = list(p.shape(x))
        shape.insert(axis % (len(shape) + 1), 1)
        name = f"{c.results[0]}.{place}"
        parts.append(p.add("Reshape", [x, p.number(shape, "shape")], [name]))
    p.add("Concat", parts, c.results, {"axis": axis})


def _split(p: Program, c: ProgramCall) -> None:
    x = c.first
    axis = c.get("dim", 0) % len(p.shape(x))
    sizes = [p.stated(name).shape[axis] for name in c.results]
    if len(c.results) == 1:
        _same(p, c)
        return
    p.add("Split", [x, p.number(sizes, "sizes")], c.results, {"axis": axis})


def _unbind(p: Program, c: ProgramCall) -> None:
    x = c.first
    axis = c.get("dim", 0) % len(p.shape(x))
    parts = [f"{name}.part" for name in c.results]
    p.add("Split", [x, p.number([1] * len(parts), "sizes")], parts, {"axis": axis})
    for part, name in zip(parts, c.results, strict=True):
        p.add("Squeeze", [part, p.number([axis], "axis")], [name])


def _cut(p: Program, x: str, result: str, axis: int, start: int, end: int, step: int) -> None:
    numbers = [p.number([n], "slice") for n in (start, end, axis, step)]
    p.add("Slice", [x, *numbers], [result])


def _slice(p: Program, c: ProgramCall) -> None:
    x = c.first
    if p.stated(c.results[0]).shape == p.shape(x):
        _same(p, c)
        return
    axis = c.get("dim", 0) % len(p.shape(x))
    _cut(p, x, c.results[0], axis, c.get("start", 0), c.get("end", _LONGEST), c.get("step", 1))


def _select(p: Program, c: ProgramCall) -> None:
    x, (result,) = c.first, c.results
    axis = c["dim"] % len(p.shape(x))
    place = c["index"] % p.shape(x)[axis]
    _cut(p, x, f"{result}.part", axis, place, place + 1, 1)
    p.add("Squeeze", [f"{result}.part", p.number([axis], "axis")], [result])


def _pad(p: Program, c: ProgramCall) -> None:
    x, pads = c.first, list(c["pad"])
    rank = len(p.shape(x))
    before, behind = [0] * rank, [0] * rank
    for place in range(len(pads) // 2):  # the last dimension first
        before[rank - 1 - place], behind[rank - 1 - place] = pads[2 * place : 2 * place + 2]
    mode = {"reflect": "reflect", "replicate": "edge"}.get(c.get("mode", ""), "constant")
    p.add("Pad", [x, p.number([*before, *behind], "pads")], c.results, {"mode": mode})


def _resize(mode: str, p: Program, c: ProgramCall) -> None:
    x, shape = c.first, p.stated(c.results[0]).shape
    p.add("Resize", [x, "", "", p.number(shape, "sizes")], c.results, {"mode": mode})


def _shuffle(op: str, name: str, p: Program, c: ProgramCall) -> None:
    attributes: dict[str, AttributeValue] = {"blocksize": c[name]}
    p.add(op, [c.first], c.results, attributes)


_ELEMENTWISE = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "hardswish": "HardSwish",
    "hardsigmoid": "HardSigmoid", "gelu": "Gelu", "leaky_relu": "LeakyRelu", "elu": "Elu",
    "softplus": "Softplus", "mish": "Mish", "exp": "Exp", "log": "Log", "sqrt": "Sqrt",
    "erf": "Erf", "neg": "Neg", "abs": "Abs", "floor": "Floor", "ceil": "Ceil", "round": "Round",
    "sin": "Sin", "cos": "Cos", "reciprocal": "Reciprocal", "prelu": "PRelu", "add": "Add",
    "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow", "maximum": "Max", "minimum": "Min",
    "where": "Where", "eq": "Equal", "gt": "Greater", "lt": "Less", "ge": "GreaterOrEqual",
    "le": "LessOrEqual", "logical_and": "And", "logical_or": "Or", "logical_not": "Not",
}  # fmt: skip
_EQUAL = (
    "dropout", "feature_dropout", "clone", "contiguous", "detach", "alias", "to", "_to_copy",
    "lift_fresh_copy", "type_as", "float", "half",
)  # fmt: skip
_RESHAPES = ("view", "reshape", "_unsafe_view", "unflatten", "squeeze", "unsqueeze", "view_copy")

RULES: Mapping[str, Rule] = {
    **{name: partial(_elementwise, op) for name, op in _ELEMENTWISE.items()},
    **dict.fromkeys(_EQUAL, _same),
    **dict.fromkeys(_RESHAPES, _reshape),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), _convolution),
    **dict.fromkeys((f"conv_transpose{n}d" for n in (1, 2, 3)), _convolution),
    **dict.fromkeys(("hardtanh", "clamp", "relu6"), _clip),
    **dict.fromkeys(("softmax", "_softmax", "log_softmax", "_log_softmax"), _softmax),
    **dict.fromkeys(("batch_norm", "_native_batch_norm_legit_no_training"), _batch_norm),
    **dict.fromkeys(("layer_norm", "native_layer_norm"), _layer_norm),
    **dict.fromkeys(("max_pool2d", "max_pool2d_with_indices", "max_pool1d"),
                    partial(_pool, "MaxPool")),
    **dict.fromkeys(("avg_pool2d", "avg_pool1d"), partial(_pool, "AveragePool")),
    **dict.fromkeys(("adaptive_avg_pool2d", "_adaptive_avg_pool2d", "adaptive_avg_pool1d"),
                    partial(_adaptive, "AveragePool")),
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "tensor_split"), _split),
    **dict.fromkeys(("permute", "transpose", "t", "numpy_T"), _permute),
    **dict.fromkeys(("pad", "constant_pad_nd"), _pad),
    **dict.fromkeys(("upsample_nearest2d", "_upsample_nearest_exact2d"),
                    partial(_resize, "nearest")),
    "upsample_bilinear2d": partial(_resize, "linear"),
    "upsample_bicubic2d": partial(_resize, "cubic"),
    "adaptive_max_pool2d": partial(_adaptive, "MaxPool"),
    **dict.fromkeys(
        ("new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like"), _known
    ),
    "lstm": partial(recurrent, "LSTM"), "gru": partial(recurrent, "GRU"),
    "ne": _unequal, "masked_fill": _fill, "roll": _roll, "silu": _silu, "linear": _linear,
    "group_norm": _group_norm,
    "matmul": partial(_product, "self", "other"), "mm": partial(_product, "self", "mat2"),
    "bmm": partial(_product, "self", "mat2"), "scaled_dot_product_attention": _attention,
    "mean": partial(_reduce, "ReduceMean"), "sum": partial(_reduce, "ReduceSum"),
    "amax": partial(_reduce, "ReduceMax"), "amin": partial(_reduce, "ReduceMin"),
    "flatten": _flatten, "expand": _expand, "expand_as": _expand, "cat": _cat, "stack": _stack,
    "unbind": _unbind, "slice": _slice, "select": _select,
    "pixel_shuffle": partial(_shuffle, "DepthToSpace", "upscale_factor"),
    "pixel_unshuffle": partial(_shuffle, "SpaceToDepth", "downscale_factor"),
}  # fmt: skip
"""By the name of the operator, without its overload and the mark of what works in place."""
