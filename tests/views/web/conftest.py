"""The application as a browser's page and a program meet it, without a network."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from paths import TINY_ONNX as TINY

pytest.importorskip("fastapi", reason="the web extra is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from fastapi.testclient import TestClient

from edgeprofiler.views.web import Settings, create_app

BASE = "http://127.0.0.1:8321"


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    pid: int


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A program's client of a running application."""
    # How long a job may take is tested by itself; a slow machine must not fail the others.
    settings = Settings(read_seconds=600.0, advise_seconds=600.0)
    with TestClient(create_app(settings), base_url=BASE) as made:
        yield made


@pytest.fixture(scope="session")
def tiny() -> bytes:
    """A small ONNX file."""
    return TINY.read_bytes()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """`edgeprofiler serve` in a process of its own."""
    command = [sys.executable, "-m", "edgeprofiler", "serve", "--port", "0", "--max-upload-mb", "4"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert " at http" in line, line + process.stderr.read()
        yield Server(line.split(" at ")[1].split()[0].rstrip("/"), process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=300) in (0, 130)
