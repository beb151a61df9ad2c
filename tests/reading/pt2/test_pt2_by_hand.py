"""Exported programs written by hand: what is read of them, and what is refused, without PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import edgeprofiler
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.reading.operators.macs import graph_macs
from edgeprofiler.reading.pt2.front_end import Pt2FrontEnd


def tensor(*sizes: Any) -> dict[str, Any]:
    free = {"as_expr": {"expr_str": "Symbol('s0')", "hint": {"as_int": 2}}}
    return {"dtype": 7, "sizes": [free if s == "free" else {"as_int": s} for s in sizes]}


def call(target: str, result: str, **given: Any) -> dict[str, Any]:
    inputs = [{"name": name, "arg": value} for name, value in given.items()]
    return {"target": f"torch.ops.{target}", "inputs": inputs, "outputs": [ref(result)],
            "metadata": {}}  # fmt: skip


def ref(name: str) -> dict[str, Any]:
    return {"as_tensor": {"name": name}}


def program(*calls: dict[str, Any], batch: Any = 1, **more: Any) -> dict[str, Any]:
    """A convolution, and what is done with its result."""
    conv = call("aten.conv2d.default", "conv", input=ref("x"), weight=ref("w"),
                padding={"as_ints": [1, 1]})  # fmt: skip
    specs = [
        {"parameter": {"arg": {"name": "w"}, "parameter_name": "w"}},
        {"user_input": {"arg": ref("x")}},
    ]
    last = calls[-1]["outputs"][0] if calls else ref("conv")
    values = {"x": tensor(batch, 3, 8, 8), "w": tensor(4, 3, 3, 3), "conv": tensor(batch, 4, 8, 8)}
    graph = {"inputs": [], "outputs": [last], "nodes": [conv, *calls],
             "tensor_values": {**values, **more}, "sym_int_values": {}}  # fmt: skip
    return {"graph_module": {"graph": graph, "signature": {"input_specs": specs}}}


def saved(path: Path, document: Any, member: str = "net/models/model.json", **more: bytes) -> str:
    text = document if isinstance(document, str) else json.dumps(document)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, text)
        for name, data in more.items():
            archive.writestr(name, data)
    return str(path)


@pytest.mark.parametrize("member", ["net/models/model.json", "serialized_exported_program.json"])
def test_both_layouts_of_the_archive_are_read(tmp_path: Path, member: str) -> None:
    path = saved(tmp_path / "net.pt2", program(), member)
    assert Pt2FrontEnd().recognises(path, Path(path).read_bytes()[:64])
    graph = edgeprofiler.read_model(path)
    assert (graph.name, graph.inputs, graph.outputs) == ("net", ("x",), ("conv",))
    assert (graph.parameters, graph_macs(graph)) == (4 * 27, 64 * 4 * 27)
    assert edgeprofiler.predict(path).totals.runtime_s.value > 0


def test_pickles_in_the_archive_are_left_packed(tmp_path: Path) -> None:
    """Nothing but the program's JSON is opened: no weight, no example input, no code."""
    bomb = b"cos\nsystem\n(S'touch ran'\ntR."
    path = saved(tmp_path / "net.pt2", program(), sample=bomb, **{"net/data/x.pt": bomb})
    code = f"import sys, edgeprofiler as e; e.read_model({path!r}); print('torch' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "False"
    assert not (tmp_path / "ran").exists()


def test_sizes_that_are_expressions_are_not_evaluated(tmp_path: Path) -> None:
    """A free size is what it was at export; what stands in its expression does not matter."""
    document = program(batch="free")
    sizes = document["graph_module"]["graph"]["tensor_values"]["x"]["sizes"]
    sizes[0]["as_expr"]["expr_str"] = "__import__('os').system('touch ran')"
    path = saved(tmp_path / "net.pt2", document)
    graph = edgeprofiler.read_model(path)
    assert (graph.batch, graph.free) == (2, {"x": (0,)})
    assert edgeprofiler.read_model(path, batch=7).tensors["conv"].shape == (7, 4, 8, 8)
    assert not Path("ran").exists()


def test_a_call_without_a_rule_is_unknown_and_not_free(tmp_path: Path) -> None:
    odd = call("mylib.whirl.default", "y", input=ref("conv"))
    path = saved(tmp_path / "net.pt2", program(odd, y=tensor(1, 9, 5)))
    profile = edgeprofiler.predict(path)
    (layer,) = (layer for layer in profile.network.layers if layer.op == "unknown")
    assert layer.output_shapes == ((1, 9, 5),)
    assert "mylib.whirl.default" in profile.network.warnings[0]


