"""Candidate networks: settings of one model, from a file of JSON lines or from Python."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import check_readable, digest_of_file, sha256_of
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network
from edgeprofiler.core.values import parse_json
from edgeprofiler.reading.torch import is_module

Settings = Mapping[str, Any]
"""What a candidate's model is told, by name; `name` and `model` among them are of the candidate."""
Variants = str | Path | Iterable[Settings]


@dataclass(frozen=True)
class Variant:
    """A network to predict: a model, and what it is told."""

    place: int
    settings: Settings

    @property
    def digest(self) -> str:
        """What tells it from others."""
        return sha256_of(json.dumps(self.settings, sort_keys=True, default=repr).encode())

    def named(self, model: object) -> str:
        """Return what a row calls it: its `name`, or its model with the settings."""
        if "name" in self.settings:
            return str(self.settings["name"])
        told = "&".join(f"{key}={_text(value)}" for key, value in self._told.items())
        base = self.settings.get("model", model)
        name = getattr(base, "name", None) or getattr(base, "__name__", str(base))
        return f"{str(name).removeprefix('zoo:')}{'?' if told else ''}{told}"

    def model(self, base: Any) -> str | Path | Graph | Network:
        """Return the model, made from the sweep's own or the candidate's.

        Args:
            base: an address of the zoo, whose parameters the settings are; or a function that
                takes them by name and returns a model.

        Raises:
            InvalidInput: the model does not take the settings.
        """
        base = self.settings.get("model", base)
        told = self._told
        if makes_models(base):
            try:
                made: str | Path | Graph | Network = base(**told)
            except TypeError as error:  # settings that it does not take
                raise InvalidInput(f"candidate {self.place}", str(error)) from error
            return made
        if told and not str(base).startswith("zoo:"):
            raise InvalidInput(
                f"candidate {self.place}",
                f"{base} takes no {', '.join(told)}",
                "only networks of the zoo, and functions, have settings",
            )
        query = "&".join(f"{key}={_text(value)}" for key, value in told.items())
        address: str | Path = f"{base}{'&' if '?' in str(base) else '?'}{query}" if told else base
        return address

    @property
    def _told(self) -> dict[str, Any]:
        return {k: v for k, v in self.settings.items() if k not in ("name", "model")}


def makes_models(base: Any) -> bool:
    """Whether something is a function that makes models; a PyTorch module is a model itself."""
    return callable(base) and not is_module(base)


def candidates(variants: Variants | None) -> Iterator[Variant]:
    """Yield the candidates one after another; one without settings where there are no variants.

    Raises:
        InvalidInput: a line of a file is no JSON object; the line is named.
    """
    if variants is None:
        found: Iterable[Settings] = ({},)
    elif isinstance(variants, (str, Path)):
        found = _lines(Path(variants))
    else:
        found = variants
    for place, settings in enumerate(found):
        yield Variant(place, settings)


def count_of(variants: Variants | None) -> int | None:
    """Return how many candidates there are; `None` where only the end will tell."""
    if variants is None:
        return 1
    if isinstance(variants, (str, Path)):
        return sum(1 for _ in _texts(Path(variants)))
    try:
        return len(variants)  # type: ignore[arg-type]
    except TypeError:
        return None


def source_of(variants: Variants | None) -> str:
    """Return what tells a file of candidates from another."""
    return digest_of_file(Path(variants)) if isinstance(variants, (str, Path)) else ""


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    check_readable(path, limits.STREAM_BYTES)
    try:
        with path.open(encoding="utf-8") as file:
            lines = iter(partial(file.readline, limits.CSV_LINE + 1), "")
            for number, line in enumerate(lines, 1):
                if len(line) > limits.CSV_LINE:
                    problem = f"line {number} is longer than {limits.CSV_LINE} characters"
                    raise InvalidInput(path, problem)
                if line.strip():
                    yield number, line
    except UnicodeDecodeError as error:
        raise InvalidInput(path, f"is not UTF-8 text (byte {error.start})") from None


def _lines(path: Path) -> Iterator[Settings]:
    for number, line in _texts(path):
        yield parse_json(line, f"{path} line {number}").mapping()


def _text(value: Any) -> str:
    return ",".join(map(_text, value)) if isinstance(value, (list, tuple)) else str(value)
