"""Advice meets its budget on a network that exists, or says that it cannot."""

import math
from pathlib import Path

import pytest

from edgeprofiler.core.errors import UsageError
from edgeprofiler.decision.advise import (
    RISK,
    Options,
    Plan,
    State,
    Target,
    advise,
    plan_for,
    single_changes,
)
from edgeprofiler.decision.advise.document import mask_document, plan_document
from edgeprofiler.prediction.predict import predict, predictor_for
from edgeprofiler.reading.read import read_graph
from edgeprofiler.reading.zoo import zoo_graph

STRUCTURE = tuple(kind for kind in RISK if kind not in ("batch", "mode", "precision"))


def _state(name: str) -> State:
    return State(zoo_graph(name), "fp16", predictor_for("jetson-orin-nano"))


def _through_onnx(plan: Plan, folder: Path) -> tuple[float, float]:
    """Energy and time of the plan's network, written as ONNX, read back and predicted afresh."""
    from edgeprofiler.measurement.runners._onnx_model import model_of

    last = plan.steps[-1].state
    path = folder / "changed.onnx"
    path.write_bytes(model_of(last.graph).SerializeToString())
    profile = predict(str(path), last.device, precision=last.precision)
    totals = profile.totals
    return totals.energy_j.value / profile.network.batch, totals.end_to_end_s.value


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.8, 0.5, 0.4])
@pytest.mark.parametrize("name", ["vgg16", "resnet50", "mobilenet_v2"])
@pytest.mark.parametrize("kinds", [tuple(RISK), STRUCTURE], ids=["all", "structure"])
def test_the_advised_network_built_afresh_costs_what_was_said(
    name: str, share: float, kinds: tuple[str, ...], tmp_path: Path
) -> None:
    pytest.importorskip("onnx")
    state = _state(name)
    before = state.cost()
    plan = plan_for(state, Target(energy_j=share * before.energy_j), Options(kinds=kinds))
    assert plan.reached
    assert plan.after.energy_j <= share * before.energy_j
    energy, latency = _through_onnx(plan, tmp_path)
    assert energy == pytest.approx(plan.after.energy_j, rel=0.01)
    assert latency == pytest.approx(plan.after.latency_s, rel=0.01)


def test_each_step_stands_on_those_before() -> None:
    state = _state("mobilenet_v2")
    before = state.cost()
    plan = plan_for(state, Target(energy_j=0.4 * before.energy_j), Options(kinds=STRUCTURE))
    saved = sum(step.saved_j.value for step in plan.steps)
    assert saved == pytest.approx(before.energy_j - plan.after.energy_j, rel=1e-9)
    for step in plan.steps:
        assert step.saved_j.low <= step.saved_j.value <= step.saved_j.high


def test_a_latency_budget_is_never_met_by_a_larger_batch() -> None:
    state = _state("resnet18")
    before = state.cost()
    plan = plan_for(state, Target(latency_s=0.7 * before.latency_s))
    assert plan.reached
    assert all(step.kind != "batch" for step in plan.steps)


def test_a_budget_that_holds_needs_no_change() -> None:
    plan = plan_for(_state("lenet"), Target(energy_j=1.0))
    assert plan.reached
    assert plan.steps == ()
    assert plan.graph is None


def test_an_unreachable_budget_is_said_and_networks_keep_their_floor() -> None:
    state = _state("mobilenet_v2")
    plan = plan_for(state, Target(energy_j=1e-9), Options(kinds=("prune", "resolution")))
    assert not plan.reached
    for kept, total in plan.kept_channels.values():
        assert kept >= 0.25 * total
    assert plan.graph is not None
    assert plan.graph.tensors[plan.graph.inputs[0]].shape[2] >= 112


@pytest.mark.parametrize("budget", [Target(), Target(energy_j=0.0), Target(latency_s=math.inf)])
def test_a_budget_that_is_none_is_refused(budget: Target) -> None:
    with pytest.raises(UsageError, match="budget"):
        plan_for(_state("lenet"), budget)


def test_single_changes_are_ranked_by_energy_saved() -> None:
    changes = single_changes(_state("resnet18")).changes
    values = [change.saved_j.value for change in changes]
    assert values == sorted(values, reverse=True)
    assert {"prune", "resolution", "precision", "batch"} <= {change.kind for change in changes}
    assert all(change.saved_j.value > 0 or change.saved_s > 0 for change in changes)


