"""Which layers each layer reads: kept through fusion, views, concatenations and conversions."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeprofiler.core.network import Network, Source
from edgeprofiler.core.reads import MOST
from edgeprofiler.reading.engine import engine_document
from edgeprofiler.reading.engine.parse import network_from_engine
from edgeprofiler.reading.graphs.build import GraphBuilder
from edgeprofiler.reading.lowering import lower
from edgeprofiler.reading.read import read


def _edges(network: Network) -> set[tuple[str, str]]:
    assert network.reads is not None
    names = [layer.name for layer in network.layers]
    return {
        (names[source], names[place])
        for place, sources in enumerate(network.reads)
        for source in sources
    }


def test_a_residual_block_is_read_twice() -> None:
    build = GraphBuilder("net")
    x = build.conv(build.input((1, 4, 32, 32)), 8, 3, name="first")
    y = build.conv(build.conv(x, 8, 3, name="a"), 8, 3, name="b")
    network = lower(build.graph(build.conv(build.add(y, x), 8, 3, name="last")), "fp32")
    found = _edges(network)
    assert {name[:5] for name in dict(found)} >= {"first", "a"}
    into_sum = [a for a, b in found if b.startswith("b")]
    assert sorted(into_sum) == ["a", "first"]


def test_a_concatenation_in_place_is_read_as_its_parts() -> None:
    build = GraphBuilder("net")
    x = build.input((1, 4, 32, 32))
    parts = [build.conv(x, 16, size, name=f"conv{size}") for size in (1, 3, 5)]
    network = lower(build.graph(build.conv(build.concat(*parts), 8, 3, name="last")), "fp32")
    found = {a for a, b in _edges(network) if b == "last"}
    assert found == {"conv1", "conv3", "conv5"}


def test_what_a_concatenation_copies_is_read_from_the_copy() -> None:
    build = GraphBuilder("net")
    x = build.conv(build.input((1, 4, 32, 32)), 16, 3, name="first")
    y = build.conv(x, 16, 3, name="second")
    z = build.conv(build.concat(x, y), 8, 3, name="joined")
    network = lower(build.graph(build.add(z, build.conv(x, 8, 3, name="beside"))), "fp16")
    copies = {layer.name for layer in network.layers if layer.op == "concat"}
    found = _edges(network)
    assert copies
    assert {a for a, b in found if b in copies} == {"first"}
    assert "first" not in {a for a, b in found if b.startswith("joined")}
    assert "first" in {a for a, b in found if b.startswith("beside")}


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize(
    "name", ["resnet18", "yolov8n", "mobilevit_xxs", "efficientnet_b0", "shufflenet_v2_x1_0"]
)
def test_every_layer_is_read_but_those_that_give_outputs(name: str, precision: str) -> None:
    network = read(f"zoo:{name}", precision=precision)
    assert network.reads is not None
    assert len(network.reads) == len(network)
    assert all(max(sources, default=-1) < place for place, sources in enumerate(network.reads))
    unread = {*range(len(network))}.difference(*network.reads)
    last = len(network) - 1
    assert last in unread
    assert unread <= {last - 1, last}  # an output may be joined in place
    constants = {i for i, layer in enumerate(network.layers) if layer.op == "concat"}
    starts = [i for i, sources in enumerate(network.reads) if not sources and i not in constants]
    shapes = {network.layers[i].input_shapes[0] for i in starts}
    assert len(shapes) == 1  # the image's: nobody else begins


def test_a_long_chain_of_concatenations_stays_bounded() -> None:
    build = GraphBuilder("net")
    x = build.input((1, 4, 8, 8))
    whole = build.conv(x, 4, 1, name="first")
    for place in range(2 * MOST):
        whole = build.concat(whole, build.conv(x, 4, 3, name=f"part{place}"))
    network = lower(build.graph(build.conv(whole, 4, 1, name="last")), "fp32")
    assert network.reads is not None
    assert max(map(len, network.reads)) == MOST


def test_an_engines_description_carries_them() -> None:
    network = read("zoo:resnet18")
    again = network_from_engine(engine_document(network), Source("engine.json", "tensorrt"))
    assert again.reads == network.reads


def test_an_engine_says_them_by_its_tensors_names(shared: Path) -> None:
    paths = sorted((shared / "inputs" / "engine_info").rglob("*.json"))
    known = [n for n in (read(str(path)) for path in paths) if n.reads is not None]
    assert known
    for network in known:
        assert network.reads is not None
        assert len(network.reads) == len(network)
        unread = {*range(len(network))}.difference(*network.reads)
        assert len(unread) < len(network) / 2


def test_tensors_without_names_tell_nothing() -> None:
    tensor = {"Dimensions": [1, 8, 4, 4], "Format/Datatype": "Half"}
    layers = [
        {"Name": name, "LayerType": "PointWise", "Inputs": [tensor], "Outputs": [tensor]}
        for name in ("a", "b")
    ]
    network = network_from_engine({"Layers": layers}, Source("engine.json", "tensorrt"))
    assert network.reads is None
