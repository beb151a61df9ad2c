"""What a page's form sends as the parameters of an address, read into questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeprofiler.core.choices import (
    DEFAULT_CONFIDENCE,
    DEFAULT_DEVICE,
    DEFAULT_RUNTIME,
    PRECISIONS,
    RUNTIMES,
)
from edgeprofiler.core.device import mode_name
from edgeprofiler.core.errors import UsageError
from edgeprofiler.prediction.question import Question, parse_texts
from edgeprofiler.views.web.admit import admit
from edgeprofiler.views.web.offered import FIELDS, Board, boards, zoo_models
from edgeprofiler.views.web.service import Aim, Service

DEFAULT_MODEL = "zoo:resnet18"

AIMS = (
    ("budget_percent", "Energy, at most % of now"),
    ("budget_mj", "Energy an image, at most mJ"),
    ("max_latency_ms", "End to end, at most ms"),
    ("max_power_w", "Board power, at most W"),
    ("min_fps", "Images a second, at least"),
)
"""Fields of advice: name and label; an empty one is no budget."""


@dataclass(frozen=True)
class Fields:
    """The texts of one question's fields, as the page shows them, and what can be chosen."""

    prefix: str
    values: Mapping[str, str]
    boards: tuple[Board, ...]
    zoo: tuple[str, ...]
    uploads: tuple[tuple[str, str], ...]
    """Address and name of each file that was sent."""
    predictors: tuple[str, ...] = ()
    """Names of trained predictors."""

    @property
    def modes(self) -> tuple[str, ...]:
        """Power modes of the board that is chosen."""
        return next((b.modes for b in self.boards if b.name == self.values["device"]), ())

    @property
    def runtimes(self) -> tuple[str, ...]:
        """Host runtimes."""
        return RUNTIMES

    @property
    def precisions(self) -> tuple[str, ...]:
        """Precisions."""
        return PRECISIONS


def fields_of(
    query: Mapping[str, str], service: Service, prefix: str = "", **defaults: str
) -> Fields:
    """Return a form's fields: what was sent, else defaults.

    Args:
        query: the parameters of the address.
        service: knows which files were sent.
        prefix: begins the names of the fields, where a page has several choices.
        defaults: values by field where nothing was sent.
    """
    names = ("model", "mode", "clocks", *FIELDS)
    given = {name: query.get(prefix + name, defaults.get(name, "")).strip() for name in names}
    given["model"] = given["model"] or DEFAULT_MODEL
    device, mode, clocks = _setting(given["device"].lower())
    given["device"] = device or DEFAULT_DEVICE
    given["mode"] = mode_name(given["mode"] or mode)
    given["clocks"] = given["clocks"] or clocks
    board = next((b for b in boards() if b.name == given["device"]), None)
    if board is not None and given["mode"] not in board.modes:
        # Without scripts a form sends the modes of the board that was shown before.
        given["mode"] = board.default_mode
    given["runtime"] = given["runtime"] or DEFAULT_RUNTIME
    given["confidence"] = given["confidence"] or f"{DEFAULT_CONFIDENCE:g}"
    uploads = tuple((upload.address, upload.label) for upload in service.uploads.all())
    return Fields(prefix, given, boards(), zoo_models(), uploads, service.predictors)


def question_of(fields: Fields) -> Question:
    """Return the question that a form's fields stand for.

    Raises:
        UsageError: a field holds no number where one is expected, or an unknown name.
        InvalidInput: an unknown model.
    """
    values = fields.values
    asked = parse_texts({name: values[name] for name in FIELDS})
    return admit(values["model"], asked, values["mode"], values["clocks"])


def query_of(question: Question, prefix: str = "") -> dict[str, str]:
    """Return a question as the parameters of an address; what is not asked is left out."""
    device, mode, clocks = _setting(str(question.device))
    asked = {**question.document(), "device": device, "mode": mode}
    asked |= {"clocks": clocks} if clocks else {}
    return {prefix + name: str(value) for name, value in asked.items()}


def _setting(spec: str) -> tuple[str, str, str]:
    """Return the board, the power mode and the clocks of a device's name."""
    board, _, setting = spec.partition("@")
    mode, _, clocks = setting.partition(",")
    return (board, "", setting) if "=" in mode else (board, mode, clocks)


def advice_of(query: Mapping[str, str], kinds: tuple[str, ...]) -> Aim:
    """Return how far advice is to go.

    Raises:
        UsageError: a field holds no number above zero.
    """
    return Aim(
        **{name: number_of(label, query.get(name, "")) for name, label in AIMS},
        kinds=kinds,
    )


def number_of(name: str, text: str, *, least: float | None = None) -> float | None:
    """Return the number in a field, or `None` where it is empty.

    Args:
        name: what the field is called.
        text: what is in it.
        least: the least that is allowed; above zero where `None`.

    Raises:
        UsageError: it is no number, or out of range.
    """
    if not text.strip():
        return None
    try:
        value = float(text[:40])
    except ValueError:
        raise UsageError(f"{name}: {text[:20]!r} is no number") from None
    if not (0 < value < 1e9 or value == least):
        raise UsageError(f"{name}: {text[:20]!r} must be above zero")
    return value
