"""`edgeprofiler train`: from a data set to a predictor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from edgeprofiler.core.device import Device
    from edgeprofiler.learning.dataset import Dataset
    from edgeprofiler.learning.training.options import TrainingOptions
    from edgeprofiler.prediction.predictors.artifact import Artifact

DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA", help="Data set: a folder, Parquet or CSV file.", show_default=False
    ),
]
RecipeOption = Annotated[
    str | None,
    typer.Option(
        "--recipe", metavar="hybrid|neuralpower|...", help="What to train. Default: hybrid.",
        show_default=False,
    ),
]  # fmt: skip
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE.toml", help="Options in a file.", show_default=False),
]
OptionOption = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="An option of the recipe; repeat it."),
]
TestOption = Annotated[
    str | None,
    typer.Option(
        "--test-networks", metavar="A,B,...", help="Networks that training must not see.",
        show_default=False,
    ),
]  # fmt: skip
TrainedDeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device", "-d", metavar="NAME[@MODE]|FILE",
        help="Board whose datasheet stands behind the features. Default: the measured one.",
        show_default=False,
    ),
]  # fmt: skip
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, show_default=False)]
MinSamplesOption = Annotated[
    int | None,
    typer.Option(
        "--min-samples", min=0, show_default=False,
        help="Sensor conversions that a layer's power must rest on. Default: 10.",
    ),
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def train(
        data: DataArgument,
        output: Annotated[
            Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where it goes.")
        ],
        recipe: RecipeOption = None,
        config: ConfigOption = None,
        option: OptionOption = None,
        test_networks: TestOption = None,
        device: TrainedDeviceOption = None,
        seed: SeedOption = None,
        min_samples: MinSamplesOption = None,
        track: Annotated[bool, typer.Option("--track", help="Log the training to MLflow.")] = False,
        name: Annotated[
            str | None,
            typer.Option(
                "--name",
                metavar="NAME",
                help="With --track: register it as a version of this model.",
                show_default=False,
            ),
        ] = None,
        alias: Annotated[
            str | None,
            typer.Option(
                "--alias", help="With --name: an alias of the new version.", show_default=False
            ),
        ] = None,
    ) -> None:
        """Train one runtime and one power model for each kind of layer."""
        from edgeprofiler.core import plugins
        from edgeprofiler.core.errors import UsageError
        from edgeprofiler.learning.training import train as train_models

        if (name is not None and not track) or (alias is not None and name is None):
            raise UsageError("--name goes with --track, and --alias with --name")
        options = training_options(config, recipe, option, test_networks, seed, min_samples)
        rows = load_rows(data)
        artifact = train_models(rows, board_for(rows, device), options)
        plugins.load("stores", "folder")().put(artifact, str(output))
        _print(artifact)
        common.note(f"wrote {output}; use it with: predict MODEL --predictor {output}")
        if track:
            from edgeprofiler.learning.training.tracking import track as log
            from edgeprofiler.views.plots.residuals import draw_residuals

            pictures = {"residuals.png": draw_residuals(artifact)}
            address = log(artifact, name=name, alias=alias, pictures=pictures)
            common.note(f"logged as {address}")


def training_options(
    config: Path | None,
    recipe: str | None,
    option: list[str] | None,
    test_networks: str | None,
    seed: int | None,
    min_samples: int | None,
) -> TrainingOptions:
    """Return options from a file, changed by what the command line says."""
    from edgeprofiler.learning.training.options import TrainingOptions, parse_option, read_options

    options = TrainingOptions() if config is None else read_options(config)
    names = None
    if test_networks is not None:
        names = tuple(name.strip() for name in test_networks.split(",") if name.strip())
    own = dict(parse_option(text) for text in option or ())
    return options.with_changes(
        recipe=recipe,
        options={**options.options, **own} if own else None,
        test_networks=names,
        seed=seed,
        min_samples=min_samples,
    )


def load_rows(path: Path) -> Dataset:
    """Return a data set, checked."""
    from edgeprofiler.learning.dataset import check
    from edgeprofiler.learning.dataset.storage import load_dataset

    return check(load_dataset(path), path)


def board_for(rows: Dataset, device: str | None) -> Device:
    """Return the board that the user names, else the measured one in its mode.

    Raises:
        UsageError: the rows are of several boards or power modes.
    """
    from edgeprofiler.core.device import RUNTIMES, load_device
    from edgeprofiler.core.errors import UsageError

    modes = sorted({_mode_name(mode) for mode in rows.text("mode").tolist()} - {""})
    if len(modes) > 1:
        raise UsageError(
            f"the data set holds rows of {len(modes)} power modes ({', '.join(modes)}); "
            "build one data set for each"
        )
    hosts = set(rows.text("runtime").tolist())
    host = hosts.pop() if len(hosts) == 1 else ""
    runtime = host if host in RUNTIMES else None
    names = sorted(set(rows.text("device").tolist()))
    if device is None and len(names) > 1:
        raise UsageError(
            f"the data set holds {len(names)} boards ({', '.join(names)}); "
            "build one data set for each"
        )
    if device is not None:
        board = load_device(device, runtime)
        modes = [] if "@" in device else modes
    else:
        try:
            board = load_device(_device_name(names[0]), runtime)
        except UsageError:
            common.note(
                f"no datasheet of {names[0]!r}: the generic board stands in (--device NAME|FILE)"
            )
            return load_device("generic", runtime)
    try:
        return board.with_mode(modes[0]) if modes else board
    except UsageError:
        common.note(
            f"{board.name} has no power mode {modes[0]!r}: {board.mode.name} stands in "
            f"(--device {board.name}@MODE)"
        )
        return board


def _device_name(board: str) -> str:
    """Return the device that a board means: it calls itself 'NVIDIA Jetson Orin Nano Dev...'."""
    from edgeprofiler.core.device import device_names

    words = f" {board.lower().replace('-', ' ')} "
    known = [name for name in device_names() if f" {name.replace('-', ' ')} " in words]
    return max(known, key=len, default=board)


def _mode_name(mode: str) -> str:
    """Return a mode as devices spell it; empty where the measurement did not say."""
    name = mode.lower().replace("_", "-")
    return "" if name in ("unknown", "simulated") else name


def _print(artifact: Artifact) -> None:
    from rich.table import Table

    screen = common.console(markup=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "layers"):
        table.add_column(heading, no_wrap=True)
    for heading in ("rows", "networks", "RMSPE %", "MAPE %", "within 10 %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for model in artifact.header["models"]:
        errors = model["metrics"]
        table.add_row(
            "runtime" if model["quantity"] == "runtime_s" else "power",
            model["kind"],
            str(model["rows"]),
            str(model["networks"]),
            *(_percent(errors[name]) for name in ("rmspe", "mape", "within_10")),
        )
    screen.print(table)
    screen.print("errors on networks left out in turn; power is above idle", style="dim")
    for line in artifact.header["notes"]:
        screen.print(line)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
