"""A budget that continuous integration can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.network import Shape
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.document import read_profile
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.core.values import Value, read_toml
from edgeprofiler.decision.compare.difference import Comparison, difference
from edgeprofiler.prediction.predict import answer, is_saved, saved_profile
from edgeprofiler.prediction.question import OPTIONS, Question, asks, read_table

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from edgeprofiler.prediction.question import Asked
    from edgeprofiler.prediction.question.question import DeviceSpec, Subject

LIMITS: Mapping[str, tuple[str, float, str]] = {
    "energy_mj": ("energy_j", 1e-3, "mJ"),
    "energy_above_idle_mj": ("energy_above_idle_j", 1e-3, "mJ"),
    "latency_ms": ("end_to_end_s", 1e-3, "ms"),
    "gpu_time_ms": ("runtime_s", 1e-3, "ms"),
    "power_w": ("power_w", 1.0, "W"),
    "power_above_idle_w": ("power_above_idle_w", 1.0, "W"),
}
"""Name in the file: field of the totals, its unit in SI, and the unit's name."""

CHANGES: Mapping[str, str] = {
    "energy_percent": "energy_j",
    "latency_percent": "runtime_s",
}
"""Name in the file: field of the comparison with the baseline."""


@dataclass(frozen=True)
class Budget:
    """What one inference may cost, absolutely and against a baseline."""

    source: str
    limits: Mapping[str, float]
    """By the names of `LIMITS`, in the units that these names say."""
    changes: Mapping[str, float] = field(default_factory=dict)
    """Largest increase over the baseline in percent, by the names of `CHANGES`."""
    model: str | None = None
    """What is to be held to it, where the file says so."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """How it is to run: fields of a `Question`."""


@dataclass(frozen=True)
class Finding:
    """One line of a budget, judged."""

    name: str
    limit: float
    estimate: Estimate
    """In the unit of the limit."""
    unit: str
    verdict: Literal["pass", "unsure", "fail"]
    """`unsure`: the value is over the limit, its interval is not."""


def read_budget(path: Path) -> Budget:
    """Return the budget of a TOML file.

    Raises:
        InvalidInput: unknown names, limits that are no positive numbers, or no limit at all.
    """
    table = read_toml(path)
    table.allow(("model", *OPTIONS, "limits", "change"))
    limits, changes = _limits(table["limits"], LIMITS), _limits(table["change"], CHANGES)
    if not limits and not changes:
        raise table.fail("sets no limit", "add for example [limits] with energy_mj = 50")
    model = table["model"].maybe(Value.name)
    return Budget(str(path), limits, changes, model, read_table(table.mapping(), path))


@dataclass(frozen=True)
class Checked:
    """A profile, held to a budget."""

    profile: Profile
    findings: tuple[Finding, ...]
    comparison: Comparison | None
    """With the baseline, if there is one."""

    @property
    def passed(self) -> bool:
        """Whether no limit is surely exceeded."""
        return all(finding.verdict != "fail" for finding in self.findings)


@asks
def check(
    model: Subject | Question | None = None,
    device: DeviceSpec | None = None,
    *,
    budget: str | Path | Budget = "budget.toml",
    baseline: str | Path | Profile | None = None,
    strict: bool = False,
    **asked: Unpack[Asked],
) -> Checked:
    """Hold a network to a budget.

    Args:
        model: a model, or a profile (saved or not); the budget's where `None`. A profile must be
            of what the budget names.
        device: as of `predict`, in place of the budget's.
        budget: a TOML file; it says limits, and may say a model and how it is to run.
        baseline: a saved profile to compare with.
        strict: fail where the value exceeds a limit, whatever its interval.
        asked: as of `predict`, in place of what the budget says.

    Raises:
        UsageError: neither call nor budget names a model, or a saved profile is to be changed.
        InvalidInput: the budget, or a profile of something else.

    >>> import edgeprofiler
    >>> edgeprofiler.check("zoo:lenet", budget="budget.toml").passed
    True
    """
    rules = budget if isinstance(budget, Budget) else read_budget(Path(budget))
    subject = rules.model if model is None else model
    if subject is None:
        raise UsageError(f"name a `model`, or give {rules.source} a model = '...'")
    question = Question.of(subject, device, **asked)
    if is_saved(subject):
        saved = saved_profile(question)
        assert saved is not None
        profile = saved
        require_asked(profile, rules)
    else:
        profile = answer(question.or_else(rules.asked)).profile
    before = (
        baseline
        if baseline is None or isinstance(baseline, Profile)
        else read_profile(Path(baseline))
    )
    return Checked(profile, *judge(profile, rules, before, strict=strict))


def judge(
    profile: Profile, budget: Budget, baseline: Profile | None = None, *, strict: bool = False
) -> tuple[tuple[Finding, ...], Comparison | None]:
    """Judge a profile by a budget.

    A limit fails when the whole interval lies above it (`strict`: when the value does).

    Raises:
        InvalidInput: the baseline is for another device or batch, or there is none and the budget
            limits nothing but a change.
    """
    findings = [
        _judge(name, limit, getattr(profile.totals, quantity).scaled(1 / unit), unit_name, strict)
        for name, limit in budget.limits.items()
        for quantity, unit, unit_name in [LIMITS[name]]
    ]
    if baseline is None:
        if not findings:
            raise InvalidInput(
                budget.source, "limits only a [change], but there is no baseline", "give `baseline`"
            )
        return tuple(findings), None
    _require_comparable(profile, baseline)
    comparison = difference(baseline, profile)
    for name, limit in budget.changes.items():
        quantity = CHANGES[name]
        total = "end_to_end_s" if quantity == "runtime_s" else quantity
        base = getattr(baseline.totals, total).value
        if not base > 0:
            raise InvalidInput("baseline", f"knows no {total}", "make the baseline anew")
        percent = getattr(comparison, quantity).scaled(100 / base)
        findings.append(_judge(f"{name} (change)", limit, percent, "%", strict))
    return tuple(findings), comparison


def require_asked(profile: Profile, budget: Budget) -> None:
    """Refuse a saved profile of something else than the budget asks for.

    Raises:
        InvalidInput: what differs, and how.
    """
    told = _told(profile)
    for name, wanted in budget.asked.items():
        if name == "device":
            wanted = load_device(wanted).spec
        if name == "shapes":
            same = set(wanted.values()) <= _input_shapes(profile)
            told[name] = wanted if same else "not among those that its layers read"
        if name not in told:
            raise InvalidInput(
                budget.source, f"its {name} cannot be told of a saved profile",
                f"leave {name} out, or give a model",
            )  # fmt: skip
        if wanted != told[name]:
            raise InvalidInput(
                budget.source, f"its {name} is {wanted}, the saved profile's {told[name]}",
                "give a profile of that kind, or change the budget",
            )  # fmt: skip


def _told(profile: Profile) -> dict[str, object]:
    """Return the fields of a question that a profile tells."""
    network, board = profile.network, profile.device
    told: dict[str, object] = {
        "device": f"{board.name}@{board.mode}",
        "runtime": board.runtime,
        "precision": network.precision,
        "batch": network.batch,
        "front_end": network.source.front_end,
        "confidence": profile.confidence,
    }
    images = [s for layer in network.layers for s in layer.input_shapes if len(s) == 4]
    if images and images[0][2] == images[0][3]:
        told["resolution"] = images[0][2]
    return told


def _input_shapes(profile: Profile) -> set[Shape]:
    return {shape for layer in profile.network.layers for shape in layer.input_shapes}


def _judge(name: str, limit: float, estimate: Estimate, unit: str, strict: bool) -> Finding:
    if not estimate.known:
        raise InvalidInput(name, "cannot be judged: the profile does not know it")
    sure = estimate.value if strict or math.isnan(estimate.low) else estimate.low
    over = estimate.value > limit
    return Finding(
        name, limit, estimate, unit, "fail" if sure > limit else "unsure" if over else "pass"
    )


def _require_comparable(profile: Profile, baseline: Profile) -> None:
    for what, ours, theirs in (
        ("device", profile.device.name, baseline.device.name),
        ("power mode", *_modes(profile, baseline)),
        ("host runtime", profile.device.runtime, baseline.device.runtime),
        ("batch", profile.network.batch, baseline.network.batch),
        ("origin", profile.origin.kind, baseline.origin.kind),
    ):
        if ours != theirs:
            raise InvalidInput(
                "baseline", f"its {what} is {theirs}, not {ours}", "make the baseline anew"
            )


def _modes(profile: Profile, baseline: Profile) -> tuple[str, str]:
    """Return the power modes of two profiles; of the same clocks, the first one's twice."""
    ours, theirs = profile.device, baseline.device
    same = ours.clocks is not None and ours.clocks == theirs.clocks
    return ours.mode, ours.mode if same else theirs.mode


def _limits(table: Value, known: Mapping[str, object]) -> dict[str, float]:
    entries = table.default({})
    entries.allow((*known,))
    return {name: value.number(0) for name, value in entries.entries()}
