"""Single changes give valid graphs that do less work."""

import pytest

from edgeprofiler.core.errors import UsageError
from edgeprofiler.decision.advise import edits
from edgeprofiler.reading.operators.macs import graph_macs
from edgeprofiler.reading.zoo import zoo_graph


def test_a_large_kernel_shrinks_and_sizes_stay() -> None:
    graph = zoo_graph("alexnet")
    made = {edit.target: edit for edit in edits.smaller_kernels(graph)}
    assert "features.3" in made  # 5x5, padding 2
    smaller = made["features.3"].graph
    before = next(n for n in graph.nodes if n.name == "features.3")
    after = next(n for n in smaller.nodes if n.name == "features.3")
    assert after.ints("kernel_shape") == (3, 3)
    assert after.ints("pads") == (1, 1, 1, 1)
    assert smaller.tensors[after.outputs[0]].shape == graph.tensors[before.outputs[0]].shape
    assert graph_macs(smaller) < graph_macs(graph)


def test_a_stride_is_offered_only_before_the_first_change_of_size() -> None:
    targets = [edit.target for edit in edits.larger_strides(zoo_graph("vgg16"))]
    assert targets == ["features.0", "features.2"]
    assert list(edits.larger_strides(zoo_graph("resnet18"))) == []


def test_a_large_dense_layer_becomes_two_of_low_rank() -> None:
    graph = zoo_graph("vgg16")
    made = {edit.target: edit for edit in edits.factorised_dense(graph)}
    assert set(made) == {"classifier.0", "classifier.3", "classifier.6"}
    factored = made["classifier.0"].graph
    assert factored.tensors["classifier.0.low_rank.weight"].shape == (1024, 25088)
    saved = graph_macs(graph) - graph_macs(factored)
    assert saved == 25088 * 4096 - 1024 * (25088 + 4096)


def test_a_factorised_layer_is_not_offered_again_at_once() -> None:
    first = next(iter(edits.factorised_dense(zoo_graph("vgg16")))).graph
    targets = [edit.target for edit in edits.factorised_dense(first)]
    assert "classifier.0" not in targets or len(targets) == len(set(targets))


def test_resolutions_go_down_to_the_floor_in_steps_of_32() -> None:
    graph = zoo_graph("mobilenet_v2")
    floors = edits.Floors.of(graph, 0.25, 0.5)
    texts = [edit.text for edit in edits.smaller_inputs(graph, floors)]
    assert texts == [f"resolution 224 to {size}" for size in (192, 160, 128)]


def test_a_network_of_one_fixed_size_offers_no_resolution() -> None:
    graph = zoo_graph("lenet")
    assert list(edits.smaller_inputs(graph, edits.Floors.of(graph, 0.25, 0.1))) == []


def test_pruning_keeps_multiples_and_the_floor() -> None:
    graph = zoo_graph("resnet18")
    floors = edits.Floors.of(graph, 0.5, 0.5)
    for keep in (0.75, 0.5, 0.25):
        for edit in edits.prunings(graph, keep, 16, floors):
            for kept, total in edit.channels.values():
                assert kept % 16 == 0
                assert kept >= total / 2


def test_pruning_can_be_limited_to_given_layers() -> None:
    graph = zoo_graph("vgg16")
    floors = edits.Floors.of(graph, 0.25, 0.5, ("features.2",))
    assert [e.target for e in edits.prunings(graph, 0.5, 8, floors)] == ["features.2"]
    with pytest.raises(UsageError, match=r"'features\.1' makes no channels .*; did you mean"):
        edits.Floors.of(graph, 0.25, 0.5, ("features.1",))
