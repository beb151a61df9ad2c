"""What a server refuses beyond what any question does: paths, and names that it does not offer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from edgeprofiler.core.choices import DEFAULT_CONFIDENCE, DEFAULT_PRECISION, DEFAULT_RUNTIME
from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.prediction.question import Question
from edgeprofiler.reading.read import read_model
from edgeprofiler.views.web.offered import FIELDS, boards, zoo_models
from edgeprofiler.views.web.uploads import ADDRESS

MAX_CONFIDENCE = 0.9999
"""Beyond it intervals are wider than any use, and end in rounding."""
_ZOO = re.compile(r"zoo:[a-z0-9_]{1,64}(\?classes=[0-9]{1,6})?")


def admit(
    model: str, asked: Mapping[str, Any], mode: str | None = None, clocks: str | None = None
) -> Question:
    """Return a request's question in one normal form; nothing in it names a file.

    Args:
        model: `zoo:NAME` or `upload:ID`.
        asked: the question's other fields, of `FIELDS`.
        mode: the device's power mode, where it stands apart.
        clocks: those that differ from the mode's, where they stand apart.

    Raises:
        UsageError: an unknown device, mode, runtime or precision, clocks that the device cannot
            be set to, or a number out of range.
        InvalidInput: the model is neither of the zoo nor an upload.
    """
    question = Question(_model(model), **{name: asked.get(name) for name in FIELDS})
    if (question.confidence or 0) > MAX_CONFIDENCE:
        raise UsageError(f"`confidence`: {question.confidence} is more than {MAX_CONFIDENCE}")
    zoo = str(question.model).startswith("zoo:")
    return Question.of(question, device=_device(str(question.device or ""), mode, clocks)).or_else(
        {
            "runtime": DEFAULT_RUNTIME,
            "confidence": DEFAULT_CONFIDENCE,
            **({"precision": DEFAULT_PRECISION} if zoo else {}),
        }
    )


def _device(spec: str, mode: str | None, clocks: str | None) -> str:
    name, _, setting = spec.strip().lower().partition("@")
    board = next((b for b in boards() if b.name == name), None if name else boards()[0])
    if board is None:
        names = ", ".join(b.name for b in boards())
        raise UsageError(f"unknown device {spec[:64]!r}; choose one of: {names}")
    settings = [text.strip() for text in (mode or setting, clocks) if text and text.strip()]
    device = load_device(board.name)
    return (device.with_mode(",".join(settings)) if settings else device).spec


def _model(model: str) -> str:
    model = model.strip()
    if ADDRESS.fullmatch(model):
        return model
    if _ZOO.fullmatch(model):
        if model.partition("?")[0] not in zoo_models():
            # The zoo's own error names those that are spelt alike; it looks at no file.
            read_model(model, front_end="zoo")
        return model
    raise InvalidInput(
        model[:64] or "model",
        "is no model that this server knows",
        "choose zoo:NAME, or send a file first; paths are never opened",
    )
