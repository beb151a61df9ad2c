"""Pages that judge a prediction say what the command line says."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from edgeprofiler.decision.check.limits import LIMITS
from edgeprofiler.views.web.decisions import DECISIONS

NET = "model=zoo:resnet18&device=jetson-orin-nano"


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ("latency_ms=1000&power_w=100", "held"),
        ("latency_ms=0.01", "exceeded"),
        ("fps=1e6", "exceeded"),
        ("rate=30/s&power_at_rate_w=60", "held"),
        ("rate=1e6/s", "exceeded"),
    ],
)
def test_limits_are_judged(client: TestClient, limits: str, verdict: str) -> None:
    page = client.get(f"/check?{NET}&{limits}")
    assert page.status_code == 200
    assert f"Budget: {verdict}" in page.text


def test_a_limit_inside_the_interval_is_undecided_and_fails_who_wants_to_be_sure(
    client: TestClient,
) -> None:
    totals = client.get(f"/download/profile.json?{NET}").json()["totals"]
    limit = f"latency_ms={1e3 * totals['end_to_end_s']}"
    assert "The budget is undecided." in client.get(f"/check?{NET}&{limit}").text
    assert "which fails here" in client.get(f"/check?{NET}&{limit}&rule=sure").text


def test_without_a_limit_nothing_is_judged(client: TestClient) -> None:
    assert "Set a limit" in client.get("/check").text


def test_a_use_has_a_battery_and_a_price(client: TestClient) -> None:
    page = client.get(f"/impact?{NET}&battery=50Wh&price=0.30+EUR/kWh&fleet=100&duty=12h/day").text
    assert "battery life" in page
    assert "cost a year" in page
    assert "100 devices" in page


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("check?latency_ms=x", "is no number"),
        ("check?power_at_rate_w=5", "needs one"),
        ("check?latency_ms=1&rule=perhaps", "no rule"),
        ("sweep?batches=x", "batch"),
        ("sweep?boards=/etc/passwd", "choose all"),
        ("sweep?precisions=fp4", "fp4"),
        ("sweep?batches=1,2&where=magic>1", "magic"),
        ("impact?battery=big", "battery"),
        ("impact?fleet=1.5", "no whole number"),
        ("impact?off_power=-1", "must be above zero"),
    ],
)
def test_a_wrong_field_is_said_on_the_page(client: TestClient, address: str, words: str) -> None:
    page = client.get(f"/{address}")
    assert page.status_code == 400
    assert words in page.text


def test_a_sweep_shows_what_meets_the_condition(client: TestClient) -> None:
    asked = "batches=1,2,4&precisions=fp16,int8&boards=all&where=fps>=1000+and+batch<=2"
    page = client.get(f"/sweep?model=zoo:lenet&{asked}").text
    assert "combinations are left" in page
    assert "jetson-agx-orin" in page
    assert "Where fps&gt;=1000" in page
    none = client.get("/sweep?model=zoo:lenet&batches=1,2&where=fps>=1e9").text
    assert "None of 2 combinations" in none


def test_without_several_values_nothing_is_swept(client: TestClient) -> None:
    assert "several values" in client.get("/sweep").text


def test_a_file_of_ones_own_is_swept(client: TestClient, tiny: bytes) -> None:
    model = client.post("/api/v1/models?name=mine.onnx", content=tiny).json()["model"]
    page = client.get("/sweep", params={"model": model, "batches": "1,2"})
    assert "mine.onnx" in page.text
    assert "2 of 2 combinations" in page.text


def test_limits_have_the_names_of_a_budget_file() -> None:
    check = next(decision for decision in DECISIONS if decision.name == "check")
    assert {own.name for own in check.own} - {"rule"} <= LIMITS.keys()
