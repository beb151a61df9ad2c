"""Files that were sent are few, lie under random names, and are gone at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.reading.read import read
from edgeprofiler.views.web import Settings, create_app
from edgeprofiler.views.web.cache import Cache
from edgeprofiler.views.web.service import weight
from edgeprofiler.views.web.uploads import ADDRESS, Upload, Uploads, clean_label


def put(uploads: Uploads, size: int, label: str = "a.onnx") -> Upload:
    path = uploads.new_path(label)
    path.write_bytes(b"x" * size)
    upload = uploads.add(path, label)
    uploads.settle(upload)
    return upload


def test_the_oldest_make_room() -> None:
    uploads = Uploads(max_files=2, max_bytes=1000)
    first, second, third = (put(uploads, 10) for _ in range(3))
    assert uploads.all() == (second, third)
    assert not first.path.exists()
    fourth = put(uploads, 995)
    assert uploads.all() == (fourth,)
    with pytest.raises(InvalidInput, match="send the file again"):
        uploads.get(third.address)
    uploads.close()


def test_a_file_that_is_being_read_is_not_removed() -> None:
    uploads = Uploads(max_files=1, max_bytes=1000)
    path = uploads.new_path("slow")
    path.write_bytes(b"x")
    slow = uploads.add(path, "slow")
    put(uploads, 1)
    last = put(uploads, 1)
    assert uploads.all() == (slow, last)
    uploads.settle(slow)
    assert uploads.all() == (last,)
    uploads.close()


def test_names_never_become_paths() -> None:
    uploads = Uploads(4, 1000)
    upload = put(uploads, 1, "../../etc/passwd\x00.onnx")
    assert ADDRESS.fullmatch(upload.address)
    assert upload.path.name == "model.onnx"
    assert upload.label == "passwd.onnx"
    assert upload.path.stat().st_mode & 0o077 == 0 or upload.path.parent.stat().st_mode & 0o077 == 0
    folder = upload.path.parents[1]
    uploads.close()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("label", "shown"),
    [("a/b\\c.onnx", "c.onnx"), ("", "model"), ("/", "model"), ("\u202ex\n", "x"),
     ("y" * 200 + ".onnx", "y" * 75 + ".onnx")],
)  # fmt: skip
def test_labels_are_short_and_printable(label: str, shown: str) -> None:
    assert clean_label(label) == shown


def test_nothing_remains_when_the_server_ends(tiny: bytes) -> None:
    app = create_app(Settings())
    with TestClient(app, base_url="http://localhost") as client:
        client.post("/api/models", content=tiny)
        client.post("/api/models", content=b"no model")
        (kept,) = app.state.service.uploads.all()
        assert len(list(kept.path.parents[1].iterdir())) == 1
    assert not kept.path.parents[1].exists()


def test_a_name_that_is_html_is_shown_as_text(client: TestClient, tiny: bytes) -> None:
    name = "<script>alert(1)</script>.onnx"
    model = client.post("/api/models", params={"name": name}, content=tiny).json()["model"]
    page = client.get("/", params={"model": model}).text
    assert "<script>alert" not in page
    assert "script&gt;.onnx" in page


def test_a_cache_forgets_what_was_not_used() -> None:
    cache: Cache[str] = Cache(max_items=3, max_size=10)
    for key, size in (("a", 4), ("b", 4)):
        cache.put(key, key, size)
    assert cache.get("a") == "a"
    cache.put("c", "c", 4)
    assert cache.get("b") is None
    assert cache.get("a") == "a"
    cache.put("huge", "x", 11)
    assert cache.get("huge") is None
    cache.put("a", "new", 1)
    cache.put("d", "d", 5)
    assert (len(cache), cache.get("a")) == (3, "new")


def test_a_label_does_not_say_where_the_file_lies(client: TestClient) -> None:
    message = client.post("/api/models?name=x.onnx", content=b"junk").json()["error"]["message"]
    assert message.startswith("x.onnx: ")
    assert "/tmp" not in message
    assert str(Path.home()) not in message


def test_long_names_weigh_what_they_take() -> None:
    network = read("zoo:lenet")
    layers = (replace(network.layers[0], name="x" * 10**6), *network.layers[1:])
    assert weight(replace(network, layers=layers)) > weight(network) + 9 * 10**5
