"""A file belongs to the browser's session that sent it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from edgeprofiler.views.web import Settings, create_app

BASE = "http://127.0.0.1:8321"
ASKED = {"kinds": ["batch"], "budget_percent": 99}


@pytest.fixture
def browsers() -> Iterator[tuple[TestClient, TestClient]]:
    """Two browsers that look at one server, each on its first page."""
    app = create_app(Settings(read_seconds=600.0, advise_seconds=600.0))
    with TestClient(app, base_url=BASE) as one:
        other = TestClient(app, base_url=BASE)
        one.get("/")
        other.get("/")
        yield one, other


def sent_by(client: TestClient, tiny: bytes) -> str:
    answer = client.post("/api/v1/models?name=mine.onnx", content=tiny)
    assert answer.status_code == 201
    return str(answer.json()["model"])


def test_another_session_neither_sees_nor_asks_nor_removes_a_file(
    browsers: tuple[TestClient, TestClient], tiny: bytes
) -> None:
    mine, other = browsers
    model = sent_by(mine, tiny)
    page = {"params": {"model": model}}
    assert mine.get("/", **page).status_code == 200
    assert mine.post("/api/v1/advise", json={"model": model, **ASKED}).status_code == 200
    assert other.get("/", **page).status_code == 404
    assert other.post("/api/v1/predict", json={"model": model}).status_code == 404
    assert other.post("/api/v1/advise", json={"model": model, **ASKED}).status_code == 404
    assert other.get("/download/profile.json", **page).status_code == 404
    assert other.delete(f"/api/v1/models/{model}").status_code == 404
    assert "mine.onnx" in mine.get("/").text
    assert "mine.onnx" not in other.get("/").text


def test_a_program_reaches_by_its_address_what_no_page_lists(
    browsers: tuple[TestClient, TestClient], tiny: bytes
) -> None:
    browser, program = browsers
    program.cookies.clear()
    model = sent_by(program, tiny)
    assert not program.cookies
    assert program.post("/api/v1/predict", json={"model": model}).status_code == 200
    assert "mine.onnx" not in browser.get("/").text


def test_a_session_is_begun_once_and_by_no_other_site(
    browsers: tuple[TestClient, TestClient],
) -> None:
    browser, fresh = browsers
    assert "set-cookie" not in browser.get("/").headers
    fresh.cookies.clear()
    linked = fresh.get("/", headers={"sec-fetch-site": "cross-site"})
    assert "set-cookie" not in linked.headers
    begun = fresh.get("/").headers["set-cookie"]
    assert "SameSite=Strict" in begun
    assert "HttpOnly" in begun


@pytest.mark.parametrize("cookie", ["edgeprofiler-session=x", "edgeprofiler-session=", ";;=\x01"])
def test_a_cookie_that_is_none_of_ours_is_replaced(
    browsers: tuple[TestClient, TestClient], cookie: str
) -> None:
    _, fresh = browsers
    fresh.cookies.clear()
    assert "set-cookie" in fresh.get("/", headers={"cookie": cookie}).headers
