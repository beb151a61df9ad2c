"""Five hundred files that mean harm leave the server up, quick, and small."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import struct
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import httpx
import pytest
from paths import TINY_ONNX as TINY

pytestmark = pytest.mark.slow

COUNT = 500
PAGE = os.sysconf("SC_PAGE_SIZE")
MEMORY_MIB = 500
"""Of the server and all its children together, resident."""


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, body: bytes, length: int | None = None) -> bytes:
    """A length-delimited field of protobuf, whose length may be a lie."""
    return varint(number << 3 | 2) + varint(len(body) if length is None else length) + body


def deep_protobuf(levels: int) -> bytes:
    """Graphs within attributes within nodes within graphs."""
    graph = b""
    for _ in range(levels):
        graph = field(1, field(5, field(6, graph) + field(1, b"body")) + field(4, b"Loop"))
    return b"\x08\x08" + field(7, graph)


def huge_tensor(dimensions: tuple[int, ...]) -> bytes:
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    image = helper.make_tensor_value_info("image", 1, [1, 3, 64, 64])
    shape = helper.make_tensor("shape", 7, [len(dimensions)], list(dimensions))
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["made"]),
        helper.make_node("Add", ["image", "made"], ["result"]),
    ]
    result = helper.make_tensor_value_info("result", 1, None)
    graph = helper.make_graph(nodes, "huge", [image], [result], [shape])
    return bytes(helper.make_model(graph).SerializeToString())


def many_nodes(count: int) -> bytes:
    node = field(1, b"a") + field(2, b"a") + field(4, b"Relu")
    return b"\x08\x08" + field(7, field(1, node) * count)


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.onnx", b"\0" * 50_000_000)
    return out.getvalue()


def files() -> Iterator[tuple[str, bytes]]:
    """Hostile files, without end."""
    rng = random.Random(8)
    tiny = TINY.read_bytes()
    bombs = [zip_bomb(), gzip.compress(b"\0" * 50_000_000)]
    fixed = [
        *[("deep.json", b"[" * depth) for depth in (100, 10_000, 3_000_000)],
        ("deep.json", b'{"Layers":' * 100_000),
        ("deep.json", b'{"Layers": [' + b"[" * 500 + b"]" * 500 + b"]}"),
        *[("deep.onnx", deep_protobuf(depth)) for depth in (50, 1000, 3000)],
        *[("huge.onnx", huge_tensor(d)) for d in ((2**40, 2**20), (2**31,) * 8, (-5, 3), (0,))],
        ("long.onnx", many_nodes(200_000)),
        *[("bomb.onnx", bomb) for bomb in bombs],
        *[("bomb.json", bomb) for bomb in bombs],
        ("lie.onnx", b"\x08\x08" + field(7, b"", 2**62)),
        ("lie.onnx", b"\x08\x08" + field(7, b"x" * 100, 2**31)),
        ("number.json", b'{"Layers": ' + b"9" * 3_000_000 + b"}"),
        ("number.json", b'{"Layers": 1e99999}'),
        ("names.json", json.dumps({"Layers": ["(" * 2_000_000]}).encode()),
        ("wrong.json", b'{"Layers": {"Name": 5}, "Bindings": 7}'),
        ("wrong.json", json.dumps({"Layers": [{"Name": 5, "Inputs": "x"}] * 1000}).encode()),
        ("graph.json", b'{"nodes": {}, "inputs": 5}'),
        ("elf.onnx", Path("/bin/true").read_bytes()),
        ("pickle.onnx", b"\x80\x04cos\nsystem\n(S'touch /tmp/hacked'\ntR."),
        ("../../../../tmp/path.onnx", tiny[:50]),
        ("zero.onnx", b"\0" * 3_000_000),
        ("ff.onnx", b"\xff" * 3_000_000),
    ]
    yield from fixed
    while True:
        kind = rng.randrange(4)
        if kind == 0:
            yield "cut.onnx", tiny[: rng.randrange(1, len(tiny))]
        elif kind == 1:
            data = bytearray(tiny)
            for _ in range(rng.randrange(1, 30)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            yield "flipped.onnx", bytes(data)
        elif kind == 2:
            data = bytearray(tiny)
            at = rng.randrange(len(data) - 8)
            data[at : at + 8] = struct.pack("<Q", rng.getrandbits(64) | 1 << 63)
            yield "sizes.onnx", bytes(data)
        else:
            yield rng.choice(("noise.onnx", "noise.json", "noise")), rng.randbytes(2000)


class Memory(Thread):
    """Watches the resident memory of a process and all below it; `peak_mib` is the most seen."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak_mib = 0.0
        self.done = False

    def run(self) -> None:
        while not self.done:
            inside, total = {self.pid}, 0
            for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda p: int(p.name)):
                try:
                    words = (folder / "stat").read_text().rpartition(")")[2].split()
                except OSError:  # it ended in between
                    continue
                if int(words[1]) in inside or int(folder.name) in inside:
                    inside.add(int(folder.name))
                    total += int(words[21])
            self.peak_mib = max(self.peak_mib, total * PAGE / 2**20)
            time.sleep(0.05)


def test_hostile_uploads_leave_the_server_up_and_small(server) -> None:
    statuses: dict[int, int] = {}
    made = files()
    began = time.monotonic()
    memory = Memory(server.pid)
    memory.start()
    with httpx.Client(base_url=server.url, timeout=600) as client:
        for number in range(COUNT):
            name, data = next(made)
            answer = client.post("/api/v1/models", params={"name": name}, content=data)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            assert answer.status_code in (201, 400, 413, 422), (name, answer.text)
            if answer.status_code != 201:
                message = answer.json()["error"]["message"]
                assert message
                assert "/tmp" not in message
            if number % 25 == 0:
                good = client.post("/api/v1/predict", json={"model": "zoo:lenet"})
                assert good.status_code == 200
        sent = client.post("/api/v1/models?name=tiny.onnx", content=TINY.read_bytes())
        assert sent.status_code == 201
    memory.done = True
    memory.join()
    print(f"{COUNT} in {time.monotonic() - began:.0f} s, {statuses}, {memory.peak_mib:.0f} MiB")
    assert memory.peak_mib < MEMORY_MIB
    assert statuses[400] > COUNT / 3
    assert not Path("/tmp/hacked").exists()


def test_a_file_larger_than_the_bound_is_refused(server) -> None:
    with httpx.Client(base_url=server.url, timeout=600) as client:
        answer = client.post("/api/v1/models", content=b"x" * 5 * 2**20)
        assert answer.status_code == 413
        pieces = (b"x" * 2**18 for _ in range(40))
        # The server may hang up before all was sent, which is as good.
        with contextlib.suppress(httpx.WriteError, httpx.ReadError):
            assert client.post("/api/v1/models", content=pieces).status_code == 413
        assert client.get("/api/v1/options").status_code == 200


def test_many_at_once_are_answered_or_told_to_wait(server) -> None:
    data = TINY.read_bytes()

    def send(_: int) -> int:
        answer = httpx.post(f"{server.url}/api/v1/models", content=data, timeout=600)
        return answer.status_code

    with ThreadPoolExecutor(24) as threads:
        found = set(threads.map(send, range(48)))
    assert found <= {201, 429}
    assert 201 in found
