"""How many predictions a second the HTTP API answers, and how late the slowest come.

Usage: python benchmarks/serve.py [SECONDS]

Starts `edgeprofiler serve` and asks for one small network of the zoo over 16 connections, from a
second process of this machine. The reference is a bare application that sends the same bytes
under the same server, loaded by the same client in the same run. Prints Markdown.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count, repeat
from pathlib import Path

CONNECTIONS = 16
MODEL = "zoo:squeezenet1_1"
BARE = """
import sys, uvicorn
body = b"x" * int(sys.argv[1])
head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})
uvicorn.run(app, port=int(sys.argv[2]), log_level="error", lifespan="off", access_log=False)
"""


class Connection:
    """One connection that asks again as soon as it was answered."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begun = 0.0
        self.missing = -1
        self.data = b""

    def ask(self, request: bytes) -> None:
        self.begun, self.missing, self.data = time.perf_counter(), -1, b""
        self.socket.sendall(request)

    def answered(self) -> bool:
        """Read what is there; say whether the answer is whole."""
        chunk = self.socket.recv(1 << 18)
        if not chunk:
            raise ConnectionError("the server hung up")
        if self.missing < 0:
            self.data += chunk
            head, found, rest = self.data.partition(b"\r\n\r\n")
            if not found:
                return False
            if b" 200 " not in head[:16]:
                raise ConnectionError(self.data[:300].decode())
            length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
            self.missing = int(length) - len(rest)
        else:
            self.missing -= len(chunk)
        return self.missing == 0


def load(port: int, bodies: Iterator[dict[str, object]], seconds: float) -> list[float]:
    """Return the latencies of all requests of some seconds, sorted."""

    def request() -> bytes:
        body = json.dumps(next(bodies)).encode()
        head = f"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    ready = selectors.DefaultSelector()
    for _ in range(CONNECTIONS):
        connection = Connection(port)
        ready.register(connection.socket, selectors.EVENT_READ, connection)
        connection.ask(request())
    latencies = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for key, _ in ready.select(1.0):
            connection = key.data
            if connection.answered():
                latencies.append(time.perf_counter() - connection.begun)
                connection.ask(request())
    for key in [*ready.get_map().values()]:
        key.data.socket.close()
    return sorted(latencies)


def processor_s(pid: int) -> float:
    """Processor time of a process so far."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    """Run a server; give its process."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield process.pid
        process.send_signal(signal.SIGINT)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def row(name: str, port: int, pid: int, bodies: Iterator[dict[str, object]], seconds: float,
        reference: float = 0.0) -> float:  # fmt: skip
    load(port, bodies, 1.0)  # warm
    before = processor_s(pid)
    times = load(port, bodies, seconds)
    used = (processor_s(pid) - before) / len(times)
    rate = len(times) / seconds
    at = [times[int(len(times) * share)] * 1e3 for share in (0.5, 0.99)]
    ratio = f"{rate / reference:.2f}" if reference else "1"
    print(f"| {name} | {rate:.0f} | {at[0]:.1f} | {at[1]:.1f} | {used * 1e3:.2f} | {ratio} |")
    return rate


def main(seconds: float) -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    version = platform.python_version()
    print(f"{machine}, Python {version}; {CONNECTIONS} connections, {seconds:g} s each\n")
    print("| | requests/s | p50, ms | p99, ms | server's processor ms a request | ratio |")
    print("|---|---:|---:|---:|---:|---:|")
    asked: dict[str, object] = {"model": MODEL}
    same = repeat(asked)
    other: Iterator[dict[str, object]] = (asked | {"confidence": 0.5 + n * 1e-7} for n in count())
    port, bare = free_port(), free_port()
    serve = [sys.executable, "-m", "edgeprofiler", "serve", "--port", str(port)]
    with running(serve, port) as pid:
        size = _size(port)
        with running([sys.executable, "-c", BARE, str(size), str(bare)], bare) as plain:
            base = row(f"the same {size / 1e3:.0f} kB from a bare application", bare, plain,
                       same, seconds)  # fmt: skip
        row(f"`POST /api/predict` of {MODEL}", port, pid, same, seconds, base)
        row("the same, every request another prediction", port, pid, other, seconds, base)


def _size(port: int) -> int:
    from urllib.request import Request, urlopen

    asked = Request(
        f"http://127.0.0.1:{port}/api/predict",
        json.dumps({"model": MODEL}).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(asked) as answer:
        return len(answer.read())


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
