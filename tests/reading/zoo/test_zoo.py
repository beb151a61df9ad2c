"""Networks by name, at any batch, resolution and number of classes."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.reading.front_end import FrontEnd, ReadOptions
from edgeprofiler.reading.graphs import with_batch, with_input_shapes
from edgeprofiler.reading.operators.macs import graph_macs
from edgeprofiler.reading.operators.rules import infer_shapes
from edgeprofiler.reading.zoo import ZooFrontEnd, names, zoo_graph
from edgeprofiler.reading.zoo.zoo import ENTRIES

FRONT_END = ZooFrontEnd()


def shapes_of(graph: Graph) -> list[list[tuple[int, ...]]]:
    return [[graph.tensors[name].shape for name in node.outputs] for node in graph.nodes]


def test_the_front_end_takes_zoo_addresses_only() -> None:
    assert isinstance(FRONT_END, FrontEnd)
    assert FRONT_END.recognises("zoo:resnet18", b"")
    assert not FRONT_END.recognises("resnet18.onnx", b"")


@pytest.mark.parametrize("name", names())
def test_nodes_are_in_order_and_have_names_of_their_own(name: str) -> None:
    """Every input is a constant, the network's input or computed before."""
    graph = zoo_graph(name)
    assert len({node.name for node in graph.nodes}) == len(graph.nodes)
    known = {*graph.inputs, *(t.name for t in graph.tensors.values() if t.constant)}
    for node in graph.nodes:
        assert known.issuperset(filter(None, node.inputs)), node.name
        known.update(node.outputs)
    assert known == set(graph.tensors)


@pytest.mark.parametrize("name", names())
def test_results_are_of_the_entrys_classes(name: str) -> None:
    """Scores of an image, of each of its boxes or of each of its pixels."""
    entry, graph = ENTRIES[name], zoo_graph(name)
    shapes = [graph.tensors[output].shape for output in graph.outputs]
    if entry.task == "classification":
        assert shapes == [(1, entry.classes)]
    elif entry.task == "segmentation":
        assert shapes == [(1, entry.classes, entry.resolution, entry.resolution)]
    elif len(shapes) == 2:  # of all anchors of all levels
        assert shapes[1] == (*shapes[0][:2], 4)
        assert shapes[0][2] == entry.classes
    else:
        few = zoo_graph(name, classes=entry.classes - 1)
        chosen = shapes[0] == (1, 300, 6)
        assert chosen or sum(shapes[0]) - sum(few.tensors[few.outputs[0]].shape) == 1


@pytest.mark.parametrize("name", names())
def test_inferring_all_shapes_again_changes_nothing(name: str) -> None:
    graph = zoo_graph(name)
    for node in graph.nodes:
        for tensor in infer_shapes(node, graph.tensors)[0]:
            assert tensor == graph.tensors[tensor.name]
    assert with_input_shapes(graph, {"input": graph.tensors["input"].shape}) == graph


@pytest.mark.parametrize("name", names())
def test_a_changed_batch_is_a_graph_built_at_that_batch(name: str) -> None:
    changed, built = with_batch(zoo_graph(name), 4), zoo_graph(name, batch=4)
    assert shapes_of(changed) == shapes_of(built)
    assert graph_macs(changed) == 4 * graph_macs(zoo_graph(name))
    assert changed.parameters == built.parameters


@pytest.mark.parametrize("name", [name for name in names() if name != "lenet"])
@pytest.mark.parametrize("difference", [-64, 64])
def test_a_changed_resolution_is_a_graph_built_at_it(name: str, difference: int) -> None:
    """Also where channels are shuffled, pooled to a fixed size or normalised channels-last."""
    graph = zoo_graph(name)
    _, channels, height, width = graph.tensors["input"].shape
    size = (height + difference, width + 2 * difference if difference > 0 else width)
    changed = with_input_shapes(graph, {"input": (2, channels, *size)})
    built = zoo_graph(name, batch=2, resolution=size)
    assert shapes_of(changed) == shapes_of(built)
    assert [node.attributes for node in changed.nodes] == [node.attributes for node in built.nodes]
    assert changed.parameters == graph.parameters


def test_lenet_runs_at_its_own_resolution_only() -> None:
    """Its dense layer is fixed to 576 features."""
    with pytest.raises(Unsupported, match=r"'fc1' \(Gemm\)"):
        with_input_shapes(zoo_graph("lenet"), {"input": (1, 1, 64, 64)})
    with pytest.raises(InvalidInput, match="zoo:lenet"):
        zoo_graph("lenet", resolution=4)


