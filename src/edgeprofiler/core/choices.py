"""What can be chosen of how a network runs. Imports nothing heavy: help pages name the choices."""

from __future__ import annotations

from edgeprofiler.core.errors import UsageError

DEFAULT_DEVICE = "jetson-orin-nano"

RUNTIMES = ("trtexec", "cpp", "ultralytics", "torch-tensorrt", "torch2trt")
"""Host runtimes: what calls the engine, and so how long the GPU waits between inferences."""

DEFAULT_RUNTIME = "trtexec"

PRECISIONS = ("fp32", "fp16", "int8")
"""What a network can be built for."""

DEFAULT_PRECISION = "fp16"

DEFAULT_CONFIDENCE = 0.9


def precision_named(name: str) -> str:
    """Return a precision as it is spelt here, in lower case.

    Raises:
        UsageError: it is none of `PRECISIONS`.
    """
    return _chosen("precision", name, PRECISIONS)


def runtime_named(name: str) -> str:
    """Return a host runtime as it is spelt here, in lower case.

    Raises:
        UsageError: it is none of `RUNTIMES`.
    """
    return _chosen("host runtime", name, RUNTIMES)


def _chosen(what: str, name: str, choices: tuple[str, ...]) -> str:
    found = name.strip().lower()
    if found not in choices:
        raise UsageError(f"no {what} {name[:64]!r}; choose one of: {', '.join(choices)}")
    return found
