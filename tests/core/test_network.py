"""Layers and what follows from their shapes."""

from __future__ import annotations

from dataclasses import fields

from edgeprofiler.core.network import Layer, make_layer


def test_a_layer_that_is_made_has_every_field_of_one_and_equals_it() -> None:
    """A 3x3 convolution of 8 to 16 channels at 10x10: 115,200 MACs, all in place."""
    made = make_layer(
        name="conv", kind="convolutional", op="convolution", dtype="fp16", kernel=(3, 3),
        input_shapes=[(1, 8, 10, 10)], output_shapes=[(1, 16, 10, 10)],
    )  # fmt: skip
    assert [*vars(made)] == [field.name for field in fields(Layer)]
    assert made == Layer(**vars(made))
    assert made.macs == 8 * 9 * 16 * 100
    assert hash(made) == hash(Layer(**vars(made)))