def test_a_mask_keeps_as_many_channels_as_the_plan_says() -> None:
    state = _state("resnet18")
    before = state.cost()
    plan = plan_for(state, Target(energy_j=0.7 * before.energy_j), Options(kinds=("prune",)))
    document = mask_document(plan, "zoo:resnet18")
    assert plan.graph is not None
    filters = {node.name: node.inputs[1] for node in plan.graph.nodes if node.op == "Conv"}
    assert document["masks"]
    for name, mask in document["masks"].items():
        assert sum(mask) == plan.graph.tensors[filters[name]].shape[0]
        assert len(mask) == state.graph.tensors[f"{name}.weight"].shape[0]
    assert plan_document("zoo:resnet18", before, [], plan)["plan"]["reached"]


def test_a_saving_by_a_batch_that_was_never_measured_is_known_less_well() -> None:
    """Pruning is off by the factor that the network is; so is int8, which was measured."""
    by_kind = {change.kind: change for change in single_changes(_state("resnet18")).changes}
    relative = {
        kind: (by_kind[kind].saved_j.high - by_kind[kind].saved_j.low) / by_kind[kind].saved_j.value
        for kind in ("prune", "precision", "batch")
    }
    assert relative["precision"] < 1.3 * relative["prune"]
    assert relative["batch"] > 1.3 * relative["prune"]


@pytest.mark.shared
def test_a_detector_whose_batch_is_fixed_is_advised_on_for_the_rest(shared: Path) -> None:
    graph = read_graph(shared / "inputs/graphs/yolov8n_160.json")
    state = State(graph, "fp16", predictor_for("jetson-orin-nano"))
    kinds = {change.kind for change in single_changes(state).changes}
    assert {"prune", "precision", "mode"} <= kinds
    assert "batch" not in kinds


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"only": ["magic"]}, "no kind of change 'magic'"),
        ({"only": ["prune"], "without": ["prune"]}, "leave no kind"),
        ({"budget_j": 1.0, "budget_percent": 50.0}, "not both"),
        ({"only": ["batch"], "layers": ["fc1"]}, "`layers` are pruned"),
        ({"only": ["batch"], "align": 8}, "`align` is of channels"),
        ({"align": 0}, "between 1 and 256"),
        ({"budget_j": 0.0}, "above zero"),
    ],
)
def test_what_means_nothing_together_is_refused(asked: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        advise("zoo:lenet", **asked)


def test_advice_is_a_ranking_and_with_a_budget_a_plan() -> None:
    ranked = advise("zoo:lenet", "jetson-nano", only=["batch", "precision"])
    assert ranked.plan is None
    assert {change.kind for change in ranked.singles} <= {"batch", "precision"}
    with pytest.raises(UsageError, match="`mask` needs a budget"):
        ranked.mask()
    planned = advise("zoo:lenet", "jetson-nano", only=["prune"], budget_percent=90)
    assert planned.plan is not None
    assert planned.plan.budget.energy_j == pytest.approx(0.9 * planned.before.energy_j)
    assert planned.document()["model"] == planned.mask()["model"] == "zoo:lenet"


def test_no_change_breaks_the_latency_to_save_energy() -> None:
    """Batch 16 met an energy budget at five times the latency."""
    found = advise("zoo:resnet18", "jetson-orin-nano", only=["batch"], budget_percent=90)
    assert found.plan is not None
    assert (found.plan.reached, found.plan.steps, found.singles) == (False, (), ())
    assert {change.kind for change in found.too_slow} == {"batch"}
    assert all(change.cost.latency_s > found.before.latency_s for change in found.too_slow)
    allowed = 3 * found.before.latency_s
    more = advise(
        "zoo:resnet18", "jetson-orin-nano", only=["batch"], budget_percent=90, max_latency_s=allowed
    )
    assert more.plan is not None
    assert more.plan.reached
    assert all(step.cost.latency_s <= allowed for step in more.plan.steps)


def test_watts_and_images_a_second_are_limits_and_what_reaches_them_alone_comes_first() -> None:
    now = predict("zoo:resnet50", "jetson-orin-nano", rate="30/s")
    assert now.at_rate is not None
    most = now.idle_power_w + 0.7 * (now.at_rate.power_w.value - now.idle_power_w)
    found = advise("zoo:resnet50", "jetson-orin-nano", rate="30/s", max_power_w=most)
    assert found.plan is not None
    assert found.plan.reached
    assert found.plan.after.power_w <= most
    assert found.plan.after.latency_s <= found.before.latency_s
    reaching = [change.reaches for change in found.singles]
    assert reaching == sorted(reaching, reverse=True)
    assert any(reaching)
    for change in found.singles:
        assert change.reaches == (change.cost.power_w <= most)
    speed = 1.5 / now.totals.end_to_end_s.value
    faster = advise("zoo:resnet50", "jetson-orin-nano", min_fps=speed)
    assert faster.plan is not None
    assert faster.plan.reached
    assert faster.document()["plan"]["after"]["images_hz"] >= speed
