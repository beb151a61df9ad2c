"""Write the boards that are shipped into docs/devices.md: everything known of each, with sources.

python scripts/devices_table.py
"""

from __future__ import annotations

from pathlib import Path

from edgeprofiler.core.device import device_names, load_device
from edgeprofiler.core.device.tables import board_table, boards_table, mode_table
from edgeprofiler.core.files import write_text

PAGE = Path(__file__).resolve().parents[1] / "docs" / "devices.md"
MARK = "<!-- Below: written by scripts/devices_table.py -->\n"


def main() -> None:
    """Replace what stands below the mark."""
    write_text(PAGE, page(PAGE.read_text(encoding="utf-8")))


def page(text: str) -> str:
    """Return the page with the boards as they are."""
    boards = [load_device(name) for name in device_names()]
    parts = [text.partition(MARK)[0] + MARK, "## Boards\n", boards_table(boards).to_markdown()]
    for board in boards:
        parts += [f"### {board.name}\n", board_table(board).to_markdown()]
        parts += [mode_table(board).to_markdown()]
    return "\n".join(parts)


if __name__ == "__main__":
    main()
