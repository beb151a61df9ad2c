"""What several commands share: options, and where messages and results go."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="An ONNX file, a TensorRT engine's layer JSON, a graph JSON, or zoo:NAME.",
        show_default=False,
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device", "-d", metavar="NAME[@MODE]|FILE",
        help="Board and power mode, or a TOML file. Default: jetson-orin-nano.",
        show_default=False,
    ),
]  # fmt: skip
DevicesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--device", "-d", metavar="NAME[@MODE]|FILE",
        help="One or several. Default: jetson-orin-nano.", show_default=False,
    ),
]  # fmt: skip
RuntimeOption = Annotated[
    str | None,
    typer.Option(
        "--runtime",
        metavar="HOST",
        help="What calls the engine: trtexec, cpp, torch-tensorrt or torch2trt. Default: trtexec.",
        show_default=False,
    ),
]
BatchOption = Annotated[
    int | None,
    typer.Option("--batch", "-b", min=1, max=65536, help="Images at once.", show_default=False),
]
ShapeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--shape", metavar="[INPUT=]1x3x224x224",
        help="Shape of an input; repeat it for several inputs.",
        show_default=False,
    ),
]  # fmt: skip
FrontEndOption = Annotated[
    str | None,
    typer.Option(
        "--front-end",
        metavar="NAME",
        help="How to read MODEL, where it cannot be told.",
        show_default=False,
    ),
]
PrecisionOption = Annotated[
    str | None,
    typer.Option(
        "--precision", metavar="fp32|fp16|int8",
        help="What the network is built for. Default: fp16.", show_default=False,
    ),
]  # fmt: skip
ConfidenceOption = Annotated[
    float, typer.Option("--confidence", help="Share of true values that intervals are to cover.")
]
PredictorOption = Annotated[
    str | None,
    typer.Option(
        "--predictor", metavar="FOLDER|models:/NAME@ALIAS",
        help="A trained predictor instead of the analytic model.", show_default=False,
    ),
]  # fmt: skip
MeasuredOption = Annotated[
    Path,
    typer.Option(
        "--measured", "-m", metavar="FILE.csv", show_default=False,
        help="Measured totals: device, mode, software, network, model, batch, input, "
        "precision, runtime_ms and, if known, power_above_idle_w.",
    ),
]  # fmt: skip
RawModelOption = Annotated[
    str | None, typer.Option("--model", help="Which model of a raw layout.", show_default=False)
]
SensorOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--sensor-option", metavar="KEY=VALUE", help="An option of the sensor.",
        show_default=False,
    ),
]  # fmt: skip
PeriodOption = Annotated[
    float, typer.Option("--period", metavar="SECONDS", help="Time between sensor polls.")
]
JsonOption = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE|-",
        help="Write JSON to a file, or to standard output alone with -.", show_default=False,
    ),
]  # fmt: skip
CsvOption = Annotated[
    Path | None,
    typer.Option(
        "--csv", metavar="FILE|-",
        help="Write CSV to a file, or to standard output alone with -.", show_default=False,
    ),
]  # fmt: skip

_SHAPE = re.compile(r"\d{1,9}(?:[x,]\d{1,9})*")


def parse_shapes(texts: list[str] | None) -> dict[str, tuple[int, ...]]:
    """Return input shapes by name from `input=1x3x224x224` texts; the name may be left out."""
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts or ():
        name, _, numbers = text.rpartition("=")
        if not _SHAPE.fullmatch(numbers):
            raise UsageError(f"--shape {text!r} is no shape; write input=1x3x640x640")
        shapes[name] = tuple(int(n) for n in re.split("[x,]", numbers))
        if min(shapes[name]) < 1:
            raise UsageError(f"--shape {text!r} has a dimension below 1")
    return shapes


def note(text: str) -> None:
    """Print a message for the user on standard error, if anyone takes it."""
    with suppress(OSError):  # the terminal may be gone; what was asked for is done all the same
        typer.echo(text, err=True)


def device_or_default(device: str | None) -> str:
    """Return the device, and say on standard error which one it is where none was named."""
    if device is not None:
        return device
    from edgeprofiler.core.device import DEFAULT_DEVICE

    note(f"device: {DEFAULT_DEVICE} (name another with --device)")
    return DEFAULT_DEVICE


def device_asked(device: str | None, predictor: str | None) -> str | None:
    """Return the device that is asked for; `None` where a trained predictor knows its own."""
    return device if predictor is not None else device_or_default(device)


def refuse_changes(*changes: object) -> None:
    """Refuse options that belong to a model where there are saved profiles alone.

    Raises:
        UsageError: one of `changes` was given.
    """
    if any(change is not None for change in changes):
        raise UsageError(
            "device, runtime, precision, batch, resolution, shape, front end and predictor "
            "belong to a model; a saved profile has its own"
        )


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


def emit_json(text: str, target: str) -> None:
    """Write JSON to a file, or to standard output where `target` is `-`."""
    if target == "-":
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        return
    from edgeprofiler.core.files import write_text

    write_text(Path(target), text)
    note(f"wrote {target}")


def emit_file(text: str, target: Path) -> None:
    """Write a text file and say so; `-` is standard output."""
    from edgeprofiler.core.files import write_text

    if str(target) == "-":
        sys.stdout.write(text)
        return
    write_text(target, text)
    note(f"wrote {target}")
