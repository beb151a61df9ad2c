"""Tables of other tools: each form is a recogniser of its columns and what they hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeprofiler.core.values import Heading
from edgeprofiler.measurement.power_logs.asked import Role

_TIME = re.compile(
    r"(?:date ?|local ?|host ?|utc ?|unix ?|epoch ?)?time(?: ?stamp)?(?: (?:utc|gmt|local))?|"
    r"date|ts|t|seconds|epoch|time (?:since|from) .*|elapsed(?: time)?|up ?time"
)
_SINCE_START = re.compile(r"(?:elapsed|up ?time|time (?:since|from)).*")
_POWER, _CURRENT, _VOLTAGE = (
    re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?=\d*(?![A-Za-z0-9]))", re.IGNORECASE)
    for words in (
        "power|watts?|pwr|p", "current|amps?|amperes?|i", "voltage|volts?|v|u",
    )
)  # fmt: skip
_BOUND = re.compile(r"\b(?:limit|cap|budget|managed?|management|max|maximum|threshold|factor)\b")
_MEAN = re.compile(r"\b(?:average|avg|mean|min|minimum|peak|std)\b")


@dataclass(frozen=True)
class Form:
    """A kind of table: how it is recognised and what its columns hold."""

    name: str
    fits: Callable[[Sequence[str]], bool]
    """Whether these columns are of the form."""
    roles: Callable[[Sequence[str]], list[Role]]
    """What they hold; no power among them where none is found."""
    total: str = ""
    """The rail that the form itself calls the board's input."""
    device: tuple[str, ...] = ()
    """Columns of which the first that is there tells devices apart that share the table."""


def _words(column: str) -> str:
    """Return a heading's name in plain lower-case words."""
    return re.sub(r"[\W_]+", " ", Heading.of(column).name.lower()).strip()


def times_of(columns: Sequence[str]) -> list[Role]:
    """Return the column of time, or those of date and time."""
    named = [c for c in columns if _TIME.fullmatch(_words(c)) or _is_bare_time(c)]
    named = [c for c in named if not _SINCE_START.fullmatch(_words(c))] or named
    seconds = [c for c in named if Heading.of(c).quantity == "s"]
    dates = [c for c in named if _words(c) == "date"]
    clock = [c for c in named if _words(c) == "time"]
    if dates and clock and not seconds:
        return [Role("time", dates[0]), Role("time", clock[0])]
    chosen = (seconds or clock or named)[:1]
    return [Role("time", c, Heading.of(c).scale if seconds else 0.0) for c in chosen]


def _is_bare_time(column: str) -> bool:
    heading = Heading.of(column)
    return heading.quantity == "s" and not heading.name


def says_utc(column: str) -> bool:
    """Say whether a heading calls its times those of Greenwich."""
    return bool({"utc", "gmt"} & {*_words(column).split()})


def _plain_roles(columns: Sequence[str]) -> list[Role]:
    """Return times and powers of a table whose headings speak for themselves."""
    others = [c for c in columns if c not in {t.column for t in times_of(columns)}]
    found = {
        part: [
            Role(part, column, Heading.of(column).scale, _rail(column, word))
            for column in others
            if _holds(column, unit, word) and not _BOUND.search(_words(column))
        ]
        for part, unit, word in (
            ("power", "w", _POWER), ("current", "a", _CURRENT), ("voltage", "v", _VOLTAGE),
        )
    }  # fmt: skip
    for part, roles in found.items():
        # an average beside what it is of; alone it is what there is
        found[part] = [r for r in roles if not _MEAN.search(_words(r.column))] or roles
    if found["power"]:
        return [*times_of(columns), *found["power"]]
    return [*times_of(columns), *found["current"], *found["voltage"]]


def _holds(column: str, unit: str, word: re.Pattern[str]) -> bool:
    quantity = Heading.of(column).quantity
    return quantity == unit if quantity else word.search(_words(column)) is not None


def _rail(column: str, word: re.Pattern[str]) -> str:
    """Return the name of a rail: the heading without its unit and the word for what it holds."""
    return word.sub("", Heading.of(column).name).strip(" _.-/#:") or "power"


def _jtop(columns: Sequence[str]) -> list[Role]:
    rails = [c for c in columns if c.startswith("Power ")]
    return [*times_of(columns), *(Role("power", c, 1e-3, c.removeprefix("Power ")) for c in rails)]


def _nvidia_smi(columns: Sequence[str]) -> list[Role]:
    drawn = [c for c in columns if Heading.of(c).name.startswith("power.draw")]
    # newer drivers average `power.draw` over a second; `instant` is what it was before
    best = next((c for c in drawn if "instant" in c), drawn[0])
    stamps = [Role("time", c) for c in columns if c == "timestamp"]
    return [*stamps, Role("power", best, Heading.of(best).scale, "GPU")]


FORMS = (
    Form(
        "jtop", lambda cs: "uptime" in cs and any(c.startswith("Power ") for c in cs), _jtop,
        total="TOT",
    ),
    Form(
        "nvidia-smi", lambda columns: any(c.startswith("power.draw") for c in columns),
        _nvidia_smi, device=("index", "uuid", "gpu_uuid", "pci.bus_id", "gpu_bus_id"),
    ),
    Form("CSV", lambda _columns: True, _plain_roles),
)  # fmt: skip
"""In the order in which they are tried. Zeus, Joulescope and Otii need none of their own."""


def form_of(columns: Sequence[str]) -> Form | None:
    """Return the form of a table with these columns; `None` where it is no power log."""
    form = next(form for form in FORMS if form.fits(columns))
    parts = {role.part for role in form.roles(columns)}
    return form if "power" in parts or {"current", "voltage"} <= parts else None
