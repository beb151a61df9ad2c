"""What was fitted: one layer stands for each cell of size and kind."""

from __future__ import annotations

from edgeprofiler.prediction.uncertainty.fitted import DECADES, fitted, representative
from edgeprofiler.reading.read import read


def test_representatives_are_few_and_named() -> None:
    network = read("zoo:resnet18")
    table = representative([("resnet18", network.layers, network.columns)])
    sizes = {len(column) for column in table.values()}
    assert len(sizes) == 1
    assert 0 < sizes.pop() < len(network)
    assert all(name.endswith("of resnet18") for name in table["names"])


def test_every_layer_of_a_fitted_network_is_near_a_fitted_layer() -> None:
    far, _ = fitted().unlike(read("zoo:resnet50").columns)
    assert len(far) == 0
    assert 0 < DECADES <= 2
