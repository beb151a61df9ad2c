"""The errors a user can meet, each with the exit code that the command line gives it.

Only the command line and the web turn these into exit codes and responses. The message
is one line that says what is wrong, where, and what to do.
"""

from __future__ import annotations

import errno

EXIT_OK = 0
EXIT_BUDGET_EXCEEDED = 1
EXIT_USAGE = 2
EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130

FREE_SPACE = "free space on that disk"
"""What helps where a disk or a quota is full."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


class EdgeProfilerError(Exception):
    """Base of every error that EdgeProfiler raises on purpose.

    `args` are the words that the message is made of: `type(error)(*error.args)` is the error
    again, also in another process.
    """

    exit_code = EXIT_INTERNAL

    def add(self, more: str) -> None:
        """Put more words at the end of the message."""
        *words, last = self.args
        self.args = (*words, f"{last}; {more}" if last else more)


class UsageError(EdgeProfilerError):
    """The call's words do not fit together (unknown device, option that makes no sense here)."""

    exit_code = EXIT_USAGE


class InvalidInput(EdgeProfilerError):
    """A file or value that cannot be what it claims to be.

    Args:
        source: the file, or the name of the value.
        problem: what is wrong, and where in it.
        remedy: what was expected, or what to do.
    """

    exit_code = 3

    def __init__(self, source: object, problem: str, remedy: str = "") -> None:
        super().__init__(str(source), problem, remedy)
        self.source, self.problem, self.remedy = str(source), problem, remedy

    def __str__(self) -> str:
        source, problem, remedy = self.args
        return f"{source}: {problem}" + (f"; {remedy}" if remedy else "")


class Unavailable(EdgeProfilerError):
    """Something cannot run here: a library, a sensor or a driver is missing."""

    exit_code = 4

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.reason, self.remedy = reason, remedy

    def __str__(self) -> str:
        return "; ".join(self.args)


class Unsupported(EdgeProfilerError):
    """What was asked makes sense, but EdgeProfiler (or this input) cannot do it."""

    exit_code = 5


class InsufficientData(EdgeProfilerError):
    """There are too few or too uninformative data to answer honestly."""

    exit_code = 6


class CannotWrite(EdgeProfilerError):
    """An output could not be written; nothing half-written was left behind."""

    exit_code = 7

    def __init__(
        self,
        path: object,
        problem: str,
        remedy: str = "choose a folder that exists and can be written",
    ) -> None:
        super().__init__(str(path), problem, remedy)

    def __str__(self) -> str:
        path, problem, remedy = self.args
        return f"{path}: {problem}; {remedy}"

    @classmethod
    def because(
        cls, path: object, error: OSError, problem: str = "cannot be written"
    ) -> CannotWrite:
        """Return what the system's error says of `path`, with what helps against that error."""
        said = f"{problem} ({error.strerror or error})"
        return cls(path, said, FREE_SPACE) if error.errno in _FULL else cls(path, said)
