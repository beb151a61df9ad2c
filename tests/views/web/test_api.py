"""The API answers with the command line's numbers and words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from edgeprofiler import predict
from edgeprofiler.core.profile.document import from_document, to_document
from edgeprofiler.views.web import Settings, create_app

RESNET = {"model": "zoo:resnet18", "device": "jetson-orin-nano", "precision": "fp16"}


def test_a_prediction_is_the_document_that_predict_writes(client: TestClient) -> None:
    answer = client.post("/api/v1/predict", json=RESNET)
    assert answer.status_code == 200
    expected = to_document(predict("zoo:resnet18", "jetson-orin-nano", precision="fp16"))
    assert answer.json() == json.loads(json.dumps(expected))
    assert from_document(answer.json()).network.name == "resnet18"


def test_the_address_without_a_version_is_the_newest(client: TestClient) -> None:
    first = client.post("/api/v1/predict", json=RESNET)
    assert client.post("/api/predict", json=RESNET).json() == first.json()


def test_totals_leave_the_layers_out(client: TestClient) -> None:
    whole = client.post("/api/v1/predict", json=RESNET).json()
    totals = client.post("/api/v1/predict?detail=totals", json=RESNET).json()
    assert "layers" not in totals
    assert totals["totals"] == whole["totals"]


def test_device_mode_batch_and_resolution_count(client: TestClient) -> None:
    body = RESNET | {"device": "jetson-nano", "mode": "5w", "batch": 2, "resolution": 160}
    answer = client.post("/api/v1/predict", json=body | {"confidence": 0.5}).json()
    shapes = {"input": (2, 3, 160, 160)}
    profile = predict(
        "zoo:resnet18", "jetson-nano@5w", precision="fp16", shapes=shapes, confidence=0.5
    )
    assert answer["totals"] == json.loads(json.dumps(to_document(profile)["totals"]))
    assert answer["network"]["batch"] == 2


def test_a_mode_may_stand_with_the_device(client: TestClient) -> None:
    apart = client.post("/api/predict", json=RESNET | {"device": "jetson-orin-nano", "mode": "7w"})
    joined = client.post("/api/predict", json=RESNET | {"device": "jetson-orin-nano@7w"})
    assert apart.json() == joined.json()
    assert apart.json()["device"]["mode"] == "7w"


def test_clocks_are_asked_as_on_the_command_line(client: TestClient) -> None:
    body = RESNET | {"device": "jetson-agx-orin@30w", "clocks": "gpu=510MHz"}
    answer = client.post("/api/v1/predict", json=body).json()
    profile = predict("zoo:resnet18", "jetson-agx-orin@30w,gpu=510MHz")
    assert answer == json.loads(json.dumps(to_document(profile)))
    assert answer["device"]["mode"] == "30w,gpu=510MHz"
    assert answer["device"]["clocks"] == {
        "gpu_hz": 510e6, "emc_hz": 3199e6, "cpu_hz": 1.728e9, "cpu_cores": 8, "sms": 8,
    }  # fmt: skip
    odd = client.post("/api/v1/predict", json=RESNET | {"clocks": "gpu=9GHz"})
    assert odd.status_code == 400
    assert "it takes 306MHz to 1020MHz" in odd.text


def test_a_file_gives_the_numbers_of_the_command_line(
    client: TestClient, tiny: bytes, tmp_path: Path
) -> None:
    sent = client.post("/api/v1/models?name=tiny_cnn.onnx", content=tiny)
    assert sent.status_code == 201
    model = sent.json()["model"]
    answer = client.post("/api/v1/predict", json={"model": model, "device": "jetson-nano"}).json()
    path = tmp_path / "tiny_cnn.onnx"
    path.write_bytes(tiny)
    expected = json.loads(json.dumps(to_document(predict(path, "jetson-nano"))))
    assert answer["totals"] == expected["totals"]
    assert answer["layers"] == expected["layers"]
    assert answer["network"]["name"] == "tiny_cnn"
    smaller = {"model": model, "device": "jetson-nano", "resolution": 64}
    small = client.post("/api/v1/predict", json=smaller).json()
    assert small["totals"]["energy_j"] < answer["totals"]["energy_j"]


def test_a_forgotten_file_is_no_longer_known(client: TestClient, tiny: bytes) -> None:
    model = client.post("/api/models", content=tiny).json()["model"]
    assert client.delete(f"/api/v1/models/{model}").status_code == 204
    again = client.post("/api/predict", json={"model": model})
    assert again.status_code == 404
    assert "no such upload" in again.json()["error"]["message"]
    assert client.delete(f"/api/v1/models/{model}").status_code == 404


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "zoo:resnet19"}, "did you mean"),
        ({"model": "/etc/passwd"}, "paths are never opened"),
        ({"model": "zoo:../../../etc/passwd"}, "paths are never opened"),
        ({"model": "examples/tiny_cnn.onnx"}, "paths are never opened"),
        ({"device": "pi"}, "unknown device 'pi'"),
        ({"device": "../devices/x.toml"}, "unknown device"),
        ({"mode": "900w"}, "has no power mode '900w'"),
        ({"runtime": "tflite"}, "no host runtime 'tflite'"),
        ({"precision": "fp4"}, "no precision 'fp4'"),
        ({"model": "zoo:resnet18", "batch": 65536, "resolution": 65536}, "65536"),
        ({"model": "zoo:lenet", "resolution": 3}, "cannot run"),
    ],
)
def test_a_wrong_name_is_the_callers_error(
    client: TestClient, change: dict[str, object], words: str
) -> None:
    answer = client.post("/api/v1/predict", json=RESNET | change)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"batch": 0}, {"batch": "2"}, {"batch": 1.5}, {"batch": 10**30}, {"confidence": 1},
        {"confidence": "0.5"}, {"resolution": -1}, {"model": 5}, {"unknown": 1},
        {"model": "z" * 999},
    ],
)  # fmt: skip
def test_a_wrong_type_is_refused_before_anything_is_done(
    client: TestClient, change: dict[str, object]
) -> None:
    answer = client.post("/api/v1/predict", json=RESNET | change)
    assert answer.status_code == 422
    assert answer.json()["error"]["kind"] == "InvalidRequest"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"model": "\\ud800"}', b"[" * 60000,
        b'{"model": "zoo:resnet18", "confidence": NaN}',
        b'{"model": "zoo:resnet18", "confidence": 1e999}',
        b'{"model": "zoo:resnet18\\u0000"}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_request_is_a_4xx(client: TestClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/api/v1/predict", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["message"]


def test_two_choices_are_compared(client: TestClient) -> None:
    body = {"a": RESNET, "b": RESNET | {"precision": "fp32"}}
    document = client.post("/api/v1/compare", json=body).json()
    comparison = document["comparisons"][0]
    assert comparison["energy_verdict"] == "more"
    assert comparison["energy_j_difference"] > 0


def test_advice_is_the_document_of_advise(client: TestClient) -> None:
    body = {"model": "zoo:lenet", "budget_percent": 90, "kinds": ["batch", "precision"]}
    first = client.post("/api/v1/advise", json=body)
    assert first.status_code == 200
    document = first.json()
    assert document["schema"] == "edgeprofiler.advice/1"
    assert {c["kind"] for c in document["single_changes"]} <= {"batch", "precision"}
    assert document["plan"]["steps"]
    assert client.post("/api/v1/advise", json=body).json() == document
    wrong = client.post("/api/v1/advise", json={"model": "zoo:lenet", "kinds": ["magic"]})
    assert wrong.status_code == 400
    assert "no kind of change 'magic'" in wrong.json()["error"]["message"]


def test_options_name_everything(client: TestClient) -> None:
    options = client.get("/api/v1/options").json()
    assert "zoo:resnet18" in options["models"]
    orin = next(d for d in options["devices"] if d["name"] == "jetson-orin-nano")
    assert orin["clocks"]["gpu"] == [306e6, 1020e6]
    assert {"7w", "15w"} <= set(orin["modes"])
    assert options["precisions"] == ["fp32", "fp16", "int8"]


def test_unknown_addresses_and_methods_answer_in_json(client: TestClient) -> None:
    assert client.get("/api/v1/nothing").json()["error"]["message"] == "Not Found"
    assert client.get("/api/v1/predict").status_code == 405


def test_a_file_with_free_sizes_is_kept_and_says_what_it_needs(client: TestClient) -> None:
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    image = helper.make_tensor_value_info("image", 1, ["n", 3, "h", "w"])
    result = helper.make_tensor_value_info("result", 1, None)
    weight = helper.make_tensor("w", 1, [8, 3, 3, 3], [0.0] * 216)
    node = helper.make_node("Conv", ["image", "w"], ["result"], pads=[1, 1, 1, 1])
    graph = helper.make_graph([node], "free", [image], [result], [weight])
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    sent = client.post("/api/models?name=free.onnx", content=data.SerializeToString()).json()
    assert "free.onnx: the input 'image'" in sent["note"]
    body = {"model": sent["model"], "batch": 2, "resolution": 64}
    answer = client.post("/api/predict", json=body)
    assert answer.status_code == 200
    convolution = next(x for x in answer.json()["layers"] if x["kind"] == "convolutional")
    assert convolution["output_shapes"] == [[2, 8, 64, 64]]
    without = client.post("/api/predict", json={"model": sent["model"]})
    assert without.status_code == 400
    assert without.json()["error"]["kind"] == "UsageError"


def test_an_engine_keeps_its_precision_batch_and_resolution(
    client: TestClient, shared: Path
) -> None:
    path = next((shared / "inputs" / "engine_info").glob("orin-nano_mobilenet_v2*.json"))
    sent = client.post(f"/api/models?name={path.name}", content=path.read_bytes())
    assert sent.status_code == 201
    model = sent.json()["model"]
    found = client.post("/api/predict", json={"model": model}).json()
    assert found["totals"]["energy_j"] == predict(path).totals.energy_j.value
    for change in ({"resolution": 64}, {"precision": "int8"}, {"batch": 4}):
        answer = client.post("/api/predict", json={"model": model} | change)
        assert answer.status_code == 422
        assert "engine" in answer.json()["error"]["message"]


def test_recordings_are_those_of_the_folder_alone(tmp_path: Path) -> None:
    from fastapi.testclient import TestClient

    (tmp_path / "outside").mkdir()
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "not one").mkdir()
    app = create_app(Settings(recordings=folder))
    with TestClient(app, base_url="http://localhost:1") as client:
        assert client.get("/api/v1/recordings").json() == {"recordings": []}
        for name in ("not%20one", "..%2Foutside", "%2e%2e", "x"):
            assert client.get(f"/api/v1/recordings/{name}/qa").status_code == 404
