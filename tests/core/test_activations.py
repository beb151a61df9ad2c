"""An activation is one line: everything that meets one knows it from there."""

from __future__ import annotations

import pytest

from edgeprofiler.core.activations import ACTIVATIONS, Activation
from edgeprofiler.reading.engine.operations import activation as named_by_engine
from edgeprofiler.reading.engine.operations import expressions
from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.lowering import lower

OPERATORS = [a for a in ACTIVATIONS if a.operator and a.name != "PRelu"]


@pytest.mark.parametrize("known", OPERATORS, ids=lambda a: a.name)
def test_an_activation_keeps_the_shape_and_rides_along_with_the_convolution_before_it(
    known: Activation,
) -> None:
    builder = GraphBuilder("net")
    x = builder.input((1, 3, 32, 32), "x")
    y = builder.node(known.name, (builder.conv(x, 8, 3, name="conv"),), name="act")
    graph = builder.graph(y)
    assert graph.tensors[y].shape == (1, 8, 32, 32)
    assert any(known.name in layer.fused_ops for layer in lower(graph).layers)


@pytest.mark.parametrize("known", ACTIVATIONS, ids=lambda a: a.name)
def test_engines_words_for_an_activation_are_understood(known: Activation) -> None:
    for word in known.engine:
        assert named_by_engine(word) == known.name
    for word in known.spellings:
        assert expressions([f"pwgen::i{word}(arg0)"]) in ((known.name,), ())
