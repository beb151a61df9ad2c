"""A question's keywords from what is written: texts of a command line or a form, a file's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.prediction.question.option import naming
from edgeprofiler.prediction.question.question import FILED, OPTIONS


def parse_texts(texts: Mapping[str, str | bool | Sequence[str] | None]) -> dict[str, Any]:
    """Return a question's keywords from texts by field, as a command line or a form gives them.

    Args:
        texts: `None` or no text at all: not asked for. Several texts: of a field that is given
            in parts, or in several values. A flag has no text, but is set or not.

    Raises:
        UsageError: a text is no value of its field.
    """
    found: dict[str, Any] = {}
    for name, text in texts.items():
        option = OPTIONS[name]
        if text is None or text in ("", [], ()):
            continue
        if isinstance(text, bool):
            found[name] = text
        elif isinstance(text, str):
            with naming(name):
                found[name] = option.normal(option.parse(text))
        elif option.repeated:
            with naming(name):
                parts: dict[str, Any] = {}
                for part in text:
                    for key, value in option.parse(part).items():
                        if key in parts:
                            raise UsageError(f"{key or 'the input'} is given twice")
                        parts[key] = value
                found[name] = option.normal(parts)
        else:
            found[name] = text
    return found


def read_table(table: Mapping[str, Any], source: object) -> dict[str, Any]:
    """Return a question's keywords from a table of a file; its other keys are not looked at.

    Raises:
        InvalidInput: a value is none of its field.
    """
    found = {}
    for name in (name for name in FILED if name in table):
        try:
            found[name] = OPTIONS[name].normal(table[name])
        except UsageError as error:
            raise InvalidInput(source, f"{name}: {error}") from None
    return found
