"""Whole commands, run in this process with their output taken and looked at."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from edgeprofiler.cli import app
from edgeprofiler.core import errors
from fuzzing.attempts import Attempt, Broken, hold

_ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_EXITS = (*range(8), errors.EXIT_INTERRUPTED)


@cache
def _program() -> Any:
    import typer

    return typer.main.get_command(app.build_app())


def command(words: str) -> Attempt:
    """Return an attempt that runs a command, `@` standing for the file."""

    def attempt(path: Path) -> None:
        arguments = [word.replace("@", str(path)) for word in words.split()]
        out, err = io.StringIO(), io.StringIO()
        before, sys.argv = sys.argv, ["edgeprofiler", *arguments]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = app.run(_program())
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            sys.argv = before
        hold(code in _EXITS, f"exit {code}")
        for text in (out.getvalue(), err.getvalue()):
            found = _ACTS.search(text)
            if found:
                raise Broken(f"{words}: prints {found.group()!r}")
        hold(len(err.getvalue()) < 100_000, "an error of many lines")

    return attempt
