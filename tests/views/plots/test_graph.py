"""The network as boxes and lines: where they stand, what they say, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler import predict, report
from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.core.reads import Reads
from edgeprofiler.views.plots import draw
from edgeprofiler.views.plots.graph import graph_of
from edgeprofiler.views.plots.layout import laid_out
from edgeprofiler.views.reports.page import report_page

SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def graphs(draw: st.DrawFn) -> Reads:
    """Edges of up to forty layers, each of which reads layers before it."""
    return tuple(
        tuple(sorted(draw(st.sets(st.integers(0, place - 1), max_size=3)))) if place else ()
        for place in range(draw(st.integers(1, 40)))
    )


@given(graphs(), st.integers(1, 40))
def test_every_layer_is_in_one_box_below_all_that_it_reads(reads: Reads, most: int) -> None:
    boxes = laid_out(reads, most)
    assert len(boxes) <= max(most, 1)
    assert [layer for box in boxes for layer in box.layers] == list(range(len(reads)))
    assert all(boxes[source].row < box.row for box in boxes for source in box.reads)
    spots = [(box.row, box.place) for box in boxes]
    assert len({*spots}) == len(spots)


def test_a_chain_becomes_one_box_only_where_there_are_too_many() -> None:
    chain: Reads = ((), *((place,) for place in range(9)))
    assert len(laid_out(chain, 10)) == 10
    assert [len(box.layers) for box in laid_out(chain, 9)] == [10]


def test_a_box_says_its_layer_and_what_it_costs() -> None:
    profile = predict("zoo:resnet18", "jetson-orin-nx")
    graph = graph_of(profile)
    assert graph is not None
    root = ET.fromstring(graph.svg)
    boxes = [g for g in root.iter(f"{SVG}g") if "data-layer" in g.attrib]
    assert [int(box.attrib["data-layer"]) for box in boxes] == list(range(len(profile)))
    label = boxes[2].attrib["aria-label"]
    assert label.startswith("2: maxpool, pooling, max pool, time ")
    assert "µJ (" in label
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None
    fills = [box.find(f"{SVG}rect").attrib["fill"] for box in boxes]  # type: ignore[union-attr]
    energy = profile.costs.energy_j.tolist()
    assert fills[energy.index(max(energy))] == "#f0883e"
    assert min(fills) < max(fills)


def test_what_is_put_together_is_said() -> None:
    graph = graph_of(predict("zoo:densenet121", "jetson-orin-nx"))
    assert graph is not None
    assert graph.svg.count("data-layer=") <= 400
    assert "too many for a picture" in graph.text


def test_names_are_only_read() -> None:
    profile = predict("zoo:lenet", "jetson-nano")
    network = profile.network
    odd = replace(network.layers[0], name='<script>"&\x00\u202e')
    named = replace(profile, network=replace(network, layers=(odd, *network.layers[1:])))
    graph = graph_of(named)
    assert graph is not None
    assert "<script>" not in graph.svg
    ET.fromstring(graph.svg)


def test_without_edges_there_are_words_in_place_of_a_picture() -> None:
    profile = predict("zoo:lenet", "jetson-nano")
    bare = replace(profile, network=replace(profile.network, reads=None))
    assert graph_of(bare) is None
    pytest.importorskip("jinja2")
    assert "does not say which layers read which" in report_page([bare])
    with pytest.raises(InsufficientData, match="which layers read"):
        draw(bare, "graph")


def test_the_graph_is_written_as_svg_alone(tmp_path) -> None:
    made = report("zoo:lenet", device="jetson-nano")
    made.save(tmp_path / "graph.svg", "graph")
    assert ET.parse(tmp_path / "graph.svg").getroot().tag == f"{SVG}svg"
    with pytest.raises(UsageError, match=r"drawn as \.svg"):
        made.save(tmp_path / "graph.png", "graph")
