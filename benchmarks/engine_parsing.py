"""How long it takes to read a TensorRT engine description.

Usage: python benchmarks/engine_parsing.py ENGINE_INFO.json [...]

The reference is `json.loads` of the same text, in turns with reading. Each figure is the least
processor time of several runs, so that what else the machine does counts little. Prints Markdown.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

from least import least_of_each_s, least_s

from edgeprofiler.core.network import Source
from edgeprofiler.core.profile import from_document, to_json
from edgeprofiler.reading.engine import engine_document, network_from_engine

RUNS = 41


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
        loads, reads = least_of_each_s(
            [
                lambda text=text: json.loads(text),  # type: ignore[misc]
                lambda text=text, source=source: network_from_engine(json.loads(text), source),  # type: ignore[misc]
            ],
            RUNS,
        )
        writes = least_s(lambda network=network: engine_document(network), RUNS)  # type: ignore[misc]
        profile = least_s(lambda saved=saved: from_document(json.loads(saved)), RUNS)  # type: ignore[misc]
        cells = [f"{value * 1e3:.1f}" for value in (loads, reads)]
        rest = [f"{value * 1e3:.1f}" for value in (writes, profile)]
        print(f"| {path.name} | {len(network)} | {' | '.join(cells)} | {reads / loads:.1f} | "
              f"{' | '.join(rest)} |")  # fmt: skip


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