@pytest.mark.parametrize(
    ("target", "given"),
    [
        ("relu", {"self": {"as_tensors": [{"name": "conv"}]}}),
        ("silu", {"self": {"as_int": 1}, "other": ref("conv")}),
        ("select", {"self": ref("conv"), "dim": {"as_string": "x"}, "index": {"as_int": 0}}),
        ("clamp", {"self": ref("conv"), "min": {"as_string": "x"}}),
        ("adaptive_avg_pool2d", {"self": ref("conv"), "output_size": {"as_ints": [0, 1]}}),
    ],
)
def test_a_call_with_arguments_of_other_kinds_than_its_operators_is_unknown(
    tmp_path: Path, target: str, given: dict[str, Any]
) -> None:
    document = program(call(f"aten.{target}.default", "odd", **given), odd=tensor(1, 4))
    graph = edgeprofiler.read_model(saved(tmp_path / "net.pt2", document))
    assert graph.nodes[-1].op == f"aten.{target}.default"
    assert graph.tensors["odd"].shape == (1, 4)


def test_a_rule_that_makes_another_shape_than_the_file_says_gives_way(tmp_path: Path) -> None:
    odd = call("aten.relu.default", "y", self=ref("conv"))
    graph = edgeprofiler.read_model(saved(tmp_path / "n.pt2", program(odd, y=tensor(1, 4, 7, 7))))
    assert graph.nodes[-1].op == "aten.relu.default"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outputs": [ref("nobody")]}, "nobody"),
        ({"nodes": [call("aten.relu.default", "conv", self=ref("later"))]}, "later"),
        ({"tensor_values": {}}, "says nothing of a tensor"),
        ({"nodes": 3}, "nodes"),
        ({"tensor_values": {"x": tensor(1, -3, 8, 8), "w": tensor(4, 3, 3, 3)}}, "sizes"),
        ({"tensor_values": {"x": tensor(1, 2**60, 8, 8), "w": tensor(4, 3, 3, 3)}}, "sizes"),
    ],
)
def test_programs_that_contradict_themselves_are_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    document = program()
    document["graph_module"]["graph"].update(change)
    with pytest.raises(InvalidInput, match=said) as caught:
        edgeprofiler.read_model(saved(tmp_path / "net.pt2", document))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"graph_module": 3}', "[" * 100_000])
def test_json_that_is_no_program_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput):
        edgeprofiler.read_model(saved(tmp_path / "net.pt2", text))


def test_archives_without_a_program_say_how_one_is_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"torch\.export\.save"):
        edgeprofiler.read_model(saved(tmp_path / "net.pt2", "{}", "data.pkl"))
    path = tmp_path / "cut.pt2"
    path.write_bytes(Path(saved(tmp_path / "whole.pt2", program())).read_bytes()[:200])
    with pytest.raises(InvalidInput, match="no archive"):
        edgeprofiler.read_model(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_program_whose_bytes_were_altered_is_told_in_one_line(
    tmp_path: Path, method: int
) -> None:
    path = tmp_path / "net.pt2"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("net/models/model.json", json.dumps(program()))
        packed = archive.getinfo("net/models/model.json").compress_size
    data = path.read_bytes()
    start = data.index(b"model.json") + len("model.json")
    path.write_bytes(data[:start] + b"\xff" * packed + data[start + packed :])
    with pytest.raises(InvalidInput, match=r"net\.pt2") as caught:
        edgeprofiler.read_model(path)
    assert "\n" not in str(caught.value)


def test_a_program_larger_than_what_is_read_is_refused_unread(tmp_path: Path) -> None:
    """1 MB that unpacks to more than a gibibyte."""
    path = tmp_path / "bomb.pt2"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("net/models/model.json", "w") as file,
    ):
        for _ in range(1100):
            file.write(b" " * (1 << 20))
    with pytest.raises(InvalidInput, match="MiB"):
        edgeprofiler.read_model(path)


def test_a_shape_names_an_input_of_the_program(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pt2", program())
    graph = edgeprofiler.read_model(path, shapes={"x": (1, 3, 16, 16)})
    assert graph.tensors["conv"].shape == (1, 4, 16, 16)
    with pytest.raises(UsageError, match="it has 'x'"):
        edgeprofiler.read_model(path, shapes={"y": (1, 3, 16, 16)})
