"""Which layer of one network is which of another."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.network import Layer, make_layer
from edgeprofiler.decision.compare import align


def _conv(name: str, channels: int = 8, out: int = 8) -> Layer:
    return make_layer(
        name=name, kind="convolutional", op="convolution", dtype="fp16", kernel=(3, 3),
        input_shapes=[(1, channels, 16, 16)], output_shapes=[(1, out, 16, 16)],
        weight_elements=9 * channels * out,
    )  # fmt: skip


def _pool(name: str) -> Layer:
    return make_layer(
        name=name, kind="pooling", op="max_pool", dtype="fp16", kernel=(2, 2),
        input_shapes=[(1, 8, 16, 16)], output_shapes=[(1, 8, 8, 8)],
    )  # fmt: skip


def test_a_network_aligns_with_itself() -> None:
    layers = [_conv("a"), _pool("b"), _conv("c")]
    assert [(p.a, p.b, p.status) for p in align(layers, layers)] == [
        (0, 0, "same"), (1, 1, "same"), (2, 2, "same"),
    ]  # fmt: skip


def test_renamed_layers_pair_by_place_and_shape() -> None:
    a = [_conv("a"), _pool("b"), _conv("c")]
    b = [replace(layer, name=f"new_{layer.name}") for layer in a]
    assert [p.status for p in align(a, b)] == ["renamed"] * 3


def test_a_widened_layer_is_changed_and_its_neighbours_are_not() -> None:
    a = [_conv("a"), _conv("b", 8, 16), _pool("c")]
    b = [_conv("a"), _conv("b", 8, 32), _pool("c")]
    assert [p.status for p in align(a, b)] == ["same", "changed", "same"]


def test_an_added_layer_does_not_shift_the_rest() -> None:
    a = [_conv("a"), _conv("b"), _pool("c")]
    b = [_conv("a"), _conv("extra"), _conv("b"), _pool("c")]
    assert [(p.a, p.b, p.status) for p in align(a, b)] == [
        (0, 0, "same"), (None, 1, "added"), (1, 2, "same"), (2, 3, "same"),
    ]  # fmt: skip


def test_a_removed_layer_is_said() -> None:
    pairs = align([_conv("a"), _pool("b")], [_conv("a")])
    assert [(p.a, p.b, p.status) for p in pairs] == [(0, 0, "same"), (1, None, "removed")]


def test_names_that_swap_places_do_not_cross() -> None:
    pairs = align([_conv("a"), _pool("b")], [_pool("b"), _conv("a")])
    matched = [(p.a, p.b) for p in pairs if p.a is not None and p.b is not None]
    assert len(matched) == 1


_layers = st.lists(
    st.builds(_conv, st.sampled_from("abcd"), st.sampled_from([4, 8]), st.sampled_from([4, 8])),
    max_size=12,
)


@given(_layers, _layers)
def test_every_layer_stands_once_and_order_is_kept(a: list[Layer], b: list[Layer]) -> None:
    pairs = align(a, b)
    assert [p.a for p in pairs if p.a is not None] == list(range(len(a)))
    assert [p.b for p in pairs if p.b is not None] == list(range(len(b)))
    for pair in pairs:
        assert (pair.a is None) == (pair.status == "added")
        assert (pair.b is None) == (pair.status == "removed")
