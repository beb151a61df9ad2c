"""A page becomes a PDF where a browser prints it, and is refused where none does."""

from pathlib import Path

import pytest

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.views.reports import pdf


def test_without_a_browser_a_pdf_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="none is on the PATH"):
        pdf.write_pdf("<p>x", tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()


def test_a_browser_that_prints_nothing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setattr(pdf, "browser", lambda: str(program))
    with pytest.raises(Unavailable, match="it wrote no PDF"):
        pdf.write_pdf("<p>x", tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()


@pytest.mark.browser
@pytest.mark.slow
def test_a_browser_prints_a_page(tmp_path: Path) -> None:
    try:
        pdf.browser()
    except Unavailable as error:
        pytest.skip(str(error))
    pdf.write_pdf("<!DOCTYPE html><title>x</title><p>12 mJ", tmp_path / "x.pdf")
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
