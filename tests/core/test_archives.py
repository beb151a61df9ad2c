"""Archives and arrays of strangers take what they declare, or are refused."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.core import limits
from edgeprofiler.core.archives import member_names, members, parse_array
from edgeprofiler.core.errors import InvalidInput


def archive(*contents: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, content in contents:
            made.writestr(name, content)
    return buffer.getvalue()


def npy(values: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values))
    return buffer.getvalue()


def test_members_come_as_they_were_packed() -> None:
    data = archive(("a", b"1" * 1000), ("b", b""))
    assert dict(members(data, "x.zip")) == {"a": b"1" * 1000, "b": b""}


def test_one_member_of_a_file_is_unpacked_and_the_rest_left(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(archive(("large", bytes(2**21)), ("small", b"1")))
    assert member_names(path, path) == ["large", "small"]
    assert dict(members(path, path, 2**20, only="small")) == {"small": b"1"}


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(InvalidInput, match="unpacks to more than 1 MiB"):
        next(members(archive(("a", bytes(2**21))), "x.zip", 2**20))


def test_an_archive_that_declares_less_than_it_holds_is_refused() -> None:
    data = bytearray(archive(("a", bytes(2**20))))
    place = data.index(b"PK\x01\x02") + 24
    assert struct.unpack_from("<I", data, place) == (2**20,)
    struct.pack_into("<I", data, place, 2**10)
    with pytest.raises(InvalidInput, match="no archive"):
        dict(members(bytes(data), "x.zip"))


@pytest.mark.parametrize("declared", [2**20 - 1, 2**31])
def test_a_member_that_declares_what_its_bytes_cannot_be_is_refused(declared: int) -> None:
    data = bytearray(archive(("a", bytes(100))))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, declared)
    with pytest.raises(InvalidInput):
        dict(members(bytes(data), "x.zip", 2**32))


def test_the_files_of_an_archive_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ARCHIVE_MEMBERS", 1)
    with pytest.raises(InvalidInput, match="2 files, more than 1"):
        dict(members(archive(("a", b""), ("b", b"")), "x.zip"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_stands_for_one_file() -> None:
    with pytest.raises(InvalidInput, match="two files of one name"):
        dict(members(archive(("a", b"1"), ("a", b"2")), "x.zip"))


def test_methods_that_unpack_without_bound_are_refused() -> None:
    with pytest.raises(InvalidInput, match="another way"):
        dict(members(archive(("a", bytes(9)), method=zipfile.ZIP_LZMA), "x.zip"))


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", archive(("a", b"1"))[:-3], b"\0" * 100],
    ids=["empty", "short", "cut", "zeros"],
)
def test_what_is_no_archive_is_told(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"x\.zip"):
        dict(members(data, "x.zip"))


def test_an_array_comes_as_it_was_saved_and_cannot_be_written() -> None:
    values = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    read = parse_array(npy(values), "a.npy")
    assert np.array_equal(read, values)
    assert not read.flags.writeable


@pytest.mark.parametrize(
    "data",
    [
        npy(["text"]),
        npy(1j),
        npy(np.zeros(1, [("a", "<f8")])),
        npy(np.zeros(3))[:-1],
        npy(np.zeros(3)) + b"\0",
        npy(np.zeros(3)).replace(b"(3,)", b"(-3,"),
        npy(np.zeros(3)).replace(b"(3,), }          ", b"(9999999999,), } "),
        npy(np.zeros(3)).replace(b"<f8", b"|O8"),
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 9999,
        b"",
    ],
)
def test_what_is_no_array_of_numbers_is_told(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"a\.npy"):
        parse_array(data, "a.npy")