def test_batch_and_shape_are_chosen_by_options() -> None:
    graph = FRONT_END.read("zoo:resnet18", ReadOptions(batch=8, shapes={"": (1, 3, 160, 320)}))
    assert graph.tensors["input"].shape == (8, 3, 160, 320)
    graph = FRONT_END.read("zoo:resnet18", ReadOptions(shapes={"input": (2, 3, 64, 64)}))
    assert graph.tensors["input"].shape == (2, 3, 64, 64)
    assert FRONT_END.read("zoo:efficientnet_b7", ReadOptions()).tensors["input"].shape[2] == 600


def test_classes_change_the_last_layer_only() -> None:
    few, many = zoo_graph("resnet50", classes=3), zoo_graph("resnet50")
    assert many.parameters - few.parameters == 997 * (2048 + 1)
    assert few.nodes == many.nodes


def test_names_of_nodes_are_torchvisions() -> None:
    known = {node.name for node in zoo_graph("resnet18").nodes}
    assert {"conv1", "layer1.0.conv1", "layer2.0.downsample.1", "fc"} <= known


@pytest.mark.parametrize("typed", ["resnet-19", "RsNet18", "mobilenetv9", "effcientnet_b0"])
def test_a_misspelt_name_gets_close_ones(typed: str) -> None:
    with pytest.raises(InvalidInput, match="did you mean") as caught:
        FRONT_END.read(f"zoo:{typed}", ReadOptions())
    assert "\n" not in str(caught.value)


def test_a_name_like_no_other_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no network of that name; it has lenet"):
        zoo_graph("zzzzzzzz")


@pytest.mark.parametrize(
    "options",
    [
        ReadOptions(batch=0),
        ReadOptions(batch=-1),
        ReadOptions(batch=10**9),
        ReadOptions(shapes={"": (1, 1, 224, 224)}),
        ReadOptions(shapes={"": (3, 224, 224)}),
        ReadOptions(shapes={"": (1, 3, 0, 224)}),
        ReadOptions(shapes={"": (1, 3, 10, 10)}),
    ],
)
def test_impossible_inputs_are_refused(options: ReadOptions) -> None:
    with pytest.raises(InvalidInput):
        FRONT_END.read("zoo:squeezenet1_0", options)


def test_a_shape_for_an_input_that_is_not_there_is_unsupported() -> None:
    with pytest.raises(UsageError, match="'images'"):
        FRONT_END.read("zoo:resnet18", ReadOptions(shapes={"images": (1, 3, 224, 224)}))


@pytest.mark.parametrize("resolution", [0, -224, (224, 0), 10**7])
def test_an_absurd_resolution_is_refused(resolution: int | tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match="an input of"):
        zoo_graph("resnet18", resolution=resolution)


@pytest.mark.parametrize("classes", [0, -3, 10**6])
def test_an_absurd_number_of_classes_is_refused(classes: int) -> None:
    with pytest.raises(InvalidInput, match="classes"):
        zoo_graph("resnet18", classes=classes)


@pytest.mark.shared
def test_every_network_that_judges_accuracy_is_in_the_zoo(shared: Path) -> None:
    with (shared / "measurements" / "evaluation_rows.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if not row["set_aside_because"]]
    assert {row["canonical"] for row in rows} <= set(names())


def test_the_zoo_needs_no_model_library() -> None:
    code = "import sys, edgeprofiler.reading.zoo; print({'onnx', 'torch'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ResNet18", "resnet18"),
        ("resnet-18", "resnet18"),
        ("mobilenet-v2", "mobilenet_v2"),
        ("EfficientNet-B0", "efficientnet_b0"),
        ("SqueezeNet1.0", "squeezenet1_0"),
    ],
)
def test_a_name_is_known_in_any_usual_spelling(written: str, name: str) -> None:
    """`ResNet18` and `resnet18` are one network, under its own name."""
    assert ZooFrontEnd().read(f"zoo:{written}", ReadOptions()).name == name
    assert zoo_graph(written) is zoo_graph(name)


def test_no_two_networks_share_a_spelling() -> None:
    assert {zoo_graph(name.replace("_", "-").upper()).name for name in names()} == set(names())
