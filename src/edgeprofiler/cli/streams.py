"""Standard output and error as they are found: closed, of another encoding, without a reader."""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import signal
import sys
from typing import NoReturn, TextIO

PLAIN = "edgeprofiler-plain"
"""Name of the way in which what an encoding lacks is written."""

_LIKE = str.maketrans(
    {"µ": "u", "²": "2", "₂": "2", "°": " deg ", "…": "...", "≥": ">=", "≤": "<="}
)
"""Ours; what strangers write is escaped."""
_NO_READER = (errno.EPIPE, errno.EBADF)


def prepare() -> None:
    """Make standard output and error ones that any text can be written to.

    Those that are closed lead nowhere, so that no file of ours takes their place; where the
    encoding is not UTF-8, characters that it lacks are written by like ones.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    codecs.register_error(PLAIN, _plain)
    sys.stdout = _usable(sys.stdout, 1)
    sys.stderr = _usable(sys.stderr, 2)


def _usable(stream: TextIO | None, number: int) -> TextIO:
    if stream is None:
        return open(number, "w", encoding="utf-8", closefd=False)
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=PLAIN)
    return stream


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    like = text.translate(_LIKE)
    try:
        like.encode(error.encoding)
    except UnicodeError:
        like = like.encode("ascii", "backslashreplace").decode("ascii")
    return like, error.end


def data(text: str) -> None:
    """Write what programs read to standard output: UTF-8, whatever the terminal's encoding."""
    if sys.stdout.isatty() or not hasattr(sys.stdout, "reconfigure"):
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    before = sys.stdout.encoding
    sys.stdout.reconfigure(encoding="utf-8")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.reconfigure(encoding=before)


def abandon_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter's last flush is quiet."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def has_no_reader(error: OSError) -> bool:
    """Say whether writing failed since nobody takes the output."""
    return error.errno in _NO_READER


def end_unheard() -> NoReturn:
    """End as programs do whose reader has gone: by SIGPIPE, silently."""
    abandon_output()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    sys.exit(128 + signal.SIGPIPE)  # where the signal is blocked
