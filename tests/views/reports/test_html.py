"""What a notebook shows."""

from profiles_to_show import hostile, measured, network

from edgeprofiler.prediction.predict import predict
from edgeprofiler.reading.read import read
from edgeprofiler.views.reports.html import MAX_LAYERS, render


def test_a_profile_shows_itself_in_a_notebook():
    text = predict("zoo:resnet18", "jetson-nano")._repr_html_()
    for words in ("resnet18", "Energy of one inference", "layer1.0.conv1", "25 layers"):
        assert words in text


def test_a_network_shows_its_layers():
    text = read("zoo:resnet18")._repr_html_()
    assert "1.81 GMACs" in text
    assert "max pool" in text


def test_names_of_strangers_stay_text():
    for shown in (hostile(), hostile().network):
        text = render(shown)
        assert "<img" not in text
        assert "<svg" not in text
        assert "<script" not in text


def test_a_simulated_profile_says_so():
    assert "SIMULATED" in render(measured())


def test_a_long_network_is_cut_and_says_so():
    net = network([f"l{i}" for i in range(MAX_LAYERS + 5)])
    assert f"{MAX_LAYERS + 5} layers, {MAX_LAYERS} of them shown" in render(net)
