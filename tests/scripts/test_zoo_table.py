"""The script that writes the zoo into the docs, and what it wrote."""

from __future__ import annotations

import sys

from paths import SCRIPTS

from edgeprofiler.reading.zoo import names

sys.path.insert(0, str(SCRIPTS))
from zoo_table import MARK, PAGE, page


def test_the_docs_hold_every_network_with_its_counts() -> None:
    """Run scripts/zoo_table.py where the zoo has changed."""
    text = PAGE.read_text(encoding="utf-8")
    assert MARK in text
    assert text == page(text)
    for name in names():
        assert f"| `{name}` |" in text
