"""What was fitted, and how far from it a layer lies."""

from __future__ import annotations

from edgeprofiler.prediction.uncertainty.fitted import DECADES, fitted
from edgeprofiler.reading.read import read


def test_every_layer_of_a_fitted_network_is_near_a_fitted_layer() -> None:
    far, _ = fitted().unlike(read("zoo:resnet50").columns)
    assert len(far) == 0
    assert 0 < DECADES <= 2
