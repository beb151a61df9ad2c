"""From what a user names to a profile."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.prediction.predict import answer, answers, predict, predict_many
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.prediction.question import FILED, Question, Questions
from edgeprofiler.reading.read import front_end_for, input_shapes, read, read_graph, read_model
from edgeprofiler.reading.zoo import zoo_graph


def test_a_graph_a_network_and_a_name_give_the_same_profile() -> None:
    by_name = predict("zoo:resnet18", "jetson-orin-nano")
    by_graph = predict(zoo_graph("resnet18"), "jetson-orin-nano")
    by_network = predict(read("zoo:resnet18"), "jetson-orin-nano")
    assert by_name.totals == by_graph.totals == by_network.totals


@pytest.mark.parametrize("name", ["lenet", "resnet18", "mobilenet_v2", "vgg16"])
@pytest.mark.parametrize("runtime", ["trtexec", "torch-tensorrt"])
def test_parts_sum_to_the_totals(name: str, runtime: str) -> None:
    """Energies of layers, fixed part and host gap sum to the energy of an inference."""
    profile = predict(f"zoo:{name}", "jetson-orin-nano", runtime=runtime)
    totals = profile.totals
    energy = np.nansum(profile.costs.energy_j) + profile.fixed.energy_j + profile.host_gap.energy_j
    time = np.nansum(profile.costs.runtime_s) + profile.fixed.runtime_s + profile.host_gap.runtime_s
    assert energy == pytest.approx(totals.energy_j.value, rel=1e-9)
    assert time == pytest.approx(totals.end_to_end_s.value, rel=1e-9)
    assert totals.power_w.value == pytest.approx(energy / time, rel=1e-9)
    for estimate in (totals.runtime_s, totals.energy_j, totals.power_above_idle_w):
        assert 0 < estimate.low < estimate.value < estimate.high


def test_many_at_once_are_what_each_is_alone() -> None:
    networks = [read(f"zoo:{name}") for name in ("lenet", "alexnet", "squeezenet1_1")]
    together = predict_many(networks, "jetson-tx2")
    assert len(together) == 3
    for network, profile in zip(networks, together, strict=True):
        assert profile == predict(network, "jetson-tx2")


def test_a_predictor_answers_for_its_own_board_whatever_it_builds_by_itself(
    tmp_path: Path,
) -> None:
    """Neither the precision that it was trained in nor the way to a board's file is the board."""
    (tmp_path / "mine.toml").write_text('base = "jetson-orin-nano"\nname = "mine"\n')
    (tmp_path / "there").mkdir()
    board, again = tmp_path / "mine.toml", tmp_path / "there" / ".." / "mine.toml"
    predictor = RooflinePredictor(replace(load_device(board), precision="fp32"))
    for way in (board, again, load_device(again)):
        profile = predict("zoo:lenet", way, predictor=predictor)
        assert profile.network.precision == "fp32"
    with pytest.raises(UsageError, match="answers for mine@"):
        predict("zoo:lenet", "jetson-orin-nano", predictor=predictor)


def test_a_wider_confidence_is_a_wider_interval() -> None:
    narrow = predict("zoo:resnet18", "jetson-orin-nano", confidence=0.5).totals.energy_j
    wide = predict("zoo:resnet18", "jetson-orin-nano", confidence=0.95).totals.energy_j
    assert wide.low < narrow.low < narrow.high < wide.high


def test_torch_tensorrt_keeps_relu6_apart() -> None:
    """Its engines run ReLU6 as a kernel of its own, so MobileNetV2 has more layers there."""
    plain, apart = read("zoo:mobilenet_v2"), read("zoo:mobilenet_v2", runtime="torch-tensorrt")
    assert len(apart) > len(plain)
    assert apart.macs == plain.macs


def test_what_a_network_cannot_change() -> None:
    network = read("zoo:lenet")
    with pytest.raises(Unsupported, match="one batch and shape"):
        read_model(network, batch=2)
    with pytest.raises(Unsupported, match="precision of a built engine is fixed"):
        read(network, precision="int8")
    with pytest.raises(Unsupported, match="cannot be changed"):
        read_graph(network)
    with pytest.raises(Unsupported, match="resolution of a built engine"):
        input_shapes(network, 224)


def test_a_graph_can_change_batch_and_shape() -> None:
    graph = zoo_graph("resnet18")
    assert read(graph, batch=4).batch == 4
    assert read(graph, shapes={"": (2, 3, 160, 160)}).layers[1].output_shapes[0] == (2, 64, 80, 80)


