"""The script that writes how wide intervals must be."""

from __future__ import annotations

import sys

from paths import SCRIPTS

from edgeprofiler.reading.read import read

sys.path.insert(0, str(SCRIPTS))
from fit_intervals import representative


def test_representatives_are_few_and_named() -> None:
    network = read("zoo:resnet18")
    table = representative([("resnet18", network.layers, network.columns)])
    sizes = {len(column) for column in table.values()}
    assert len(sizes) == 1
    assert 0 < sizes.pop() < len(network)
    assert all(name.endswith("of resnet18") for name in table["names"])
