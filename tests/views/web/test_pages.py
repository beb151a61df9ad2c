"""Pages work by their forms alone, and show the numbers of the command line."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from edgeprofiler import predict
from edgeprofiler.core.profile.document import to_json
from edgeprofiler.core.profile.table import to_csv
from edgeprofiler.core.units import engineering
from edgeprofiler.measurement.recording import save_recording
from edgeprofiler.measurement.simulator import simulate
from edgeprofiler.reading.read import read
from edgeprofiler.views.web import Settings, create_app

HTML = {"accept": "text/html"}


def test_the_first_page_shows_a_prediction(client: TestClient) -> None:
    page = client.get("/", headers=HTML)
    assert page.status_code == 200
    energy = predict("zoo:resnet18", "jetson-orin-nano").totals.energy_j.value
    assert f"<strong>{engineering(energy, 'J')}</strong>" in page.text


def test_a_form_without_scripts_sends_every_field(client: TestClient) -> None:
    query = {"model": "zoo:mobilenet_v2", "device": "jetson-nano", "mode": "5w",
             "runtime": "cpp", "precision": "fp32", "batch": "2", "resolution": "160",
             "confidence": "0.8"}  # fmt: skip
    page = client.get("/", params=query).text
    shapes = {"input": (2, 3, 160, 160)}
    profile = predict(
        "zoo:mobilenet_v2", "jetson-nano@5w", runtime="cpp", precision="fp32", shapes=shapes,
        confidence=0.8,
    )  # fmt: skip
    assert f"<strong>{engineering(profile.totals.energy_j.value, 'J')}</strong>" in page
    assert '<option value="zoo:mobilenet_v2" selected>' in page
    assert 'value="160"' in page


def test_a_download_is_of_the_very_numbers_that_the_page_shows(client: TestClient) -> None:
    asked = {"confidence": "0.912345678", "idle_power_w": "4.123456789", "rate": "7.7654321/s"}
    page = client.get("/", params={"model": "zoo:lenet", "device": "jetson-nano", **asked}).text
    link = html.unescape(re.search(r"/download/profile[.]json[?][^\"]*", page)[0])
    found = client.get(link).json()
    expected = predict("zoo:lenet", "jetson-nano", confidence=0.912345678,
                       idle_power_w=4.123456789, rate="7.7654321/s")  # fmt: skip
    assert found == json.loads(to_json(expected))


def test_an_error_shows_arguments_as_code(client: TestClient) -> None:
    page = client.get("/", params={"batch": "x"}, headers=HTML).text
    assert "<code>batch</code>: " in page


@pytest.mark.parametrize(("runtime", "device"), [("torch-tensorrt", "jetson-orin-nano@15w"),
                                               ("trtexec", "jetson-tx2@maxn")])  # fmt: skip
def test_an_engine_is_that_of_its_board_and_its_builder(
    client: TestClient, runtime: str, device: str
) -> None:
    """Torch-TensorRT fuses otherwise, and a board without TF32 runs other FP32 kernels."""
    name, mode = device.split("@")
    asked = {"model": "zoo:mobilenet_v2", "device": name, "mode": mode, "precision": "fp32"}
    client.get("/", params=asked | {"device": "jetson-agx-orin", "mode": "30w"})
    found = client.get("/download/profile.json", params=asked | {"runtime": runtime}).json()
    expected = predict("zoo:mobilenet_v2", device, runtime=runtime, precision="fp32")
    assert found["totals"]["energy_j"] == expected.totals.energy_j.value
    assert len(found["layers"]) == len(expected)


def test_empty_fields_are_the_models_own(client: TestClient) -> None:
    query = "model=zoo:lenet&precision=&batch=&resolution="
    assert "<strong>" in client.get(f"/?{query}").text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("model=/etc/passwd", "paths are never opened"),
        ("batch=x", "is no whole number"),
        ("batch=0", "is no whole number from 1"),
        ("resolution=99999", "is no whole number from 1"),
        ("confidence=2", "is no number between 0 and 1"),
        ("confidence=nan", "is no number between 0 and 1"),
        ("confidence=x", "is no number between 0 and 1"),
        ("device=pi", "unknown device"),
        ("model=zoo:lenet&resolution=2", "cannot run"),
    ],
)
def test_a_wrong_field_is_said_on_the_page(client: TestClient, query: str, words: str) -> None:
    page = client.get(f"/?{query}", headers=HTML)
    assert page.status_code == 400
    assert words in page.text
    assert 'role="alert"' in page.text
    assert "<form" in page.text


def test_a_mode_of_another_board_becomes_the_default(client: TestClient) -> None:
    page = client.get("/?model=zoo:lenet&device=jetson-nano&mode=15w")
    assert page.status_code == 200
    assert "jetson-nano@maxn" in page.text


def test_clocks_are_a_field_of_the_page(client: TestClient) -> None:
    page = client.get("/?model=zoo:lenet&device=jetson-nano&mode=5w&clocks=gpu%3D460.8MHz")
    assert page.status_code == 200
    assert "jetson-nano@5w,gpu=460.8MHz" in page.text
    assert 'value="gpu=460.8MHz"' in page.text


def test_a_script_asks_for_results_alone(client: TestClient) -> None:
    for path in ("/", "/compare", "/advise", "/recordings", "/recordings/x"):
        part = client.get(path, headers={"x-results-only": "yes"}).text
        assert "<html" not in part


def test_a_file_is_sent_by_a_form(client: TestClient, tiny: bytes) -> None:
    files = {"file": ("tiny_cnn.onnx", tiny)}
    answer = client.post("/upload", files=files, follow_redirects=False)
    assert answer.status_code == 303
    page = client.get(answer.headers["location"])
    assert "<h2>tiny_cnn.onnx</h2>" in page.text
    assert "tiny_cnn.onnx</option>" in client.get("/compare").text


def test_a_form_without_a_file_says_so_on_a_page(client: TestClient) -> None:
    for sent in (
        client.post("/upload", data={"x": "1"}, headers=HTML),
        client.post("/upload", files={"file": ("", b"")}, headers=HTML),
    ):
        assert sent.status_code == 400
        assert "no file was chosen" in sent.text
    bad = client.post("/upload", files={"file": ("x.onnx", b"junk")}, headers=HTML)
    assert bad.status_code == 400
    assert "x.onnx: is not an ONNX file" in bad.text
    empty = client.post("/upload", files={"file": ("x.onnx", b"")}, headers=HTML)
    assert "x.onnx: is empty" in empty.text


def test_two_are_compared(client: TestClient) -> None:
    page = client.get("/compare?a_model=zoo:resnet18&b_model=zoo:resnet18&b_precision=fp32").text
    assert "B needs more" in page
    assert "Where the difference comes from" in page
    same = client.get("/compare?a_model=zoo:lenet&b_model=zoo:lenet").text
    assert "the same" in same
    assert "No layer" in same
    other = client.get("/compare?a_model=zoo:lenet&b_model=zoo:lenet&b_device=jetson-nano").text
    assert "intervals of both totals" in other
    assert client.get("/compare?a_model=zoo:x").status_code == 400


def test_advice_is_found_when_asked(client: TestClient) -> None:
    assert "Single changes" not in client.get("/advise").text
    page = client.get("/advise?model=zoo:lenet").text
    assert "Single changes" in page
    met = client.get("/advise?model=zoo:lenet&budget_percent=90&kinds=batch&kinds=prune").text
    assert "The budget is met" in met
    missed = client.get("/advise?model=zoo:lenet&budget_percent=1&kinds=precision").text
    assert "cannot be met" in missed
    easy = client.get("/advise?model=zoo:lenet&max_latency_ms=10000").text
    assert "The budget is met as it is" in easy
    in_watts = client.get("/advise?model=zoo:lenet&max_power_w=90&min_fps=1&budget_mj=900").text
    assert "The budget is met as it is" in in_watts
    for wrong in (
        "kinds=magic",
        "max_power_w=x",
        "budget_mj=1&budget_percent=5",
        "budget_percent=-1",
        "max_latency_ms=x",
    ):
        assert client.get(f"/advise?model=zoo:lenet&{wrong}").status_code == 400


def test_a_plan_tells_the_channels_that_remain(client: TestClient) -> None:
    asked = "model=zoo:lenet&budget_percent=90&kinds=prune"
    assert f"/download/mask.json?{asked.replace(':', '%3A')}" in (
        client.get(f"/advise?{asked}").text.replace("&amp;", "&")
    )
    mask = client.get(f"/download/mask.json?{asked}").json()
    assert mask["schema"] == "edgeprofiler.mask/1"
    assert mask["model"] == "zoo:lenet"
    assert client.get("/download/mask.json?model=zoo:lenet").status_code == 400


def test_a_prediction_says_what_the_board_is_limited_to(client: TestClient) -> None:
    page = client.get("/?model=zoo:lenet&device=jetson-agx-orin&mode=30w").text
    assert 'id="mode"' in page
    assert "limits of its power mode" in page


def test_downloads_are_what_the_command_line_writes(client: TestClient) -> None:
    query = "model=zoo:lenet&device=jetson-nano&mode=5w"
    profile = predict("zoo:lenet", "jetson-nano@5w")
    found = client.get(f"/download/profile.json?{query}")
    assert found.text == to_json(profile)
    assert found.headers["content-disposition"] == 'attachment; filename="lenet.json"'
    assert client.get(f"/download/profile.csv?{query}").content.decode() == to_csv(profile)
    report = client.get(f"/download/report.html?{query}")
    assert report.headers["content-type"] == "text/html; charset=utf-8"
    assert "jetson-nano@5w" in report.text
    both = client.get("/download/report.html?a_model=zoo:lenet&b_model=zoo:alexnet").text
    assert "lenet" in both
    assert "alexnet" in both
    assert client.get("/download/passwd").status_code == 404
    assert client.get("/download/profile.csv?model=../x").status_code == 400


def test_the_links_on_a_page_give_its_numbers(client: TestClient) -> None:
    page = client.get("/?model=zoo:lenet&device=jetson-nano&batch=4").text
    address = re.search(r'href="(/download/profile\.json[^"]*)"', page)
    assert address is not None
    found = json.loads(client.get(address[1].replace("&amp;", "&")).text)
    assert found["network"]["batch"] == 4
    assert found["device"]["name"] == "jetson-nano"


def test_the_api_is_described_without_the_internet(client: TestClient) -> None:
    page = client.get("/api/docs").text
    assert "POST /api/v1/predict" in page
    assert "PredictRequest" in page
    assert "https://" not in page


@pytest.mark.parametrize("path", ["/", "/compare", "/advise", "/recordings", "/api/docs"])
def test_pages_hold_no_inline_script_and_no_foreign_address(client: TestClient, path: str) -> None:
    page = client.get(path).text
    for script in re.findall(r"<script([^>]*)>", page):
        assert 'src="/static/' in script or 'type="application/json"' in script
    assert not re.search(r"\son[a-z]+=", page)
    for address in re.findall(r'(?:src|href|action)="([^"]*)"', page):
        assert address.startswith(("/", "#"))
        assert not address.startswith("//")


def test_every_file_that_a_page_names_is_there(client: TestClient) -> None:
    page = client.get("/").text
    for address in set(re.findall(r'(?:src|href)="(/static/[^"]*)"', page)):
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-cache"


def test_an_unknown_page_is_a_page(client: TestClient) -> None:
    answer = client.get("/nothing", headers=HTML)
    assert answer.status_code == 404
    assert "Back to the start" in answer.text


def test_recordings_are_listed_judged_and_attributed(tmp_path: Path) -> None:
    folder = tmp_path / "a lenet"
    folder.mkdir()
    save_recording(simulate(read("zoo:lenet"), runs=60, seed=1)[0], folder)
    with TestClient(create_app(Settings(recordings=tmp_path)), base_url="http://localhost") as app:
        listed = app.get("/recordings").text
        assert '<a href="/recordings/a%20lenet">a lenet</a>' in listed
        verdict = app.get("/api/v1/recordings/a%20lenet/qa").json()["verdict"]
        assert f">{verdict}</strong>" in listed
        page = app.get("/recordings/a%20lenet").text
        assert "Verdict" in page
        assert "SIMULATED" in page
        assert "60 runs of" in page
        document = app.get("/api/v1/recordings/a%20lenet/qa").json()
        assert document["schema"] == "edgeprofiler.qa/1"
        assert document["runs"] == 60
        measured = app.get("/recordings/a%20lenet/profile")
        assert measured.status_code == 200
        assert "measured" in measured.text


def test_without_a_folder_recordings_say_how_to_give_one(client: TestClient) -> None:
    assert "--recordings" in client.get("/recordings").text
    assert client.get("/recordings/x").status_code == 400
