"""The options of a question, made from its fields: the same ones in every command that asks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.completion import COMPLETIONS
from edgeprofiler.cli.spread import Command, spread
from edgeprofiler.core.choices import DEFAULT_DEVICE
from edgeprofiler.prediction.question import OPTIONS, parse_texts


def asking(
    *fields: str, several: bool = False, says_device: bool = True
) -> Callable[[Command], Command]:
    """Give a command the options of a question, in the place of its parameter `asked`.

    The command gets the keywords that were given, by field, and passes them on.

    Args:
        fields: those that mean something to the command; all where none is named.
        several: whether fields that may have several values may have them here.
        says_device: whether to say which device is taken where none is named.
    """
    chosen = fields or tuple(OPTIONS)
    options = [_parameter(name, several) for name in chosen]

    def gather(texts: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
        asked = parse_texts(texts)
        if says_device and "device" in chosen:
            models = others.get("models", others.get("model"))
            asked = take_defaults([models] if isinstance(models, str) else models or [], asked)
        return {name: value for name, value in asked.items() if name in chosen}

    return lambda command: spread(command, "asked", options, gather)


def take_defaults(
    models: Sequence[str], asked: Mapping[str, Any], known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what is asked with this user's defaults, and say which device is taken.

    Of saved profiles and recordings nothing is asked but a rate.

    Args:
        models: what the call names.
        known: what is said elsewhere and counts before defaults, as by a budget.
    """
    from edgeprofiler.cli.defaults import with_defaults

    found, sources = with_defaults(asked, known)
    if models and all(_is_measured(model) for model in models):
        return {**asked, **({"rate": found["rate"]} if "rate" in found else {})}
    said = {**(known or {}), **found}
    if "device" in sources:
        common.note(f"device: {found['device']} ({sources['device']}; or name one with --device)")
    elif said.get("device") is None and said.get("predictor") is None:
        common.note(f"device: {DEFAULT_DEVICE} (name another with --device)")
    return found


def _is_measured(model: str) -> bool:
    from edgeprofiler.prediction.predict import is_saved

    if not Path(model).is_dir():  # no recording: what opens one need not be loaded
        return is_saved(model)
    from edgeprofiler.measurement.recording.opening import has_recording

    return has_recording(model)


def _parameter(name: str, several: bool) -> inspect.Parameter:
    option = OPTIONS[name]
    many = several and option.several is not None
    words = f"{option.help}. Default: {option.default}."
    if many:
        words += f" Several: {option.many}."
    metavar = None if option.json is bool else option.metavar
    shape = typer.Option(
        *option.spelled(name), metavar=metavar, help=words, show_default=False,
        autocompletion=COMPLETIONS.get(name),
    )  # fmt: skip
    one = bool if option.json is bool else str
    kind = list[str] | None if many or option.repeated else one | None
    return inspect.Parameter(
        name, inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=None, annotation=Annotated[kind, shape],
    )  # fmt: skip
