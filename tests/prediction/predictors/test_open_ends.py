"""What is known only while a network runs, and what no rule knows, in its totals."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import model, node

from edgeprofiler import advise, compare, impact, predict, sweep
from edgeprofiler.core.profile import Profile, from_document, to_document
from edgeprofiler.decision.check import Budget, check

FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
SHAPE = (1, 16, 64, 64)
WEIGHTS = {"w": (16, 16, 3, 3), "zero": np.array(0.0, np.float32), "goes": np.array(True)}


def conv(source: str, result: str) -> Any:
    return node("Conv", f"{source} w", result, pads=[1, 1, 1, 1])


def chain(count: int, result: str) -> list[Any]:
    names = ["x", *(f"{result}{i}" for i in range(count - 1)), result]
    return [conv(before, after) for before, after in itertools.pairwise(names)]


def info(name: str, kind: int = FLOAT, shape: Any = None) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def plain(count: int) -> Any:
    return model([*chain(count, "y")], {"x": SHAPE}, ["y"], WEIGHTS)


def branching() -> Any:
    """One convolution or six, as the data say."""
    sides = [helper.make_graph(chain(n, f"b{n}"), "side", [], [info(f"b{n}")]) for n in (1, 6)]
    nodes = [
        node("ReduceMax", "x", "top", keepdims=0),
        node("Greater", "top zero", "c"),
        node("If", "c", "y", then_branch=sides[0], else_branch=sides[1]),
    ]
    return model(nodes, {"x": SHAPE}, ["y"], WEIGHTS)


def endless() -> Any:
    """A convolution again and again, until the data say no."""
    inside = helper.make_graph(
        [conv("before", "after"), node("ReduceMax", "after", "top", keepdims=0),
         node("Greater", "top zero", "still")],
        "body", [info("i", INT, []), info("on", BOOL, []), info("before")],
        [info("still", BOOL, []), info("after")],
    )  # fmt: skip
    return model([node("Loop", "- goes x", "y", body=inside)], {"x": SHAPE}, ["y"], WEIGHTS)


def foreign() -> Any:
    """A convolution, and an operator that nobody knows."""
    nodes = [conv("x", "m"), node("Strange", "m", "y", domain="acme")]
    return model(nodes, {"x": SHAPE}, ["y"], WEIGHTS, domains=["acme"], value_info={"y": SHAPE})


def predicted(tmp_path: Path, built: Any, **asked: Any) -> Profile:
    path = tmp_path / "net.onnx"
    onnx.save(built, path)
    return predict(path, "jetson-orin-nano", **asked)


def test_a_branch_counts_as_its_larger_side_and_opens_down_to_the_smaller(tmp_path: Path) -> None:
    small, large = (predicted(tmp_path, plain(n)).totals.runtime_s for n in (1, 6))
    found = predicted(tmp_path, branching()).totals.runtime_s
    assert found.value > large.value  # the condition is worked out too
    assert found.high >= large.high
    assert small.low < found.low < large.low


def test_a_loop_without_an_end_is_open_upward_until_its_runs_are_said(tmp_path: Path) -> None:
    profile = predicted(tmp_path, endless())
    assert math.isnan(profile.totals.runtime_s.high)
    assert profile.totals.runtime_s.low > 0
    assert any("`trips`" in text for text in profile.warnings)
    document = to_document(profile)
    assert document["totals"]["energy_j_high"] is None
    assert from_document(document).totals == profile.totals
    said = predicted(tmp_path, endless(), trips=20)
    assert said.totals.runtime_s.high > said.totals.runtime_s.value
    assert said.totals.runtime_s.value > 5 * profile.totals.runtime_s.low


def test_what_no_rule_knows_opens_the_interval_to_at_least_its_bytes(tmp_path: Path) -> None:
    profile = predicted(tmp_path, foreign())
    totals = profile.totals
    assert profile.uncounted == 1
    assert math.isnan(profile.covered_macs)
    assert to_document(profile)["coverage"]["macs"] is None
    for name in ("runtime_s", "end_to_end_s", "energy_j", "power_w"):
        assert math.isnan(getattr(totals, name).high), name
    assert totals.runtime_s.low >= profile.time_lower_bound_s > 0


@pytest.mark.parametrize("build", [endless, foreign])
def test_no_budget_is_kept_for_sure_by_what_is_open(tmp_path: Path, build: Any) -> None:
    profile = predicted(tmp_path, build())
    budget = Budget("b", {"energy_mj": 1e6, "latency_ms": 1e6})
    for rule in ({}, {"strict": True}, {"sure": True}):
        checked = check(profile, budget=budget, **rule)
        assert {finding.verdict for finding in checked.findings} == {"undecided"}, rule


@pytest.mark.parametrize("build", [endless, foreign, branching])
def test_a_sweep_is_as_open_as_a_prediction(tmp_path: Path, build: Any) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(build(), path)
    found = sweep(path, device="jetson-orin-nano", batch=[1])
    totals = predict(path, "jetson-orin-nano").totals
    assert found.energy_j_high[0] == pytest.approx(totals.energy_j.high, nan_ok=True)
    assert found.power_w_low[0] == pytest.approx(totals.power_w.low)


@pytest.mark.parametrize("build", [endless, foreign])
def test_the_doubt_stands_in_whatever_is_made_of_it(tmp_path: Path, build: Any) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(build(), path)
    told = predict(path, "jetson-orin-nano").network.warnings[0]
    for made in (
        compare(path, path, device="jetson-orin-nano"),
        sweep(path, device="jetson-orin-nano"),
        impact(path, "jetson-orin-nano", rate="1/s"),
        advise(path, "jetson-orin-nano"),
    ):
        assert told in str(made.document()), type(made)
