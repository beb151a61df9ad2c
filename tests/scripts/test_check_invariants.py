"""The script that goes through the zoo: it finds nothing, and finds what there is."""

from __future__ import annotations

import sys

import pytest
from paths import SCRIPTS

from edgeprofiler.core.device import load_device

sys.path.insert(0, str(SCRIPTS))
import check_invariants
from check_invariants import Zoos, bounds, clocks, order

NETWORKS = ("lenet", "shufflenet_v2_x0_5", "resnet18")


@pytest.mark.parametrize("spec", ["jetson-agx-thor", "jetson-agx-xavier@10w", "jetson-nano@5w"])
def test_the_smallest_networks_break_nothing(spec: str) -> None:
    zoos, device = Zoos(NETWORKS), load_device(spec)
    assert [*order(zoos, device), *bounds(zoos, device), *clocks(zoos, device)] == []


def test_what_breaks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_invariants, "ORDER", 0.1)
    monkeypatch.setattr(check_invariants, "SLACK", 0.1)
    zoos, device = Zoos(["lenet"]), load_device("jetson-orin-nano@7w")
    found = [*order(zoos, device), *bounds(zoos, device), *clocks(zoos, device)]
    for text in ("lenet batch 1: int8", "lenet fp16 16: ", "gpu="):
        assert any(text in line for line in found)
