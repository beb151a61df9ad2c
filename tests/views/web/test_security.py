"""What other sites, other names and large bodies meet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from edgeprofiler.views.web import Settings, create_app
from edgeprofiler.views.web.security import security_headers
from edgeprofiler.views.web.service import Service
from edgeprofiler.views.web.settings import is_loopback

BODY = {"model": "zoo:lenet"}


def at(base: str, **settings: object) -> TestClient:
    return TestClient(create_app(Settings(**settings)), base_url=base)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:8321", "http://localhost", "http://[::1]:9", "http://127.3.4.5:80"]
)
def test_this_machines_own_names_are_answered(base: str) -> None:
    assert at(base).get("/api/options").status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8321", "localhost.evil.example", "192.168.1.5", "", "[", "a@b",
     "127.0.0.1.nip.io", "localhost, evil.example"],
)  # fmt: skip
def test_a_foreign_name_that_was_made_to_point_here_is_refused(
    client: TestClient, host: str
) -> None:
    answer = client.get("/api/options", headers={"host": host})
    assert answer.status_code == 421


def test_further_names_are_answered_when_they_were_allowed() -> None:
    app = at("http://jetson.lan:8321", host="0.0.0.0", allowed_hosts=("jetson.lan",))
    assert app.get("/api/options").status_code == 200
    assert app.get("/api/options", headers={"host": "10.0.0.7:8321"}).status_code == 200
    assert app.get("/api/options", headers={"host": "other.lan"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8321"},
    ],
)
def test_another_sites_page_writes_nothing(client: TestClient, headers: dict[str, str]) -> None:
    calls = "POST /api/predict, POST /upload, PUT /, DELETE /api/models/x, POST /api/v1/models"
    for call in calls.split(", "):
        method, path = call.split()
        answer = client.request(method, path, headers=headers, content=b"x")
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:8321"},
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"sec-fetch-site": "none"},
    ],
)
def test_our_pages_and_programs_write(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/predict", json=BODY, headers=headers).status_code == 200


def test_no_page_of_another_site_may_read_an_answer(client: TestClient) -> None:
    answer = client.get("/api/options", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path", ["/", "/compare", "/api/docs", "/api/openapi.json", "/static/app.js", "/nothing"]
)
def test_every_answer_says_what_a_browser_may_do(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not any("http" in value or "*" in value for value in policy.values())
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"


def test_a_refusal_carries_the_same_headers(client: TestClient) -> None:
    answer = client.get("/", headers={"host": "evil.example"})
    assert "content-security-policy" in answer.headers


def test_a_body_that_announces_too_much_is_refused_unread(client: TestClient) -> None:
    answer = client.post("/api/predict", content=b"x" * 70_000)
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["-1", "x", "9" * 30, "1,2"])
def test_an_odd_length_is_refused(client: TestClient, length: str) -> None:
    answer = client.post("/api/predict", content=b"{}", headers={"content-length": length})
    assert answer.status_code in (400, 413)


def pieces(count: int, size: int = 65_536) -> Iterator[bytes]:
    for _ in range(count):
        yield b"x" * size


@pytest.mark.parametrize("path", ["/api/predict", "/api/v1/models"])
def test_a_body_without_a_length_is_cut_off_at_its_bound(path: str) -> None:
    app = at("http://localhost", max_upload_bytes=300_000)
    with app:
        headers = {"content-type": "application/json"}
        answer = app.post(path, content=pieces(20), headers=headers)
        assert answer.status_code == 413
        assert "too large" in answer.json()["error"]["message"]
        service = app.app.state.service  # type: ignore[attr-defined]
        assert service.uploads.all() == ()


def test_a_form_with_too_large_a_file_is_refused() -> None:
    app = at("http://localhost", max_upload_bytes=300_000)
    answer = app.post("/upload", files={"file": ("x.onnx", b"x" * 400_000)})
    assert answer.status_code == 413


def test_web_sockets_are_closed(client: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
        pass


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("jetson.lan", False)],
)  # fmt: skip
def test_only_loopback_addresses_are_local(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A server in which predicting fails in a way that nobody foresaw."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret /home/somebody/path")

    monkeypatch.setattr(Service, "profile", fail)
    app = create_app(Settings())
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


def test_what_nobody_foresaw_is_an_error_like_any_other(broken: TestClient) -> None:
    answer = broken.post("/api/v1/predict", json=BODY)
    assert answer.status_code == 500
    assert answer.json()["error"]["kind"] == "InternalError"
    page = broken.get("/", headers={"accept": "text/html"})
    assert page.status_code == 500
    assert '<p class="problem" role="alert" data-summary>' in page.text
    assert "<nav" in page.text
    part = broken.get("/", headers={"accept": "text/html", "x-results-only": "yes"})
    assert part.status_code == 500
    assert part.text.strip().startswith("<p")
    for found in (answer, page, part):
        assert "ZeroDivisionError" in found.text
        assert "secret" not in found.text
        assert "Traceback" not in found.text
        for name, value in security_headers("/").items():
            assert found.headers[name] == value
    assert broken.get("/api/v1/options").status_code == 200
