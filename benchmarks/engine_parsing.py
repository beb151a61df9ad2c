"""How long it takes to read a TensorRT engine description.

Usage: python benchmarks/engine_parsing.py ENGINE_INFO.json [...]

The reference is `json.loads` of the same text, in the same run. Each figure is the least processor
time of several runs, so that what else the machine does counts little. Prints Markdown.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edgeprofiler.core.network import Source
from edgeprofiler.core.profile import from_document, to_json
from edgeprofiler.reading.engine import engine_document, network_from_engine

RUNS = 21


def least_s(work: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def profile_text(path: Path) -> str:
    from edgeprofiler import predict

    return to_json(predict(path))


def main(paths: list[Path]) -> None:
    print(f"{platform.machine()}, Python {platform.python_version()}; least of {RUNS} runs, ms\n")
    print("| file | layers | json.loads | network | ratio | engine JSON back | profile read |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for path in paths:
        text = path.read_text(encoding="utf-8")
        source = Source(str(path), "tensorrt")
        network = network_from_engine(json.loads(text), source)
        saved = profile_text(path)
        loads = least_s(lambda text=text: json.loads(text))  # type: ignore[misc]
        reads = least_s(
            lambda text=text, source=source: network_from_engine(json.loads(text), source)  # type: ignore[misc]
        )
        writes = least_s(lambda network=network: engine_document(network))  # type: ignore[misc]
        profile = least_s(lambda saved=saved: from_document(json.loads(saved)))  # type: ignore[misc]
        cells = [f"{value * 1e3:.1f}" for value in (loads, reads)]
        rest = [f"{value * 1e3:.1f}" for value in (writes, profile)]
        print(f"| {path.name} | {len(network)} | {' | '.join(cells)} | {reads / loads:.0f} | "
              f"{' | '.join(rest)} |")  # fmt: skip


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
