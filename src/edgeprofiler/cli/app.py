"""The `edgeprofiler` command: its sub-commands, and the one place that turns errors into exits."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer

from edgeprofiler._version import __version__
from edgeprofiler.cli import streams
from edgeprofiler.cli.interruption import ending_interrupts
from edgeprofiler.cli.spelling import spelled, spellings
from edgeprofiler.core.errors import (
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    CannotWrite,
    EdgeProfilerError,
    InvalidInput,
    UsageError,
)
from edgeprofiler.core.text import one_line

COMMANDS = (
    "predict",
    "inspect",
    "devices",
    "zoo",
    "validate",
    "calibrate",
    "compare",
    "sweep",
    "advise",
    "check",
    "impact",
    "report",
    "serve",
    "collect",
    "attribute",
    "qa",
    "monitor",
    "benchmark",
    "doctor",
    "dataset",
    "train",
    "evaluate",
    "tune",
    "models",
    "data",
    "contribute",
)
"""Modules of `edgeprofiler.cli.commands`, in the order of the help page. Each holds a function of
its name, or an `app` of several."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What writing to standard output fails with where there is no room for it."""


# Newer Typers carry a Click of their own, older ones take the installed one: found by its name.
_Mistake: Any = next(k for k in typer.BadParameter.__mro__ if k.__name__ == "ClickException")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"edgeprofiler {__version__}")
        raise typer.Exit


def build_app(names: Sequence[str] = COMMANDS) -> typer.Typer:
    """Return the application with the commands of `names` registered."""
    app = typer.Typer(
        name="edgeprofiler",
        help="Power, runtime and energy of every layer of a CNN on an edge device.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def _root(
        _version_: Annotated[
            bool,
            typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
        ] = False,
    ) -> None:
        """Power, runtime and energy of every layer of a CNN on an edge device."""

    for name in names:
        module = import_module(f"edgeprofiler.cli.commands.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            settings = getattr(module, "SETTINGS", None)
            app.command(context_settings=settings)(getattr(module, name))
    return app


def called(words: Sequence[str]) -> Sequence[str]:
    """Return the command that the words of a call begin with; all, where they begin with none.

    A call then waits for no other command's options to be read.
    """
    return words[:1] if words and words[0] in COMMANDS else COMMANDS


def main() -> NoReturn:
    """Run the command line and exit with a documented code."""
    try:
        streams.prepare()
        with ending_interrupts():
            code = run(typer.main.get_command(build_app(called(sys.argv[1:]))))
    except KeyboardInterrupt:  # before the command began
        code = _interrupted()
    except BrokenPipeError:
        streams.end_unheard()
    sys.exit(code)


def run(command: Callable[..., Any]) -> int:
    """Run the command that is called and return its exit code, whatever happens.

    Raises:
        BrokenPipeError: nobody reads standard output any more.
    """
    try:
        return _run(command)
    except EdgeProfilerError as error:
        # An error names arguments; here they are options.
        _say(f"error: {spelled(str(error), spellings(command, sys.argv[1:]))}")
        return error.exit_code
    except KeyboardInterrupt:
        return _interrupted()
    except MemoryError:
        _say("error: not enough memory for this input; use a smaller model or batch")
        return EXIT_INTERNAL
    except BrokenPipeError:
        raise
    except Exception as error:
        path = getattr(error, "filename", None)
        if isinstance(error, OSError) and path:  # what the system refuses is no fault of ours
            refused = InvalidInput(path, f"cannot be used ({error.strerror})", "check the path")
            _say(f"error: {refused}")
            return refused.exit_code
        if os.environ.get("EDGEPROFILER_TRACEBACK"):
            raise
        _say(
            f"internal error: {type(error).__name__}: {error}; please report it "
            "(EDGEPROFILER_TRACEBACK=1 shows where)"
        )
        return EXIT_INTERNAL


def _interrupted() -> int:
    _say("interrupted")
    return EXIT_INTERRUPTED


def _run(command: Callable[..., Any]) -> int:
    """Run the command that is called and return its exit code.

    Raises:
        BrokenPipeError: nobody reads the output.
        CannotWrite: there is no room for the output; never another exit code.
        UsageError: the words are no call; in one line, where the library would draw a box.
    """
    try:
        try:
            code = command(prog_name="edgeprofiler", standalone_mode=False)
        except SystemExit as end:
            # The library answers a closed pipe with 1, which here means an exceeded budget.
            if isinstance(end.__context__, BrokenPipeError):
                raise end.__context__ from None
            sys.stdout.flush()
            return end.code if isinstance(end.code, int) else EXIT_INTERNAL
        except typer.Abort:  # older versions make it of Ctrl-C
            raise KeyboardInterrupt from None
        except _Mistake as mistake:
            return _explain(mistake)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except OSError as error:
        if streams.has_no_reader(error):
            raise BrokenPipeError(*error.args) from None
        if error.errno not in _NO_ROOM:
            raise
        streams.abandon_output()
        raise CannotWrite(
            "standard output",
            f"cannot be written ({error.strerror})",
            "let its reader take all of it, or write to a file",
        ) from None


def _explain(mistake: Any) -> int:
    """Raise what is wrong with the words of a call; only help, where there are none, is printed."""
    context = getattr(mistake, "ctx", None)
    if type(mistake).__name__ == "NoArgsIsHelpError":
        mistake.show()
        return EXIT_USAGE
    path = "edgeprofiler" if context is None else context.command_path
    message = " ".join(mistake.format_message().split()).rstrip(".")
    raise UsageError(f"{message}; see `{path} --help`") from None


def _say(text: str) -> None:
    """Print one line on standard error."""
    with contextlib.suppress(OSError):  # the terminal may be gone; the exit code still tells
        print(one_line(text), file=sys.stderr)
