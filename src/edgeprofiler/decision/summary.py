"""What `check` found, for a pull request, for JUnit and for programs."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from edgeprofiler.core.plain import attributes
from edgeprofiler.core.profile.doubt import doubt_document, doubt_words
from edgeprofiler.core.profile.words import LONG_TITLE, cautions, heaviest_table, subtitle
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.core.table import Column, Table, Words, row
from edgeprofiler.core.text import short_name, visible
from edgeprofiler.decision.check import Checked, Finding, Rule
from edgeprofiler.decision.compare.difference import Comparison
from edgeprofiler.decision.compare.document import comparison_document
from edgeprofiler.decision.compare.tables import changes_table, comparison_table, sentence

_RULES: dict[Rule, str] = {
    "interval": "What surely breaks a limit fails; an interval around the limit decides nothing.",
    "strict": "Values are judged, whatever their intervals (strict).",
    "sure": "The whole interval must keep a limit (sure).",
}
_LAYERS = 5
"""Layers that a summary names."""


def check_tables(checked: Checked) -> tuple[Table, ...]:
    """Return each limit, the difference from the baseline, and the layers behind both."""
    tables = [_finding_table(checked)]
    if checked.comparison is not None:
        tables.append(comparison_table(checked.comparison, "now", "baseline"))
        if checked.comparison.largest(1):
            tables.append(changes_table(checked.comparison, _LAYERS))
    heaviest = heaviest_table(checked.profile, _LAYERS).only("layer", "energy", "share")
    return (*tables, heaviest)


def _finding_table(checked: Checked) -> Table:
    profile = checked.profile
    columns = (
        Column("limit"),
        Column("bound", kind="quantity"),
        Column("value", kind="quantity"),
        Column("interval", kind="interval"),
        Column("verdict"),
    )
    rows = []
    for finding in checked.findings:
        found, limit = finding.quantity(finding.estimate), finding.quantity(Estimate(finding.limit))
        label = f"{_label(finding.name)}, {finding.side}"
        rows.append(row(label, limit, found, found, _mark(checked, finding)))
    about = f"{short_name(profile.network.name, LONG_TITLE)}, {subtitle(profile)}."
    intervals = f"Intervals: {profile.confidence:.0%}. {_RULES[checked.rule]}"
    return Table(
        f"Budget: {checked.verdict}",
        columns,
        tuple(rows),
        (about, intervals, *doubt_words(profile)),
    )


def _mark(checked: Checked, finding: Finding) -> Words:
    if not checked.passes(finding):
        return Words(f"❌ {finding.words}", "bad")
    if finding.held is None:
        return Words(f"⚠️ {finding.words}", "doubt")
    return Words(f"✅ {finding.words}", "good")


def to_markdown(checked: Checked) -> str:
    """Return the tables of `check_tables` for a pull request."""
    return "\n".join(table.to_markdown() for table in check_tables(checked))


def to_junit(checked: Checked) -> str:
    """Return JUnit XML: one test case a limit, and what a reader must know as properties."""
    profile = checked.profile
    failures = [finding for finding in checked.findings if not checked.passes(finding)]
    suite = ET.Element(
        "testsuite",
        name="edgeprofiler",
        tests=str(len(checked.findings)),
        failures=str(len(failures)),
        errors="0",
        skipped="0",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("verdict", checked.verdict),
        ("rule", checked.rule),
        ("confidence", f"{profile.confidence:g}"),
        ("covered_bytes", f"{profile.covered_bytes:.6g}"),
        ("uncovered_layers", str(len(profile.uncovered))),
        *(("warning", text) for text in cautions(profile)),
    ):
        ET.SubElement(properties, "property", name=name, value=visible(value))
    for finding in checked.findings:
        case = ET.SubElement(
            suite, "testcase", classname=f"edgeprofiler.{visible(profile.network.name)}",
            name=finding.name,
        )  # fmt: skip
        found = finding.quantity(finding.estimate)
        limit = finding.quantity(Estimate(finding.limit)).words
        interval = f" ({found.interval})" if found.interval else ""
        text = f"{finding.words}: {finding.name} {found.words}{interval}, {finding.side} {limit}"
        if checked.passes(finding):
            ET.SubElement(case, "system-out").text = text
        else:
            failure = ET.SubElement(case, "failure", message=text)
            failure.text = _worst(checked.comparison) or text
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


def to_document(checked: Checked) -> dict[str, Any]:
    """Return what was found as a JSON document `edgeprofiler.check/1`."""
    profile = checked.profile
    document: dict[str, Any] = {
        "schema": "edgeprofiler.check/1",
        "network": profile.network.name,
        "device": attributes(profile.device, "name mode"),
        **attributes(checked, "passed verdict rule"),
        "findings": [
            {
                **attributes(finding, "name limit side unit"),
                **finding.estimate.document("value"),
                **attributes(finding, "verdict held"),
            }
            for finding in checked.findings
        ],
        **doubt_document(profile),
    }
    if checked.comparison is not None:
        document["comparison"] = comparison_document(checked.comparison)
    return document


def _label(name: str) -> str:
    """`energy_above_idle_mj` is `energy above idle`: the unit stands beside the number."""
    words, _, change = name.partition(" ")
    return f"{(words.rpartition('_')[0] or words).replace('_', ' ')} {change}".strip()
