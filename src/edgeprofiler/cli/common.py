"""What several commands share: options, and where messages and results go."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


def option(metavar: str, text: str, *flags: str, shows_default: bool = False, **more: Any) -> Any:
    """Return an option of a command.

    Args:
        metavar: what stands for its value on the help page.
        text: its help.
        flags: its names; those of the parameter where there are none.
        shows_default: whether the help page tells the default; there is none to tell in `None`.
        more: as of Typer: `min`, `max`.
    """
    return typer.Option(*flags, metavar=metavar, help=text, show_default=shows_default, **more)


def argument(metavar: str, text: str) -> Any:
    """Return an argument of a command."""
    return typer.Argument(metavar=metavar, help=text, show_default=False)


ModelArgument = Annotated[
    str,
    argument("MODEL", "An ONNX file, a TensorRT engine's layer JSON, a graph JSON, or zoo:NAME."),
]
SubjectArgument = Annotated[str, argument("MODEL|PROFILE", "A model, or a saved profile's JSON.")]
SubjectsArgument = Annotated[
    list[str], argument("MODEL|PROFILE...", "Models, or saved profiles' JSON.")
]
MeasuredOption = Annotated[
    Path,
    option(
        "FILE.csv",
        "Measured totals: device, mode, software, network, model, batch, input, precision, "
        "runtime_ms and, if known, power_above_idle_w.",
        "--measured", "-m",
    ),
]  # fmt: skip
RecordingArgument = Annotated[
    Path, argument("RECORDING", "A recording's folder, or a folder of the reference's raw layout.")
]
RawModelOption = Annotated[str | None, option("NAME", "Which model of a raw layout.", "--model")]
SensorOptions = Annotated[
    list[str] | None, option("KEY=VALUE", "An option of the sensor.", "--sensor-option")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Totals only.")]
PictureOption = Annotated[Path | None, option("FILE.png|svg|pdf", "Draw it.")]
JsonOption = Annotated[
    str | None, option("FILE|-", "Write JSON to a file, or to standard output alone with -.")
]
CsvOption = Annotated[
    str | None, option("FILE|-", "Write CSV to a file, or to standard output alone with -.")
]


def note(text: str) -> None:
    """Print a message for the user on standard error, if anyone takes it."""
    with suppress(OSError):  # the terminal may be gone; what was asked for is done all the same
        typer.echo(text, err=True)


def console(*, to_stderr: bool = False, markup: bool = True) -> Console:
    """Return a console for tables; 80 columns where the output is no terminal.

    Args:
        to_stderr: write to standard error.
        markup: whether `[bold]` means bold; not where names of layers are printed as they are,
            since TensorRT's hold brackets (`{ForeignNode[/conv...relu]}`).
    """
    from rich.console import Console

    stream = sys.stderr if to_stderr else sys.stdout
    width = None if stream.isatty() else 80
    return Console(stderr=to_stderr, width=width, highlight=False, soft_wrap=False, markup=markup)


def results_console(*targets: object, markup: bool = True) -> Console:
    """Return the console for tables: standard error where a target of output is `-`.

    Args:
        targets: files to write, `-` for standard output, `None` for nothing.
        markup: as of `console`.

    Raises:
        UsageError: two outputs would share standard output.
    """
    taken = sum(str(target) == "-" for target in targets)
    if taken > 1:
        raise UsageError("only one output can be standard output (-); name a file for the others")
    return console(to_stderr=taken == 1, markup=markup)


def write(target: str | Path | None, text: Callable[[], str]) -> None:
    """Write a text to a file and say so, or to standard output for `-`; nothing for `None`."""
    if target is None:
        return
    made = text()
    if str(target) == "-":
        sys.stdout.write(made if made.endswith("\n") else made + "\n")
        return
    from edgeprofiler.core.files import write_text

    write_text(Path(target), made)
    note(f"wrote {target}")


def write_json(
    target: str | Path | None, document: Callable[[], Mapping[str, Any] | list[Any]]
) -> None:
    """Write a document as JSON, as `write` does."""
    from edgeprofiler.core.files import dump_json

    write(target, lambda: dump_json(document()))


def save(target: Path | None, to: Callable[[Path], object]) -> None:
    """Let something write itself to a file and say so; nothing for `None`."""
    if target is not None:
        to(target)
        note(f"wrote {target}")
