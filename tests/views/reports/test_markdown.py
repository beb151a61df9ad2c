"""A report as Markdown."""

from profiles_to_show import hostile, measured, network
from sample_profile import example

from edgeprofiler.prediction.predict import predict
from edgeprofiler.views.reports.markdown import LAYERS, report_markdown


def _tables(text: str) -> list[list[str]]:
    blocks = [block.splitlines() for block in text.split("\n\n")]
    return [block for block in blocks if block[0].startswith("|")]


def test_the_summary_holds_totals_groups_heaviest_layers_and_provenance():
    text = report_markdown([predict("zoo:resnet18", "jetson-nano")])
    for words in ("Energy of one inference", "by stage", "Layers that need most energy",
                  "- Calibration:"):  # fmt: skip
        assert words in text
    heaviest = _tables(text)[-1]
    assert len(heaviest) == 2 + LAYERS
    energy = [float(row.split("|")[8]) for row in heaviest[2:]]
    assert energy == sorted(energy, reverse=True)


def test_every_row_of_a_table_has_the_columns_of_its_head():
    for profiles in ([hostile()], [example(), measured(), hostile()]):
        for table in _tables(report_markdown(profiles)):
            cells = [row.replace("\\|", "").count("|") for row in table]
            assert len(set(cells)) == 1, table


def test_names_stay_code_and_texts_stay_text():
    text = report_markdown([hostile()])
    assert "`</script><img src=x onerror=alert(1)>`" in text
    for line in text.splitlines():
        outside = "".join(line.split("`")[::2])
        assert "<img" not in outside.replace("\\<", "")


def test_several_profiles_are_set_side_by_side_and_a_simulated_one_says_so():
    text = report_markdown([predict(network(["a"]), "jetson-nano"), measured()])
    assert text.startswith("# Side by side")
    assert "### B against A" in text
    assert "SIMULATED" in text
