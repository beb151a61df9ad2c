"""ZIP archives and NumPy arrays of strangers, unpacked within bounds.

What an archive declares is checked before anything is unpacked, and each member gives as many
bytes as it declares, never more: an archive that lies is refused.
"""

from __future__ import annotations

import io
import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core import limits
from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.text import first_line

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others unpack a whole piece at once, however much it becomes."""
_ENCRYPTED = 0x1
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, LookupError,
    OverflowError, TypeError,
)  # fmt: skip
"""What `zipfile` raises of archives that are cut off or altered."""
_NO_HEADER = (
    ValueError, TypeError, SyntaxError, LookupError, RecursionError, MemoryError,
    tokenize.TokenError,
)  # fmt: skip
"""What NumPy raises of a header, a literal of Python's that is evaluated without running it."""
_NUMBERS = "biuf"
_DTYPE_BYTES = 8
_LONGEST_HEADER = 10_000
"""NumPy's own bound; a header of three fields has 128 bytes."""


def members(
    file: bytes | Path,
    source: object,
    max_bytes: int = limits.ARRAYS_BYTES,
    only: str | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Yield the members of a ZIP archive by name, one after another.

    Args:
        file: the archive, or where it lies.
        source: what it is, for messages.
        max_bytes: what all that is unpacked may become.
        only: name of the one member to unpack; the others are left as they are.

    Raises:
        InvalidInput: it declares too many members or too many bytes, is encrypted, of a method
            that cannot be bounded, or no archive, or a member is other than it declares.
    """
    with _opened(file, source) as archive:
        entries = [e for e in archive.infolist() if only is None or e.filename == only]
        _check(entries, source, max_bytes)
        for entry in entries:
            with archive.open(entry) as member:
                content = member.read(entry.file_size)
                if len(content) != entry.file_size or member.read(1):
                    raise InvalidInput(
                        source, f"is no archive ({entry.filename!r} is not as it declares)"
                    )
            yield entry.filename, content


def member_names(file: bytes | Path, source: object) -> list[str]:
    """Return the names of an archive's members; nothing is unpacked.

    Args:
        file: the archive, or where it lies.
        source: what it is, for messages.

    Raises:
        InvalidInput: it is no archive.
    """
    with _opened(file, source) as archive:
        return archive.namelist()


@contextmanager
def _opened(file: bytes | Path, source: object) -> Iterator[zipfile.ZipFile]:
    """Open an archive; whatever is wrong with it is told in one line."""
    try:
        with zipfile.ZipFile(io.BytesIO(file) if isinstance(file, bytes) else file) as archive:
            yield archive
    except _BROKEN as error:
        problem = f"is no archive that can be read ({first_line(error, 120)})"
        raise InvalidInput(source, problem) from None


def _check(entries: list[zipfile.ZipInfo], source: object, max_bytes: int) -> None:
    if len(entries) > limits.ARCHIVE_MEMBERS:
        raise InvalidInput(
            source, f"holds {len(entries)} files, more than {limits.ARCHIVE_MEMBERS}"
        )
    if len({entry.filename for entry in entries}) < len(entries):
        raise InvalidInput(source, "holds two files of one name")
    if sum(entry.file_size for entry in entries) > max_bytes:
        raise InvalidInput(source, f"unpacks to more than {max_bytes >> 20} MiB")
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise InvalidInput(source, "is encrypted")
        if entry.compress_type not in _METHODS:
            raise InvalidInput(source, "is packed in another way than ZIP's usual one")
        if entry.file_size > limits.ARCHIVE_RATIO * max(entry.compress_size, 1):
            raise InvalidInput(source, "declares more than its bytes can unpack to")


def parse_array(data: bytes, source: object) -> npt.NDArray[Any]:
    """Return the numbers of an NPY file as a read-only array; its header is checked first.

    Raises:
        InvalidInput: it is no NPY file, holds other than numbers of up to 64 bits, or fewer or
            more of them than its header declares.
    """
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise InvalidInput(source, f"is an NPY file of version {version[0]}.{version[1]}")
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, by_columns, dtype = read(file, max_header_size=_LONGEST_HEADER)
    except InvalidInput:
        raise
    except _NO_HEADER as error:
        raise InvalidInput(source, f"is no NPY file ({first_line(error, 120)})") from None
    if dtype.kind not in _NUMBERS or dtype.itemsize > _DTYPE_BYTES or dtype.shape:
        raise InvalidInput(source, f"holds {str(dtype)[:40]}, where numbers are expected")
    if len(shape) > limits.RANK or any(size < 0 for size in shape):
        raise InvalidInput(source, "declares a shape that no array has")
    start = file.tell()
    if math.prod(shape) * dtype.itemsize != len(data) - start:
        raise InvalidInput(source, "holds fewer or more numbers than its header declares")
    flat = np.frombuffer(data, dtype, offset=start)
    return read_only(flat.reshape(shape, order="F" if by_columns else "C"))
