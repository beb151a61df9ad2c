"""Every order of low, value and high against the limit, under every rule, in every output."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import product
from xml.etree import ElementTree as ET

import pytest

from edgeprofiler.core.profile import Profile
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.core.table import Table
from edgeprofiler.decision.check import Budget, Checked, Finding, Rule, judge, verdict_of
from edgeprofiler.decision.summary import check_tables, to_document, to_junit, to_markdown
from edgeprofiler.prediction.predict import predict

LIMIT = 10.0
RULES: tuple[Rule, ...] = ("interval", "strict", "sure")
ORDERS = [ends for ends in product((9.0, LIMIT, 11.0), repeat=3) if list(ends) == sorted(ends)]
"""Low, value and high, each below, at or above the limit."""


def _expected(low: float, value: float, high: float, rule: Rule) -> str:
    """The table as it is said in words: a limit is kept where it is met exactly."""
    if rule == "strict":
        return "over" if value > LIMIT else "under"
    if low > LIMIT:
        return "over"
    return "under" if high <= LIMIT else "undecided"


def _checked(low: float, value: float, high: float, rule: Rule, profile: Profile) -> Checked:
    found = Estimate(value, low, high)
    finding = Finding("power_w", LIMIT, found, "W", verdict_of(found, LIMIT, rule))
    return Checked(profile, (finding,), None, rule)


@pytest.fixture(scope="module")
def lenet() -> Profile:
    return predict("zoo:lenet", "jetson-orin-nano")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("ends", ORDERS)
def test_every_order_has_its_verdict_in_all_outputs(
    lenet: Profile, ends: tuple[float, float, float], rule: Rule
) -> None:
    verdict = _expected(*ends, rule)
    checked = _checked(*ends, rule, lenet)
    fails = verdict == "over" or (verdict == "undecided" and rule == "sure")
    assert checked.passed is not fails
    assert checked.verdict == {"under": "held", "over": "exceeded"}.get(verdict, verdict)

    document = json.loads(json.dumps(to_document(checked)))
    assert document["findings"][0]["verdict"] == verdict
    assert document["findings"][0]["held"] is {"under": True, "over": False}.get(verdict)
    assert document["passed"] is not fails

    suite = ET.fromstring(to_junit(checked))
    failure, said = suite.find("testcase/failure"), suite.findtext("testcase/system-out")
    assert (failure is not None) is fails
    assert (failure.attrib["message"] if failure is not None else str(said)).startswith(verdict)

    for text in (to_markdown(checked), _terminal(check_tables(checked))):
        assert ("✅" in text, "❌" in text) == (verdict == "under", fails)
        assert f" {verdict}" in text
        if verdict == "undecided":
            assert "pass" not in text
            assert f"{ends[0]:g} W to {ends[2]:g} W against {LIMIT:g} W" in text


def _terminal(tables: tuple[Table, ...]) -> str:
    return "\n".join(
        " | ".join(cell.text for cell in table.cells(row)) for table in tables for row in table.rows
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("ends", ORDERS)
def test_the_least_that_is_allowed_mirrors_the_most(
    ends: tuple[float, float, float], rule: Rule
) -> None:
    """A limit of at least 10 on x is one of at most -10 on -x."""
    low, value, high = ends
    mirrored = verdict_of(Estimate(-value, -high, -low), -LIMIT, rule)
    other = {"under": "over", "over": "under", "undecided": "undecided"}[mirrored]
    assert verdict_of(Estimate(value, low, high), LIMIT, rule, at_least=True) == other


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("value", [9.0, LIMIT, 11.0])
def test_without_an_interval_the_value_decides_unless_all_must_be_sure(
    value: float, rule: Rule
) -> None:
    wanted = "undecided" if rule == "sure" else "over" if value > LIMIT else "under"
    assert verdict_of(Estimate(value), LIMIT, rule) == wanted


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("low", "verdict"), [(9.0, "undecided"), (LIMIT, "undecided"), (10.5, "over")]
)
def test_what_is_not_covered_may_come_on_top_whatever_the_rule(
    low: float, verdict: str, rule: Rule
) -> None:
    open_upward = Estimate(max(low, 9.5), low, math.nan)
    assert verdict_of(open_upward, LIMIT, rule, whole=False) == verdict


@pytest.mark.parametrize("rule", RULES)
def test_a_profile_that_lacks_a_layer_is_never_surely_under(lenet: Profile, rule: Rule) -> None:
    covered = lenet.costs.covered.copy()
    covered[0] = False
    partial = replace(lenet, costs=replace(lenet.costs, covered=covered))
    found = judge(partial, Budget("b", {"energy_mj": 1e6}), rule=rule)
    assert found.verdict == "undecided"
    assert found.passed is (rule != "sure")
    document = to_document(found)
    assert document["coverage"]["uncovered"] == [0]
    assert document["findings"][0]["value_high"] is None
    words = f"1 of {len(lenet)} layers are not covered"
    assert any(words in text for text in document["warnings"])
    assert words in to_markdown(found)
    assert words in to_junit(found)
