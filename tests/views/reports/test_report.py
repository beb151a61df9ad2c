"""A report takes the form that its file's name asks for."""

from pathlib import Path

import pytest

pytest.importorskip("jinja2")

from edgeprofiler.core.errors import UsageError
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
