"""The script that writes the boards into the docs, and what it wrote."""

from __future__ import annotations

import sys

from paths import SCRIPTS

from edgeprofiler.core.device import device_names, load_device

sys.path.insert(0, str(SCRIPTS))
from devices_table import MARK, PAGE, page


def test_the_docs_hold_every_board_as_it_is() -> None:
    """Run scripts/devices_table.py where a board has changed."""
    text = PAGE.read_text(encoding="utf-8")
    assert MARK in text
    assert text == page(text)


def test_the_page_has_every_mode_and_source() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("\\", "")
    for name in device_names():
        board = load_device(name)
        assert f"### {name}\n" in text
        for mode in board.modes:
            assert f"\n| {mode.name} " in text
        for source in board.datasheet.sources:
            assert source in text