def test_a_batch_does_the_work_of_its_images() -> None:
    one, eight = read("zoo:mobilenet_v2"), read("zoo:mobilenet_v2", batch=8)
    assert eight.macs == 8 * one.macs
    single = predict(one, "jetson-orin-nano").totals
    batch = predict(eight, "jetson-orin-nano").totals
    assert single.runtime_s.value < batch.runtime_s.value < 8 * single.runtime_s.value


def test_unknown_sources_are_said(tmp_path: Path) -> None:
    odd = tmp_path / "model.txt"
    odd.write_text("not a model")
    with pytest.raises(InvalidInput, match="not a model that any front end knows"):
        front_end_for(odd)
    with pytest.raises(InvalidInput, match=r"no such file.* write zoo:resnet18 "):
        front_end_for("resnet18")
    with pytest.raises(InvalidInput, match="no such file"):
        read(tmp_path / "missing")
    with pytest.raises(InvalidInput, match="no such file"):
        read(tmp_path / "missing.onnx")
    assert front_end_for(odd, "onnx").name == "onnx"
    with pytest.raises(InvalidInput, match=r"it has .*resnet18.*mobilenet_v2"):
        read("zoo:qqqqqq")


def test_json_that_is_broken_says_where(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"a": [true, 2}')
    with pytest.raises(InvalidInput, match=r"broken\.json: is not JSON \(line 1, column 15"):
        read(broken)


def test_a_saved_profile_is_no_model(tmp_path: Path) -> None:
    from edgeprofiler.core.profile.document import write_profile

    write_profile(predict("zoo:lenet"), tmp_path / "lenet.json")
    with pytest.raises(InvalidInput, match="is a saved profile, no model"):
        read(tmp_path / "lenet.json")


def test_a_confidence_outside_0_and_1_is_refused() -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        predict("zoo:lenet", confidence=1.0)


def test_a_saved_profile_is_taken_as_it_is(tmp_path: Path) -> None:
    from edgeprofiler.core.profile.document import write_profile

    profile = predict("zoo:lenet", load_device("jetson-nano@5w", "cpp"))
    path = tmp_path / "lenet.json"
    write_profile(profile, path)
    assert answer(Question(path)).profile == profile
    with pytest.raises(UsageError, match="is a saved profile"):
        answer(Question(path, "jetson-tx2"))


def test_an_address_of_the_zoo_may_name_the_number_of_classes() -> None:
    """`zoo:resnet18?classes=10` ends in ten outputs, and costs less than a thousand."""
    few, many = read("zoo:resnet18?classes=10"), read("zoo:resnet18")
    assert few.layers[-1].output_shapes[0][-1] == 10
    assert sum(few.columns.weight_bytes) < sum(many.columns.weight_bytes)
    for wrong in ("classes=0", "classes=ten", "size=3"):
        with pytest.raises(InvalidInput):
            read(f"zoo:resnet18?{wrong}")


def test_torch_tensorrt_says_that_its_two_host_gaps_disagree() -> None:
    """The gap that explains power and the gap of latency are two numbers, and both are told."""
    told = predict("zoo:mobilenet_v2", "jetson-orin-nano", runtime="torch-tensorrt").warnings
    assert sum("two host gaps" in warning for warning in told) == 1
    quiet = predict("zoo:mobilenet_v2", "jetson-orin-nano").warnings
    assert not any("two host gaps" in warning for warning in quiet)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"device": "jetson-tx2"}, "answers for jetson-nano@maxn called by trtexec"),
        ({"device": "jetson-nano@5w"}, "not for jetson-nano@5w"),
        ({"runtime": "cpp"}, "called by cpp"),
        ({"confidence": 0.5}, "cover 0.9, not 0.5"),
    ],
)
def test_nothing_is_asked_of_a_predictor_that_it_does_not_answer(asked: dict, words: str) -> None:
    """`predict(device=..., confidence=..., predictor=<object>)` once ignored both."""
    given = RooflinePredictor(load_device("jetson-nano"))
    with pytest.raises(UsageError, match=words):
        predict("zoo:lenet", predictor=given, **asked)


def test_a_predictor_that_is_handed_over_answers_for_its_own_device_and_coverage() -> None:
    given = RooflinePredictor(load_device("jetson-nano@5w", "cpp"), confidence=0.5)
    plain = predict("zoo:lenet", predictor=given)
    assert (plain.device.mode, plain.device.runtime, plain.confidence) == ("5w", "cpp", 0.5)
    same = predict("zoo:lenet", "jetson-nano@5w", runtime="cpp", confidence=0.5, predictor=given)
    assert same == plain
    assert predict("zoo:lenet", "jetson-nano@5w", predictor=given) == plain
    assert predict("zoo:lenet", load_device("jetson-nano@5w", "cpp"), predictor=given) == plain


