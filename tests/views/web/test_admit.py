"""A request's question has one normal form, names no file, and is what the page and API offer."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi", reason="the web extra is not installed")

from fastapi.testclient import TestClient

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.prediction.question import OPTIONS, Question
from edgeprofiler.views.web.admit import admit
from edgeprofiler.views.web.forms import query_of
from edgeprofiler.views.web.offered import FIELDS


def test_requests_that_mean_the_same_are_one_question() -> None:
    plain = admit("zoo:lenet", {})
    assert plain == admit(
        " zoo:lenet ", {"device": "Jetson-Orin-Nano", "precision": "FP16", "confidence": 0.9}
    )
    assert plain == admit("zoo:lenet", {"device": "jetson-orin-nano@15W", "runtime": "trtexec"})
    assert plain == admit("zoo:lenet", {"device": "jetson-orin-nano"}, mode="15w")
    assert len({plain, admit("zoo:lenet", {}), admit("zoo:lenet", {"batch": 2})}) == 2


@pytest.mark.parametrize(
    ("model", "asked", "words"),
    [
        ("model.onnx", {}, "paths are never opened"),
        ("zoo:../x", {}, "paths are never opened"),
        ("upload:12", {}, "paths are never opened"),
        ("zoo:nothing", {}, "the zoo has no network"),
    ],
)
def test_a_model_that_could_be_a_file_is_refused(model: str, asked: dict, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        admit(model, asked)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"device": "/boards/x.toml"}, "unknown device"),
        ({"device": "jetson-nano@900w"}, "no power mode"),
        ({"device": "jetson-nano@gpu=2GHz"}, "it takes 76.8MHz to 921.6MHz"),
        ({"confidence": 0.99999}, "is more than"),
    ],
)
def test_what_a_server_does_not_offer_is_refused(asked: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        admit("zoo:lenet", asked)


@pytest.mark.parametrize(
    ("device", "mode", "clocks"),
    [
        ("jetson-agx-orin@30w,gpu=510MHz", None, None),
        ("jetson-agx-orin@30W", None, "gpu=0.51GHz"),
        ("jetson-agx-orin", "MODE_30W", " gpu=510MHz, cores=8"),
        ("jetson-agx-orin", "30w,gpu=510MHz", ""),
        ("jetson-agx-orin@15w", "30w", "gpu=510MHz"),
    ],
)
def test_clocks_may_stand_with_the_device_or_apart(
    device: str, mode: str | None, clocks: str | None
) -> None:
    question = admit("zoo:lenet", {"device": device}, mode, clocks)
    assert question.device == "jetson-agx-orin@30w,gpu=510MHz"
    query = query_of(question)
    assert (query["device"], query["mode"], query["clocks"]) == (
        "jetson-agx-orin",
        "30w",
        "gpu=510MHz",
    )


def test_an_address_holds_the_question(client: TestClient) -> None:
    question = admit("zoo:lenet", {"device": "jetson-nano@5w", "batch": 2, "confidence": 0.5})
    query = query_of(question, "a_")
    assert (query["a_device"], query["a_mode"], query["a_batch"]) == ("jetson-nano", "5w", "2")
    assert not {"a_resolution", "a_clocks"} & set(query)


def test_every_field_that_is_offered_is_on_the_page_and_in_the_api(client: TestClient) -> None:
    """A new field needs a control, or a line in `offered` that says why it has none."""
    page = client.get("/", headers={"accept": "text/html"}).text
    body = client.get("/api/openapi.json").json()["components"]["schemas"]["PredictRequest"]
    for name in FIELDS:
        if name != "predictor":  # which is there only where the server was started with one
            assert f'name="{name}"' in page
        assert OPTIONS[name].default in body["properties"][name]["description"]
    assert set(body["properties"]) == {"model", "mode", "clocks", *FIELDS}
    assert isinstance(admit("zoo:lenet", {}), Question)
