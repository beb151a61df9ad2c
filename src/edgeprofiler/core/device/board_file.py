"""A user's board as stores keep it: `board.toml`, and `board.json` with its checksum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgeprofiler.core import files, limits
from edgeprofiler.core.device.device import Device
from edgeprofiler.core.device.document import Others, device_from_document
from edgeprofiler.core.device.shipped import shipped_device
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.values import parse_json, parse_toml

SCHEMA = "edgeprofiler.board/1"
HEADER = "board.json"
TEXT = "board.toml"

_AGAIN = "fetch or publish it again"


@dataclass(frozen=True)
class BoardFile:
    """A board's file, and the board that it describes."""

    text: str
    device: Device


def board_file(text: str, source: object) -> BoardFile:
    """Return a board's file that means the same on every machine.

    Args:
        text: the TOML file, as `calibrate` writes it.
        source: where it lies; the board's `source` too.

    Raises:
        InvalidInput: it is no board, or builds on a file in place of a shipped board.
    """
    table = parse_toml(text, source)
    if "schema" not in table and "base" not in table and "datasheet" not in table:
        raise table.fail("describes no board", "give what `calibrate` wrote (docs/devices.md)")
    others = Others(shipped_alone, shipped_device)
    return BoardFile(text, device_from_document(table, others, str(source)))


def shipped_alone(name: str) -> Device:
    """Return the shipped board of a name; of a file it is said why that will not do."""
    if name.endswith(".toml") or "/" in name:
        raise UsageError(
            f"builds on the file {name}, which others do not have; give what builds on a shipped "
            "board, or on none"
        )
    board, at, mode = name.partition("@")
    device = shipped_device(board.lower())
    return device.with_mode(mode) if at else device


def read_board_file(path: Path) -> BoardFile:
    """Return the board's file at a path, as `board_file` checks it."""
    return board_file(files.read_text(path, limits.TOML_BYTES), path)


def pack_board(board: BoardFile) -> dict[str, bytes]:
    """Return the files of a board by name."""
    data = board.text.encode()
    header = {"schema": SCHEMA, "name": board.device.name, "sha256": files.sha256_of(data)}
    return {HEADER: files.dump_json(header).encode(), TEXT: data}


def unpack_board(read: Callable[[str], bytes], source: object) -> BoardFile:
    """Return the board that files hold; refuse what is not exactly what was written.

    Args:
        read: returns the file of a name; `InvalidInput` where there is none.
        source: where the files lie, for messages.

    Raises:
        InvalidInput: a file is missing, altered or of another version, or is no board.
    """
    header = parse_json(read(HEADER), f"{source}/{HEADER}")
    header["schema"].choice((SCHEMA,))
    data = read(TEXT)
    if header["sha256"].text() != files.sha256_of(data):
        raise InvalidInput(source, f"{TEXT} was altered or cut off: its checksum differs", _AGAIN)
    return board_file(data.decode("utf-8", "replace"), source)
