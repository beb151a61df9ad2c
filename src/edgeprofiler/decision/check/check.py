"""A budget that continuous integration can hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.document import read_profile
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.core.units import scale_of
from edgeprofiler.decision.check.budget import CHANGES, Budget, read_budget, require_asked
from edgeprofiler.decision.check.limits import LIMITS, images_hz
from edgeprofiler.decision.check.verdict import Finding, Rule, verdict_of
from edgeprofiler.decision.compare.difference import Comparison, difference
from edgeprofiler.prediction.predict import answer, at_rate_of, saved_profile
from edgeprofiler.prediction.question import Question, asks

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from edgeprofiler.prediction.question import Asked
    from edgeprofiler.prediction.question.question import DeviceSpec, Subject


@dataclass(frozen=True)
class Checked:
    """A profile, held to a budget."""

    profile: Profile
    findings: tuple[Finding, ...]
    comparison: Comparison | None = None
    """With the baseline, if there is one."""
    rule: Rule = "interval"

    @property
    def verdict(self) -> Literal["held", "exceeded", "undecided"]:
        """Whether all limits are kept; undecided where that of one is and none is broken."""
        held = [finding.held for finding in self.findings]
        return "exceeded" if False in held else "undecided" if None in held else "held"

    @property
    def passed(self) -> bool:
        """Whether no limit is broken, and under the rule `sure` every one surely kept."""
        return all(self.passes(finding) for finding in self.findings)

    def passes(self, finding: Finding) -> bool:
        """Whether a finding fails nothing under the rule."""
        return finding.held is True or (finding.held is None and self.rule != "sure")


@asks
def check(
    model: Subject | Question | None = None,
    device: DeviceSpec | None = None,
    *,
    budget: str | Path | Budget = "budget.toml",
    baseline: str | Path | Profile | None = None,
    strict: bool = False,
    sure: bool = False,
    **asked: Unpack[Asked],
) -> Checked:
    """Hold a network to a budget.

    Args:
        model: a model, or a profile (saved or not); the budget's where `None`. A profile must be
            of what the budget names.
        device: as of `predict`, in place of the budget's.
        budget: a TOML file; it says limits, and may say a model and how it is to run.
        baseline: a saved profile to compare with.
        strict: fail where the value exceeds a limit, whatever its interval. Where some layers
            are not covered there is no such value, and nothing is decided.
        sure: fail unless the whole interval keeps every limit.
        asked: as of `predict`, in place of what the budget says.

    Raises:
        UsageError: neither call nor budget names a model, a saved profile is to be changed, or
            both the value and the whole interval are to decide.
        InvalidInput: the budget, or a profile of something else.

    >>> import edgeprofiler
    >>> found = edgeprofiler.check("zoo:lenet", budget="budget.toml", sure=True)
    >>> found.passed, found.verdict
    (True, 'held')
    """
    if strict and sure:
        raise UsageError("give `strict` or `sure`, not both")
    rules = budget if isinstance(budget, Budget) else read_budget(Path(budget))
    subject = rules.model if model is None else model
    if subject is None:
        raise UsageError(f"name a `model`, or give {rules.source} a model = '...'")
    question = Question.of(subject, device, **asked)
    saved = saved_profile(question)
    if saved is None:
        profile = answer(question.or_else(rules.asked)).profile
    else:
        rate = Question.of(saved, rate=question.rate or rules.asked.get("rate"))
        profile = at_rate_of(rate, saved)
        require_asked(profile, rules)
    before = (
        baseline
        if baseline is None or isinstance(baseline, Profile)
        else read_profile(Path(baseline))
    )
    return judge(profile, rules, before, "strict" if strict else "sure" if sure else "interval")


def judge(
    profile: Profile, budget: Budget, baseline: Profile | None = None, rule: Rule = "interval"
) -> Checked:
    """Judge a profile by a budget; one at a rate must keep up with it.

    Raises:
        InvalidInput: the baseline is for another device or batch, or there is none and the budget
            limits nothing but a change.
    """
    whole = profile.whole

    def judged(
        name: str, limit: float, estimate: Estimate, unit: str, *,
        whole: bool = whole, at_least: bool = False,
    ) -> Finding:  # fmt: skip
        if not estimate.known:
            raise InvalidInput(name, "cannot be judged: the profile does not know it")
        if not whole:  # what is not covered comes on top
            ends = {"high": estimate.high} if at_least else {"low": estimate.low}
            estimate = Estimate(estimate.value, **ends)
        verdict = verdict_of(estimate, limit, rule, whole=whole, at_least=at_least)
        return Finding(name, limit, estimate, unit, verdict, at_least)

    findings = []
    if profile.rate_hz is not None:
        asked = (profile.rate_hz, images_hz(profile))
        findings.append(judged("rate_fps", *asked, "fps", at_least=True))
    for name, limit in budget.limits.items():
        what = LIMITS[name]
        estimate = what.of(profile, budget.use).scaled(1 / scale_of(what.unit)[0])
        findings.append(judged(name, limit, estimate, what.unit, at_least=what.at_least))
    if baseline is None:
        if not findings:
            raise InvalidInput(
                budget.source, "limits only a [change], but there is no baseline", "give `baseline`"
            )
        return Checked(profile, tuple(findings), None, rule)
    _require_comparable(profile, baseline)
    comparison = difference(baseline, profile)
    for name, limit in budget.changes.items():
        quantity = CHANGES[name]
        total = "end_to_end_s" if quantity == "runtime_s" else quantity
        base = getattr(baseline.totals, total).value
        if not base > 0:
            raise InvalidInput("baseline", f"knows no {total}", "make the baseline anew")
        percent = getattr(comparison, quantity).scaled(100 / base)
        both = whole and baseline.whole
        findings.append(judged(f"{name} (change)", limit, percent, "%", whole=both))
    return Checked(profile, tuple(findings), comparison, rule)


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
