"""A stream of chunks is readable up to the place where it breaks."""

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.errors import CannotWrite, InvalidInput
from edgeprofiler.measurement.recording.chunks import ChunkKind, ChunkWriter, read_chunks


def write(path, payloads):
    writer = ChunkWriter(path)
    for payload in payloads:
        writer.write(ChunkKind.POWER, payload, 3)
    writer.sync()
    writer.close()
    writer.close()


def test_chunks_come_back_in_order(tmp_path):
    write(tmp_path / "s.bin", [b"one", b"", b"three"])
    chunks, lost = read_chunks(tmp_path / "s.bin")
    assert [c.payload for c in chunks] == [b"one", b"", b"three"]
    assert {c.phase for c in chunks} == {3}
    assert lost == ""


@given(cut=st.integers(0, 3 * (16 + 50)))
def test_a_stream_cut_at_any_byte_keeps_all_whole_chunks(tmp_path_factory, cut):
    """A killed process or a power cut loses at most the last chunk."""
    path = tmp_path_factory.mktemp("cut") / "s.bin"
    write(path, [bytes([n]) * 50 for n in range(3)])
    os.truncate(path, cut)
    chunks, lost = read_chunks(path)
    assert len(chunks) == cut // 66
    assert bool(lost) == (cut % 66 != 0 or cut == 0)


@given(place=st.integers(0, 3 * 66 - 1), flip=st.integers(1, 255))
def test_no_changed_byte_passes_the_checksum(tmp_path_factory, place, flip):
    path = tmp_path_factory.mktemp("flip") / "s.bin"
    write(path, [bytes([n]) * 50 for n in range(3)])
    data = bytearray(path.read_bytes())
    data[place] ^= flip
    path.write_bytes(data)
    chunks, lost = read_chunks(path)
    assert len(chunks) == place // 66
    assert "lost" in lost


def test_zeros_after_a_power_cut_are_said_to_be_lost(tmp_path):
    path = tmp_path / "s.bin"
    write(path, [b"good"])
    with path.open("ab") as file:
        file.write(bytes(4096))
    chunks, lost = read_chunks(path)
    assert len(chunks) == 1
    assert "4096 of 4116 bytes are lost" in lost


def test_an_existing_stream_is_never_overwritten(tmp_path):
    write(tmp_path / "s.bin", [b"first"])
    with pytest.raises(CannotWrite, match="exists"):
        ChunkWriter(tmp_path / "s.bin")


def test_a_missing_stream_is_invalid_input(tmp_path):
    with pytest.raises(InvalidInput, match="no such file"):
        read_chunks(tmp_path / "none.bin")


def test_a_full_disk_cuts_the_half_written_chunk_off(tmp_path, monkeypatch):
    """What was whole before stays whole, and the message says why it ended."""
    path = tmp_path / "s.bin"
    writer = ChunkWriter(path)
    writer.write(ChunkKind.POWER, b"good")
    real = os.write
    room = [10]

    def full(descriptor, data):
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        part = bytes(data)[: room[0]]
        room[0] -= len(part)
        return real(descriptor, part)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(CannotWrite, match=r"No space left on device\); free space on that disk$"):
        writer.write(ChunkKind.POWER, b"bad" * 10)
    monkeypatch.undo()
    writer.write(ChunkKind.POWER, b"after")
    writer.close()
    chunks, lost = read_chunks(path)
    assert [c.payload for c in chunks] == [b"good", b"after"]
    assert lost == ""


def test_a_failing_sync_is_said(tmp_path, monkeypatch):
    writer = ChunkWriter(tmp_path / "s.bin")

    def broken(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(CannotWrite, match="Input/output error"):
        writer.sync()
    writer.close()


def test_a_json_chunk_must_hold_an_object(tmp_path):
    write(tmp_path / "s.bin", [b"{}"])
    (chunk,), _ = read_chunks(tmp_path / "s.bin")
    with pytest.raises(InvalidInput, match="not a JSON object"):
        chunk.json("s.bin")
