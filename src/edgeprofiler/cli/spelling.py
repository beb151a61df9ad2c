"""Names of arguments in a message, as the command line spells them.

Errors speak of the arguments of Python's functions, in backticks. Where the command that runs has
an option or an argument of that name, a person at a terminal is told its spelling there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_NAME = re.compile(r"`([a-z][a-z0-9_]*)`")


def spellings(command: Any, words: Sequence[str]) -> Mapping[str, str]:
    """Return how the command that `words` call spells its arguments, by their names in Python.

    Args:
        command: the application's command; it has the others below it.
    """
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    found = {}
    for parameter in getattr(command, "params", ()):
        flag = next((name for name in parameter.opts if name.startswith("--")), None)
        found[parameter.name] = flag or str(parameter.metavar or parameter.name.upper())
    return found


def spelled(text: str, spelling: Mapping[str, str]) -> str:
    """Return a message with the arguments that are known to `spelling` in its words.

    >>> spelled("give `resolution` or `shapes`, not `sizes`", {"shapes": "--shape"})
    'give `resolution` or --shape, not `sizes`'
    """
    return _NAME.sub(lambda match: spelling.get(match[1], match[0]), text)
