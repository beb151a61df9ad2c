"""A killed run's temporary files are cleared by the next, a living one's are not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeprofiler.core import leftovers
from edgeprofiler.core.files import atomic_path, write_text

pytest.importorskip("fcntl")

WRITING = """
import sys
from pathlib import Path
from edgeprofiler.core.files import atomic_path
with atomic_path(Path(sys.argv[1])) as path:
    path.write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def another_run() -> None:
    """Forget which folders were looked into, as a new process has."""
    leftovers._clear.cache_clear()


def parts(folder: Path) -> list[Path]:
    """Temporary files, as old as those of an earlier run."""
    found = [path for path in folder.iterdir() if path.name.endswith(leftovers.SUFFIX)]
    for path in found:
        os.utime(path, (1, 1))
    return found


def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    call = [sys.executable, "-c", WRITING, str(tmp_path / "a.json")]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        assert len(parts(tmp_path)) == 1
        write_text(tmp_path / "b.json", "whole")
        assert len(parts(tmp_path)) == 1, "its writer lives"
        run.kill()
    leftovers._clear.cache_clear()
    write_text(tmp_path / "b.json", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


def test_files_of_others_and_fresh_ones_stay(tmp_path: Path) -> None:
    (tmp_path / ".a.json.x.part").write_text("another program's")
    (tmp_path / f".a{leftovers.SUFFIX}").write_text("made a moment ago")
    with atomic_path(tmp_path / "b.json") as path:
        path.write_text("whole")
    assert len(list(tmp_path.iterdir())) == 3
