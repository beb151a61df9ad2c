"""Options that several commands share, written once: each takes them in place of one parameter."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

Command = Callable[..., None]


def spread(
    command: Command,
    name: str,
    options: Sequence[inspect.Parameter],
    gather: Callable[[Mapping[str, Any], Mapping[str, Any]], Any],
) -> Command:
    """Return `command` with `options` in the place of its parameter `name`.

    Args:
        options: what stands on the command line instead.
        gather: from their values, and those of the command's other parameters, to the
            parameter's.
    """
    hints = get_type_hints(command, include_extras=True)
    signature = inspect.signature(command)
    parameters: list[inspect.Parameter] = []
    for own, parameter in signature.parameters.items():
        parameters += options if own == name else [parameter.replace(annotation=_said(hints[own]))]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        values = {option.name: given.pop(option.name) for option in options}
        command(**given, **{name: gather(values, given)})

    vars(run)["__signature__"] = signature.replace(parameters=parameters)
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def _said(hint: Any) -> Any:
    """Return a hint as it is written.

    Before Python 3.11, one whose default is `None` comes as `Optional[Annotated[...]]`, in which
    the option is not found.
    """
    inner = [part for part in get_args(hint) if get_origin(part) is Annotated]
    return inner[0] if get_origin(hint) is Union and inner else hint
