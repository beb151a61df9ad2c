"""What machine a time was measured on, in words."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path


def machine_facts(root: Path = Path("/")) -> Mapping[str, str]:
    """Return board, processor, cores, system and load; what cannot be read is left out.

    Args:
        root: of the file system, so that tests can give another.
    """
    facts = {
        "board": _first_line(root / "proc/device-tree/model"),
        "processor": _processor(root / "proc/cpuinfo") or platform.machine(),
        "cores": str(_cores()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": _first_line(root / "proc/loadavg").split(" ")[0],
    }
    return {name: value for name, value in facts.items() if value}


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline(1000).strip("\0\n ")
    except OSError:
        return ""


def _processor(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(("model name", "Model")):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return ""
