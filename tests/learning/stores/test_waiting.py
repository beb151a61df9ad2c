"""A server that is starting is waited for, and no longer than is said."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from edgeprofiler.learning.stores.waiting import wait_until_up


class Clock:
    """Time that only sleeping takes."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@contextmanager
def server(*codes: int) -> Iterator[str]:
    """A server that answers with these codes in turn, and with the last from then on."""
    left = list(codes)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}/"
        serving.shutdown()


def test_a_server_that_refuses_is_waited_for_as_long_as_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    assert not wait_until_up("http://127.0.0.1:9", 7.0, clock=clock, sleep=clock.sleep)
    assert 6.0 < clock.now_s <= 7.0
    assert caplog.messages == ["waiting up to 7 s for http://127.0.0.1:9 to start"]


def test_a_server_that_comes_up_is_waited_for_no_longer() -> None:
    clock = Clock()
    with server(503, 502, 200) as url:
        assert wait_until_up(url, clock=clock, sleep=clock.sleep)
    assert 0 < clock.now_s < 3


@pytest.mark.parametrize("code", [200, 401, 404, 500])
def test_a_server_that_answers_anything_of_its_own_is_up(code: int) -> None:
    clock = Clock()
    with server(code) as url:
        assert wait_until_up(url, clock=clock, sleep=clock.sleep)
    assert clock.now_s == 0


def test_a_host_that_has_no_address_is_not_waited_for() -> None:
    clock = Clock()
    assert wait_until_up("http://no.such.host.invalid", clock=clock, sleep=clock.sleep)
    assert clock.now_s == 0
