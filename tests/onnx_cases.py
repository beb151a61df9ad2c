"""The examples by which ONNX documents its operators."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from onnx import ModelProto, numpy_helper

# Prefixes of cases in which the sizes are not a matter of shapes, or are nobody's network.
SET_ASIDE = {
    "test_compress": "the size depends on the data: an upper bound is given",
    "test_unique": "the size depends on the data: an upper bound is given",
    "test_nonzero": "the size depends on the data: an upper bound is given",
    "test_nonmaxsuppression": "the size depends on the data: an upper bound is given",
    "test_linear_attention": "expands to Scan, whose sizes the file must state",
    "test_range_": "expands to Loop, whose sizes the file must state",
    "test_hannwindow": "a size that is an input and no constant",
    "test_hammingwindow": "a size that is an input and no constant",
    "test_blackmanwindow": "a size that is an input and no constant",
    "test_constantofshape_int_shape_zero": "a size that is an input and no constant",
    "test_not_": "opset 1",
}


def _array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    return numpy_helper.to_array(value) if hasattr(value, "dims") else np.asarray(value)


@lru_cache(maxsize=1)
def cases() -> list[Any]:
    """Return all cases, as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        return list(collect_testcases(None))


def readable_cases() -> Iterator[tuple[str, ModelProto, dict[str, Any], dict[str, Any]]]:
    """Yield name, model, inputs and expected outputs of each case that can be read."""
    for case in cases():
        proto = ModelProto()
        proto.CopyFrom(case.model)
        infos = [*proto.graph.input, *proto.graph.output]
        if any(i.type.WhichOneof("value") != "tensor_type" for i in infos):
            continue
        if not any(o.domain == "" for o in proto.opset_import) or not case.data_sets:
            continue
        if any(case.name.startswith(prefix) for prefix in SET_ASIDE):
            continue
        inputs, outputs = case.data_sets[0]
        fed = {i.name: _array(a) for i, a in zip(proto.graph.input, inputs)}  # noqa: B905
        expected = {o.name: _array(a) for o, a in zip(proto.graph.output, outputs)}  # noqa: B905
        if any(0 in a.shape for a in fed.values()):
            continue
        yield case.name, proto, fed, expected
