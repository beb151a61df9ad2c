"""What `train`, `evaluate` and `tune` are told alike."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.spread import Command, spread

DataArgument = Annotated[Path, common.argument("DATA", "Data set: a folder, Parquet or CSV file.")]


def _told(
    recipe: Annotated[
        str | None, common.option("hybrid|neuralpower|...", "What to train. Default: hybrid.")
    ] = None,
    config: Annotated[Path | None, common.option("FILE.toml", "Options in a file.")] = None,
    options: Annotated[
        list[str] | None,
        common.option("NAME=VALUE", "An option of the recipe; repeat it.", "--option"),
    ] = None,
    test_networks: Annotated[
        str | None, common.option("A,B,...", "Networks that training must not see.")
    ] = None,
    device: Annotated[
        str | None,
        common.option(
            "NAME[@MODE,CLOCKS]|FILE",
            "Board whose datasheet stands behind the features. Default: the measured one.",
            "--device", "-d",
        ),
    ] = None,
    seed: Annotated[
        int | None, common.option("N", "Of folds and recipe. Default: 0.", min=0)
    ] = None,
    min_samples: Annotated[
        int | None,
        common.option(
            "N", "Sensor conversions that a layer's power must rest on. Default: 10.", min=0
        ),
    ] = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what the options tell, as keywords of the journeys."""
    from edgeprofiler.core.plugins import parse_options

    networks = None if test_networks is None else common.names(test_networks)
    return {
        "recipe": recipe, "config": config, "device": device, "seed": seed,
        "options": parse_options(options),
        "test_networks": networks, "min_samples": min_samples,
    }  # fmt: skip


def telling(command: Command) -> Command:
    """Give a command the options of a training, in the place of its parameter `told`."""
    options = [*inspect.signature(_told, eval_str=True).parameters.values()]
    return spread(command, "told", options, lambda values, _others: _told(**values))
