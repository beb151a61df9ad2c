"""Whatever is made of a profile carries its warnings and its coverage."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgeprofiler
from edgeprofiler.core.files import dump_json
from edgeprofiler.core.profile import Profile, to_document
from edgeprofiler.core.profile.words import cautions, profile_tables
from edgeprofiler.core.table import Table
from edgeprofiler.decision.advise.tables import advised_tables
from edgeprofiler.decision.check import Budget
from edgeprofiler.decision.impact.tables import impact_table
from edgeprofiler.decision.summary import check_tables, to_junit, to_markdown
from edgeprofiler.decision.summary import to_document as check_document
from edgeprofiler.decision.sweep.tables import sweep_table

BOARD = "jetson-orin-nx"
"""Whose power was never measured, which every prediction for it says."""
NODES = [
    {"op": "Conv", "name": "c", "inputs": [0], "input_shapes": [[1, 3, 64, 64]], "outputs": [1],
     "output_shapes": [[1, 8, 64, 64]], "weight_shapes": [[8, 3, 3, 3]],
     "kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
    {"op": "Mystery", "name": "m", "inputs": [1], "input_shapes": [[1, 8, 64, 64]],
     "outputs": [2], "output_shapes": [[1, 8, 64, 64]]},
]  # fmt: skip
"""A network with an operation that no rule knows."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("doubt") / "odd.json"
    path.write_text(json.dumps({"network": "odd", "nodes": NODES}))
    return str(path)


@pytest.fixture(scope="module")
def profile(model: str) -> Profile:
    found = edgeprofiler.predict(model, BOARD)
    assert len(found.uncovered) == 1
    assert any("power" in text for text in found.warnings)
    return found


def _words(*tables: Table) -> str:
    return "\n".join(table.to_markdown().replace("\\", "") for table in tables)


def _compare(model: str, _: Path) -> tuple[str, Any]:
    found = edgeprofiler.compare(model, "zoo:lenet", device=BOARD)
    return _words(*found.tables()), found.document()["comparisons"][0]["doubt"]["a"]


def _sweep(model: str, _: Path) -> tuple[str, Any]:
    found = edgeprofiler.sweep(model, device=BOARD, batch=[1, 2])
    assert np.isnan(found.end_to_end_s_high).all()  # what is not covered comes on top
    document = json.loads(dump_json(found.document()))
    return _words(sweep_table(found, 9, 0.9)), document


def _advise(model: str, _: Path) -> tuple[str, Any]:
    found = edgeprofiler.advise(model, BOARD, only=["precision"], max_power_w=100)
    assert "met as it is, by the values: intervals may reach" in _words(*advised_tables(found, 9))
    return _words(*advised_tables(found, 9)), found.document()["before"]


def _check(model: str, _: Path) -> tuple[str, Any]:
    found = edgeprofiler.check(model, BOARD, budget=Budget("b", {"energy_mj": 1e3}))
    words = to_markdown(found).replace("\\", "")
    assert all(text in to_junit(found) for text in cautions(found.profile))
    assert _words(*check_tables(found)) == words
    return words, check_document(found)


def _impact(model: str, _: Path) -> tuple[str, Any]:
    found = edgeprofiler.impact(model, BOARD)
    return _words(impact_table(found)), found.document()


def _report(model: str, folder: Path) -> tuple[str, Any]:
    pytest.importorskip("jinja2")
    found = edgeprofiler.report(model, device=BOARD)
    found.save(folder / "r.html")
    page = html.unescape((folder / "r.html").read_text(encoding="utf-8"))
    assert all(text in page for text in cautions(found.profiles[0]))
    return found.markdown().replace("\\", ""), to_document(found.profiles[0])


def _profile(model: str, _: Path) -> tuple[str, Any]:
    found = edgeprofiler.predict(model, BOARD)
    return _words(*profile_tables(found)), to_document(found)


def _objective(model: str, _: Path) -> tuple[str, Any]:
    found = edgeprofiler.objective(BOARD)([model])
    assert 0 < found.covered_bytes[0] < 1
    return "\n".join(found.warnings[0]), None


MAKERS: dict[str, Callable[[str, Path], tuple[str, Any]]] = {
    "predict": _profile, "compare": _compare, "sweep": _sweep, "advise": _advise,
    "check": _check, "impact": _impact, "report": _report, "objective": _objective,
}  # fmt: skip


def test_a_sweep_is_as_open_as_a_prediction(tmp_path: Path) -> None:
    """What is not covered moves bytes: no total is less than that takes."""
    conv, odd = json.loads(json.dumps(NODES).replace("64, 64", "512, 512"))
    more = [{**odd, "name": f"m{i}", "inputs": [i], "outputs": [i + 1]} for i in range(1, 20)]
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"network": "odd", "nodes": [conv, *more]}))
    profile = edgeprofiler.predict(path, BOARD, rate="10/s")
    found = edgeprofiler.sweep(path, device=BOARD, rate="10/s")
    totals, there = profile.totals, profile.at_rate
    assert there is not None
    assert totals.end_to_end_s.low > totals.end_to_end_s.value
    for name, estimate in {
        "end_to_end_s": totals.end_to_end_s, "energy_j": totals.energy_j,
        "power_w": totals.power_w, "power_at_rate_w": there.power_w,
    }.items():  # fmt: skip
        assert getattr(found, f"{name}_low") == pytest.approx([estimate.low], rel=1e-9)
        assert np.isnan(getattr(found, f"{name}_high")).all()
    assert np.isnan(found.images_hz_low).all()


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_made_of_a_profile_says_what_it_lacks(
    model: str, profile: Profile, tmp_path: Path, name: str
) -> None:
    words, document = MAKERS[name](model, tmp_path)
    for text in cautions(profile):
        assert text in words, name
    if document is None:
        return
    assert set(profile.warnings) <= set(document["warnings"])
    if name == "sweep":
        assert all(0 < share < 1 for share in document["covered_bytes"])
    else:
        assert document["coverage"]["uncovered"] == [*profile.uncovered]
        assert 0 < document["coverage"]["bytes"] < 1


def test_the_page_and_the_api_say_what_a_profile_lacks(model: str, profile: Profile) -> None:
    testclient = pytest.importorskip("fastapi.testclient")
    from edgeprofiler.views.web import create_app
    from edgeprofiler.views.web.settings import Settings

    with testclient.TestClient(create_app(Settings()), base_url="http://localhost") as client:
        sent = client.post(
            "/api/models?name=odd.json", content=Path(model).read_bytes(),
            headers={"content-type": "application/octet-stream"},
        ).json()  # fmt: skip
        asked = {"model": sent["model"], "device": BOARD}
        answer = client.post("/api/predict", json=asked).json()
        assert answer["coverage"]["uncovered"] == [*profile.uncovered]
        assert set(answer["warnings"]) >= set(profile.warnings)
        asks: dict[str, Any] = {
            "check": {"limits": {"energy_mj": 1e3}}, "impact": {}, "sweep": {"batches": [1, 2]},
        }  # fmt: skip
        for name, own in asks.items():
            made = client.post(f"/api/{name}", json=asked | own).json()
            assert set(made["warnings"]) >= set(profile.warnings), name
            if name == "sweep":
                assert all(0 < share < 1 for share in made["covered_bytes"])
            else:
                assert made["coverage"]["uncovered"] == [*profile.uncovered]
        page = html.unescape(client.get("/", params=asked).text)
        assert f"1 of {len(profile)} layers are not covered" in page
