"""Pages that help decide: each is a question, a few fields of its own, and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgeprofiler.core.choices import DEFAULT_CONFIDENCE
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.table import Table, Tone
from edgeprofiler.decision.check import Budget, judge
from edgeprofiler.decision.impact import impact
from edgeprofiler.decision.impact.tables import impact_table
from edgeprofiler.decision.summary import check_tables
from edgeprofiler.decision.sweep.tables import sweep_table
from edgeprofiler.prediction.question import Question
from edgeprofiler.views.web.forms import number_of
from edgeprofiler.views.web.service import Service


@dataclass(frozen=True)
class Own:
    """A field that one page has beside the question."""

    name: str
    label: str
    placeholder: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    """Values and what they are called, where one is to be chosen; the first is the default."""
    number: bool = False


@dataclass(frozen=True)
class Judged:
    """What a page answers."""

    sentence: str
    tables: tuple[Table, ...]
    tone: Tone = ""


@dataclass(frozen=True)
class Decision:
    """A page that helps decide."""

    name: str
    title: str
    subtitle: str
    action: str
    """What its button says."""
    own: tuple[Own, ...]
    judge: Callable[[Service, Question, Mapping[str, str]], Judged | None]
    """From a question and the texts of the page's own fields; `None` where nothing is asked."""
    hint: str = ""
    """What is said where nothing is asked."""
    live: bool = True
    """Whether it is quick enough to follow every change of a field."""


_RULES = (
    ("", "what surely breaks it fails"),
    ("strict", "the value, whatever its interval"),
    ("sure", "the whole interval keeps it"),
)
_LIMITED = {
    "energy_per_image_mj": "Energy an image, at most mJ",
    "latency_ms": "End to end, at most ms",
    "fps": "Images a second, at least",
    "power_w": "Board power, at most W",
    "power_at_rate_w": "Power at the rate, at most W",
    "memory_mib": "Engine's memory, at most MiB",
}
_TONES: Mapping[str, Tone] = {"held": "good", "exceeded": "bad", "undecided": "doubt"}


def _check(service: Service, question: Question, texts: Mapping[str, str]) -> Judged | None:
    profile = service.profile(question)
    asked = {name: number_of(label, texts.get(name, "")) for name, label in _LIMITED.items()}
    limits = {name: value for name, value in asked.items() if value is not None}
    if not limits and profile.rate_hz is None:
        return None
    rule = texts.get("rule", "")
    if rule not in dict(_RULES):
        raise UsageError(f"no rule {rule[:20]!r}; choose one of: strict, sure, or none")
    found = judge(
        profile, Budget("this page", limits),
        rule="strict" if rule == "strict" else "sure" if rule == "sure" else "interval",
    )  # fmt: skip
    doubt = "" if found.passed or found.verdict != "undecided" else ", which fails here"
    sentence = f"The budget is {found.verdict}{doubt}."
    return Judged(sentence, check_tables(found), _TONES[found.verdict])


def _impact(service: Service, question: Question, texts: Mapping[str, str]) -> Judged:
    fleet = number_of("devices", texts.get("fleet", "")) or 1.0
    if fleet != int(fleet):
        raise UsageError(f"devices: {fleet:g} is no whole number")
    said = {name: text for name in ("battery", "intensity", "price")
            if (text := texts.get(name, "").strip())}  # fmt: skip
    found = impact(
        service.profile(question),
        duty=texts.get("duty", "").strip() or "24h/day",
        off_power_w=number_of("power otherwise", texts.get("off_power", ""), least=0) or 0.0,
        fleet=int(fleet),
        battery=said.get("battery"), intensity=said.get("intensity"), price=said.get("price"),
    )  # fmt: skip
    return Judged("What its use costs.", (impact_table(found),))


_SWEPT = ("precisions", "batches", "resolutions")


def _sweep(service: Service, question: Question, texts: Mapping[str, str]) -> Judged | None:
    said = {name: text for name, text in texts.items() if text.strip()}
    if not said:
        return None
    if said.get("boards", "all") != "all":
        raise UsageError("boards: choose all, or the one above")
    axes: dict[str, object] = {
        field: said[name].split(",") if field == "precision" else said[name]
        for name, field in zip(_SWEPT, ("precision", "batch", "resolution"), strict=True)
        if name in said
    }
    axes |= {"device": said["boards"]} if "boards" in said else {}
    found = service.sweep(question, axes, said.get("where"))
    confidence = question.confidence or DEFAULT_CONFIDENCE
    sentence = f"{found.count:,} of {found.count + found.left_out:,} combinations are left."
    return Judged(sentence, (sweep_table(found, len(found), confidence),))


DECISIONS = (
    Decision(
        "sweep",
        "Every combination, and the best of them",
        "Which are best in energy and latency, and which keep your limits.",
        "Sweep",
        (
            Own("boards", "Boards", choices=(("", "the one above"), ("all", "all"))),
            Own("precisions", "Precisions", "fp16,int8"),
            Own("batches", "Batches", "1,2,4"),
            Own("resolutions", "Resolutions, px", "160:320:32"),
            Own("where", "Only where", "fps>=30 and power_w<=10"),
        ),
        _sweep,
        "Say what is to have several values: batches such as 1,2,4, or all boards.",
        live=False,
    ),
    Decision(
        "check",
        "Hold a network to a budget",
        "Each limit is kept for sure, broken for sure, or undecided: where it lies inside the "
        "interval.",
        "Check",
        (*(Own(name, label, "no limit", number=True) for name, label in _LIMITED.items()),
         Own("rule", "A limit is judged by", choices=_RULES)),
        _check,
        "Set a limit, or say how many images a second arrive.",
    ),
    Decision(
        "impact",
        "What a network's use costs",
        "Battery life, and a fleet's energy, CO2e and cost in a year.",
        "Reckon",
        (
            Own("duty", "Time at work", "24h/day"),
            Own("off_power", "Power otherwise, W", "0", number=True),
            Own("battery", "Battery of a device", "50Wh or 5000mAh@3.7V"),
            Own("fleet", "Devices", "1", number=True),
            Own("intensity", "CO2e of energy", "220 g/kWh"),
            Own("price", "Price of energy", "0.30 EUR/kWh"),
        ),
        _impact,
    ),
)  # fmt: skip
