"""What several commands share: options, and where messages and results go."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import streams
from edgeprofiler.cli.completion import models
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.text import visible

if TYPE_CHECKING:
    from edgeprofiler.cli.screen import Screen
    from edgeprofiler.core.profile import Profile
    from edgeprofiler.core.table import Table


def option(metavar: str, text: str, *flags: str, shows_default: bool = False, **more: Any) -> Any:
    """Return an option of a command.

    Args:
        metavar: what stands for its value on the help page.
        flags: its names; those of the parameter where there are none.
        shows_default: whether the help page tells the default; there is none to tell in `None`.
        more: as of Typer: `min`, `max`.
    """
    return typer.Option(*flags, metavar=metavar, help=text, show_default=shows_default, **more)


_FORMATS = (
    ".json", ".csv", ".md", ".html", ".pdf", ".xml", ".parquet", ".png", ".svg", ".xlsx", ".tex",
)  # fmt: skip
"""Endings that say what is in a file."""


def _ending(*own: str) -> Callable[[Any], Any]:
    """Return what refuses a file whose ending says that something else is in it.

    Args:
        own: endings of what is written; a name without any of `_FORMATS` is the user's choice.
    """

    def check(target: Any) -> Any:
        found = "" if target is None else Path(str(target)).suffix.lower()
        if found in _FORMATS and found not in own:
            raise UsageError(f"{target}: what is written there is {own[0]}, not {found}")
        return target

    return check


def output(metavar: str, text: str, *endings: str) -> Any:
    """Return an option that names a file to write.

    Args:
        metavar: what stands for the name on the help page.
        endings: those of what is written.
    """
    return option(metavar, text, callback=_ending(*endings))


def _picture(target: Path | None) -> Path | None:
    """Refuse a name that ends in no format of pictures: before the work, not after."""
    from edgeprofiler.views.plots.figure import picture_format

    if target is not None:
        picture_format(target)
    return target


def argument(metavar: str, text: str) -> Any:
    """Return an argument of a command; a shell offers models where it may be one."""
    offered = models if "MODEL" in metavar else None
    return typer.Argument(metavar=metavar, help=text, show_default=False, autocompletion=offered)


MODEL_HELP = (
    "An ONNX or .pt2 file, a TensorRT engine's layer JSON, a graph JSON, or a name: zoo:NAME, "
    "timm:NAME, torchvision:NAME."
)
ModelArgument = Annotated[
    str,
    argument("MODEL", MODEL_HELP),
]
SubjectArgument = Annotated[str, argument("MODEL|PROFILE", "A model, or a saved profile's JSON.")]
SubjectsArgument = Annotated[
    list[str], argument("MODEL|PROFILE...", "Models, or saved profiles' JSON.")
]
MeasuredOption = Annotated[
    Path,
    option(
        "FILE.csv|PROFILES|RECORDINGS",
        "Measured profiles, recordings, or a table of totals: device, mode, software, network, "
        "model, batch, input, precision, runtime_ms and, if known, power_above_idle_w.",
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
PictureOption = Annotated[Path | None, option("FILE.png|svg|pdf", "Draw it.", callback=_picture)]
JobsOption = Annotated[
    int | None,
    option("N", "Processes on this machine. Default: one a core; 1: no others.", "--jobs", min=1),
]
ClusterOption = Annotated[
    str | None,
    option("tcp://HOST:8786", "Work on the Dask cluster of this scheduler instead.", "--cluster"),
]
JsonOption = Annotated[
    str | None,
    output("FILE|-", "Write JSON to a file, or to standard output alone with -.", ".json"),
]
CsvOption = Annotated[
    str | None,
    output("FILE|-", "Write CSV to a file, or to standard output alone with -.", ".csv"),
]
LatexOption = Annotated[
    str | None,
    output("FILE.tex|-", "Write the tables for a paper (LaTeX with booktabs).", ".tex"),
]
TraceOption = Annotated[
    str | None,
    output(
        "FILE.json|-", "Write one inference as a trace, for ui.perfetto.dev or Chrome's tracing.",
        ".json",
    ),
]  # fmt: skip


def note(text: str) -> None:
    """Print a message for the user on standard error, if anyone takes it."""
    with suppress(OSError):  # the terminal may be gone; what was asked for is done all the same
        typer.echo(visible(text, keep="\n"), err=True)


def warn(texts: Iterable[str]) -> None:
    """Print warnings as notes."""
    for text in texts:
        note(f"warning: {text}")


def names(text: str) -> list[str]:
    """Return the names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def results_console(*targets: object) -> Screen:
    """Return the screen for results: standard error where a target of output is `-`.

    Called before the work, which a file that cannot be written must not end after hours.

    Args:
        targets: files to write, `-` for standard output, `None` for nothing.

    Raises:
        UsageError: two outputs would share standard output.
        CannotWrite: a file could not be written now.
    """
    from edgeprofiler.cli.screen import Screen
    from edgeprofiler.core.targets import check_target

    taken = sum(str(target) == "-" for target in targets)
    if taken > 1:
        raise UsageError("only one output can be standard output (-); name a file for the others")
    for target in targets:
        check_target(None if target is None else str(target))
    return Screen(to_stderr=taken == 1)


def write(target: str | Path | None, text: Callable[[], str]) -> None:
    """Write a text to a file and say so, or to standard output for `-`; nothing for `None`."""
    if target is None:
        return
    made = text()
    if str(target) == "-":
        made = made if made.endswith("\n") else made + "\n"
        # Programs get names as they are, a terminal only what shows.
        streams.data(visible(made, keep="\n") if sys.stdout.isatty() else made)
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


def write_latex(target: str | None, tables: Callable[[], Iterable[Table]]) -> None:
    """Write tables as LaTeX, as `write` does."""
    write(target, lambda: "\n".join(table.to_latex() for table in tables()))


def write_trace(target: str | None, profile: Profile) -> None:
    """Write the timeline of a profile as trace events, as `write` does."""
    if target is not None:
        from edgeprofiler.views.trace import to_trace

        write_json(target, lambda: to_trace(profile))


def save(target: Path | None, to: Callable[[Path], object]) -> None:
    """Let something write itself to a file and say so; nothing for `None`."""
    if target is not None:
        to(target)
        note(f"wrote {target}")


def draw(target: Path, figure: Callable[[], Any]) -> None:
    """Draw a matplotlib figure into a file and say so."""
    from edgeprofiler.views.plots.figure import save_figure

    save(target, partial(save_figure, figure()))
