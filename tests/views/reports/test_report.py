"""A report takes the form that its file's name asks for."""

from dataclasses import replace
from pathlib import Path

import pytest
from profiles_to_show import network

pytest.importorskip("jinja2")

from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.measurement.recording import save_recording, write_reference
from edgeprofiler.measurement.simulator.simulate import simulate
from edgeprofiler.prediction.predict import predict
from edgeprofiler.views.reports.report import report


def test_the_ending_of_a_name_is_the_form(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = report(predict("zoo:lenet", "jetson-nano"))
    for ending, start in ((".html", b"<!DOCTYPE"), (".md", b"## "), (".png", b"\x89PNG"),
                          (".svg", b"<?xml")):  # fmt: skip
        found.save(tmp_path / f"a{ending}")
        assert (tmp_path / f"a{ending}").read_bytes().startswith(start)
    with pytest.raises(UsageError, match=r"ends in \.html"):
        found.save(tmp_path / "a.docx")
    with pytest.raises(UsageError, match="`plot` is of a picture"):
        found.save(tmp_path / "a.html", plot="kinds")


def test_a_picture_shows_one_profile_and_a_page_any_number(tmp_path: Path) -> None:
    found = report("zoo:lenet", device=["jetson-nano", "jetson-tx2"])
    assert "jetson-tx2" in found.page()
    with pytest.raises(UsageError, match="a picture shows one profile"):
        found.save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="`recording` belongs to one"):
        report("zoo:lenet", "zoo:alexnet", recording=tmp_path)


def test_a_recording_is_attributed_and_drawn_in_one_call(tmp_path: Path) -> None:
    recording, _ = simulate(network(["a", "b"]), runs=2000)
    save_recording(recording, tmp_path / "recording")
    found = report(tmp_path / "recording")
    assert found.profiles[0].origin.kind == "measured"
    assert "Power over time" in found.page()
    found.save(tmp_path / "a.md")
    with pytest.raises(UsageError, match="a recording itself"):
        report(tmp_path / "recording", recording=tmp_path / "recording")


def test_a_recording_alone_is_its_own_report_and_says_what_it_lacks() -> None:
    recording, _ = simulate(network(["a", "b"]), runs=2000)
    found = report(recording=replace(recording, network=None))
    assert found.profiles[0].origin.kind == "measured"
    page = found.page()
    assert "shapes of layers are unknown: the recording holds no description" in page
    assert "No picture of the network" in page
    assert "Power over time" in page
    with pytest.raises(InsufficientData, match="which layers read which"):
        found.save("graph.svg", plot="graph")


def test_recordings_stand_beside_predictions_and_only_they_show_power(tmp_path: Path) -> None:
    recording, _ = simulate(network(["a", "b"]), runs=2000)
    found = report(recording, "zoo:lenet", device=["jetson-nano", "jetson-tx2"])
    assert [each is not None for each in found.recordings] == [True, False, False]
    assert "Power over time" in found.page()


def test_the_raw_layout_of_others_is_a_recording_too(tmp_path: Path) -> None:
    recording, _ = simulate(network(["a", "b"]), runs=2000)
    write_reference(recording, tmp_path)
    assert report(tmp_path).profiles[0].origin.kind == "measured"
