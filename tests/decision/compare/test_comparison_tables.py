"""A comparison is worded once, whoever shows it."""

import html

import pytest

from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.words import label
from edgeprofiler.decision.check import Budget, Checked, judge
from edgeprofiler.decision.compare.difference import difference
from edgeprofiler.decision.compare.document import comparison_document
from edgeprofiler.decision.compare.tables import (
    changes_table,
    comparison_table,
    sentence,
    side_by_side,
)
from edgeprofiler.decision.summary import to_junit, to_markdown
from edgeprofiler.prediction.predict import predict
from edgeprofiler.views.tables import page_table


@pytest.fixture(scope="module")
def resnet() -> Profile:
    return predict("zoo:resnet18", "jetson-orin-nano")


@pytest.fixture(scope="module")
def larger() -> Profile:
    return predict("zoo:resnet34", "jetson-orin-nano")


def test_equal_networks_are_the_same_in_every_form(resnet: Profile) -> None:
    found = difference(resnet, resnet)
    table = comparison_table(found)
    assert sentence(found) == "energy the same; time, end to end, the same"
    assert comparison_document(found)["summary"] == sentence(found)
    for text in (
        table.to_markdown(),
        page_table(table, "t"),
        to_markdown(Checked(resnet, (), found)),
    ):
        assert text.count("the same") == 6
        assert "+0.0" not in text
    assert "No layer's cost changed" in table.to_markdown()


def test_a_difference_has_the_same_words_in_every_form(resnet: Profile, larger: Profile) -> None:
    found = difference(resnet, larger)
    table = comparison_table(found)
    assert found.energy.words in sentence(found)
    for text in (table.to_markdown(), html.unescape(page_table(table, "t"))):
        for moved in (found.energy, found.runtime):
            assert moved.words in text
            assert moved.interval in text
        assert "B needs more" in text


def test_an_undecided_difference_says_why(resnet: Profile) -> None:
    other = predict("zoo:resnet18", "jetson-orin-nano@25w")
    text = comparison_table(difference(resnet, other)).to_markdown()
    assert "undecided: the interval spans zero" in text
    assert "a verdict needs the intervals of both totals to separate" in text


def test_layers_that_change_most_come_first(resnet: Profile, larger: Profile) -> None:
    rows = changes_table(difference(resnet, larger), 5).rows
    energy = [abs(row.cells[3]) for row in rows]  # type: ignore[arg-type]
    assert len(rows) == 5
    assert energy == sorted(energy, reverse=True)


def test_each_profile_beside_others_is_told_by_its_letter(resnet: Profile, larger: Profile) -> None:
    table = side_by_side([resnet, larger], [label(resnet), label(larger)])
    assert table.notes[:2] == (f"A: {label(resnet)}", f"B: {label(larger)}")
    assert label(larger) == "resnet34, jetson-orin-nano@15w, fp16, batch 1"


def test_a_failed_budget_names_the_difference_from_the_baseline(
    resnet: Profile, larger: Profile
) -> None:
    found = judge(larger, Budget("b", {"energy_mj": 1.0}), resnet)
    assert found.comparison is not None
    assert sentence(found.comparison) in to_junit(found)
