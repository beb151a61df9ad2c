"""Facts about skimming: nothing that shapes need is lost, and no bytes can do harm."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx_models import LIGHT, ints, model, node
from paths import SCRIPTS, TINY_ONNX

from edgeprofiler.core import limits
from edgeprofiler.core.errors import EdgeProfilerError, InvalidInput
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.onnx import wire
from edgeprofiler.reading.onnx.front_end import OnnxFrontEnd, read_model

ALEXNET = (LIGHT / "light_bvlc_alexnet.onnx").read_bytes()


def _small() -> bytes:
    """A model with a bit of everything: subgraphs, functions, constants, calculated sizes."""
    branch = helper.make_graph(
        [node("Relu", "x", "o")], "b", [],
        [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)],
    )  # fmt: skip
    function = helper.make_function(
        "mine", "Block", ["a", "k"], ["b"],
        [node("Conv", "a k", "c"), node("Sigmoid", "c", "b")], [helper.make_opsetid("", 17)],
    )  # fmt: skip
    built = model(
        [
            node("Shape", "x", "s"),
            node("Slice", "s zero one", "n"),
            node("Equal", "n one", "yes"),
            node("If", "yes", "i", then_branch=branch, else_branch=branch),
            helper.make_node("Block", ["i", "w"], ["m"], domain="mine"),
            node("Concat", "n minus", "target", axis=0),
            node("Reshape", "m target", "f"),
            node("Split", "f", "p q", axis=1),
            node("Resize", "m - scales", "r"),
            node("ReduceMean", "r", "g", axes=[2, 3], keepdims=0),
            node("Pad", "p pads", "padded"),
            node("TopK", "padded one", "v j"),
            node("Tile", "g repeats", "y"),
        ],
        {"x": [1, 3, 6, 6]}, ["y", "v", "q"],
        {"w": (4, 3, 3, 3), "zero": ints(0), "one": ints(1), "minus": ints(-1),
         "scales": np.array([1, 1, 2, 2], np.float32), "pads": ints(0, 1, 0, 1),
         "repeats": ints(2, 2)},
        domains=["mine"], functions=[function],
    )  # fmt: skip
    return bytes(built.SerializeToString())


SMALL = _small()


def test_the_small_model_of_these_tests_can_be_read() -> None:
    graph = read_model(wire.skim(SMALL, "small"), "small", ReadOptions())
    assert graph.tensors["y"].shape == (2, 8)
    assert graph.tensors["v"].shape == (1, 1)


def test_a_small_model_loses_nothing_but_its_documentation() -> None:
    proto = ModelProto.FromString(SMALL)
    proto.doc_string = "words " * 100
    proto.graph.node[0].doc_string = "words " * 100
    kept = ModelProto.FromString(wire.skim(proto.SerializeToString(), "m"))
    assert kept == ModelProto.FromString(SMALL)


def test_large_weights_lose_their_values_and_keep_their_shapes() -> None:
    """In initialisers, Constant nodes, subgraphs and functions alike; small integers stay."""
    big = numpy_helper.from_array(np.ones((100, 100), np.float32), "big")
    target = numpy_helper.from_array(np.arange(50), "target")
    constant = helper.make_node("Constant", [], ["c"], value=big)
    inner = helper.make_graph([constant], "inner", [], [], [big])
    proto = model([helper.make_node("If", ["x"], ["y"], then_branch=inner), constant],
                  {"x": [1]}, ["y"])  # fmt: skip
    proto.graph.initializer.extend([big, target])
    proto.functions.append(
        helper.make_function("mine", "F", [], ["c"], [constant], [helper.make_opsetid("", 17)])
    )
    data = proto.SerializeToString()
    skimmed = wire.skim(data, "m")
    assert len(data) > 5 * 40_000
    assert len(skimmed) < 2_000
    kept = ModelProto.FromString(skimmed)
    graph = kept.graph.node[0].attribute[0].g
    for tensor in (
        kept.graph.initializer[0], kept.graph.node[1].attribute[0].t, graph.initializer[0],
        graph.node[0].attribute[0].t, kept.functions[0].node[0].attribute[0].t,
    ):  # fmt: skip
        assert (tuple(tensor.dims), tensor.data_type, tensor.raw_data) == ((100, 100), 1, b"")
    assert numpy_helper.to_array(kept.graph.initializer[1]).tolist() == list(range(50))


@pytest.mark.parametrize("field", ["float_data", "int32_data", "double_data", "uint64_data"])
def test_values_in_typed_fields_are_dropped_too(field: str) -> None:
    tensor = TensorProto(dims=[4000], data_type=1, name="w")
    getattr(tensor, field).extend([1] * 4000)
    proto = model([node("Relu", "x", "y")], {"x": [1]}, ["y"])
    proto.graph.initializer.append(tensor)
    kept = ModelProto.FromString(wire.skim(proto.SerializeToString(), "m"))
    assert len(getattr(kept.graph.initializer[0], field)) == 0


def test_a_type_that_follows_its_data_still_decides() -> None:
    """Fields may come in any order on the wire."""
    raw = np.arange(500, dtype=np.int64).tobytes()
    tensor = bytes([0x08]) + b"\xf4\x03" + b"\x4a" + wire._encode(len(raw)) + raw
    for dtype, kept in ((7, len(raw)), (1, 0)):
        body = tensor + bytes([0x10, dtype])
        graph = b"\x2a" + wire._encode(len(body)) + body
        skimmed = wire.skim(b"\x3a" + wire._encode(len(graph)) + graph, "m")
        parsed = ModelProto.FromString(skimmed).graph.initializer[0]
        assert (len(parsed.raw_data), list(parsed.dims)) == (kept, [500])


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_numbers_survive_their_encoding(values: list[int]) -> None:
    data = b"".join(wire._encode(value) for value in values)
    position, found = 0, []
    while position < len(data):
        value, position = wire._varint(data, position, len(data))
        found.append(value)
    assert found == values


@given(st.binary(max_size=300))
@example(b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
@example(b"\x3a" + b"\xff" * 12)
@example(b"\x00")
@example(b"\x3b\x3c")
def test_any_bytes_are_an_error_of_one_line(data: bytes) -> None:
    with pytest.raises(EdgeProfilerError) as caught:
        read_model(wire.skim(data, "f"), "f", ReadOptions())
    assert "\n" not in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(
    original=st.sampled_from([SMALL, ALEXNET]),
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from(["set", "delete", "insert", "cut"]),
                  st.binary(min_size=1, max_size=6)),
        min_size=1, max_size=8,
    ),
)  # fmt: skip
def test_damaged_models_are_read_or_refused(
    original: bytes, changes: list[tuple[float, str, bytes]]
) -> None:
    """Whatever is flipped, lost or added: a graph or one clear line, never a traceback."""
    data = bytearray(original)
    for place, action, payload in changes:
        at = int(place * len(data))
        if action == "set":
            data[at : at + len(payload)] = payload
        elif action == "delete":
            del data[at : at + len(payload)]
        elif action == "insert":
            data[at:at] = payload
        elif place > 0.5:
            del data[at:]
    message = ""
    try:
        read_model(wire.skim(bytes(data), "f"), "f", ReadOptions())
    except EdgeProfilerError as error:
        message = str(error)
    assert "\n" not in message


def test_nesting_and_counts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = helper.make_graph([node("Relu", "x", "y")], "g", [], [])
    for _ in range(30):
        nested = helper.make_node("If", ["x"], ["y"], then_branch=graph)
        graph = helper.make_graph([nested], "g", [], [])
    deep = ModelProto(graph=graph).SerializeToString()
    with pytest.raises(InvalidInput, match="nested too deep"):
        wire.skim(deep, "f")
    monkeypatch.setattr(limits, "ONNX_FIELDS", 50)
    with pytest.raises(InvalidInput, match="50 fields"):
        wire.skim(ALEXNET, "f")


def test_a_file_of_gigabytes_is_skimmed_without_reading_it(tmp_path: Path) -> None:
    """A sparse file of 3 GB, whose one tensor's payload is never touched."""
    head = model([node("Conv", "x w", "y")], {"x": [1, 3, 4, 4]}, ["y"]).SerializeToString()
    size = 3 * 1024**3
    tensor_head = TensorProto(dims=[8, 3, 1, 1], data_type=1, name="w").SerializeToString()
    tensor_head += b"\x4a" + wire._encode(size)
    graph_head = b"\x2a" + wire._encode(len(tensor_head) + size) + tensor_head
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.write(head + b"\x3a" + wire._encode(len(graph_head) + size) + graph_head)
        file.truncate(file.tell() + size)
    graph = OnnxFrontEnd().read(str(path), ReadOptions())
    assert graph.tensors["y"].shape == (1, 8, 4, 4)
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size - 1)
    with pytest.raises(InvalidInput, match="claims more than the file holds"):
        OnnxFrontEnd().read(str(path), ReadOptions())


def test_the_example_that_the_script_writes_is_the_one_in_the_project() -> None:
    path = TINY_ONNX
    written = runpy.run_path(str(SCRIPTS / "make_example_onnx.py"))["build"]()
    assert onnx.load(path).graph.node == written.graph.node
    onnx.checker.check_model(onnx.load(path), full_check=True)
    graph = OnnxFrontEnd().read(str(path), ReadOptions())
    assert graph.tensors[graph.outputs[0]].shape == (1, 10)
    assert path.stat().st_size < 100_000
