"""The application as a browser's page and a program meet it, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the web extra is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from fastapi.testclient import TestClient

from edgeprofiler.web import Settings, create_app

TINY = Path(__file__).parents[2] / "examples" / "tiny_cnn.onnx"
BASE = "http://127.0.0.1:8321"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A program's client of a running application."""
    with TestClient(create_app(Settings()), base_url=BASE) as made:
        yield made


@pytest.fixture(scope="session")
def tiny() -> bytes:
    """A small ONNX file."""
    return TINY.read_bytes()
