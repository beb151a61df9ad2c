"""What `check` found, for a pull request, for JUnit and for programs."""

from __future__ import annotations

import math
from typing import Any
from xml.etree import ElementTree as ET

from edgeprofiler.core.profile import Estimate, Profile
from edgeprofiler.core.units import engineering
from edgeprofiler.decision.check import Finding
from edgeprofiler.decision.compare.difference import Comparison
from edgeprofiler.decision.compare.document import comparison_document

_MARKS = {"pass": "✅ pass", "unsure": "⚠️ over, but not surely", "fail": "❌ exceeded"}


def to_markdown(
    profile: Profile, findings: tuple[Finding, ...], comparison: Comparison | None = None
) -> str:
    """Return a summary: each limit, the difference from the baseline, the worst layers."""
    device = profile.device
    failed = sum(finding.verdict == "fail" for finding in findings)
    lines = [
        f"### Energy budget: {'exceeded' if failed else 'held'}",
        "",
        (
            f"`{_code(profile.network.name)}`, batch {profile.network.batch}, "
            f"{profile.network.precision}, on {device.name}@{device.mode} ({device.runtime}), "
            f"{profile.origin.kind}{', SIMULATED' if profile.simulated else ''}."
        ),
        "",
        "| limit | at most | value | interval | |",
        "|---|--:|--:|--:|---|",
    ]
    for finding in findings:
        low, high = finding.estimate.low, finding.estimate.high
        interval = "" if math.isnan(low) else f"{low:.4g} to {high:.4g}"
        lines.append(
            f"| {_label(finding.name)} | {finding.limit:g} {finding.unit} "
            f"| {finding.estimate.value:.4g} | {interval} | {_MARKS[finding.verdict]} |"
        )
    if comparison is not None:
        lines += ["", *_against_baseline(comparison)]
    lines += [
        "",
        "**Layers that need most energy**",
        "",
        "| layer | energy | share |",
        "|---|--:|--:|",
    ]
    total = profile.totals.energy_j.value
    costs = sorted(profile, key=lambda cost: -_or_zero(cost.energy_j.value))
    for cost in costs[:5]:
        energy = cost.energy_j.value
        share = f"{100 * energy / total:.1f} %" if total else ""
        lines.append(f"| `{_code(cost.layer.name)}` | {engineering(energy, 'J')} | {share} |")
    if profile.uncovered:
        lines += ["", f"{len(profile.uncovered)} layers are not covered; totals leave them out."]
    return "\n".join(lines) + "\n"


def _against_baseline(comparison: Comparison) -> list[str]:
    lines = [
        (
            f"Against the baseline: energy {_signed(comparison.energy_j, 'J')}, end to end "
            f"{_signed(comparison.runtime_s, 's')}."
        )
    ]
    largest = comparison.largest(5)
    if largest:
        lines += ["", "| layer that changed | | energy | time |", "|---|---|--:|--:|"]
        lines += [
            f"| `{_code(change.name)}` | {change.pair.status} "
            f"| {_plus(change.energy_j, 'J')} | {_plus(change.runtime_s, 's')} |"
            for change in largest
        ]
    else:
        lines.append("No layer's cost changed.")
    return lines


def to_junit(
    profile: Profile, findings: tuple[Finding, ...], comparison: Comparison | None = None
) -> str:
    """Return JUnit XML: one test case a limit."""
    failures = [finding for finding in findings if finding.verdict == "fail"]
    suite = ET.Element(
        "testsuite",
        name="edgeprofiler",
        tests=str(len(findings)),
        failures=str(len(failures)),
        errors="0",
        skipped="0",
    )
    for finding in findings:
        case = ET.SubElement(
            suite, "testcase", classname=f"edgeprofiler.{_xml(profile.network.name)}",
            name=finding.name,
        )  # fmt: skip
        text = (
            f"{finding.name}: {finding.estimate.value:.4g} {finding.unit}, "
            f"at most {finding.limit:g} {finding.unit}"
        )
        if finding.verdict == "fail":
            failure = ET.SubElement(case, "failure", message=text)
            failure.text = _worst(comparison) or text
        else:
            ET.SubElement(case, "system-out").text = f"{finding.verdict}: {text}"
    ET.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode")


def _worst(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    return "\n".join(
        f"{_xml(change.name)}: {_plus(change.energy_j, 'J')}" for change in comparison.largest(5)
    )


def to_document(
    profile: Profile, findings: tuple[Finding, ...], comparison: Comparison | None = None
) -> dict[str, Any]:
    """Return what was found as a JSON document `edgeprofiler.check/1`."""
    document: dict[str, Any] = {
        "schema": "edgeprofiler.check/1",
        "network": profile.network.name,
        "device": {"name": profile.device.name, "mode": profile.device.mode},
        "passed": all(finding.verdict != "fail" for finding in findings),
        "findings": [
            {
                "name": finding.name,
                "limit": finding.limit,
                "unit": finding.unit,
                "value": finding.estimate.value,
                "value_low": _or_none(finding.estimate.low),
                "value_high": _or_none(finding.estimate.high),
                "verdict": finding.verdict,
            }
            for finding in findings
        ],
    }
    if comparison is not None:
        document["comparison"] = comparison_document(comparison)
    return document


def _label(name: str) -> str:
    """`energy_above_idle_mj` is `energy above idle`: the unit stands beside the number."""
    words, _, change = name.partition(" ")
    return f"{words.rpartition('_')[0].replace('_', ' ')} {change}".strip()


def _signed(estimate: Estimate, unit: str) -> str:
    if estimate.value == estimate.low == estimate.high == 0:
        return "unchanged"
    text = _plus(estimate.value, unit)
    if math.isnan(estimate.low):
        return text
    return f"{text} ({_plus(estimate.low, unit)} to {_plus(estimate.high, unit)})"


def _plus(value: float, unit: str) -> str:
    return ("+" if value > 0 else "") + engineering(value, unit)


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _or_zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _code(name: str) -> str:
    """A name that cannot break out of a Markdown table's code span."""
    return _xml(name).replace("`", "'").replace("|", "/")


def _xml(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)
