"""What `check` found, for a pull request, for JUnit and for programs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.words import heaviest_table, subtitle
from edgeprofiler.core.quantity import Estimate, Quantity
from edgeprofiler.core.table import Column, Table, Words, row
from edgeprofiler.core.text import short_name, visible
from edgeprofiler.core.units import scale_of
from edgeprofiler.decision.check import Finding
from edgeprofiler.decision.compare.difference import Comparison
from edgeprofiler.decision.compare.document import comparison_document
from edgeprofiler.decision.compare.tables import changes_table, comparison_table, sentence

_MARKS: dict[str, Words] = {
    "pass": Words("✅ pass", "good"),
    "unsure": Words("⚠️ over, but not surely", "doubt"),
    "fail": Words("❌ exceeded", "bad"),
}
_LAYERS = 5
"""Layers that a summary names."""


def check_tables(
    profile: Profile, findings: tuple[Finding, ...], comparison: Comparison | None = None
) -> tuple[Table, ...]:
    """Return each limit, the difference from the baseline, and the layers behind both."""
    tables = [_finding_table(profile, findings)]
    if comparison is not None:
        tables.append(comparison_table(comparison, "now", "baseline"))
        if comparison.largest(1):
            tables.append(changes_table(comparison, _LAYERS))
    heaviest = heaviest_table(profile, _LAYERS).only("layer", "energy", "share")
    left_out = f"{len(profile.uncovered)} layers are not covered; totals leave them out."
    return (*tables, replace(heaviest, notes=(left_out,) if profile.uncovered else ()))


def _finding_table(profile: Profile, findings: tuple[Finding, ...]) -> Table:
    failed = any(finding.verdict == "fail" for finding in findings)
    rows = []
    for finding in findings:
        factor, _ = scale_of(finding.unit)
        limit = Quantity(Estimate(finding.limit * factor), finding.unit, digits=4)
        found = Quantity(finding.estimate.scaled(factor), finding.unit, digits=4)
        rows.append(row(_label(finding.name), limit, found, found, _MARKS[finding.verdict]))
    columns = (
        Column("limit"),
        Column("at most", kind="quantity"),
        Column("value", kind="quantity"),
        Column("interval", kind="interval"),
        Column("verdict"),
    )
    about = f"{short_name(profile.network.name, 44)}, {subtitle(profile)}."
    title = f"Energy budget: {'exceeded' if failed else 'held'}"
    return Table(title, columns, tuple(rows), (about,))


def to_markdown(
    profile: Profile, findings: tuple[Finding, ...], comparison: Comparison | None = None
) -> str:
    """Return the tables of `check_tables` for a pull request."""
    return "\n".join(t.to_markdown() for t in check_tables(profile, findings, comparison))


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
            suite, "testcase", classname=f"edgeprofiler.{visible(profile.network.name)}",
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
    table = changes_table(comparison, _LAYERS)
    lines = [sentence(comparison)]
    for each in table.rows:
        name, what, time, energy = (cell.text for cell in table.cells(each))
        lines.append(f"{name} ({what}): time {time} ms, energy {energy} mJ")
    return "\n".join(lines)


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
                **finding.estimate.document("value"),
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
