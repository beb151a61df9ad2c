"""The front end of TensorRT's engine descriptions."""

import json
from pathlib import Path

import pytest

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.reading.engine import engine_document
from edgeprofiler.reading.front_end import FrontEnd, ReadOptions
from edgeprofiler.reading.read import read_model
from edgeprofiler.reading.tensorrt import TensorRTFrontEnd

NETWORK = Network(
    "net",
    (
        make_layer(
            name="relu",
            kind="other",
            op="pointwise",
            input_shapes=[(2, 8)],
            output_shapes=[(2, 8)],
            dtype="fp16",
        ),
    ),
    Source("net", "test"),
    batch=2,
)


def read(path: Path) -> Network:
    return TensorRTFrontEnd().read(str(path), ReadOptions())


def test_it_is_a_front_end() -> None:
    assert isinstance(TensorRTFrontEnd(), FrontEnd)


@pytest.mark.parametrize(
    ("source", "head", "known"),
    [
        ("a.json", b'{"Layers": [{', True),
        ("a.json", b'\xef\xbb\xbf\n { "Bindings": [],\n "Layers" : [', True),
        ("a.json", b'{"LayerType": "kgen"', True),
        ("a.json", b'[ {"Name": "a", "LayerType": "NoOp"', True),
        ("a.json", b'[{ "count" : 100 }, { "name" : "a", "averageMs" : 1.0', True),
        ("a.json", b'[{ "count" : 100 }, { "name" : "a"', False),
        ("a.json", b'{"schema": "edgeprofiler.profile/1", "layers": [', False),
        ("a.json", b'{"network":"yolov8n","nodes":[{"op":"Layers"', False),
        ("a.engine", b"ptrt\x00\x01", True),
        ("a.plan", b"\x00\x01", True),
        ("a.onnx", b"\x08\x07\x12\x07pytorch", False),
        ("zoo:resnet18", b"", False),
    ],
)
def test_it_knows_its_files_by_their_beginning(source: str, head: bytes, known: bool) -> None:
    assert TensorRTFrontEnd().recognises(source, head) is known


def test_a_description_is_read_and_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "engine_info.json"
    document = engine_document(NETWORK)
    del document["EdgeProfiler"]
    path.write_text(json.dumps(document))
    network = read(path)
    assert (network.name, network.batch, len(network)) == ("engine_info", 2, 1)
    assert network.source == Source(str(path), "tensorrt")


def test_names_with_control_characters_are_read(tmp_path: Path) -> None:
    """TensorRT 8.6 separates the graph nodes of a layer by a raw record separator."""
    path = tmp_path / "engine_info.json"
    text = json.dumps(engine_document(NETWORK))
    path.write_text(
        text.replace('"Metadata": ""', '"Metadata": "[ONNX Layer: a]\x1e[ONNX Layer: b]"')
    )
    assert read(path).layers[0].name == "relu"


@pytest.mark.parametrize("options", [ReadOptions(batch=4), ReadOptions(shapes={"": (1, 3)})])
def test_the_batch_of_an_engine_cannot_be_changed(options: ReadOptions) -> None:
    with pytest.raises(Unsupported, match="fixed in a built engine"):
        TensorRTFrontEnd().read("engine_info.json", options)


def test_a_serialized_engine_is_refused_with_the_way_to_describe_it(tmp_path: Path) -> None:
    path = tmp_path / "net.engine"
    path.write_bytes(b"ptrt\x00\x00\xff")
    with pytest.raises(Unsupported, match=r"--loadEngine=net.engine --exportLayerInfo"):
        read(path)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such file"):
        read(tmp_path / "missing.json")
    with pytest.raises(InvalidInput, match="is a folder"):
        read(tmp_path)
    path = tmp_path / "empty.json"
    path.touch()
    with pytest.raises(InvalidInput, match="is empty"):
        read(path)
    path.write_bytes(b'{"Layers": ["\xff"]}')
    with pytest.raises(InvalidInput, match="is not UTF-8 text"):
        read(path)
    path.write_text('{"Layers": [')
    with pytest.raises(InvalidInput, match="is not JSON"):
        read(path)


def test_a_file_of_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.write(b"{")
        file.truncate(2 * 10**9)
    with pytest.raises(InvalidInput, match="is too large"):
        read(path)


def test_layers_that_were_dumped_one_by_one_are_the_engine(shared: Path, tmp_path: Path) -> None:
    """An inspector asked for each layer in turn, with a line before each."""
    whole = shared / "inputs" / "engine_info" / "rtx3060m_resnet18_fp16_trtexec.json"
    layers = json.loads(whole.read_text())["Layers"]
    dump = tmp_path / "layers.txt"
    lines = [f"--- Layer {i} ---\n{json.dumps(layer)}" for i, layer in enumerate(layers)]
    dump.write_text("\n".join(lines))
    read, expected = read_model(dump), read_model(whole)
    assert isinstance(read, Network)
    assert isinstance(expected, Network)
    assert read.layers == expected.layers
    dump.write_text("--- Layer 0 ---\nconv1 + relu\n--- Layer 1 ---\nmaxpool\n")
    with pytest.raises(InvalidInput, match="layer 0 is no JSON; ask the inspector for"):
        read_model(dump)
