"""What stores keep: trained predictors and users' boards, as files that nothing executes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.device.board_file import HEADER as BOARD
from edgeprofiler.core.device.board_file import BoardFile, pack_board, unpack_board
from edgeprofiler.prediction.predictors.artifact import HEADER as PREDICTOR
from edgeprofiler.prediction.predictors.artifact import Artifact, pack, unpack

Kept = Artifact | BoardFile


@dataclass(frozen=True)
class Kind:
    """A kind of thing that is kept."""

    name: str
    header: str
    """The file by which its folder is known."""
    header_bytes: int
    unpack: Callable[[Callable[[str], bytes], object], Kept]


KINDS = (
    Kind("predictor", PREDICTOR, limits.PREDICTOR_HEADER_BYTES, unpack),
    Kind("board", BOARD, limits.TOML_BYTES, unpack_board),
)
DEFAULT = KINDS[0].name
"""What was kept before it was said of each."""


def kind_of(kept: Kept) -> Kind:
    """Return which kind a thing is."""
    return KINDS[isinstance(kept, BoardFile)]


def pack_kept(kept: Kept) -> dict[str, bytes]:
    """Return its files by name; equal things give equal bytes."""
    return pack_board(kept) if isinstance(kept, BoardFile) else pack(kept)


def tags_of(kept: Kept) -> Mapping[str, str]:
    """Return what a list of versions shows of it."""
    kind = {"kind": kind_of(kept).name}
    if isinstance(kept, BoardFile):
        board = kept.device
        return {**kind, "device": f"{board.base or board.name}@{board.mode.name}"}
    header: Mapping[str, Any] = kept.header
    return {
        **kind,
        "recipe": header["recipe"]["name"],
        "device": header["device"]["name"],
        "dataset_sha256": header["provenance"]["dataset_sha256"],
    }
