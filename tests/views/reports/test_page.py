"""The report as a file: whole, small, honest, and deaf to what layers are called."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources

import pytest
from profiles_to_show import HOSTILE, hostile, measured, network
from sample_profile import example

pytest.importorskip("jinja2")

from edgeprofiler.core.files import sha256_of
from edgeprofiler.core.network import Source
from edgeprofiler.core.values import parse_toml
from edgeprofiler.measurement.simulator.simulate import simulate
from edgeprofiler.prediction.predict import predict
from edgeprofiler.views.reports.page import SCRIPTS, asset, embedded_json, report_page
from edgeprofiler.views.reports.view import MAX_ROWS, layer_table, view_of


class Page(HTMLParser):
    """Tags with their attributes, the text, and what scripts hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif self.inside != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def resnet():
    return predict("zoo:resnet18", "jetson-orin-nano@25w")


def test_the_page_says_what_a_reader_came_for(resnet):
    page = Page(report_page([resnet]))
    for words in (
        "resnet18", "Energy of one inference", "Images a second", "jetson-orin-nano@25w",
        "Energy by stage of the network", "Roofline", "Calibration", "layer4.1.conv2",
    ):  # fmt: skip
        assert words in page.words


def test_every_layer_is_in_the_table(resnet):
    tags = Page(report_page([resnet])).tags
    rows = [attributes for tag, attributes in tags if tag == "tr" and "data-g" in attributes]
    assert len(rows) == len(resnet)


def test_the_page_asks_nothing_of_any_network_and_allows_only_its_own_scripts(resnet):
    page = Page(report_page([resnet]))
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img")
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "#").startswith("#")
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    run = [text for attributes, text in page.scripts if "type" not in attributes]
    assert len(run) == len(SCRIPTS)
    held = [text for attributes, text in page.scripts if attributes.get("id") == "plotly-source"]
    for text in [*run, *held]:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_what_strangers_call_their_layers_stays_text():
    text = report_page([hostile(), hostile()])
    page = Page(text)
    assert not [tag for tag, _ in page.tags if tag in ("img", "svg")]
    for attributes, script in page.scripts:
        if attributes.get("type") == "application/json":
            json.loads(script)
            assert not re.search("[<>&\u2028\u2029]", script)
    assert "{{ 7*7 }}" in page.words
    assert HOSTILE[0] in page.words


def test_characters_that_act_are_shown():
    page = Page(report_page([hostile(), hostile()]))
    assert "acts\\x1b[2J\\x07\\u202e\\u2066" in page.words
    assert page.words.isprintable()
    for attributes, script in page.scripts:
        if attributes.get("type") == "application/json":
            assert "\\u202e" in script or "acts" not in script
            assert script.isprintable()


def test_embedded_json_means_what_was_embedded():
    values = [*HOSTILE, 1.5, None, {"a": ["&", "é"]}]
    assert json.loads(embedded_json(values)) == values


def test_a_large_network_stays_below_three_megabytes_and_says_what_it_leaves_out():
    names = [f"/model/blocks.{i}/convolution_with_a_long_name_{i}/Conv" for i in range(3000)]
    profile = predict(network(names), "jetson-nano")
    text = report_page([profile])
    assert len(text.encode()) < 3_000_000
    assert f"The {MAX_ROWS} layers that need most energy; {3000 - MAX_ROWS} more" in text


def test_uncovered_layers_and_warnings_come_before_the_pictures():
    words = Page(report_page([example()])).words
    warned = words.index("1 of 3 layers are not covered")
    assert words.index("a plug-in is not covered") < words.index("One inference")
    assert warned < words.index("One inference")


def test_the_folders_of_whoever_wrote_a_report_stay_at_home():
    net = replace(network(["a"]), source=Source("/home/someone/secret/net.onnx", "onnx"))
    text = report_page([predict(net, "jetson-nano")])
    assert "net.onnx, read by onnx" in text
    assert "someone" not in text


def test_a_simulated_profile_says_so_and_a_measured_one_shows_its_samples():
    page = Page(report_page([measured()]))
    assert "SIMULATED" in page.words
    assert "samples" in page.words
    assert "std. error, W" in page.words
    assert "group:1" in page.words
    assert "1200" in page.words
    assert "no roofs are drawn" in page.words


def test_a_predicted_profile_shows_no_samples(resnet):
    labels = [column.label for column in layer_table(resnet).columns]
    assert "samples" not in labels
    assert "bound by" in labels


def test_each_of_several_profiles_is_compared_with_the_first(resnet):
    other = predict("zoo:mobilenet_v2", "jetson-orin-nano@25w")
    page = Page(report_page([resnet, other, resnet]))
    assert "B against A" in page.words
    assert "C against A" in page.words
    assert "the same" in page.words
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_headings_of_tables_have_a_scope_and_tables_a_caption(resnet):
    page = Page(report_page([resnet, measured()]))
    assert all(a.get("scope") == "col" for tag, a in page.tags if tag == "th")
    tags = [tag for tag, _ in page.tags]
    assert tags.count("caption") == tags.count("table")
    for landmark in ("main", "header", "footer", "nav"):
        assert tags.count(landmark) == 1
    assert all(a.get("aria-label") for _, a in page.tags if a.get("role") == "img")


def test_a_recording_adds_power_over_time():
    net = network(["a", "b"])
    recording, _ = simulate(net, runs=200)
    view = view_of(measured(), recording=recording)
    assert [plot.name for plot in view.plots][-2:] == ["power", "recording"]
    assert "200 runs of 2 layers" in dict(view.provenance)["Recording"]
    assert "Power over time" in report_page([measured()], None, [recording])


def test_a_recording_of_another_network_is_warned_of():
    recording, _ = simulate(network(["a"], name="other"), runs=50)
    assert any(
        "the recording is of 'other'" in w for w in view_of(measured(), None, recording).warnings
    )


def test_vendored_files_are_as_published():
    folder = resources.files("edgeprofiler.views.reports") / "static" / "vendor"
    table = parse_toml((folder / "vendored.toml").read_text(), "vendored.toml").mapping()
    for entry in table.values():
        assert sha256_of((folder / entry["file"]).read_bytes()) == entry["sha256"]
        assert (folder / entry["license_file"]).is_file()


def test_no_script_of_ours_makes_markup_from_text():
    for name in SCRIPTS:
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\b", asset(name))
