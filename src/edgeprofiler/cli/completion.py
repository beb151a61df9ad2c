"""What a shell offers after Tab: names of boards with their modes, precisions, hosts, the zoo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from edgeprofiler.core.choices import PRECISIONS, RUNTIMES


def devices(incomplete: str) -> list[str]:
    """Return boards, and after an @ the power modes of one."""
    from edgeprofiler.core.device import device_names, load_device
    from edgeprofiler.core.errors import EdgeProfilerError

    board, at, _ = incomplete.partition("@")
    if not at:
        return _starting(device_names(), incomplete)
    try:
        modes = load_device(board).modes
    except EdgeProfilerError:
        return []
    return _starting((f"{board}@{mode.name}" for mode in modes), incomplete)


def models(incomplete: str) -> list[str]:
    """Return networks of the zoo once that is begun, else files that may be models."""
    if incomplete.startswith("zoo:"):
        from edgeprofiler.core import plugins

        sources: tuple[str, ...] = plugins.load("frontends", "zoo")().sources()
        return _starting(sources, incomplete)
    folder = Path(incomplete).parent
    found = [str(path) for ending in ("*.onnx", "*.json") for path in folder.glob(ending)]
    return _starting([*sorted(found), "zoo:"], incomplete)


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


COMPLETIONS: Mapping[str, Callable[[str], list[str]]] = {
    "device": devices,
    "precision": lambda incomplete: _starting(PRECISIONS, incomplete),
    "runtime": lambda incomplete: _starting(RUNTIMES, incomplete),
}
"""By field of a question."""
