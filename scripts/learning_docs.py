"""Where figures of the learning journeys go: sections of docs/learning.md between markers."""

from __future__ import annotations

from pathlib import Path

from edgeprofiler.core.files import write_text

PAGE = Path(__file__).parents[1] / "docs" / "learning.md"


def replace_section(name: str, text: str, page: Path = PAGE) -> None:
    """Put `text` between the markers of section `name`; everything else stays."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{page} has no section {name!r}")
    write_text(page, f"{before}{begin}\n{text.strip()}\n{end}{after}")
    print(f"wrote {name} into {page}")
