"""The API decides as the command line does: the same documents, the same words where it cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

import edgeprofiler
from edgeprofiler.core.files import dump_json
from edgeprofiler.decision.check import Budget
from edgeprofiler.decision.summary import to_document

NET = {"model": "zoo:lenet", "device": "jetson-orin-nano"}
ASKED = ("zoo:lenet", "jetson-orin-nano")


def _plain(document: Any) -> Any:
    return json.loads(dump_json(document))


@pytest.mark.parametrize("rule", ["interval", "strict", "sure"])
def test_a_check_is_the_document_that_check_writes(client: TestClient, rule: str) -> None:
    value = edgeprofiler.predict(*ASKED, precision="fp16").totals.end_to_end_s.value * 1e3
    limits = {"latency_ms": value, "power_w": 100.0}
    found = edgeprofiler.check(
        *ASKED, budget=Budget("b", limits), precision="fp16",
        strict=rule == "strict", sure=rule == "sure",
    )  # fmt: skip
    answer = client.post("/api/v1/check", json=NET | {"limits": limits, "rule": rule})
    assert answer.status_code == 200
    assert answer.json() == _plain(to_document(found))


def test_a_rate_alone_is_checked(client: TestClient) -> None:
    answer = client.post("/api/v1/check", json=NET | {"rate": "1e6/s"}).json()
    assert answer["verdict"] == "exceeded"
    assert [finding["name"] for finding in answer["findings"]] == ["rate_fps"]


def test_an_impact_is_the_document_that_impact_writes(client: TestClient) -> None:
    use = {"duty": "12h/day", "battery": "50Wh", "fleet": 100, "price": "0.30 EUR/kWh"}
    found = edgeprofiler.impact(*ASKED, precision="fp16", **use)
    answer = client.post("/api/v1/impact", json=NET | use)
    assert answer.json() == _plain(found.document())


def test_a_sweep_has_the_rows_that_sweep_has(client: TestClient) -> None:
    own = {"devices": ["jetson-nano", "jetson-orin-nano@7w"], "batches": [1, 4]}
    where = "batch >= 1"
    answer = client.post("/api/v1/sweep", json=NET | own | {"where": where}).json()
    found = edgeprofiler.sweep(
        "zoo:lenet", device=own["devices"], batch=[1, 4], precision="fp16", where=where
    )
    assert answer["schema"] == "edgeprofiler.sweep/2"
    assert answer["count"] == found.count == 4
    assert sorted(answer["energy_j"]) == pytest.approx(sorted(found.energy_j), rel=1e-9)
    every = client.post("/api/v1/sweep", json=NET | {"devices": ["all"]}).json()
    assert every["count"] > 8


@pytest.mark.parametrize(
    ("name", "own", "status", "words"),
    [
        ("check", {}, 400, "set at least one"),
        ("check", {"limits": {"power_at_rate_w": 5}}, 400, "rate"),
        ("check", {"limits": {"beauty": 5}}, 422, "beauty"),
        ("check", {"limits": {"power_w": -5}}, 422, "greater than 0"),
        ("check", {"limits": {"power_w": 5}, "rule": "perhaps"}, 422, "rule"),
        ("impact", {"battery": "big"}, 400, "battery"),
        ("impact", {"fleet": 0}, 422, "fleet"),
        ("impact", {"rate": "100000000/s"}, 400, "more than"),
        ("sweep", {"devices": ["/etc/passwd"]}, 400, "unknown device"),
        ("sweep", {"batches": [1, 2], "where": "magic>1"}, 400, "magic"),
        ("sweep", {"batches": [0]}, 422, "batches"),
        ("sweep", {"precisions": ["fp4"]}, 400, "fp4"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_line(
    client: TestClient, name: str, own: dict[str, Any], status: int, words: str
) -> None:
    answer = client.post(f"/api/v1/{name}", json=NET | own)
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert "\\n" not in answer.text
