"""Reading is bounded; writing is whole or not at all."""

import os
import threading
from pathlib import Path

import pytest

from edgeprofiler.core import files
from edgeprofiler.core.errors import CannotWrite, InvalidInput


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nothing\.json: no such file"):
        files.read_text(tmp_path / "nothing.json")


def test_what_is_no_utf8_is_said_with_its_byte(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(b"ab\xff")
    with pytest.raises(InvalidInput, match=r"not UTF-8 text \(byte 2\)"):
        files.read_text(path)


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "bom.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert files.read_text(path) == '{"a": 1}'


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)
    with pytest.raises(InvalidInput, match=r"too large \(2147 MB; the limit is 134 MB\)"):
        files.read_text(path)


def test_a_folder_and_a_device_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a folder"):
        files.read_bytes(tmp_path)
    with pytest.raises(InvalidInput, match="not a regular file"):
        files.read_bytes(Path("/dev/null"))


def test_writing_replaces_the_file_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    files.write_text(path, "néw")
    assert path.read_text(encoding="utf-8") == "néw"
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")

    def fail_half_way() -> None:
        with files.atomic_path(path) as temporary:
            temporary.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(CannotWrite, match="No space left"):
        fail_half_way()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]


def test_a_missing_folder_and_a_folder_in_the_way_are_told(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="No such file"):
        files.write_text(tmp_path / "missing" / "out.txt", "x")
    (tmp_path / "taken").mkdir()
    with pytest.raises(CannotWrite, match="is a folder"):
        files.write_text(tmp_path / "taken", "x")


def test_json_that_is_written_has_no_nan() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        files.dump_json({"a": float("nan")})


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target.txt"
    target.write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    files.write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_takes_the_bytes_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    taken: list[bytes] = []
    reader = threading.Thread(target=lambda: taken.append(pipe.read_bytes()))
    reader.start()
    files.write_text(pipe, "through")
    reader.join(timeout=300)
    assert taken == [b"through"]
    assert pipe.is_fifo()


def test_one_rare_character_does_not_make_a_text_four_times_as_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.json"
    path.write_text("a" * 300 + "\N{GRINNING FACE}", encoding="utf-8")
    monkeypatch.setattr("edgeprofiler.core.limits.TEXT_BYTES", 400)
    with pytest.raises(InvalidInput, match="is too large as text"):
        files.read_text(path)
