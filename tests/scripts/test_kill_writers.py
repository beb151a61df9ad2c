"""Commands that are killed while they write leave the whole old, or the whole new."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from paths import SCRIPTS

from edgeprofiler.cli.app import COMMANDS

sys.path.insert(0, str(SCRIPTS))
from kill_writers import WRITERS, kill_writers, parts, stored

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="exchanges folders as Linux does")


@pytest.mark.slow
def test_killed_writers_leave_old_or_new(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    found = kill_writers(["predict", "dataset"], 2, 3, tmp_path)
    assert [kept.wrong for kept in found.values()] == [[], []]
    assert sum(kept.old + kept.new for kept in found.values()) == 4


def test_every_command_that_writes_has_its_turn() -> None:
    first = {(writer.new.split() or [""])[0] for writer in WRITERS.values()}
    # `serve` writes nothing of its user's; `models` is tried with a tracking server, in its tests.
    assert {*COMMANDS} - first == {"serve", "models"}


def test_a_part_or_an_object_that_was_cut_off_is_seen(tmp_path: Path) -> None:
    (tmp_path / "part-000000.0123456789abcdef.parquet").write_bytes(b"cut")
    with pytest.raises(ValueError, match="is not what its name says"):
        parts(tmp_path)
    place = tmp_path / "files/md5/ab"
    place.mkdir(parents=True)
    (place / ("c" * 30)).write_bytes(b"cut")
    with pytest.raises(ValueError, match="is not what its name says"):
        stored(tmp_path)