MODELS = {
    "graph": lambda: zoo_graph("squeezenet1_1"),
    "network": lambda: read("zoo:squeezenet1_1"),
    "name": lambda: "zoo:squeezenet1_1",
}
ASKED = {
    "device": "jetson-nano", "runtime": "cpp", "precision": "int8", "batch": 3, "resolution": 128,
    "shapes": {"": (1, 3, 128, 128)}, "front_end": "nothing", "rate": 10.0, "confidence": 0.5,
    "trips": 5, "predictor": RooflinePredictor(load_device("jetson-tx2")), "tensorrt": "8.4",
    "cuda_graph": True, "idle_power_w": 2.5,
}  # fmt: skip


@pytest.mark.parametrize("field", FILED)
@pytest.mark.parametrize("kind", MODELS)
def test_what_is_asked_changes_the_answer_or_is_refused(kind: str, field: str) -> None:
    model = MODELS[kind]()
    built = {"precision", "batch", "resolution", "shapes", "tensorrt"}
    fixed = built if kind == "network" else set()
    if field in fixed | {"front_end", "trips"}:
        with pytest.raises((UsageError, Unsupported)):
            predict(model, **{field: ASKED[field]})
    else:
        assert predict(model, **{field: ASKED[field]}) != predict(model)


def test_a_profile_answers_for_itself_alone() -> None:
    profile = predict("zoo:lenet", "jetson-nano")
    assert answer(Question(profile)).profile is profile
    assert answer(Question(profile, rate=10.0)).profile == replace(profile, rate_hz=10.0)
    for field, value in ASKED.items():
        if field == "rate":  # which changes nothing that was found
            continue
        with pytest.raises(UsageError, match=f"lenet is a saved profile.* `{field}` belong"):
            answer(Question(profile, **{field: value}))
    with pytest.raises(UsageError, match="is a profile, and no model"):
        predict(profile)  # type: ignore[arg-type]


def test_among_models_a_saved_profile_is_taken_once_as_it_is() -> None:
    profile = predict("zoo:lenet", "jetson-nano")
    found = answers(Questions.of(profile, "zoo:lenet", device=["jetson-tx2", "jetson-nano"]))
    assert [one.profile.device.name for one in found] == [
        "jetson-nano", "jetson-tx2", "jetson-nano",
    ]  # fmt: skip
    assert [one.device is None for one in found] == [True, False, False]
    assert found[2].label == "lenet, jetson-nano@maxn, fp16, batch 1"
    with pytest.raises(UsageError, match="stays as it is"):
        answers(Questions.of(profile, profile, batch=2))


def test_an_unknown_host_is_refused_where_layers_are_read_too() -> None:
    with pytest.raises(UsageError, match="no host runtime 'tflite'"):
        read("zoo:lenet", runtime="tflite")


def test_a_resolution_is_that_of_image_inputs() -> None:
    assert read("zoo:lenet", resolution=40, batch=2).layers[0].input_shapes[0] == (2, 1, 40, 40)
    with pytest.raises(UsageError, match="not both"):
        read("zoo:lenet", resolution=40, shapes={"": (1, 1, 32, 32)})
    with pytest.raises(UsageError, match="`front_end` reads files"):
        read(zoo_graph("lenet"), front_end="zoo")


@pytest.mark.parametrize(
    ("mode", "clocks"),
    [
        ("jetson-agx-orin@30w", "gpu=612MHz,emc=3199MHz,cpu=1.728GHz,cores=8,sms=8"),
        ("jetson-agx-orin@maxn", "gpu=1300.5MHz,emc=3199MHz,cpu=2.2016GHz,cores=12,sms=16"),
        ("jetson-orin-nano@7w", "gpu=408MHz,emc=2.133GHz,cpu=960MHz,cores=4,sms=4"),
    ],
)
def test_a_named_mode_and_the_same_clocks_written_out_give_one_answer(
    mode: str, clocks: str
) -> None:
    board = mode.partition("@")[0]
    assert predict("zoo:resnet18", f"{board}@{clocks}") == predict("zoo:resnet18", mode)


def test_clocks_between_two_modes_are_predicted_between_them() -> None:
    slow, between, fast = (
        predict("zoo:resnet50", f"jetson-agx-orin@{mode}").totals.runtime_s.value
        for mode in ("30w", "30w,gpu=816MHz", "maxn")
    )
    assert fast < between < slow
