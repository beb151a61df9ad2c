"""A budget fails when the interval says so, or always when strict."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.profile import Costs, Part, Profile
from edgeprofiler.decision.check import Budget, check, judge, read_budget, require_asked
from edgeprofiler.decision.summary import to_document, to_junit, to_markdown
from edgeprofiler.prediction.predict import predict
from edgeprofiler.reading.graphs.change import with_constant_shapes
from edgeprofiler.reading.zoo import zoo_graph


@pytest.fixture(scope="module")
def vgg() -> Profile:
    return predict("zoo:vgg16", "jetson-orin-nano")


def _budget(limits: dict[str, float], **change: float) -> Budget:
    return Budget("budget.toml", limits, change)


def test_a_limit_inside_the_interval_decides_nothing_unless_the_value_counts(
    vgg: Profile,
) -> None:
    energy = vgg.totals.energy_j
    budget = _budget({"energy_mj": 1e3 * (energy.low + energy.value) / 2})
    assert judge(vgg, budget).verdict == "undecided"
    assert judge(vgg, budget).passed
    assert judge(vgg, budget, rule="strict").verdict == "exceeded"
    assert not judge(vgg, budget, rule="sure").passed


def test_a_limit_outside_the_interval_is_decided(vgg: Profile) -> None:
    energy = vgg.totals.energy_j
    assert judge(vgg, _budget({"energy_mj": 999 * energy.low})).verdict == "exceeded"
    assert judge(vgg, _budget({"energy_mj": 1001 * energy.high})).verdict == "held"


def test_value_and_whole_interval_cannot_both_decide(vgg: Profile) -> None:
    with pytest.raises(UsageError, match="give `strict` or `sure`, not both"):
        check(vgg, budget=_budget({"energy_mj": 1.0}), strict=True, sure=True)


def _widened() -> Profile:
    """VGG-16 with its third convolution of twice the channels, and what reads them."""
    graph = zoo_graph("vgg16")
    convolutions = [node for node in graph.nodes if node.op == "Conv"]
    third, fourth = convolutions[2], convolutions[3]
    shapes = {}
    for name in third.inputs[1:]:
        shape = graph.tensors[name].shape
        shapes[name] = (2 * shape[0], *shape[1:])
    weight = graph.tensors[fourth.inputs[1]].shape
    shapes[fourth.inputs[1]] = (weight[0], 2 * weight[1], *weight[2:])
    return predict(with_constant_shapes(graph, shapes), "jetson-orin-nano")


def test_widening_a_layer_fails_with_the_layer_named(vgg: Profile) -> None:
    wide = _widened()
    found = judge(wide, _budget({}, energy_percent=2), vgg)
    assert [finding.verdict for finding in found.findings] == ["over"]
    assert found.comparison is not None
    changed = [c.name for c in found.comparison.largest()]
    summary = to_markdown(found)
    assert "exceeded" in summary
    assert changed[0] in summary
    third = [layer.name for layer in wide.network.layers if layer.kind == "convolutional"][2]
    assert third in changed


def test_renaming_every_layer_passes(vgg: Profile) -> None:
    layers = tuple(replace(layer, name=f"x.{layer.name}") for layer in vgg.network.layers)
    renamed = replace(vgg, network=replace(vgg.network, layers=layers))
    found = judge(renamed, _budget({}, energy_percent=0, latency_percent=0), vgg)
    assert [finding.verdict for finding in found.findings] == ["under", "under"]
    assert "No layer's cost changed" in to_markdown(found)


def test_junit_has_a_case_a_limit_and_a_failure_for_each_exceeded_one(vgg: Profile) -> None:
    found = judge(vgg, _budget({"energy_mj": 1.0, "power_w": 100.0}))
    suite = ET.fromstring(to_junit(found))
    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "1"
    cases = suite.findall("testcase")
    assert [case.find("failure") is not None for case in cases] == [True, False]
    assert to_document(found)["passed"] is False


def test_a_name_cannot_break_out_of_the_summary(vgg: Profile) -> None:
    layers = tuple(
        replace(layer, name=f"`|\n</td>{i}") for i, layer in enumerate(vgg.network.layers)
    )
    odd = replace(vgg, network=replace(vgg.network, layers=layers))
    found = judge(odd, _budget({"energy_mj": 1.0}))
    for line in to_markdown(found).splitlines():
        assert line.count("`") % 2 == 0
    ET.fromstring(to_junit(found))


@pytest.mark.parametrize(
    ("change", "what"),
    [({"device": "jetson-nano"}, "device"), ({"batch": 2}, "batch"), ({"runtime": "cpp"}, "host")],
)
def test_a_baseline_for_something_else_is_refused(vgg: Profile, change: dict, what: str) -> None:
    options = {"device": "jetson-orin-nano"} | change
    other = predict("zoo:vgg16", **options)
    with pytest.raises(InvalidInput, match=f"baseline: its {what}"):
        judge(vgg, _budget({"energy_mj": 1.0}), other)


def test_a_baseline_that_costs_nothing_is_refused(vgg: Profile) -> None:
    nothing = replace(
        vgg,
        network=replace(vgg.network, layers=()),
        costs=Costs(np.empty(0), np.empty(0), np.empty(0, dtype=np.bool_), (), ()),
        fixed=Part(0.0, 0.0),
        host_gap=Part(0.0, 0.0),
    )
    with pytest.raises(InvalidInput, match="knows no energy_j"):
        judge(vgg, _budget({}, energy_percent=2), nothing)


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"device": "jetson-nano"}, "device is"),
        ({"device": "jetson-orin-nano@25w"}, "device is"),
        ({"precision": "int8"}, "precision is"),
        ({"runtime": "cpp"}, "runtime is"),
        ({"batch": 4}, "batch is"),
        ({"resolution": 160}, "resolution is 160, the saved profile's 224"),
        ({"shapes": {"input": (1, 3, 160, 160)}}, "shapes is"),
        ({"front_end": "onnx"}, "front_end is"),
        ({"confidence": 0.5}, "confidence is"),
        ({"predictor": "mine"}, "predictor cannot be told"),
    ],
)
def test_a_saved_profile_of_something_else_is_not_judged(
    vgg: Profile, asked: dict, what: str
) -> None:
    budget = replace(_budget({"energy_mj": 1.0}), asked=asked)
    with pytest.raises(InvalidInput, match=f"its {what}"):
        require_asked(vgg, budget)


def test_a_saved_profile_of_what_the_budget_asks_is_judged(vgg: Profile) -> None:
    asked = {
        "device": "jetson-orin-nano", "runtime": "trtexec", "precision": "fp16", "batch": 1,
        "shapes": {"input": (1, 3, 224, 224)}, "front_end": "zoo", "confidence": 0.9,
    }  # fmt: skip
    require_asked(vgg, replace(_budget({"energy_mj": 1.0}), asked=asked))
    require_asked(vgg, replace(_budget({"energy_mj": 1.0}), asked={"resolution": 224}))


def test_a_budget_says_how_a_network_is_to_run_and_the_call_counts_before_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "budget.toml"
    path.write_text(
        'model = "zoo:lenet"\ndevice = "jetson-nano"\nprecision = "FP32"\nconfidence = 0.5\n'
        "[limits]\nenergy_mj = 50\n[shapes]\ninput = [2, 1, 32, 32]\n"
    )
    profile = check(budget=path, resolution=40).profile
    assert (profile.device.name, profile.network.precision) == ("jetson-nano", "fp32")
    assert profile.confidence == 0.5
    assert profile.network.layers[0].input_shapes[0] == (1, 1, 40, 40)
    assert check(budget=path, batch=3).profile.network.batch == 3


def test_a_change_needs_a_baseline(vgg: Profile) -> None:
    with pytest.raises(InvalidInput, match="give `baseline`"):
        judge(vgg, _budget({}, energy_percent=2))


def test_a_budget_file(tmp_path: Path) -> None:
    path = tmp_path / "budget.toml"
    path.write_text(
        'model = "zoo:vgg16"\ndevice = "jetson-nano"\nbatch = 2\n'
        "[limits]\nenergy_mj = 50\n[change]\nlatency_percent = 2.5\n"
        "[shapes]\ninput = [2, 3, 224, 224]\n"
    )
    budget = read_budget(path)
    assert budget.limits == {"energy_mj": 50}
    assert budget.changes == {"latency_percent": 2.5}
    assert budget.model == "zoo:vgg16"
    asked = {"device": "jetson-nano", "batch": 2, "shapes": {"input": (2, 3, 224, 224)}}
    assert budget.asked == asked


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("batch = 1", "sets no limit"),
        ('duty = "often"\n[limits]\npower_w = 1', "is no duty"),
        ("[limits]\nenergy = 1", "limits has an unknown key 'energy'"),
        ("[limits]\nenergy_mj = -1", "limits.energy_mj is -1.0, below 0"),
        ("[limits]\nenergy_mj = nan", "not a finite number"),
        ("[limits]\nenergy_mj = true", "is True, where a number"),
        ("limits = 3", "limits is 3, where a table"),
        ("colour = 3", "unknown key 'colour'"),
        ("batch = 0\n[limits]\npower_w = 1", "batch: 0 is no whole number"),
        ("model = 3\n[limits]\npower_w = 1", "model is 3, where a text"),
        ("[limits]\npower_w = 1\n[shapes]\nx = [0]", "dimensions are from 1 up"),
    ],
)
def test_a_bad_budget_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "budget.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        read_budget(path)


@given(st.text(max_size=100))
def test_no_text_makes_a_budget_crash(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("budget") / "budget.toml"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(InvalidInput):
        read_budget(path)


def test_a_baseline_of_the_same_clocks_by_another_name_is_one() -> None:
    def of(spec: str) -> Profile:
        return predict("zoo:lenet", f"jetson-agx-orin@{spec}")

    ours, same = of("30w,gpu=816MHz"), of("50w,cpu=1.728GHz,cores=8,sms=8")
    assert ours.device.mode != same.device.mode
    assert judge(ours, _budget({}, energy_percent=2), same).passed
    with pytest.raises(InvalidInput, match="its power mode is 30w, not 30w,gpu=816MHz"):
        judge(ours, _budget({}, energy_percent=2), of("30w"))


def test_a_rate_must_be_kept_up_with_and_limits_the_power_at_it(tmp_path: Path) -> None:
    path = tmp_path / "budget.toml"
    path.write_text(
        'model = "zoo:lenet"\ndevice = "jetson-nano"\nrate = "30/s"\n'
        'duty = "12h/day"\nbattery = "50Wh"\n'
        "[limits]\npower_at_rate_w = 5\nfps = 30\nbusy_percent = 50\nbattery_life_h = 5\n"
    )
    found = check(budget=path)
    assert {f.name: f.held for f in found.findings} == dict.fromkeys(
        ("rate_fps", "power_at_rate_w", "fps", "busy_percent", "battery_life_h"), True
    )
    there = found.profile.at_rate
    assert there is not None
    by_name = {f.name: f.estimate for f in found.findings}
    assert by_name["power_at_rate_w"].value == pytest.approx(there.power_w.value)
    assert by_name["battery_life_h"].value == pytest.approx(50 / (there.power_w.value / 2))
    fast = check(budget=path, rate="1e6/s")
    assert fast.verdict == "exceeded"
    assert (fast.findings[0].name, fast.findings[0].verdict) == ("rate_fps", "under")
    assert check(fast.profile, budget=path).findings[0].limit == 30


@pytest.mark.parametrize(
    ("limit", "message"),
    [("power_at_rate_w", "give `rate`"), ("battery_life_h", "needs a battery")],
)
def test_a_limit_without_what_it_is_of_is_refused(vgg: Profile, limit: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        judge(vgg, _budget({limit: 1.0}))
