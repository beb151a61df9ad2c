"""Write the networks of the zoo into docs/zoo.md, with parameters, multiply-accumulates and sizes.

python scripts/zoo_table.py
"""

from __future__ import annotations

from pathlib import Path

from edgeprofiler.core.files import write_text
from edgeprofiler.reading.zoo.listing import zoo_list, zoo_table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "zoo.md"
MARK = "<!-- Below: written by scripts/zoo_table.py -->\n"


def main() -> None:
    """Replace what stands below the mark."""
    write_text(PAGE, page(PAGE.read_text(encoding="utf-8")))


def page(text: str) -> str:
    """Return the page with the zoo as it is."""
    return f"{text.partition(MARK)[0]}{MARK}\n{zoo_table(zoo_list()).to_markdown()}"


if __name__ == "__main__":
    main()
