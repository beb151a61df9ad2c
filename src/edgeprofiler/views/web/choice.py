"""What a user can choose, and a request's choices in one normal form."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from edgeprofiler.core import plugins
from edgeprofiler.core.device import DEFAULT_DEVICE, RUNTIMES, Device, device_names, load_device
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.reading.read import DEFAULT_PRECISION, PRECISIONS, builder
from edgeprofiler.views.web.uploads import ADDRESS

_ZOO = re.compile(r"zoo:[a-z0-9_]{1,64}(\?classes=[0-9]{1,6})?")
MAX_DIMENSION = 65536
MAX_CONFIDENCE = 0.9999
"""Beyond it intervals are wider than any use, and end in rounding."""


@dataclass(frozen=True)
class Choice:
    """A network and how it is to run; equal choices have equal results."""

    model: str
    """`zoo:NAME` or `upload:ID`."""
    device: str = f"{DEFAULT_DEVICE}@"
    """`NAME@MODE`."""
    runtime: str = "trtexec"
    precision: str | None = None
    """`None`: fp16, or what a built engine was built for."""
    batch: int | None = None
    resolution: int | None = None
    confidence: float = 0.9
    predictor: str | None = None
    """Name of a trained predictor; `None`: the analytic model."""

    @property
    def network(self) -> tuple[str, str | None, int | None, int | None, str, str]:
        """The part that decides which layers there are."""
        board = self.device.partition("@")[0]
        return (
            self.model, self.precision, self.batch, self.resolution, board, builder(self.runtime),
        )  # fmt: skip

    def query(self) -> dict[str, str]:
        """Return the choice as the parameters of an address; what is not chosen is left out."""
        device, _, mode = self.device.partition("@")
        values: dict[str, Any] = {
            "model": self.model, "device": device, "mode": mode, "runtime": self.runtime,
            "precision": self.precision, "batch": self.batch, "resolution": self.resolution,
            "confidence": f"{self.confidence:g}", "predictor": self.predictor,
        }  # fmt: skip
        return {name: str(value) for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Board:
    """A device as a page offers it."""

    name: str
    description: str
    modes: tuple[str, ...]
    default_mode: str


@cache
def boards() -> tuple[Board, ...]:
    """Return the shipped devices, the default one first."""
    loaded: list[Device] = [load_device(name) for name in device_names()]
    found = [
        Board(d.name, d.description, tuple(m.name for m in d.modes), d.default_mode) for d in loaded
    ]
    return tuple(sorted(found, key=lambda board: (board.name != DEFAULT_DEVICE, board.name)))


@cache
def zoo_models() -> tuple[str, ...]:
    """Return the addresses of all networks of the zoo."""
    found: tuple[str, ...] = plugins.load("frontends", "zoo")().sources()
    return found


def choose(
    model: str,
    *,
    device: str = DEFAULT_DEVICE,
    mode: str | None = None,
    runtime: str | None = None,
    precision: str | None = None,
    batch: int | None = None,
    resolution: int | None = None,
    confidence: float = 0.9,
    predictor: str | None = None,
) -> Choice:
    """Return a request's choice in its normal form; nothing in it names a file.

    Raises:
        UsageError: an unknown device, mode, runtime or precision, or a number out of range.
        InvalidInput: the model is neither of the zoo nor an upload.
    """
    name, _, wanted = device.strip().lower().partition("@")
    board = next((b for b in boards() if b.name == name), None)
    if board is None:
        names = ", ".join(b.name for b in boards())
        raise UsageError(f"unknown device {device[:64]!r}; choose one of: {names}")
    wanted = (mode or wanted or board.default_mode).strip().lower()
    if wanted not in board.modes:
        names = ", ".join(board.modes)
        raise UsageError(f"{name} has no power mode {wanted[:64]!r}; choose one of: {names}")
    runtime = runtime or "trtexec"
    if runtime not in RUNTIMES:
        raise UsageError(f"no host runtime {runtime[:64]!r}; choose one of: {', '.join(RUNTIMES)}")
    if precision and precision not in PRECISIONS:
        raise UsageError(f"no precision {precision[:64]!r}; choose one of: {', '.join(PRECISIONS)}")
    if not 0 < confidence <= MAX_CONFIDENCE:
        raise UsageError(f"confidence is {confidence:g}; it must lie between 0 and 1, as 0.9")
    for what, value in (("batch", batch), ("resolution", resolution)):
        if value is not None and not 1 <= value <= MAX_DIMENSION:
            raise UsageError(f"{what} {value}: it must lie between 1 and {MAX_DIMENSION}")
    choice = Choice(
        model=_model(model), device=f"{name}@{wanted}", runtime=runtime,
        precision=precision or None, batch=batch, resolution=resolution, confidence=confidence,
        predictor=predictor or None,
    )  # fmt: skip
    if choice.model.startswith("zoo:") and choice.precision is None:
        return replace(choice, precision=DEFAULT_PRECISION)
    return choice


def _model(model: str) -> str:
    model = model.strip()
    if ADDRESS.fullmatch(model):
        return model
    if _ZOO.fullmatch(model):
        if model.partition("?")[0] not in zoo_models():
            # The zoo's own error names those that are spelt alike; it looks at no file.
            from edgeprofiler.reading.read import read_model

            read_model(model, front_end="zoo")
        return model
    shown = "".join(c if c.isprintable() else "?" for c in model[:64])
    raise InvalidInput(
        shown or "model",
        "is no model that this server knows",
        "choose zoo:NAME, or send a file first; paths are never opened",
    )
